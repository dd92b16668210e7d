//! A bind mount with `idmap` and without a user namespace.

use super::claims::refusal::refused;
use crate::bind_options::BindOption;
use crate::{Launch, MACHINES, Scenario, Topic, links};

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::Refusal],
        "bind-idmap-no-userns",
        "--bind= with idmap on the command line, without -U",
        Launch::CommandLine { options: vec!["-n".to_owned(), BindOption::Idmap.option()] },
        BindOption::Idmap.steps(MACHINES[0]),
        vec![refused(
            &format!("Failed to map ids for bind mount {}: Invalid argument", BindOption::Idmap.path()),
            "the mapping for the mount has root of the host twice, once for root of the machine and once for itself, \
             which the kernel refuses where both are the same",
            links::FINDING_IDMAP_NO_USERNS,
        )],
    )
    .may_refuse()
}
