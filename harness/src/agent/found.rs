//! Machines that somebody runs, found by systemd-machined, and what can be seen of them from outside.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use nix::unistd::geteuid;
use nspawn_matrix_scenarios::Linked;
use serde::{Deserialize, Serialize};

use super::links::{self, Counterpart, ZONE};
use super::machined::{self, Registered};
use super::standing::host_addresses;
use crate::chain::chain;
use crate::enter;
use crate::probe::ping;
use crate::probe::settle::default_route;
use crate::systemd;

/// What machined calls machines that share the kernel of the host.
const CONTAINER: &str = "container";

/// The link that systemd-nspawn makes in a machine (systemd-nspawn(1)), which comes before others.
const USUAL_LINK: &str = "host0";

/// How long the gateway of the host may take to answer the host.
const GATEWAY: Duration = Duration::from_millis(500);

/// What runs on this host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    /// The machines, by name.
    pub machines: Vec<Found>,
    /// Whether systemd-resolved of the host does not run, and a lookup would start it.
    pub wakes_resolved: bool,
    /// The host's gateway, or why nobody is asked beyond the host.
    pub gateway: Result<Ipv4Addr, String>,
}

/// A machine that somebody runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// What machined calls it: `container` or `vm`.
    pub class: String,
    /// What has registered it: `systemd-nspawn`, `libvirt-lxc`.
    pub service: String,
    /// What is seen of it, or why nothing is.
    pub seen: Result<Seen, String>,
}

/// What is seen of a machine from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its first process.
    pub leader: i32,
    /// How it is linked to the host.
    pub linked: Linked,
    /// The name that it has for that link; none if there is no link of its own.
    pub link: Option<String>,
    /// Whether its first process is a systemd (sd_booted(3)) that cannot be asked, for there is no bus.
    pub is_mute: bool,
    /// Whether there is getent(1) in it.
    pub has_getent: bool,
    /// Whether systemd-resolved does not run in it, and a lookup would start it.
    pub wakes_resolved: bool,
}

/// Finds all machines. Starts systemd-machined if it does not run, as any question to it does.
pub(super) async fn running() -> anyhow::Result<Running> {
    let addresses = host_addresses()?;
    let found = machined::all().await?.into_iter().map(async |registered| {
        let seen = see(&registered, &addresses).await.map_err(chain);
        let Registered { name, class, service, .. } = registered;
        Found { name, class, service, seen }
    });
    let (mut machines, gateway) = tokio::join!(join_all(found), gateway());
    machines.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Running { machines, wakes_resolved: wakes_resolved(""), gateway })
}

async fn see(registered: &Registered, addresses: &[(String, IpAddr)]) -> anyhow::Result<Seen> {
    anyhow::ensure!(
        registered.class == CONTAINER,
        "what runs in a virtual machine is not seen from its host"
    );
    anyhow::ensure!(geteuid().is_root(), "only root may look into a machine");
    let leader = registered.leader;
    let is_shared =
        enter::same_namespace("net", leader).context("look at the machine's network namespace")?;
    let counterpart = choose(links::counterparts(leader).await?);
    let root = format!("/proc/{leader}/root");
    let has = |path: &str| has(&root, path);
    Ok(Seen {
        leader,
        link: counterpart.as_ref().map(|link| link.of.clone()),
        linked: if is_shared { Linked::Shared } else { linked(counterpart, addresses) },
        is_mute: has("/run/systemd/system") && !has(systemd::BUS),
        has_getent: has("/usr/bin/getent") || has("/bin/getent"),
        wakes_resolved: wakes_resolved(&root),
    })
}

fn has(root: &str, path: &str) -> bool {
    Path::new(&format!("{root}{path}")).symlink_metadata().is_ok()
}

