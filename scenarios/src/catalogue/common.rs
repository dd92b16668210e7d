//! Steps that several scenarios share.

use crate::{MACHINES, Step, launch, pacman_cache};

/// The bridge of the notes, by its two files: `.netdev` makes it, `.network` configures it.
pub(super) fn br0() -> Vec<Step> {
    br0_with("IPMasquerade=yes\n")
}

/// The bridge of the notes; `more` is what its `[Network]` section says beside address and DHCP server.
pub(super) fn br0_with(more: &str) -> Vec<Step> {
    let network = "[Match]\nName=br0\n\n[Network]\nAddress=10.0.55.1/24\nDHCPServer=yes\n";
    vec![
        Step::config("/etc/systemd/network/50-br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n"),
        Step::config("/etc/systemd/network/50-br0.network", format!("{network}{more}")),
        Step::run(&["systemctl", "restart", "systemd-networkd"]),
        Step::AwaitLink { name: "br0".to_owned() },
    ]
}

/// A .nspawn file for each machine that binds the package cache; `network` is what it says about the network.
pub(super) fn nspawn_files(network: &str) -> Vec<Step> {
    let content = format!("[Files]\nBind={}\n{network}", pacman_cache::PATH);
    MACHINES
        .iter()
        .map(|machine| Step::config(format!("/etc/systemd/nspawn/{machine}.nspawn"), content.clone()))
        .collect()
}

/// Has the machines started at boot.
pub(super) fn enable() -> Vec<Step> {
    let mut argv = vec!["systemctl".to_owned(), "enable".to_owned(), "machines.target".to_owned()];
    argv.extend(MACHINES.iter().map(|machine| launch::unit(machine)));
    vec![Step::Run { argv }]
}

/// Joins groups of steps.
pub(super) fn steps(groups: impl IntoIterator<Item = Vec<Step>>) -> Vec<Step> {
    groups.into_iter().flatten().collect()
}
