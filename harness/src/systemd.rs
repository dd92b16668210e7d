//! The version of the systemd that runs here.

use anyhow::Context;

use crate::command::Command;

/// Asks for the full version: `257 (257.13-1~deb13u1)`.
///
/// # Errors
/// If `systemctl` cannot be run or says nothing.
pub(crate) async fn version() -> anyhow::Result<String> {
    let output = Command::new("systemctl", ["--version"]).output().await?;
    parse(&output).context("`systemctl --version` says nothing")
}

/// Reads what `systemctl --version` writes: `systemd 257 (257.13-1~deb13u1)` and a line of features.
fn parse(output: &str) -> Option<String> {
    output.lines().next().map(|line| line.trim_start_matches("systemd ").to_owned())
}

/// The major version: 257 of `257 (257.13-1~deb13u1)`.
pub(crate) fn major(version: &str) -> Option<u32> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic_and_the_version_is_one_line(text: String) {
            let _ = major(&text);
            prop_assert!(parse(&text).is_none_or(|version| !version.contains('\n')));
        }
    }

    #[test]
    fn the_major_version_is_what_stands_before_anything_else() {
        assert_eq!(major("257 (257.13-1~deb13u1)"), Some(257));
        assert_eq!(major("258~rc1"), Some(258));
        assert_eq!(major("unknown"), None);
        let said = "systemd 257 (257.13-1~deb13u1)\n+PAM +AUDIT\n";
        assert_eq!(parse(said).as_deref(), Some("257 (257.13-1~deb13u1)"));
        assert_eq!(parse(""), None);
    }
}
