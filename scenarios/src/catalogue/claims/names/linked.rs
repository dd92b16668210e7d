//! Names where the machines have links of their own, and a lease.

use std::collections::BTreeMap;

use nspawn_matrix_reports::AddressSpace::{self, Global, Ipv4LinkLocal, Ipv6LinkLocal, Lease, Other};
use nspawn_matrix_reports::Family::{Any, Ipv4, Ipv6};
use nspawn_matrix_reports::LookupPath::{self, Api, Nss, NssMymachines, Stub};

use super::multicast::{answers, raced};
use super::{EITHER, LOCAL, NONE, Network, all_lookups, each, lookups, on_the_wire, or_link_local};
use crate::{Check, Claim, Expectation, Scope, Setting, Whose, links};

/// The machines have links of their own, and a lease.
pub(super) fn linked(network: Network) -> Vec<Claim> {
    let own = "nss-myhostname and resolved give all addresses of the machine, and getaddrinfo sorts fe80 first (RFC 6724)";
    let own_ipv4 = "the lease is the only IPv4 address of the machine";
    [
        outside(),
        host(network),
        each(&lookups(Whose::Own, &LOCAL, Any), &[Ipv6LinkLocal], own, links::NSS_MYHOSTNAME),
        each(&lookups(Whose::Own, &LOCAL, Ipv4), &[Lease], own_ipv4, links::NSS_MYHOSTNAME),
        each(&lookups(Whose::Own, &LOCAL, Ipv6), &[Ipv6LinkLocal], own, links::NSS_MYHOSTNAME),
        machine_from_host(),
        answers(Whose::Machine, &on_the_wire(&[Lease], &[])),
    ]
    .concat()
}

/// A name that DNS knows, with an address of each family.
fn outside() -> Vec<Claim> {
    let uplink = "the host's DHCP server hands on the DNS servers of the uplink";
    let order = "resolved asks DNS for both families at once, and gives first what comes first";
    let any = lookups(Whose::Outside, &[Api], Any);
    let others: Vec<Check> =
        all_lookups(Whose::Outside).into_iter().filter(|check| !any.contains(check)).collect();
    let either = Expectation::ResolvesAmong { to: vec![Global] };
    let either = any.iter().map(|check| Claim::new(*check, either.clone(), order, links::FINDING_DNS_ORDER));
    each(&others, &[Global], uplink, links::SYSTEMD_NETWORK).into_iter().chain(either).collect()
}

/// The name of the host in a machine, which LLMNR knows.
fn host(network: Network) -> Vec<Claim> {
    let nss = raced(Whose::Host, &[Nss], "LLMNR");
    let past_nss = raced(Whose::Host, &[Stub, Api], "LLMNR");
    match network {
        Network::Host | Network::Br0 => {
            [nss, past_nss, answers(Whose::Host, &on_the_wire(&[Lease], &[]))].concat()
        }
        Network::Veth | Network::Zone => {
            let since_253 = [past_nss, answers(Whose::Host, &or_link_local(&[Lease]))].concat();
            let since_253 = since_253.into_iter().map(|claim| claim.since(253));
            nss.into_iter().chain(since_253).chain(two_subnets()).collect()
        }
    }
}

/// With systemd 252 the host's end has addresses of two subnets. NSS sorts that of the machine's own first; what else asks
/// gets them as the host's resolved has them.
fn two_subnets() -> Vec<Claim> {
    let reason =
        "networkd 252 gives the host's end of the link two subnets, and either address may come first";
    let among = |family, to: &[AddressSpace]| {
        let expectation = Expectation::ResolvesAmong { to: to.to_vec() };
        let checks = lookups(Whose::Host, &[Stub, Api], family).into_iter();
        let claim = |check| Claim::new(check, expectation.clone(), reason, links::FINDING_TWO_SUBNETS);
        checks.map(claim).collect::<Vec<_>>()
    };
    let on_the_wire =
        Expectation::OnTheWire { a: vec![Lease], aaaa: Vec::new(), perhaps: vec![Ipv4LinkLocal, Other] };
    [
        among(Any, &[Lease, Ipv6LinkLocal, Other]),
        among(Ipv4, &[Lease, Other]),
        each(&lookups(Whose::Host, &[Stub, Api], Ipv6), &[Ipv6LinkLocal], reason, links::FINDING_TWO_SUBNETS),
        answers(Whose::Host, &on_the_wire),
    ]
    .into_iter()
    .flatten()
    .map(|claim| claim.until(252))
    .collect()
}

