//! Names, by family and by path.

use nspawn_matrix_reports::AddressSpace::{self, Global, Ipv6LinkLocal, Lease};

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, Setting, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    match kind.network {
        Network::Host => [host_network(), everywhere(), silent_wire()].concat(),
        Network::Veth => {
            [linked(), shipped(), separate_links(), without_llmnr(kind.network), everywhere(), silent_wire()]
                .concat()
        }
        Network::Zone => {
            [linked(), shipped(), same_link(), without_llmnr(kind.network), everywhere()].concat()
        }
        Network::Br0 => {
            [linked(), of_the_notes(), same_link(), without_llmnr(kind.network), everywhere()].concat()
        }
    }
}

/// Shorthand for a distribution.
pub(in crate::catalogue) fn resolves(to: &[AddressSpace]) -> Expectation {
    Expectation::Resolves { to: to.to_vec() }
}

fn on_the_wire(a: &[AddressSpace], aaaa: &[AddressSpace]) -> Expectation {
    Expectation::OnTheWire { a: a.to_vec(), aaaa: aaaa.to_vec() }
}

const NONE: [AddressSpace; 1] = [AddressSpace::None];

/// One reason for several questions that give the same.
fn each(checks: &[Check], to: &[AddressSpace], reason: &str, link: &str) -> Vec<Claim> {
    checks.iter().map(|check| Claim::new(*check, resolves(to), reason, link)).collect()
}

/// What holds however the machines are linked.
fn everywhere() -> Vec<Claim> {
    let fault = "the host's resolved asks machined for everything below the name of a machine, and machined denies it";
    vec![
        Claim::new(
            Check::ResolvePeerDhcpDomain,
            resolves(&NONE),
            "names under _dhcp are told to programs of the host alone",
            links::ISSUE_HOOK_HOST_ONLY,
        ),
        Claim::new(
            Check::ResolveBelowMachineAny,
            resolves(&[Global]),
            "the host asks its DNS server, and a machine's name is a name of one label",
            links::RESOLVED,
        )
        .until(258),
        Claim::new(Check::ResolveBelowMachineAny, resolves(&NONE), fault, links::ISSUE_BELOW_MACHINE)
            .since(259)
            .fault(),
    ]
}

/// The machines have links of their own, and a lease.
fn linked() -> Vec<Claim> {
    let uplink = "the host's DHCP server hands on the DNS servers of the uplink";
    let race = "the host's resolved answers LLMNR on the link, over IPv4 and IPv6, and the first scope that answers wins";
    let family =
        "only the LLMNR scope of the family is asked, and the host answers with its address on the link";
    let sorted =
        "nss-mymachines gives all addresses of the machine, and getaddrinfo sorts fe80 first (RFC 6724)";
    let ipv4 = "the lease is the only IPv4 address of the machine";
    let own =
        "nss-myhostname gives all addresses of the machine, and getaddrinfo sorts fe80 first (RFC 6724)";
    [
        each(&[Check::ResolveOutsideAny, Check::ResolveOutsideIpv4, Check::ResolveOutsideIpv6], &[Global], uplink, links::SYSTEMD_NETWORK),
        each(&[Check::ResolveHostAny], &[Lease, Ipv6LinkLocal], race, links::ISSUE_LLMNR_RANDOM),
        each(&[Check::ResolveHostIpv4], &[Lease], family, links::RFC_LLMNR),
        each(&[Check::ResolveHostIpv6], &[Ipv6LinkLocal], family, links::RFC_LLMNR),
        each(
            &[Check::ResolveMachineFromHostAny, Check::ResolveMachineFromHostIpv6, Check::ResolveMachineFromHostMymachines],
            &[Ipv6LinkLocal],
            sorted,
            links::NSS_MYMACHINES,
        ),
        each(&[Check::ResolveMachineFromHostIpv4], &[Lease], ipv4, links::NSS_MYMACHINES),
        each(&[Check::ResolveSelfAny], &[Ipv6LinkLocal], own, links::NSS_MYHOSTNAME),
        vec![
            Claim::new(
                Check::ResolveMachineFromHostAny,
                resolves(&[Lease, Ipv6LinkLocal]),
                "nsswitch.conf has resolve before mymachines: LLMNR is asked over both families, and the first scope wins",
                links::ISSUE_LLMNR_RANDOM,
            )
            .until(258)
            .when(Setting::NssFirst, "resolve"),
            Claim::new(
                Check::ResolveMachineFromHostApi,
                resolves(&[Lease, Ipv6LinkLocal]),
                "resolved knows nothing of machines, asks LLMNR over both families, and the first scope that answers wins",
                links::ISSUE_LLMNR_RANDOM,
            )
            .until(258),
            Claim::new(
                Check::ResolveMachineFromHostApi,
                resolves(&[Lease]),
                "resolved asks machined, which gives all addresses of the machine, those of IPv4 first",
                links::RESOLVED,
            )
            .since(259),
        ],
    ]
    .concat()
}