/// Whether systemd listens for systemd-resolved, as it does from version 258 on where that was stopped. systemd keeps a
/// link for each unit that is active.
fn wakes_resolved(root: &str) -> bool {
    let is_active = |unit: &str| has(root, &format!("/run/systemd/units/invocation:{unit}"));
    is_active("systemd-resolved-varlink.socket") && !is_active("systemd-resolved.service")
}

/// The link that is asked about, of several: that of systemd-nspawn, else one with an end on the host.
fn choose(counterparts: Vec<Counterpart>) -> Option<Counterpart> {
    counterparts.into_iter().min_by_key(|link| (link.of != USUAL_LINK, !link.is_end))
}

fn linked(counterpart: Option<Counterpart>, addresses: &[(String, IpAddr)]) -> Linked {
    let Some(Counterpart { name, bridge, is_end, .. }) = counterpart else { return Linked::Nowhere };
    let has_host = |bridge: &str| {
        let is_usable = |address: &IpAddr| match address {
            IpAddr::V4(v4) => !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_unicast_link_local(),
        };
        addresses.iter().any(|(link, address)| link == bridge && is_usable(address))
    };
    match bridge {
        _ if !is_end => Linked::Uplink(name),
        None => Linked::Veth,
        Some(bridge) => match bridge.strip_prefix(ZONE) {
            Some(zone) => Linked::Zone(zone.to_owned()),
            None if has_host(&bridge) => Linked::Bridge(bridge),
            None => Linked::ForeignBridge(bridge),
        },
    }
}

/// The gateway of the host, if it answers the host.
async fn gateway() -> Result<Ipv4Addr, String> {
    if !geteuid().is_root() {
        return Err("only root may ping beyond the host for its machines".to_owned());
    }
    let route = default_route().await.map_err(chain)?.ok_or("the host has no default route")?;
    let seen = ping::ping(IpAddr::V4(route.gateway).into(), 1, GATEWAY).await;
    match seen {
        Ok(seen) if seen.received > 0 => Ok(route.gateway),
        Ok(_) => Err("the host's own gateway does not answer the host".to_owned()),
        Err(error) => Err(format!("the host cannot ping its gateway: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(of: &str, name: &str, bridge: Option<&str>, is_end: bool) -> Counterpart {
        let (of, name, bridge) = (of.to_owned(), name.to_owned(), bridge.map(str::to_owned));
        Counterpart { of, index: 2, name, bridge, is_end }
    }

    #[test]
    fn how_a_machine_is_linked_follows_from_the_link_of_the_host() {
        let addresses = [("br0", "10.0.0.1"), ("br1", "fe80::1"), ("vz-lab", "10.1.0.1")]
            .map(|(link, address)| (link.to_owned(), address.parse().unwrap()));
        let linked = |bridge, is_end| linked(Some(link("host0", "ve-web", bridge, is_end)), &addresses);
        assert_eq!(linked(None, true), Linked::Veth);
        assert_eq!(linked(Some("vz-lab"), true), Linked::Zone("lab".to_owned()));
        assert_eq!(linked(Some("br0"), true), Linked::Bridge("br0".to_owned()));
        assert_eq!(linked(Some("br1"), true), Linked::ForeignBridge("br1".to_owned()));
        assert_eq!(linked(None, false), Linked::Uplink("ve-web".to_owned()));
        assert_eq!(super::linked(None, &addresses), Linked::Nowhere);
    }

    #[test]
    fn of_several_links_that_of_nspawn_is_asked_about() {
        let chosen = |names: &[(&str, bool)]| {
            let links = names.iter().map(|(of, is_end)| link(of, "x", None, *is_end)).collect();
            choose(links).map(|link| link.of)
        };
        assert_eq!(chosen(&[("mv-eth0", false), ("db", true), ("host0", true)]).as_deref(), Some("host0"));
        assert_eq!(chosen(&[("mv-eth0", false), ("db", true)]).as_deref(), Some("db"));
        assert_eq!(chosen(&[("mv-eth0", false)]).as_deref(), Some("mv-eth0"));
        assert_eq!(chosen(&[]), None);
    }
}
