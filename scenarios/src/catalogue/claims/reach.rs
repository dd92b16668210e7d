//! Who answers whom, with which addresses.

use super::firewall::forwarding_by_link;
use super::{Kind, Network};
use crate::{Check, Claim, Expectation, Setting, Versions, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let by_network = match kind.network {
        Network::Host => host_network(),
        Network::Veth => [routed(&VETH), separate_links()].concat(),
        Network::Zone => [routed(&ZONE), same_link()].concat(),
        Network::Br0 => [routed(&BR0), same_link()].concat(),
    };
    let by_users = match kind.network {
        // There is nothing that the machine could open: /proc/sys/net is the host's.
        Network::Host => BY_ROOT_AND_BY_USERS.map(|(_, users)| refused(users, kind.user_namespace)).to_vec(),
        Network::Veth | Network::Zone | Network::Br0 => {
            by_users(kind.user_namespace, &[by_network.clone(), forwarding_by_link()].concat())
        }
    };
    let smaller_uplink = (kind.network != Network::Host).then(smaller_uplink);
    [by_network, by_users, in_any_case(), smaller_uplink.into_iter().collect()].concat()
}

/// A kind of link between host and machines, with why it is as it is.
struct Link {
    prefix: u8,
    lease: &'static str,
    gateway: &'static str,
    masquerade: &'static str,
    outside_ipv6: Outside,
}

/// What becomes of a packet to an IPv6 address beyond the host.
struct Outside {
    error: &'static str,
    reason: &'static str,
}

/// networkd on the host announces itself as a router, but has no prefix to give.
const ROUTER_WITHOUT_PREFIX: Outside = Outside {
    error: "Destination unreachable: Beyond scope of source address",
    reason: "IPv6SendRA=yes makes the host a router that gives no prefix, and fe80 is all that the machine can send from",
};

/// Nobody announces a router.
const NO_ROUTER: Outside = Outside {
    error: "Network is unreachable",
    reason: "50-br0.network does not say IPv6SendRA=, so the machine learns of no router",
};

/// A veth link for each machine.
const VETH: Link = Link {
    prefix: 28,
    lease: "80-container-ve.network: DHCPServer=yes with a pool of 0.0.0.0/28",
    gateway: "the gateway is the host's end of the machine's own veth link",
    masquerade: "80-container-ve.network: IPMasquerade=both turns forwarding on and masquerades the subnet",
    outside_ipv6: ROUTER_WITHOUT_PREFIX,
};

/// The bridge of a zone.
const ZONE: Link = Link {
    prefix: 24,
    lease: "80-container-vz.network: DHCPServer=yes with a pool of 0.0.0.0/24",
    gateway: "the gateway is the host's address on the bridge of the zone",
    masquerade: "80-container-vz.network: IPMasquerade=both turns forwarding on and masquerades the subnet",
    outside_ipv6: ROUTER_WITHOUT_PREFIX,
};

/// The bridge of the notes.
const BR0: Link = Link {
    prefix: 24,
    lease: "50-br0.network: DHCPServer=yes with Address=10.0.55.1/24",
    gateway: "the gateway is the host's address on br0",
    masquerade: "50-br0.network: IPMasquerade=yes turns IPv4 forwarding on and masquerades the subnet",
    outside_ipv6: NO_ROUTER,
};

/// Every machine has a lease and reaches its gateway and the outside.
fn routed(link: &Link) -> Vec<Claim> {
    use Expectation as E;
    let subnet = "the host has an address in the machine's subnet";
    let own = "a network namespace of its own has addresses of its own";
    let fe80 = "host and machine are on one link, and fe80 addresses are valid there";
    let network = |check, expectation, reason| Claim::new(check, expectation, reason, links::SYSTEMD_NETWORK);
    let mtu = "systemd-nspawn leaves the MTU of its links at 1500, and hardly any uplink carries more";
    vec![
        network(Check::AddressLease, E::Lease { prefix: link.prefix }, link.lease),
        Claim::new(Check::AddressOwn, E::properties(&[("whose", "own")]), own, links::NETWORK_NAMESPACES),
        network(Check::PingGatewayIpv4, E::ANSWERS_ON_LINK, link.gateway),
        Claim::new(Check::PingGatewayIpv6LinkLocal, E::ANSWERS_ON_LINK, fe80, links::RFC_IPV6_ADDRESSES),
        network(Check::PingMachineFromHostIpv4, E::ANSWERS_ON_LINK, subnet),
        Claim::new(
            Check::PingMachineFromHostIpv6LinkLocal,
            E::ANSWERS_ON_LINK,
            fe80,
            links::RFC_IPV6_ADDRESSES,
        ),
        Claim::new(
            Check::PingOutsideIpv6,
            E::refused(link.outside_ipv6.error),
            link.outside_ipv6.reason,
            links::SYSTEMD_NETWORK,
        ),
        network(Check::PingOutsideIpv4, E::ANSWERS_ROUTED, link.masquerade),
        Claim::new(Check::PingOutsideIpv4Largest, E::ANSWERS_ROUTED, mtu, links::SYSTEMD_NSPAWN),
    ]
}

