//! The links that systemd-nspawn makes on the host (systemd-nspawn(1), `--network-veth` and what follows it).

use std::fs;

use anyhow::Context;

/// How the names of such links begin: a veth link, a veth link that is a port of a bridge, the bridge of a zone.
const PREFIXES: [&str; 3] = ["ve-", "vb-", "vz-"];

/// All links of the host that are there for machines.
pub(super) fn of_machines() -> anyhow::Result<Vec<String>> {
    let links = nix::net::if_::if_nameindex().context("list the links of the host")?;
    let names = links.iter().map(|link| link.name().to_string_lossy().into_owned());
    Ok(names.filter(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix))).collect())
}

/// The host's end of a machine's link, and the bridge that this is a port of; nothing for a machine without one.
pub(super) fn of_machine(machine: &str) -> anyhow::Result<Vec<String>> {
    let mut links = Vec::new();
    for link in of_machines()?.into_iter().filter(|link| is_of(link, machine)) {
        links.extend(bridge(&link));
        links.push(link);
    }
    Ok(links)
}

/// The link by which the host's own configuration knows the machine: the bridge, if its end is a port of one.
pub(super) fn configured(machine: &str) -> anyhow::Result<Option<String>> {
    Ok(of_machine(machine)?.into_iter().next())
}

/// Names of machines here are short enough to stand in the link's name whole.
fn is_of(link: &str, machine: &str) -> bool {
    ["ve-", "vb-"].iter().any(|prefix| link.strip_prefix(prefix) == Some(machine))
}

fn bridge(link: &str) -> Option<String> {
    let master = fs::read_link(format!("/sys/class/net/{link}/master")).ok()?;
    Some(master.file_name()?.to_string_lossy().into_owned())
}
