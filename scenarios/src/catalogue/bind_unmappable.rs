//! A bind mount with `idmap` from a file system that cannot map ids.

use super::claims::bind_options::CLONES;
use super::claims::refusal::refused;
use crate::bind_options::{OWNER, UNMAPPABLE, mount};
use crate::{Claim, Launch, Scenario, Step, Topic, links};

pub(super) fn scenario() -> Scenario {
    let bind = format!("--bind={UNMAPPABLE}:{UNMAPPABLE}:idmap");
    Scenario::about(
        &[Topic::Refusal],
        "bind-unmappable",
        "--bind= with idmap from a ramfs, with -U",
        Launch::CommandLine { options: vec!["-n".to_owned(), "-U".to_owned(), bind] },
        steps(),
        claims(),
    )
    .may_refuse()
}

/// The file system that cannot map ids.
pub(super) fn steps() -> Vec<Step> {
    let directory = Step::Directory { path: UNMAPPABLE.to_owned(), owner: OWNER, mode: 0o755 };
    vec![directory, mount("ramfs", UNMAPPABLE)]
}

/// What is said does not depend on whether there is a user namespace.
pub(super) fn claims() -> Vec<Claim> {
    vec![claim("map ids for bind mount").until(CLONES - 1), claim("clone").since(CLONES)]
}

/// What systemd-nspawn fails to do.
fn claim(does: &str) -> Claim {
    refused(
        &format!("Failed to {does} {UNMAPPABLE}: Invalid argument"),
        "the file system of a mount with mapped ids must support it (FS_ALLOW_IDMAP), and ramfs does not",
        links::MOUNT_SETATTR,
    )
}
