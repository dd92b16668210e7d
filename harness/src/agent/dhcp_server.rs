//! The DHCP server that systemd-networkd runs on a link of this host: how much it has to give, and what it has given.

use anyhow::Context;
use nix::net::if_::if_nametoindex;
use nspawn_matrix_reports::Subnet;

use super::network_files::{self, NetworkFile};
use super::nft;
use crate::probe::End;
use crate::probe::networkd::{self, DhcpLease};

/// A DHCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DhcpServer {
    /// How many addresses it may give.
    pub(super) pool: u32,
    /// Those that it has given.
    pub(super) leases: Vec<DhcpLease>,
}

/// Looks at the server on `link`; none if there is none.
pub(super) async fn on(link: &End) -> anyhow::Result<Option<DhcpServer>> {
    let Some(file) = &link.file else { return Ok(None) };
    let index =
        if_nametoindex(link.name.as_str()).with_context(|| format!("look up the link `{}`", link.name))?;
    let Some(leases) = networkd::leases(index).await? else { return Ok(None) };
    let files = network_files::with_dropins(file)?;
    Ok(Pool::of(&link.addresses, &files, &leases).map(|pool| DhcpServer {
        pool: pool.len(),
        leases: leases.into_iter().filter(|lease| pool.contains(lease)).collect(),
    }))
}

/// The addresses that a server may give, as sd_dhcp_server_configure_pool() reckons in systemd.
#[derive(Clone, Copy, Debug)]
struct Pool {
    first: u32,
    size: u32,
    /// The address of the server itself, which may lie in it.
    own: u32,
}

impl Pool {
    /// None if the server has no address in the subnet of its leases, or its files ask for more than the subnet has.
    fn of(addresses: &[String], files: &[NetworkFile], leases: &[DhcpLease]) -> Option<Self> {
        let subnets = addresses.iter().filter_map(|address| address.parse::<Subnet>().ok());
        let subnet = subnets
            .filter(|subnet| !subnet.address().is_link_local())
            .find(|subnet| leases.iter().all(|lease| subnet.contains(lease.address)))?;
        let said = |key| network_files::last(files, "DHCPServer", key)?.parse::<u32>().ok();
        let (first, last) = nft::ends(subnet);
        // Without an offset the first address is left out, as the last always is.
        let offset = said("PoolOffset").filter(|offset| *offset > 0).unwrap_or(1);
        let first = first.to_bits().checked_add(offset)?;
        let most = last.to_bits().checked_sub(first)?;
        let size = said("PoolSize").filter(|size| *size > 0).unwrap_or(most);
        (size <= most).then(|| Self { first, size, own: subnet.address().to_bits() })
    }

    fn has(self, address: u32) -> bool {
        address.checked_sub(self.first).is_some_and(|offset| offset < self.size)
    }

    fn contains(self, lease: &DhcpLease) -> bool {
        self.has(lease.address.to_bits())
    }

    fn len(self) -> u32 {
        self.size - u32::from(self.has(self.own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(content: &str, leases: &[DhcpLease]) -> Option<u32> {
        let file = NetworkFile { path: "/run/a.network".to_owned(), content: content.to_owned() };
        let addresses = ["169.254.7.7/16", "fe80::1/64", "192.168.1.1/28"].map(str::to_owned);
        Pool::of(&addresses, &[file], leases).map(Pool::len)
    }

    #[test]
    fn a_pool_is_the_subnet_without_its_ends_and_the_server_unless_files_say_less() {
        assert_eq!(pool("[Network]\nDHCPServer=yes\n", &[]), Some(13));
        assert_eq!(pool("[DHCPServer]\nPoolOffset=0\nPoolSize=0\n", &[]), Some(13));
        assert_eq!(pool("[DHCPServer]\nPoolOffset=4\nPoolSize=2\n", &[]), Some(2));
        assert_eq!(pool("[DHCPServer]\nPoolOffset=4\n", &[]), Some(11));
        assert_eq!(pool("[DHCPServer]\nPoolSize=15\n", &[]), None, "systemd refuses that");
    }

    #[test]
    fn a_server_that_has_lost_its_subnet_has_no_pool() {
        let lease =
            |address: [u8; 4]| DhcpLease { address: address.into(), mac: "02:00:00:00:00:01".to_owned() };
        assert_eq!(pool("", &[lease([192, 168, 1, 2])]), Some(13));
        assert_eq!(pool("", &[lease([192, 168, 7, 2])]), None);
    }
}
