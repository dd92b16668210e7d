//! `systemd-nspawn@C.service` as it is shipped: the unit says `--network-veth -U`, the .nspawn file only binds.

use super::claims::{self, Kind, Network};
use super::common::{enable, nspawn_files, steps};
use crate::{Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "default-veth",
        "the shipped unit, nothing said about the network",
        &["N8", "N11"],
        Launch::Unit,
        steps([nspawn_files(""), enable()]),
        claims::of(Kind::unit(Network::Veth)),
    )
}
