//! Links, addresses, and who answers whom.

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    match kind.network {
        Network::Host => host_network(),
        Network::Veth => [routed(&VETH), separate_links()].concat(),
        Network::Zone => [routed(&ZONE), same_link()].concat(),
        Network::Br0 => [routed(&BR0), same_link()].concat(),
    }
}

/// A kind of link between host and machines, with why it is as it is.
struct Link {
    prefix: u8,
    lease: &'static str,
    gateway: &'static str,
    masquerade: &'static str,
}

/// A veth link for each machine.
const VETH: Link = Link {
    prefix: 28,
    lease: "80-container-ve.network: DHCPServer=yes with a pool of 0.0.0.0/28",
    gateway: "the gateway is the host's end of the machine's own veth link",
    masquerade: "80-container-ve.network: IPMasquerade=both turns forwarding on and masquerades the subnet",
};

/// The bridge of a zone.
const ZONE: Link = Link {
    prefix: 24,
    lease: "80-container-vz.network: DHCPServer=yes with a pool of 0.0.0.0/24",
    gateway: "the gateway is the host's address on the bridge of the zone",
    masquerade: "80-container-vz.network: IPMasquerade=both turns forwarding on and masquerades the subnet",
};

/// The bridge of the notes.
const BR0: Link = Link {
    prefix: 24,
    lease: "50-br0.network: DHCPServer=yes with Address=10.0.55.1/24",
    gateway: "the gateway is the host's address on br0",
    masquerade: "50-br0.network: IPMasquerade=yes turns IPv4 forwarding on and masquerades the subnet",
};

/// Every machine has a lease and reaches its gateway and the outside.
fn routed(link: &Link) -> Vec<Claim> {
    let subnet = "the host has an address in the machine's subnet";
    vec![
        Claim::new(
            Check::AddressLease,
            Expectation::Lease { prefix: link.prefix },
            link.lease,
            links::SYSTEMD_NETWORK,
        ),
        Claim::new(Check::PingGatewayIpv4, Expectation::Answers, link.gateway, links::SYSTEMD_NETWORK),
        Claim::new(Check::PingMachineFromHostIpv4, Expectation::Answers, subnet, links::SYSTEMD_NETWORK),
        Claim::new(Check::PingOutsideIpv4, Expectation::Answers, link.masquerade, links::SYSTEMD_NETWORK),
    ]
}

/// The machines are on links of their own: what is link-local does not cross.
fn separate_links() -> Vec<Claim> {
    let routes = "the host routes between the links of its machines";
    let scope = "fe80 addresses are valid on one link only (RFC 4291), and the peer is on another";
    vec![
        Claim::new(Check::PingPeerIpv4, Expectation::Answers, routes, links::SYSTEMD_NETWORK),
        Claim::new(Check::PingPeerIpv6LinkLocal, Expectation::NoAnswer, scope, links::RFC_IPV6_ADDRESSES),
    ]
}

/// The machines are on one link: what is link-local reaches the peer.
fn same_link() -> Vec<Claim> {
    let subnet = "both machines are in one subnet on one link";
    let link = "both machines are on one link";
    vec![
        Claim::new(Check::PingPeerIpv4, Expectation::Answers, subnet, links::SYSTEMD_NSPAWN),
        Claim::new(Check::PingPeerIpv6LinkLocal, Expectation::Answers, link, links::RFC_IPV6_ADDRESSES),
    ]
}

/// The machines use the host's links and addresses.
fn host_network() -> Vec<Claim> {
    let shared = "without a network option the machine shares the host's network namespace";
    let peer = "the peer's addresses are the host's, and so its own";
    let own = "the machine's addresses are the host's own";
    [
        (Check::AddressLease, Expectation::NoLink, shared),
        (Check::PingGatewayIpv4, Expectation::Answers, shared),
        (Check::PingPeerIpv4, Expectation::Answers, peer),
        (Check::PingPeerIpv6LinkLocal, Expectation::Answers, peer),
        (Check::PingMachineFromHostIpv4, Expectation::Answers, own),
        (Check::PingOutsideIpv4, Expectation::Answers, shared),
    ]
    .into_iter()
    .map(|(check, expectation, reason)| Claim::new(check, expectation, reason, links::SYSTEMD_NSPAWN))
    .collect()
}