/// The name of a machine on the host, which three may know: nss-mymachines, LLMNR, and from systemd 259 on resolved, by
/// machined.
fn machine_from_host() -> Vec<Claim> {
    let sorted =
        "nss-mymachines gives all addresses of the machine, and getaddrinfo sorts fe80 first (RFC 6724)";
    let ipv4 = "the lease is the only IPv4 address of the machine";
    let machined = "resolved asks machined, which gives all addresses of the machine, those of IPv4 first";
    let by_resolve = "nsswitch.conf has resolve before mymachines: LLMNR is asked over both families, and the first scope wins";
    let nss = [Nss, NssMymachines];
    // machined tells no link of an address.
    let linkless =
        Expectation::Resolves { to: vec![Ipv6LinkLocal], scope: Some(Scope::Without), from: BTreeMap::new() };
    let past_nss = [Stub, Api];
    let of = |paths: &[LookupPath], family| lookups(Whose::Machine, paths, family);
    let by_machined = [
        each(&of(&past_nss, Any), &[Lease], machined, links::RESOLVED),
        each(&of(&past_nss, Ipv4), &[Lease], machined, links::RESOLVED),
        each(&of(&past_nss, Ipv6), &[Ipv6LinkLocal], machined, links::RESOLVED)
            .into_iter()
            .map(|claim| Claim { expectation: linkless.clone(), ..claim })
            .collect(),
    ];
    let by_llmnr = raced(Whose::Machine, &past_nss, "LLMNR");
    let by_resolve = each(&of(&[Nss], Any), &EITHER, by_resolve, links::ISSUE_LLMNR_RANDOM);
    [
        each(&of(&nss, Any), &[Ipv6LinkLocal], sorted, links::NSS_MYMACHINES),
        each(&of(&nss, Ipv4), &[Lease], ipv4, links::NSS_MYMACHINES),
        each(&of(&nss, Ipv6), &[Ipv6LinkLocal], sorted, links::NSS_MYMACHINES),
        by_resolve.into_iter().map(|claim| claim.until(258).when(Setting::NssFirst, "resolve")).collect(),
        by_llmnr.into_iter().map(|claim| claim.until(258)).collect(),
        by_machined.concat().into_iter().map(|claim| claim.since(259)).collect(),
    ]
    .concat()
}

/// What follows from the .network files that systemd ships.
pub(super) fn shipped() -> Vec<Claim> {
    let advertised = "IPv6SendRA=yes makes the host's fe80 address a gateway, and getaddrinfo sorts it before that of the lease";
    let lease = "the gateway of the lease is the host's IPv4 address on the link";
    let untold = "before systemd 259 networkd tells resolved nothing of its leases";
    let told = "LocalLeaseDomain=_dhcp has networkd tell resolved the leases of its DHCP server";
    let gateway = |family| lookups(Whose::Gateway, &LOCAL, family);
    let domain = |to: &[AddressSpace], reason| {
        each(&all_lookups(Whose::MachineDhcp), to, reason, links::SYSTEMD_NETWORK).into_iter()
    };
    [
        each(&gateway(Any), &[Ipv6LinkLocal], advertised, links::SYSTEMD_NETWORK),
        each(&gateway(Ipv4), &[Lease], lease, links::NSS_MYHOSTNAME),
        each(&gateway(Ipv6), &[Ipv6LinkLocal], advertised, links::SYSTEMD_NETWORK),
        domain(&NONE, untold).map(|claim| claim.until(258)).collect(),
        domain(&[Lease], told).map(|claim| claim.since(259)).collect(),
    ]
    .concat()
}

/// What follows from the .network file of the notes.
pub(super) fn of_the_notes() -> Vec<Claim> {
    let lease = "the gateway of the lease is the host's address on the link, and there is no other";
    let untold = "50-br0.network has no LocalLeaseDomain=, so networkd tells resolved nothing of its leases";
    let gateway = |family| lookups(Whose::Gateway, &LOCAL, family);
    [
        each(&gateway(Any), &[Lease], lease, links::NSS_MYHOSTNAME),
        each(&gateway(Ipv4), &[Lease], lease, links::NSS_MYHOSTNAME),
        each(&gateway(Ipv6), &NONE, lease, links::NSS_MYHOSTNAME),
        each(&all_lookups(Whose::MachineDhcp), &NONE, untold, links::SYSTEMD_NETWORK),
    ]
    .concat()
}
