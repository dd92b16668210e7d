//! The shipped unit with a .nspawn file that says `Bridge=br0`.

use super::claims::{self, Kind, Network};
use super::common::{br0, enable, nspawn_files, steps};
use crate::{Check, Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nspawn-file-bridge",
        "the shipped unit, Bridge=br0 in the .nspawn file",
        &["N6", "N8", "N10", "N11"],
        Launch::Unit,
        steps([br0(), nspawn_files("\n[Network]\nBridge=br0\n"), enable()]),
        claims::of(Kind::unit(Network::Br0)),
    )
    .without([Check::AddressAfterRestart], "the same unit on the same link is restarted in service-override")
}
