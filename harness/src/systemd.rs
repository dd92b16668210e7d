//! The systemd that runs here: its version, and its interface on the bus.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use zbus::OwnedObjectPath;

use crate::command::Command;

/// Tells whether the first process here is systemd (sd_booted(3)).
pub(crate) fn is_first_process() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// How long systemd waits for what does not stop, before it kills it (`DefaultTimeoutStopSec=` of systemd-system.conf(5)).
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(90);

/// Where the system bus is, if there is one.
pub(crate) const BUS: &str = "/run/dbus/system_bus_socket";

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

/// Name, description, load state, active state, sub state, unit that it follows, path, and the queued job by id, type
/// and path.
pub(crate) type Unit =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// What is asked of systemd on the bus (org.freedesktop.systemd1(5)).
#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
pub(crate) trait Manager {
    /// The version: `257.13-1~deb13u1`.
    #[zbus(property)]
    fn version(&self) -> zbus::Result<String>;

    /// What it is virtualised by; empty on bare metal.
    #[zbus(property)]
    fn virtualization(&self) -> zbus::Result<String>;

    /// When it started, in microseconds (`CLOCK_MONOTONIC`).
    #[zbus(property)]
    fn userspace_timestamp_monotonic(&self) -> zbus::Result<u64>;

    /// When it had booted, likewise; 0 as long as it has not.
    #[zbus(property)]
    fn finish_timestamp_monotonic(&self) -> zbus::Result<u64>;

    /// Has systemd send signals to this connection.
    fn subscribe(&self) -> zbus::Result<()>;

    /// Lists units by name, also those that are not loaded.
    fn list_units_by_names(&self, names: &[&str]) -> zbus::Result<Vec<Unit>>;

    /// Lists those units in one of `states` whose name fits one of `patterns`.
    fn list_units_by_patterns(&self, states: &[&str], patterns: &[&str]) -> zbus::Result<Vec<Unit>>;
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
