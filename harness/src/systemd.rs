//! The version of the systemd that runs here.

use anyhow::Context;

use crate::command::Command;

/// Asks for the full version: `257 (257.13-1~deb13u1)`.
///
/// # Errors
/// If `systemctl` cannot be run or says nothing.
pub(crate) async fn version() -> anyhow::Result<String> {
    // It writes `systemd 257 (257.13-1~deb13u1)` and a line of features.
    let output = Command::new("systemctl", ["--version"]).output().await?;
    let line = output.lines().next().context("`systemctl --version` says nothing")?;
    Ok(line.trim_start_matches("systemd ").to_owned())
}

/// The major version: 257 of `257 (257.13-1~deb13u1)`.
pub(crate) fn major(version: &str) -> Option<u32> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_what_stands_before_anything_else() {
        assert_eq!(major("257 (257.13-1~deb13u1)"), Some(257));
        assert_eq!(major("258~rc1"), Some(258));
        assert_eq!(major("unknown"), None);
    }
}
