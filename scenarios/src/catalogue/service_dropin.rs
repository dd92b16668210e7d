//! A drop-in for each unit, as `systemctl edit` writes it: ExecStart= is emptied and set anew.

use super::claims::{self, Kind, Network};
use super::common::{br0, dropins, enable, steps};
use crate::{Check, Launch, Scenario, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "service-dropin",
        "a drop-in that replaces the ExecStart= of the shipped unit",
        &["N6", "N8", "N9", "N11"],
        Launch::Unit,
        steps([
            br0(),
            dropins(&format!("--network-bridge=br0 -U {}", pacman_cache::bind_option())),
            enable(),
        ]),
        claims::of(Kind::unit(Network::Br0)),
    )
    .without([Check::AddressAfterRestart], "the same unit on the same link is restarted in service-override")
}
