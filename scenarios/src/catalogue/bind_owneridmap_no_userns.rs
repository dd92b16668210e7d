//! A bind mount with `owneridmap`, without a user namespace.

use super::bind_owneridmap;
use crate::Scenario;

pub(super) fn scenario() -> Scenario {
    let summary = "--bind= with owneridmap on the command line, without -U";
    bind_owneridmap::of("bind-owneridmap-no-userns", summary, false)
}
