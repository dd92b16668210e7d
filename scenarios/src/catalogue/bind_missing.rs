//! A bind mount whose source is not there.

use super::claims::bind_options::CLONES;
use super::claims::refusal::refused;
use crate::bind_options::MISSING;
use crate::{Claim, Launch, Scenario, Topic, links};

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::Refusal],
        "bind-missing",
        "--bind= of a directory that is not there",
        Launch::CommandLine { options: vec!["-n".to_owned(), format!("--bind={MISSING}")] },
        Vec::new(),
        claims(),
    )
    .may_refuse()
}

/// What is said does not depend on whether there is a user namespace.
pub(super) fn claims() -> Vec<Claim> {
    vec![claim("stat").until(CLONES - 1), claim("clone").since(CLONES)]
}

/// What systemd-nspawn does first with the source.
fn claim(does: &str) -> Claim {
    refused(
        &format!("Failed to {does} {MISSING}: No such file or directory"),
        "systemd-nspawn makes mount points, but not what is mounted there",
        links::SYSTEMD_NSPAWN,
    )
}
