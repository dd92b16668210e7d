//! Names, by family and by path.

use nspawn_matrix_reports::AddressSpace;

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    match kind.network {
        Network::Host => host_network(),
        Network::Veth => [linked(), separate_links()].concat(),
        Network::Zone | Network::Br0 => [linked(), same_link()].concat(),
    }
}

/// Shorthand for a distribution.
pub(in crate::catalogue) fn resolves(to: &[AddressSpace]) -> Expectation {
    Expectation::Resolves { to: to.to_vec() }
}

/// The machines have links of their own, and a lease.
fn linked() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::ResolveOutsideAny,
            resolves(&[AddressSpace::Global]),
            "the host's DHCP server hands on the DNS servers of the uplink",
            links::SYSTEMD_NETWORK,
        ),
        Claim::new(
            Check::ResolveHostAny,
            resolves(&[AddressSpace::Lease, AddressSpace::Ipv6LinkLocal]),
            "the host's resolved answers LLMNR on the link, over IPv4 and IPv6, and the first scope that answers wins",
            links::ISSUE_LLMNR_RANDOM,
        ),
        Claim::new(
            Check::ResolveMachineFromHostAny,
            resolves(&[AddressSpace::Ipv6LinkLocal]),
            "nss-mymachines gives all addresses of the machine, and getaddrinfo sorts fe80 first (RFC 6724)",
            links::NSS_MYMACHINES,
        ),
    ]
}

/// The machines are on links of their own: what is link-local does not cross.
fn separate_links() -> Vec<Claim> {
    let llmnr = "LLMNR is link-local (RFC 4795), and each machine has a link of its own to the host";
    [Check::ResolvePeerAny, Check::ResolvePeerIpv4, Check::ResolvePeerIpv6]
        .into_iter()
        .map(|check| Claim::new(check, resolves(&[AddressSpace::None]), llmnr, links::RFC_LLMNR))
        .collect()
}

/// The machines are on one link: what is link-local reaches the peer.
fn same_link() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::ResolvePeerAny,
            resolves(&[AddressSpace::Lease, AddressSpace::Ipv6LinkLocal]),
            "resolved asks LLMNR over IPv4 and over IPv6 at once, and the first scope that answers wins",
            links::ISSUE_LLMNR_RANDOM,
        ),
        Claim::new(
            Check::ResolvePeerIpv4,
            resolves(&[AddressSpace::Lease]),
            "only the LLMNR scope of IPv4 is asked, and the peer answers with its lease",
            links::RFC_LLMNR,
        ),
        Claim::new(
            Check::ResolvePeerIpv6,
            resolves(&[AddressSpace::Ipv6LinkLocal]),
            "only the LLMNR scope of IPv6 is asked, and fe80 is all the IPv6 that the peer has",
            links::RFC_LLMNR,
        ),
    ]
}

/// The machines use the host's network, and their resolved cannot have the ports that the host's has.
fn host_network() -> Vec<Claim> {
    let unknown =
        "the machine's resolved cannot have the LLMNR port that the host's has, and turns LLMNR off";
    let nameless = "nss-mymachines on the host gives no address for a machine without a network of its own";
    let serverless = "resolv.conf leads to the machine's own resolved, which has no servers: networkd does not run there \
                      without a network of its own";
    [
        (Check::ResolvePeerAny, unknown),
        (Check::ResolvePeerIpv4, unknown),
        (Check::ResolvePeerIpv6, unknown),
        (Check::ResolveHostAny, unknown),
        (Check::ResolveMachineFromHostAny, nameless),
        (Check::ResolveOutsideAny, serverless),
    ]
    .into_iter()
    .map(|(check, reason)| {
        Claim::new(check, resolves(&[AddressSpace::None]), reason, links::FINDING_HOST_NETWORK)
    })
    .collect()
}
