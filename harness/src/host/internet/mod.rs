//! The internet of a test host: a network namespace that plays the provider's router and everything behind it.
//!
//! An [`Internet`] holds an address that stands for the outside and a DNS server that knows a name for it. What is
//! "reachable outside" is thereby measured without any real network. Since it knows no route to private addresses
//! and does not forward, a packet that a host has failed to masquerade gets no answer, as at a real provider.

mod dns;
mod router;
mod service;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_server::Server;
use hickory_server::zone_handler::Catalog;

use crate::netns::{NetworkNamespace, RtNetlink};

use router::Router;
pub use service::play;

/// The host outside, in TEST-NET-1 (RFC 5737).
pub const OUTSIDE_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The host outside, in the documentation prefix (RFC 3849).
pub const OUTSIDE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1);
/// An address that nobody has, in TEST-NET-3 (RFC 5737).
pub const NOBODY_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The DNS server, in TEST-NET-1 (RFC 5737).
const DNS_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
/// The provider's router, in TEST-NET-2 (RFC 5737).
pub const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The provider's router, in the documentation prefix (RFC 3849).
pub const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
/// The test host, in TEST-NET-2 (RFC 5737).
pub const HOST_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// The test host, in the documentation prefix (RFC 3849).
pub const HOST_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);
/// Bits of the prefix that router and host share.
const PREFIX_V4: u8 = 24;
/// Bits of the prefix that router and host share.
const PREFIX_V6: u8 = 64;
/// The link of the host that goes to the internet.
const UPLINK: &str = "uplink0";
/// Its hardware address, which like that of a card stays the same over a reboot.
const UPLINK_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
/// The other end of it.
const ISP: &str = "isp0";
/// The index that `lo` has in every namespace.
const LO: u32 = 1;

/// The internet could not be made, or a host could not be plugged in.
#[derive(Debug, thiserror::Error)]
#[error("internet of the host: {step}")]
pub struct InternetError {
    step: String,
    source: io::Error,
}

fn at(step: impl Into<String>) -> impl FnOnce(io::Error) -> InternetError {
    let step = step.into();
    move |source| InternetError { step, source }
}

/// A namespace with an outside in it. Its sockets hold it: all of it is gone when this is dropped.
pub struct Internet {
    netlink: RtNetlink,
    router: Router,
    /// Its tasks end when it is dropped.
    _dns: Server<Catalog>,
}

impl Internet {
    /// Makes an internet with no host in it, where there is a domain called as each of `machines` is. The current tokio
    /// runtime serves its DNS.
    ///
    /// # Errors
    /// If the namespace, its addresses or the sockets of the DNS server cannot be made; needs root.
    pub async fn new(machines: &[String]) -> Result<Self, InternetError> {
        let namespace = NetworkNamespace::new().map_err(at("make a network namespace"))?;
        be_no_router(&namespace)?;
        let netlink = RtNetlink::connect_in(&namespace).map_err(at("connect to rtnetlink"))?;
        netlink.set_up(LO).await.map_err(at("bring `lo` up"))?;
        for (address, prefix) in
            [(IpAddr::V4(OUTSIDE_V4), 32), (IpAddr::V6(OUTSIDE_V6), 128), (IpAddr::V4(DNS_V4), 32)]
        {
            let added = netlink.add_address(LO, address, prefix).await;
            added.map_err(at(format!("add {address} to `lo`")))?;
        }
        let dns = dns::serve(&namespace, machines).map_err(at(format!("serve DNS on {DNS_V4}")))?;
        let router = Router::new(&namespace).map_err(at("open a socket for the router"))?;
        Ok(Self { netlink, router, _dns: dns })
    }

