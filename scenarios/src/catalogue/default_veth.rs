//! `systemd-nspawn@C.service` as it is shipped: the unit says `--network-veth -U`, the .nspawn file only binds.

use super::common::{enable, nspawn_files, steps, veth_by_unit};
use crate::{Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "default-veth",
        "the shipped unit, nothing said about the network",
        &["N8", "N11"],
        Launch::Unit,
        steps([nspawn_files(""), enable()]),
        veth_by_unit(),
    )
}
