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

/// Whether the link is there that the command line asks for, where the .nspawn file asks for a network of the machine's own
/// and for no link.
pub(in crate::catalogue) fn network(host0: &str, reason: &str) -> Claim {
    let values = [("network", "own"), ("host0", host0)];
    Claim::new(
        Check::SettingsNetwork,
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

/// Of what a file and a command line ask for, this is without effect in these groups; nothing is in the others.
pub(in crate::catalogue) fn overridden(lost: &[(Group, &str)], reason: &str) -> Claim {
    let lost = |group: Group| {
        let told = lost.iter().find(|(of, _)| *of == group).map_or("nothing", |(_, told)| *told);
        (group.name(), told)
    };
    Claim::new(
        Check::SettingsOverridden,
        Expectation::properties(&Group::ALL.map(lost)),
        reason,
        links::ISSUE_SETTINGS_NOT_MERGED,
    )
}
