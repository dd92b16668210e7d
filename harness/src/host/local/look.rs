//! What the machine has that a run is to be on, as far as that matters for what the run will do. Nothing is changed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nameindex;
use nix::sys::statvfs::statvfs;
use nspawn_matrix_reports::Subnet;

use super::intent::Intent;
use crate::agent::{machined, routes};
use crate::probe::{networkd, services};

/// Where the roots of machines are.
pub(super) const MACHINES: &str = "/var/lib/machines";

const NETWORKD: &str = "systemd-networkd.service";

const MACHINED: &str = "systemd-machined.service";

/// What there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// Names of the links.
    pub(super) links: BTreeSet<String>,
    /// Subnets in use, and what uses each: `address of eth0`.
    pub(super) subnets: Vec<(Subnet, String)>,
    /// Those of the paths that must not be there which are.
    pub(super) paths: BTreeSet<String>,
    /// Machines that systemd-machined knows.
    pub(super) machines: BTreeSet<String>,
    /// Whether systemd-networkd runs.
    pub(super) networkd_runs: bool,
    /// The links that default routes leave by, and whether systemd-networkd manages each.
    pub(super) uplinks: Vec<(String, bool)>,
    /// Bytes that are free for the roots of machines.
    pub(super) free: u64,
}

impl Look {
    /// Looks at this machine, which `intent` is to be done to.
    pub(super) async fn at(intent: &Intent) -> anyhow::Result<Self> {
        let states = services::states(&[NETWORKD, MACHINED].map(str::to_owned)).await?;
        let runs =
            |unit: &str| states.iter().any(|service| service.unit == unit && service.state == "active");
        let networkd_runs = runs(NETWORKD);
        // A question to it would start it, and then it knows none.
        let machines = if runs(MACHINED) { machined::names().await? } else { Vec::new() };
        Ok(Self {
            links: names_of_links()?,
            subnets: subnets().await?,
            paths: intent.paths().filter(|path| fs::symlink_metadata(path).is_ok()).collect(),
            machines: machines.into_iter().collect(),
            networkd_runs,
            uplinks: uplinks(networkd_runs).await?,
            free: free()?,
        })
    }
}

/// The names of the links of this machine.
pub(super) fn names_of_links() -> anyhow::Result<BTreeSet<String>> {
    Ok(links()?.into_iter().map(|(name, _)| name).collect())
}

fn links() -> anyhow::Result<Vec<(String, u32)>> {
    let links = if_nameindex().context("list the links")?;
    Ok(links.iter().map(|link| (link.name().to_string_lossy().into_owned(), link.index())).collect())
}

/// Those of addresses, and those that routes lead to.
async fn subnets() -> anyhow::Result<Vec<(Subnet, String)>> {
    let of_address = |entry: nix::ifaddrs::InterfaceAddress| {
        let address = entry.address?.as_sockaddr_in()?.ip();
        let mask = entry.netmask?.as_sockaddr_in()?.ip();
        let prefix = u8::try_from(mask.to_bits().count_ones()).ok()?;
        Some((Subnet::new(address, prefix)?, format!("an address of link `{}`", entry.interface_name)))
    };
    let addresses = getifaddrs().context("list the addresses")?.filter_map(of_address);
    let routes = routes::ipv4().await?.into_iter();
    let routes = routes.map(|route| (route.destination, format!("a route by link `{}`", route.link)));
    Ok(addresses.chain(routes).collect())
}

async fn uplinks(networkd_runs: bool) -> anyhow::Result<Vec<(String, bool)>> {
    let names = links()?;
    let mut uplinks = Vec::new();
    for index in routes::uplinks().await? {
        let setup = if networkd_runs { Some(networkd::setup(index).await?) } else { None };
        let is_managed = setup.is_some_and(|setup| setup.network_file.is_some());
        let name = names.iter().find(|(_, known)| *known == index).map(|(name, _)| name.clone());
        uplinks.push((name.unwrap_or_else(|| format!("number {index}")), is_managed));
    }
    Ok(uplinks)
}

/// The place may not be there yet; the folder that it will be made in is.
fn free() -> anyhow::Result<u64> {
    let place = Path::new(MACHINES).ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    let vfs = statvfs(place).with_context(|| format!("ask for the free space of `{}`", place.display()))?;
    Ok(vfs.blocks_available() * vfs.fragment_size())
}
