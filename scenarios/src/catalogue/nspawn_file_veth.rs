//! The shipped unit with a .nspawn file that says `VirtualEthernet=1`.

use super::claims::{self, Kind, Network};
use super::common::{enable, nspawn_files, steps};
use crate::{Check, Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nspawn-file-veth",
        "the shipped unit, VirtualEthernet=1 in the .nspawn file",
        &["N8", "N10", "N11"],
        Launch::Unit,
        steps([nspawn_files("\n[Network]\nVirtualEthernet=1\n"), enable()]),
        claims::of(Kind::unit(Network::Veth)),
    )
    .without([Check::AddressAfterRestart], "the same unit on the same link is restarted in default-veth")
}
