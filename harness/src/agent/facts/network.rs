//! How the network of the host is set up, before anything is done to it.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use anyhow::Context;
use futures_util::future::try_join_all;
use nix::net::if_::if_nameindex;
use nspawn_matrix_reports::{LinkSetup, Network, Route};

use super::{addresses, firewalls, managers, resolver};
use crate::agent::network_files::{self, NetworkFile};
use crate::agent::nft::{Hook, Ruleset};
use crate::agent::{forwarding, legacy_tables};
use crate::netns::RtNetlink;
use crate::probe::{multicast, networkd, services};

/// What manages links, answers for names, or makes rules of the firewall.
const SERVICES: [&str; 17] = [
    "systemd-networkd",
    "NetworkManager",
    "networking",
    "dhcpcd",
    "connman",
    "wicked",
    "systemd-resolved",
    "dnsmasq",
    "unbound",
    "nscd",
    "docker",
    "firewalld",
    "ufw",
    "nftables",
    "netfilter-persistent",
    "iptables",
    "fail2ban",
];

/// The loopback, which is the same everywhere.
const LOOPBACK: &str = "lo";

/// What the kernel calls the families.
const FAMILIES: [&str; 2] = ["ipv4", "ipv6"];

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Looks at the network. Waits for links that systemd-networkd is still busy with.
pub(super) async fn gather() -> anyhow::Result<Network> {
    let services = running().await?;
    let (links, forward_chains) = tokio::try_join!(links(), forward_chains())?;
    let legacy_tables = legacy_tables::read()?;
    let chains = firewalls::chains(!legacy_tables.is_empty()).await.unwrap_or_default();
    Ok(Network {
        managers: Some(managers::managers(&services, links.values())),
        services,
        resolv_conf: resolv_conf()?,
        forwarding: FAMILIES
            .into_iter()
            .map(|family| forwards(family, "all"))
            .collect::<anyhow::Result<_>>()?,
        forward_chains,
        firewalls: chains.as_deref().map(firewalls::named),
        chains: chains.as_deref().map(firewalls::on_the_path),
        legacy_tables,
        routes: routes().await.ok(),
        resolver: Some(resolver::resolver()),
        links,
    })
}

/// Those of [`SERVICES`] that run.
async fn running() -> anyhow::Result<Vec<String>> {
    let units = SERVICES.map(|service| format!("{service}.service"));
    let states = services::states(&units).await?;
    let running = states.into_iter().filter(|service| service.state == "active");
    Ok(running.map(|service| service.unit.trim_end_matches(".service").to_owned()).collect())
}

/// The links by name, with what networkd, the kernel and resolved make of them.
async fn links() -> anyhow::Result<BTreeMap<String, LinkSetup>> {
    let files = network_files::read().unwrap_or_default();
    let has_resolved = multicast::is_known().await.unwrap_or(false);
    let setups = names()?.into_iter().filter(|(_, name)| name != LOOPBACK).map(|(index, name)| {
        let files = &files;
        async move {
            let setup = networkd::setup(index).await?;
            anyhow::Ok((name.clone(), beside(setup, index, name, files, has_resolved).await))
        }
    });
    Ok(try_join_all(setups).await?.into_iter().collect())
}

fn names() -> anyhow::Result<BTreeMap<u32, String>> {
    let known = if_nameindex().context("list the links")?;
    Ok(known.iter().map(|link| (link.index(), link.name().to_string_lossy().into_owned())).collect())
}

/// What networkd does not say of a link.
async fn beside(
    setup: LinkSetup,
    index: u32,
    name: String,
    files: &[NetworkFile],
    has_resolved: bool,
) -> LinkSetup {
    let file = files.iter().find(|file| Some(file.name()) == setup.network_file.as_deref());
    let known = setup.addresses.iter().map(|one| (one.address.clone(), one.source.clone())).collect();
    let addresses = match RtNetlink::connect() {
        Ok(netlink) => addresses::of_link(&netlink, index, &known).await.ok(),
        Err(_) => None,
    };
    let forwarding = FAMILIES.into_iter().filter_map(|family| forwards(family, &name).ok()).collect();
    let accept_ra = fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{name}/accept_ra"));
    let multicast = if has_resolved { multicast::on(Some(name)).await.ok().flatten() } else { None };
    LinkSetup {
        matched_by: file.map(NetworkFile::matches).unwrap_or_default(),
        addresses: addresses.unwrap_or_default(),
        forwarding,
        accept_ra: accept_ra.ok().and_then(|value| value.trim().parse().ok()),
        llmnr: multicast.as_ref().map(|found| found.llmnr.effective().to_string()),
        mdns: multicast.as_ref().map(|found| found.mdns.effective().to_string()),
        ..setup
    }
}

async fn routes() -> anyhow::Result<Vec<Route>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    addresses::routes(&netlink, &names()?).await
}

async fn forward_chains() -> anyhow::Result<Option<Vec<String>>> {
    Ok(Ruleset::find().await?.map(|rules| rules.base_chains(Hook::Forward)))
}

fn forwards(family: &str, link: &str) -> anyhow::Result<(String, bool)> {
    Ok((family.to_owned(), forwarding::of(family, link)? != "0"))
}

fn resolv_conf() -> anyhow::Result<String> {
    match fs::read_link(RESOLV_CONF) {
        Ok(target) => Ok(target.to_string_lossy().into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("missing".to_owned()),
        // readlink(2) of what is no link.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok("file".to_owned()),
        Err(error) => Err(error).with_context(|| format!("look at `{RESOLV_CONF}`")),
    }
}
