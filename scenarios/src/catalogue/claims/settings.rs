//! Which of the settings that were asked for came into effect, and what systemd-nspawn warns of.

use crate::nspawn_file::Group;
use crate::{Check, Claim, Expectation, links};

/// The binds of the command line and of the .nspawn file, of which only one group is there.
pub(in crate::catalogue) fn binds(command_line: &str, file: &str, reason: &str) -> Claim {
    let values = [("from-command-line", command_line), ("from-file", file)];
    Claim::new(
        Check::SettingsBinds,
        Expectation::properties(&values),
        reason,
        links::ISSUE_SETTINGS_NOT_MERGED,
    )
}

/// Not a word about what was left out.
pub(in crate::catalogue) fn no_warnings() -> Claim {
    Claim::new(
        Check::SettingsWarnings,
        Expectation::properties(&[("bind", "silent"), ("network", "silent"), ("other", "silent")]),
        "settings of one group replace those of another source without a warning",
        links::ISSUE_SETTINGS_NOT_MERGED,
    )
}

/// Of the mounts that a file and a command line ask for, those of one are without effect; nothing else is.
pub(in crate::catalogue) fn overridden(mounts: &str, reason: &str) -> Claim {
    let lost = |group: Group| (group.name(), if group == Group::Mounts { mounts } else { "nothing" });
    Claim::new(
        Check::SettingsOverridden,
        Expectation::properties(&Group::ALL.map(lost)),
        reason,
        links::ISSUE_SETTINGS_NOT_MERGED,
    )
}
