//! Bind mounts with options, on the command line and without a user namespace.

use super::claims::bind_options::of_all;
use crate::bind_options::BindOption;
use crate::{Check, Launch, MACHINES, Scenario, Step, Topic};

/// The options that every version of systemd knows and that need no user namespace.
pub(super) const EVERYWHERE: [BindOption; 6] = [
    BindOption::Rootidmap,
    BindOption::Rbind,
    BindOption::Norbind,
    BindOption::ReadOnly,
    BindOption::Device,
    BindOption::Symlink,
];

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::BindOptions],
        "bind-options",
        "--bind= with options on the command line, without -U",
        Launch::CommandLine { options: EVERYWHERE.map(BindOption::option).to_vec() },
        steps(EVERYWHERE),
        of_all(EVERYWHERE, false),
    )
    .may_refuse()
    .without([Check::BindIdmap], "the machine does not start: see bind-idmap-no-userns")
    .without([Check::BindOwneridmap], OWNERIDMAP)
}

/// Why a question is left out that not every version can be asked.
pub(super) const OWNERIDMAP: &str = "not every version of systemd knows the option: see bind-owneridmap";

/// What is bound.
pub(super) fn steps(options: impl IntoIterator<Item = BindOption>) -> Vec<Step> {
    options.into_iter().flat_map(|option| option.steps(MACHINES[0])).collect()
}