/// The machines are on links of their own: what is link-local does not cross, and the host masquerades.
fn separate_links() -> Vec<Claim> {
    let routes = "the host routes between the links of its machines";
    let scope = "fe80 addresses are valid on one link only (RFC 4291), and the peer is on another";
    vec![
        Claim::new(Check::PingPeerIpv4, Expectation::ANSWERS_ROUTED, routes, links::SYSTEMD_NETWORK),
        Claim::new(Check::PingPeerIpv6LinkLocal, Expectation::Unreached, scope, links::RFC_IPV6_ADDRESSES),
        masqueraded(),
        not_seen(scope),
    ]
}

/// The peer is not reached at its fe80 address.
pub(in crate::catalogue) fn not_seen(reason: &str) -> Claim {
    let nothing = Expectation::properties(&[("seen", "nothing")]);
    Claim::new(Check::PingPeerSourceIpv6LinkLocal, nothing, reason, links::RFC_IPV6_ADDRESSES)
}

/// The peer sees an address of the host.
pub(in crate::catalogue) fn masqueraded() -> Claim {
    let rule = "networkd's rule masquerades whatever comes from the subnet, also towards other machines";
    let host = Expectation::properties(&[("seen", "host")]);
    Claim::new(Check::PingPeerSourceIpv4, host, rule, links::SYSTEMD_NETWORK)
}

/// The peer sees the address of the machine.
pub(in crate::catalogue) fn seen_as_itself(reason: &str) -> Claim {
    let machine = Expectation::properties(&[("seen", "machine")]);
    Claim::new(Check::PingPeerSourceIpv4, machine, reason, links::SYSTEMD_NETWORK)
}

/// The machines are on one link: what is link-local reaches the peer, and nothing on the way is masqueraded.
fn same_link() -> Vec<Claim> {
    let subnet = "both machines are in one subnet on one link";
    let link = "both machines are on one link";
    let filtered = "with bridge netfilter on, bridged frames pass the host's masquerade rule";
    let host = Expectation::properties(&[("seen", "host")]);
    vec![
        Claim::new(Check::PingPeerIpv4, Expectation::ANSWERS_ON_LINK, subnet, links::SYSTEMD_NSPAWN),
        Claim::new(
            Check::PingPeerIpv6LinkLocal,
            Expectation::ANSWERS_ON_LINK,
            link,
            links::RFC_IPV6_ADDRESSES,
        ),
        seen_as_itself("frames between ports of a bridge do not pass the host's masquerade rule"),
        Claim::new(
            Check::PingPeerSourceIpv6LinkLocal,
            Expectation::properties(&[("seen", "machine")]),
            "networkd masquerades no link-local address, so that not even a host that filters bridged frames does",
            links::SYSTEMD_NETWORK,
        ),
        Claim::new(Check::PingPeerSourceIpv4, host, filtered, links::FINDING_BRIDGE_NETFILTER)
            .when(Setting::BridgeNetfilter, "yes"),
    ]
}

/// What is asked by root, and the same asked by an ordinary user.
const BY_ROOT_AND_BY_USERS: [(Check, Check); 4] = [
    (Check::PingGatewayIpv4, Check::PingGatewayIpv4Unprivileged),
    (Check::PingPeerIpv4, Check::PingPeerIpv4Unprivileged),
    (Check::PingPeerIpv6LinkLocal, Check::PingPeerIpv6LinkLocalUnprivileged),
    (Check::PingOutsideIpv4, Check::PingOutsideIpv4Unprivileged),
];

/// The first systemd-nspawn that opens net.ipv4.ping_group_range.
const OPENS_PING: u32 = 262;

/// What users without privileges see where root of the machine sees what `by_root` claims: the same if they may send echo
/// requests at all. One range of groups decides that for both families.
pub(in crate::catalogue) fn by_users(user_namespace: bool, by_root: &[Claim]) -> Vec<Claim> {
    let of = |(root, users): (Check, Check)| {
        let by_root: Vec<&Claim> = by_root.iter().filter(|claim| claim.check == root).collect();
        let answered = by_root.iter().map(move |claim| Claim { check: users, ..(*claim).clone() });
        if by_root.iter().any(|claim| claim.expectation == Expectation::NoAddress) {
            return answered.collect();
        }
        let is_about_all = by_root.iter().any(|claim| claim.when.is_empty());
        let refused = is_about_all.then(|| refused(users, user_namespace));
        refused
            .into_iter()
            .chain(answered.filter_map(|claim| opened(claim, user_namespace)))
            .collect::<Vec<_>>()
    };
    BY_ROOT_AND_BY_USERS.into_iter().flat_map(of).collect()
}

