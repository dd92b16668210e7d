//! The shipped unit with a .nspawn file that says `Zone=lab`.

use super::claims::{self, Kind, Network};
use super::common::{enable, nspawn_files, steps};
use super::zone::{left_to_chance, stray_lease};
use crate::{Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nspawn-file-zone",
        "the shipped unit, Zone=lab in the .nspawn file",
        &["N8", "N10", "N11", "N13"],
        Launch::Unit,
        steps([nspawn_files("\n[Network]\nZone=lab\n"), enable()]),
        left_to_chance(&claims::of(Kind::unit(Network::Zone)), &stray_lease(true)),
    )
}