    /// Connects the host that `host` is the namespace of, by a new link `uplink0` in it, which is down.
    ///
    /// The host before it, or its boot before this one, is cut off. The link is there when this returns.
    ///
    /// # Errors
    /// If rtnetlink refuses: `EEXIST` if the namespace has a link of that name.
    pub async fn plug_in(&self, host: &NetworkNamespace) -> Result<(), InternetError> {
        // The kernel takes the namespace of a host that has gone apart in its own time, and our end with it.
        self.netlink.remove_link(ISP).await.map_err(at(format!("remove the old link `{ISP}`")))?;
        let made = self.netlink.add_veth_with_mac(ISP, UPLINK, UPLINK_MAC, host).await;
        made.map_err(at(format!("make the links `{ISP}` and, in the host, `{UPLINK}`")))?;
        self.set_up_isp().await.map_err(at(format!("set the link `{ISP}` up")))
    }

    async fn set_up_isp(&self) -> io::Result<()> {
        let Some(link) = self.netlink.link(ISP).await? else { return Err(io::ErrorKind::NotFound.into()) };
        let index = link.header.index;
        self.netlink.add_address(index, GATEWAY_V4.into(), PREFIX_V4).await?;
        self.netlink.add_address(index, GATEWAY_V6.into(), PREFIX_V6).await?;
        self.netlink.set_up(index).await?;
        self.router.join(index)
    }
}

/// Turns off forwarding, which a new namespace takes over from the first one, routes by router advertisement, and the
/// second in which a new link looks for somebody else with its addresses.
fn be_no_router(namespace: &NetworkNamespace) -> Result<(), InternetError> {
    let off = [
        "net/ipv4/ip_forward",
        "net/ipv6/conf/all/forwarding",
        "net/ipv6/conf/default/accept_ra",
        "net/ipv6/conf/default/accept_dad",
    ];
    switch_off(namespace, &off)
}

/// Puts back to stock what a new namespace takes over from the machine that it is made on.
///
/// Forwarding comes from the first namespace, so that networkd would have nothing to turn on where docker has done so.
/// Where `br_netfilter` is loaded, as docker does, bridged frames between two machines meet the NAT rule of networkd,
/// which masquerades them, and LLMNR over IPv4 fails; that setting is of the namespace (Linux 5.3 and later). A machine on
/// which `rp_filter` is strict hands that on too.
///
/// # Errors
/// If a setting is there and cannot be written.
pub fn stock_sysctls(host: &NetworkNamespace) -> Result<(), InternetError> {
    let off = [
        "net/ipv4/ip_forward",
        "net/ipv4/conf/all/rp_filter",
        "net/ipv4/conf/default/rp_filter",
        "net/ipv6/conf/all/forwarding",
        "net/bridge/bridge-nf-call-iptables",
        "net/bridge/bridge-nf-call-ip6tables",
        "net/bridge/bridge-nf-call-arptables",
    ];
    switch_off(host, &off)
}

/// Writes 0 to those of the settings in /proc/sys that there are, in `namespace`.
fn switch_off(namespace: &NetworkNamespace, settings: &[&str]) -> Result<(), InternetError> {
    for setting in settings {
        let written = namespace.run(|| match fs::write(format!("/proc/sys/{setting}"), "0") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            written => written,
        });
        written.map_err(at(format!("write 0 to /proc/sys/{setting}")))?;
    }
    Ok(())
}

/// The systemd.network(5) file by which a host configures its `uplink0`.
#[must_use]
pub fn uplink_network_file() -> String {
    // Nobody else can have the IPv6 address: detecting duplicates would cost a second or two of each boot.
    format!(
        "[Match]\nName={UPLINK}\n\n\
         [Network]\nAddress={HOST_V4}/{PREFIX_V4}\nGateway={GATEWAY_V4}\nGateway={GATEWAY_V6}\nDNS={DNS_V4}\n\
         DHCP=no\nIPv6AcceptRA=no\n\n\
         [Address]\nAddress={HOST_V6}/{PREFIX_V6}\nDuplicateAddressDetection=none\n"
    )
}

#[cfg(test)]
mod tests;
