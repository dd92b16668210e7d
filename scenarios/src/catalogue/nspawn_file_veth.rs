//! The shipped unit with a .nspawn file that says `VirtualEthernet=1`.

use super::common::{enable, nspawn_files, steps, veth_by_unit};
use crate::{Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nspawn-file-veth",
        "the shipped unit, VirtualEthernet=1 in the .nspawn file",
        &["N8", "N10", "N11"],
        Launch::Unit,
        steps([nspawn_files("\n[Network]\nVirtualEthernet=1\n"), enable()]),
        veth_by_unit(),
    )
}
