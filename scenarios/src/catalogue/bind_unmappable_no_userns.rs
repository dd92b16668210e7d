//! A bind mount with `rootidmap` from a file system that cannot map ids, without a user namespace. With `idmap` the machine
//! would not start from any file system then.

use super::bind_unmappable::{claims, steps};
use crate::bind_options::UNMAPPABLE;
use crate::{Launch, Scenario, Topic};

pub(super) fn scenario() -> Scenario {
    let bind = format!("--bind={UNMAPPABLE}:{UNMAPPABLE}:rootidmap");
    Scenario::about(
        &[Topic::Refusal],
        "bind-unmappable-no-userns",
        "--bind= with rootidmap from a ramfs, without -U",
        Launch::CommandLine { options: vec!["-n".to_owned(), bind] },
        steps(),
        claims(),
    )
    .may_refuse()
}
