//! Steps that several scenarios share.

use crate::{MACHINES, Step, host_bridge, launch, nspawn_file, pacman_cache};

/// The bridge of the notes.
pub(super) fn br0() -> Vec<Step> {
    br0_with("IPMasquerade=yes\n")
}

/// The bridge of the notes; `more` is what its `[Network]` section says beside address and DHCP server.
pub(super) fn br0_with(more: &str) -> Vec<Step> {
    host_bridge::steps(&["br0"], more)
}

/// A .nspawn file for each machine that binds the package cache; `network` is what it says about the network.
pub(super) fn nspawn_files(network: &str) -> Vec<Step> {
    MACHINES.iter().map(|machine| nspawn_file(machine, network)).collect()
}

/// The .nspawn file of one machine.
pub(super) fn nspawn_file(machine: &str, network: &str) -> Step {
    let content = format!("[Files]\nBind={}\n{network}", pacman_cache::PATH);
    Step::config(nspawn_file::path(machine), content)
}

/// Has the machines started at boot.
pub(super) fn enable() -> Vec<Step> {
    vec![launch::enable(&MACHINES)]
}

/// Joins groups of steps.
pub(super) fn steps(groups: impl IntoIterator<Item = Vec<Step>>) -> Vec<Step> {
    groups.into_iter().flatten().collect()
}
