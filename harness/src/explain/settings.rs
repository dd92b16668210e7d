//! What systemd-nspawn says itself of the settings of a machine.

use nspawn_matrix_scenarios::{Check, launch};

use super::seen::Seen;

/// What systemd-nspawn said when it started `machine`, if it did so for its unit: what a person has started by hand no
/// command can start again.
pub(super) fn said_by_nspawn<'a>(machine: &str, seen: &Seen<'a>) -> impl Iterator<Item = &'a str> {
    let value = |name| seen.on_host_of(Check::SettingsWarnings, machine, name);
    let is_of_unit = value("priority").is_some_and(|priority| priority != "none");
    value("lines").filter(|_| is_of_unit).into_iter().flat_map(|lines| lines.split(" / "))
}

/// Settings are read when a machine starts.
pub(super) fn restarts(machine: &str) -> String {
    format!("systemctl restart {}", launch::unit(machine))
}
