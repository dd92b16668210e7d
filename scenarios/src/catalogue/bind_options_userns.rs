//! Bind mounts with options, on the command line and in a user namespace.

use super::bind_options::{EVERYWHERE, OWNERIDMAP, steps};
use super::claims::bind_options::of_all;
use crate::bind_options::BindOption;
use crate::{Check, Launch, Scenario, Topic};

pub(super) fn scenario() -> Scenario {
    let options = || [BindOption::Idmap].into_iter().chain(EVERYWHERE);
    Scenario::about(
        &[Topic::BindOptions],
        "bind-options-userns",
        "--bind= with options on the command line, with -U",
        Launch::CommandLine {
            options: ["-U".to_owned()].into_iter().chain(options().map(BindOption::option)).collect(),
        },
        steps(options()),
        of_all(options(), true),
    )
    .may_refuse()
    .without([Check::BindOwneridmap], OWNERIDMAP)
}