/// No group may send echo requests.
fn refused(check: Check, user_namespace: bool) -> Claim {
    let expectation = Expectation::refused("Permission denied");
    if user_namespace {
        let reason = "the kernel lets no group send echo requests, and net.ipv4.ping_group_range cannot be set to groups \
                      that the user namespace lacks, as sysctl.d files do";
        Claim::new(check, expectation, reason, links::ISSUE_PING_GROUP_RANGE).until(OPENS_PING - 1)
    } else {
        let reason = "the kernel lets no group send echo requests, and Debian has the sysctl.d file that would open \
                      net.ipv4.ping_group_range in a package of its own, linux-sysctl-defaults";
        Claim::new(check, expectation, reason, links::ICMP)
    }
}

/// `claim` where ordinary users may ask; none if they never may.
fn opened(claim: Claim, user_namespace: bool) -> Option<Claim> {
    if user_namespace {
        let why = "systemd-nspawn opens net.ipv4.ping_group_range to all groups of the user namespace";
        let host = Versions { first: claim.host.first.max(OPENS_PING), ..claim.host };
        let reason = format!("{why}; {}", claim.reason);
        let claim = Claim { host, reason, link: links::ISSUE_PING_GROUP_RANGE.to_owned(), ..claim };
        (host.first <= host.last).then_some(claim)
    } else {
        let reason =
            format!("a sysctl.d file of the machine opens net.ipv4.ping_group_range; {}", claim.reason);
        Some(Claim { reason, link: links::ICMP.to_owned(), ..claim }.when(Setting::PingSysctl, "open"))
    }
}

/// What does not depend on how the machines are linked.
fn in_any_case() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::PingPeerIpv6LinkLocalUnscoped,
            Expectation::refused("Invalid argument"),
            "a link-local address says nothing without its link, so the kernel refuses to connect to it",
            links::IPV6,
        ),
        Claim::new(
            Check::PingOutsideIpv4TooLarge,
            Expectation::refused("Message too long"),
            "what may not be fragmented and is larger than the link carries is refused by the kernel",
            links::IP,
        ),
        Claim::new(
            Check::PingNobodyIpv4,
            Expectation::NoAnswer,
            "203.0.113.0/24 is for documentation, and nobody beyond the host has an address of it",
            links::RFC_TEST_NETS,
        ),
    ]
}

/// The machine's link carries what the host's uplink does not.
fn smaller_uplink() -> Claim {
    Claim::new(
        Check::PingOutsideIpv4TooLarge,
        Expectation::refused("Frag needed and DF set"),
        "the packet leaves the machine, and the host says that the next link does not carry it (RFC 1191)",
        links::IP,
    )
    .when(Setting::UplinkMtu, "smaller")
}

/// The machines use the host's links and addresses.
fn host_network() -> Vec<Claim> {
    let shared = "without a network option the machine shares the host's network namespace";
    let peer = "the peer's addresses are the host's, and so its own";
    let own = "the machine's addresses are the host's own";
    let property = |name, value| Expectation::properties(&[(name, value)]);
    [
        (Check::AddressLease, Expectation::NoLink, shared),
        (Check::AddressOwn, property("whose", "host"), shared),
        (Check::PingGatewayIpv4, Expectation::ANSWERS_ON_LINK, shared),
        (Check::PingGatewayIpv6LinkLocal, Expectation::ANSWERS_ON_LINK, own),
        (Check::PingPeerIpv4, Expectation::ANSWERS_ON_LINK, peer),
        (Check::PingPeerIpv6LinkLocal, Expectation::ANSWERS_ON_LINK, peer),
        (Check::PingPeerSourceIpv4, property("seen", "machine"), peer),
        (Check::PingPeerSourceIpv6LinkLocal, property("seen", "machine"), peer),
        (Check::PingMachineFromHostIpv4, Expectation::ANSWERS_ON_LINK, own),
        (Check::PingMachineFromHostIpv6LinkLocal, Expectation::ANSWERS_ON_LINK, own),
        (Check::PingOutsideIpv4, Expectation::ANSWERS_ON_LINK, shared),
        (Check::PingOutsideIpv4Largest, Expectation::ANSWERS_ON_LINK, shared),
        (Check::PingOutsideIpv6, Expectation::ANSWERS_ON_LINK, shared),
    ]
    .into_iter()
    .map(|(check, expectation, reason)| Claim::new(check, expectation, reason, links::SYSTEMD_NSPAWN))
    .collect()
}
