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

/// The trusted .nspawn file of one machine that binds the package cache.
pub(super) fn nspawn_file(machine: &str, network: &str) -> Step {
    Step::config(nspawn_file::path(machine), binding(network))
}

/// A .nspawn file for each machine beside its root, where it is not trusted.
pub(super) fn untrusted_nspawn_files(network: &str) -> Vec<Step> {
    let path = |machine: &str| format!("{}.nspawn", launch::root(machine));
    MACHINES.iter().map(|machine| Step::config(path(machine), binding(network))).collect()
}

fn binding(network: &str) -> String {
    format!("[Files]\nBind={}\n{network}", pacman_cache::PATH)
}

/// A drop-in for the unit of each machine that replaces its ExecStart=; `options` are those that differ from the shipped
/// one, which says `--network-veth -U`.
pub(super) fn dropins(options: &str) -> Vec<Step> {
    let exec = format!(
        "systemd-nspawn --quiet --keep-unit --boot --link-journal=try-guest {options} --settings=override \
         --machine=%i"
    );
    let dropin = |machine: &str| {
        Step::config(
            format!("/etc/systemd/system/{}.d/override.conf", launch::unit(machine)),
            format!("[Service]\nExecStart=\nExecStart={exec}\n"),
        )
    };
    MACHINES
        .iter()
        .map(|machine| dropin(machine))
        .chain([Step::run(&["systemctl", "daemon-reload"])])
        .collect()
}

/// Has the machines started at boot.
pub(super) fn enable() -> Vec<Step> {
    vec![launch::enable(&MACHINES)]
}

/// Joins groups of steps.
pub(super) fn steps(groups: impl IntoIterator<Item = Vec<Step>>) -> Vec<Step> {
    groups.into_iter().flatten().collect()
}