/// What follows from the .network files that systemd ships.
fn shipped() -> Vec<Claim> {
    let advertised = "IPv6SendRA=yes makes the host's fe80 address a gateway, and getaddrinfo sorts it before that of the lease";
    let untold = "before systemd 259 networkd tells resolved nothing of its leases";
    let told = "LocalLeaseDomain=_dhcp has networkd tell resolved the leases of its DHCP server";
    let domain = Check::ResolveMachineFromHostDhcpDomain;
    vec![
        Claim::new(Check::ResolveGatewayAny, resolves(&[Ipv6LinkLocal]), advertised, links::SYSTEMD_NETWORK),
        Claim::new(domain, resolves(&NONE), untold, links::SYSTEMD_NETWORK).until(258),
        Claim::new(domain, resolves(&[Lease]), told, links::SYSTEMD_NETWORK).since(259),
    ]
}

/// What follows from the .network file of the notes.
fn of_the_notes() -> Vec<Claim> {
    let lease = "the gateway of the lease is the host's address on the link, and there is no other";
    let untold = "50-br0.network has no LocalLeaseDomain=, so networkd tells resolved nothing of its leases";
    [
        each(&[Check::ResolveGatewayAny], &[Lease], lease, links::NSS_MYHOSTNAME),
        each(&[Check::ResolveMachineFromHostDhcpDomain], &NONE, untold, links::SYSTEMD_NETWORK),
    ]
    .concat()
}

/// The questions about a peer that resolved answers by LLMNR, or not at all.
const PEER_BY_LLMNR: [Check; 8] = [
    Check::ResolvePeerAny,
    Check::ResolvePeerIpv4,
    Check::ResolvePeerIpv6,
    Check::ResolvePeerIpv4AfterAny,
    Check::ResolvePeerAnyAfterIpv4,
    Check::ResolvePeerStubIpv4,
    Check::ResolvePeerStubIpv6,
    Check::ResolvePeerApi,
];

/// The machines are on links of their own: what is link-local does not cross.
fn separate_links() -> Vec<Claim> {
    let llmnr = "LLMNR is link-local (RFC 4795), and each machine has a link of its own to the host";
    each(&PEER_BY_LLMNR, &NONE, llmnr, links::RFC_LLMNR)
}

/// Nobody on the links of the machines has a peer's name.
fn silent_wire() -> Vec<Claim> {
    let nobody = "multicast reaches the machine's own links, and the peer answers on none of them";
    [
        (Check::ResolvePeerLlmnrIpv4, links::RFC_LLMNR),
        (Check::ResolvePeerLlmnrIpv6, links::RFC_LLMNR),
        (Check::ResolvePeerMdnsIpv4, links::RFC_MDNS),
        (Check::ResolvePeerMdnsIpv6, links::RFC_MDNS),
    ]
    .map(|(check, link)| Claim::new(check, on_the_wire(&[], &[]), nobody, link))
    .to_vec()
}

/// The machines are on one link: what is link-local reaches the peer.
fn same_link() -> Vec<Claim> {
    let race = "resolved asks LLMNR over IPv4 and over IPv6 at once, and the first scope that answers wins";
    let ipv4 = "only the LLMNR scope of IPv4 is asked, and the peer answers with its lease";
    let ipv6 = "only the LLMNR scope of IPv6 is asked, and fe80 is all the IPv6 that the peer has";
    let after = "the lookup of any family leaves nothing but right addresses in the cache";
    let cached = "the answer of LLMNR over IPv4 is in the cache, and wins before IPv6 is asked";
    let wire = "the peer's resolved tells over each family the address of that family alone";
    [
        each(
            &[Check::ResolvePeerAny, Check::ResolvePeerApi],
            &[Lease, Ipv6LinkLocal],
            race,
            links::ISSUE_LLMNR_RANDOM,
        ),
        each(&[Check::ResolvePeerIpv4, Check::ResolvePeerStubIpv4], &[Lease], ipv4, links::RFC_LLMNR),
        each(&[Check::ResolvePeerIpv6, Check::ResolvePeerStubIpv6], &[Ipv6LinkLocal], ipv6, links::RFC_LLMNR),
        each(&[Check::ResolvePeerIpv4AfterAny], &[Lease], after, links::FINDING_IN_TURN),
        each(&[Check::ResolvePeerAnyAfterIpv4], &[Lease], cached, links::FINDING_IN_TURN),
        vec![
            Claim::new(Check::ResolvePeerLlmnrIpv4, on_the_wire(&[Lease], &[]), wire, links::RFC_LLMNR),
            Claim::new(
                Check::ResolvePeerLlmnrIpv6,
                on_the_wire(&[], &[Ipv6LinkLocal]),
                wire,
                links::RFC_LLMNR,
            ),
        ],
        multicast_dns(),
    ]
    .concat()
}

