//! A bind mount with `idmap` from a file system that cannot map ids.

use super::claims::bind_options::CLONES;
use super::claims::refusal::refused;
use crate::bind_options::{OWNER, UNMAPPABLE, mount};
use crate::{Claim, Launch, Scenario, Step, Topic, links};

pub(super) fn scenario() -> Scenario {
    let directory = Step::Directory { path: UNMAPPABLE.to_owned(), owner: OWNER, mode: 0o755 };
    let bind = format!("--bind={UNMAPPABLE}:{UNMAPPABLE}:idmap");
    Scenario::about(
        &[Topic::Refusal],
        "bind-unmappable",
        "--bind= with idmap from a ramfs, with -U",
        Launch::CommandLine { options: vec!["-n".to_owned(), "-U".to_owned(), bind] },
        vec![directory, mount("ramfs", UNMAPPABLE)],
        vec![claim("map ids for bind mount").until(CLONES - 1), claim("clone").since(CLONES)],
    )
    .may_refuse()
}

/// What systemd-nspawn fails to do.
fn claim(does: &str) -> Claim {
    refused(
        &format!("Failed to {does} {UNMAPPABLE}: Invalid argument"),
        "the file system of a mount with mapped ids must support it (FS_ALLOW_IDMAP), and ramfs does not",
        links::MOUNT_SETATTR,
    )
}
