//! How the network of the host is set up, before anything is done to it.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use anyhow::Context;
use futures_util::future::try_join_all;
use nix::net::if_::if_nameindex;
use nspawn_matrix_reports::{LinkSetup, Network};

use crate::agent::nft::{Hook, Ruleset};
use crate::agent::{forwarding, legacy_tables};
use crate::probe::{networkd, services};

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

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Looks at the network. Waits for links that systemd-networkd is still busy with.
pub(super) async fn gather() -> anyhow::Result<Network> {
    let services = running().await?;
    let (links, forward_chains) = tokio::try_join!(links(), forward_chains())?;
    Ok(Network {
        services,
        resolv_conf: resolv_conf()?,
        forwarding: ["ipv4", "ipv6"].into_iter().map(forwards).collect::<anyhow::Result<_>>()?,
        forward_chains,
        legacy_tables: legacy_tables::read()?,
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

/// The links by name, with what networkd makes of them.
async fn links() -> anyhow::Result<BTreeMap<String, LinkSetup>> {
    let known = if_nameindex().context("list the links")?;
    let links = known.iter().map(|link| (link.name().to_string_lossy().into_owned(), link.index()));
    let setups = links
        .filter(|(name, _)| name != LOOPBACK)
        .map(|(name, index)| async move { anyhow::Ok((name, networkd::setup(index).await?)) });
    Ok(try_join_all(setups).await?.into_iter().collect())
}

async fn forward_chains() -> anyhow::Result<Option<Vec<String>>> {
    Ok(Ruleset::find().await?.map(|rules| rules.base_chains(Hook::Forward)))
}

fn forwards(family: &str) -> anyhow::Result<(String, bool)> {
    Ok((family.to_owned(), forwarding::of(family, "all")? != "0"))
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