/// Whether the peer answers multicast DNS is a setting of its links, which distributions differ in.
fn multicast_dns() -> Vec<Claim> {
    let off = "MulticastDNS= is off on the links of the machines";
    let asks = "with MulticastDNS=resolve the peer asks and does not answer";
    let on = "the peer's resolved answers to its name with .local after it";
    let answers = [
        (Check::ResolvePeerMdnsIpv4, on_the_wire(&[Lease], &[])),
        (Check::ResolvePeerMdnsIpv6, on_the_wire(&[], &[Ipv6LinkLocal])),
    ];
    answers
        .into_iter()
        .flat_map(|(check, answer)| {
            [
                Claim::new(check, on_the_wire(&[], &[]), off, links::RESOLVED_CONF),
                Claim::new(check, on_the_wire(&[], &[]), asks, links::RESOLVED_CONF)
                    .when(Setting::MulticastDns, "resolve"),
                Claim::new(check, answer, on, links::RESOLVED_CONF).when(Setting::MulticastDns, "yes"),
            ]
        })
        .collect()
}

/// Where LLMNR is not fully on, the machines answer nobody; where it is off, they do not ask either.
fn without_llmnr(network: Network) -> Vec<Claim> {
    let asks = "with LLMNR=resolve a machine asks and does not answer";
    let off = "LLMNR= is off on the links of the machines";
    let mut claims = Vec::new();
    for (value, reason) in [("resolve", asks), ("no", off)] {
        if network != Network::Veth {
            let unknown = each(&PEER_BY_LLMNR, &NONE, reason, links::RESOLVED_CONF);
            let silent = [Check::ResolvePeerLlmnrIpv4, Check::ResolvePeerLlmnrIpv6]
                .map(|check| Claim::new(check, on_the_wire(&[], &[]), reason, links::RESOLVED_CONF));
            claims.extend(unknown.into_iter().chain(silent).map(|claim| claim.when(Setting::Llmnr, value)));
        }
        // A zone whose leases are astray has claims of its own about what crosses between host and machine.
        let crosses = |claim: Claim| claim.when(Setting::Llmnr, value).when(Setting::StrayLease, "no");
        let from_host = each(&[Check::ResolveMachineFromHostApi], &NONE, reason, links::RESOLVED_CONF);
        claims.extend(from_host.into_iter().map(|claim| crosses(claim.until(258))));
        if value == "no" {
            let host = [Check::ResolveHostAny, Check::ResolveHostIpv4, Check::ResolveHostIpv6];
            claims.extend(each(&host, &NONE, reason, links::RESOLVED_CONF).into_iter().map(crosses));
        }
    }
    claims
}

/// The machines use the host's network, and their resolved cannot have the ports that the host's has.
fn host_network() -> Vec<Claim> {
    let unknown =
        "the machine's resolved cannot have the LLMNR port that the host's has, and turns LLMNR off";
    let nameless = "nss-mymachines on the host gives no address for a machine without a network of its own";
    let serverless = "resolv.conf leads to the machine's own resolved, which has no servers: networkd does not run there \
                      without a network of its own";
    let own = "the machine's addresses and routes are the host's own";
    let nobody = [
        (&PEER_BY_LLMNR[..], unknown),
        (&[Check::ResolveHostAny, Check::ResolveHostIpv4, Check::ResolveHostIpv6], unknown),
        (
            &[
                Check::ResolveMachineFromHostAny,
                Check::ResolveMachineFromHostIpv4,
                Check::ResolveMachineFromHostIpv6,
                Check::ResolveMachineFromHostApi,
                Check::ResolveMachineFromHostMymachines,
                Check::ResolveMachineFromHostDhcpDomain,
            ],
            nameless,
        ),
        (&[Check::ResolveOutsideAny, Check::ResolveOutsideIpv4, Check::ResolveOutsideIpv6], serverless),
    ];
    let nobody =
        nobody.map(|(checks, reason)| each(checks, &NONE, reason, links::FINDING_HOST_NETWORK)).concat();
    let local = [
        each(&[Check::ResolveSelfAny], &[Ipv6LinkLocal], own, links::NSS_MYHOSTNAME),
        each(&[Check::ResolveGatewayAny], &[Global], own, links::NSS_MYHOSTNAME),
    ]
    .concat();
    [nobody, local].concat()
}
