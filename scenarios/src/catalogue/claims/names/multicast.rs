//! What LLMNR and multicast DNS give, through resolved and on the wire, where they are on and where they are not.

use nspawn_matrix_reports::AddressSpace::{Ipv6LinkLocal, Lease};
use nspawn_matrix_reports::Family::{Any, Ipv4, Ipv6};
use nspawn_matrix_reports::LookupPath::{self, Api, Nss, Stub};
use nspawn_matrix_reports::Transport::{LlmnrIpv4, LlmnrIpv6, MdnsIpv4, MdnsIpv6};

use super::{EITHER, NONE, Network, all_lookups, each, lookups, on_the_wire, wire};
use crate::{Claim, Expectation, Setting, Whose, links};

/// What LLMNR or multicast DNS gives on these paths where somebody answers over both families.
pub(super) fn raced(whose: Whose, paths: &[LookupPath], protocol: &str) -> Vec<Claim> {
    let race = format!(
        "resolved asks {protocol} over IPv4 and over IPv6 at once, and the first scope that answers wins"
    );
    let family = format!(
        "only the scope of {protocol} for the family is asked, and it gives the address of that family on the link"
    );
    [
        each(&lookups(whose, paths, Any), &EITHER, &race, links::ISSUE_LLMNR_RANDOM),
        each(&lookups(whose, paths, Ipv4), &[Lease], &family, links::RFC_LLMNR),
        each(&lookups(whose, paths, Ipv6), &[Ipv6LinkLocal], &family, links::RFC_LLMNR),
    ]
    .concat()
}

/// Whoever bears a name answers to it on the wire, over IPv4 so: always by LLMNR, and by multicast DNS where that is on.
pub(super) fn answers(whose: Whose, ipv4: &Expectation) -> Vec<Claim> {
    let family = "whoever has the name tells over each family the addresses of that family on the link";
    let ipv6 = on_the_wire(&[], &[Ipv6LinkLocal]);
    let claim = |transport, answer: &Expectation, link| {
        Claim::new(wire(whose, transport), answer.clone(), family, link)
    };
    let mdns = vec![claim(MdnsIpv4, ipv4, links::RFC_MDNS), claim(MdnsIpv6, &ipv6, links::RFC_MDNS)];
    [
        vec![claim(LlmnrIpv4, ipv4, links::RFC_LLMNR), claim(LlmnrIpv6, &ipv6, links::RFC_LLMNR)],
        by_multicast_dns(mdns, &on_the_wire(&[], &[]), &on_the_wire(&[], &[])),
    ]
    .concat()
}

/// Nobody on the links has the name.
pub(super) fn silent(whose: Whose, reason: &str) -> Vec<Claim> {
    [
        (LlmnrIpv4, links::RFC_LLMNR),
        (LlmnrIpv6, links::RFC_LLMNR),
        (MdnsIpv4, links::RFC_MDNS),
        (MdnsIpv6, links::RFC_MDNS),
    ]
    .map(|(transport, link)| Claim::new(wire(whose, transport), on_the_wire(&[], &[]), reason, link))
    .to_vec()
}

/// Whether anybody answers multicast DNS is a setting of the links, which distributions differ in: `yes` holds where it is
/// on, `no` where it is off, and `silence` where the links are asked all the same.
pub(super) fn by_multicast_dns(yes: Vec<Claim>, no: &Expectation, silence: &Expectation) -> Vec<Claim> {
    let off = "MulticastDNS= is off on the links of the machines";
    let asks = "with MulticastDNS=resolve the links are asked, and nobody answers";
    let without = |claim: &Claim, nobody: &Expectation, reason| {
        let instead = Claim::new(claim.check, nobody.clone(), reason, links::RESOLVED_CONF);
        Claim { host: claim.host, ..instead }
    };
    yes.into_iter()
        .flat_map(|claim| {
            [
                without(&claim, no, off),
                without(&claim, silence, asks).when(Setting::MulticastDns, "resolve"),
                claim.when(Setting::MulticastDns, "yes"),
            ]
        })
        .collect()
}

/// Where LLMNR is not fully on, nobody answers; where it is off, nobody asks either.
pub(super) fn without_llmnr(network: Network) -> Vec<Claim> {
    let asks = "with LLMNR=resolve the links are asked, and nobody answers";
    let off = "LLMNR= is off on the links of the machines";
    let unheard = |whose, reason| {
        [LlmnrIpv4, LlmnrIpv6]
            .map(|transport| {
                Claim::new(wire(whose, transport), on_the_wire(&[], &[]), reason, links::RESOLVED_CONF)
            })
            .to_vec()
    };
    let mut claims = Vec::new();
    for (value, reason) in [("resolve", asks), ("no", off)] {
        if network != Network::Veth {
            let unknown = each(&all_lookups(Whose::Peer), &NONE, reason, links::RESOLVED_CONF);
            let unknown = unknown.into_iter().chain(unheard(Whose::Peer, reason));
            claims.extend(unknown.map(|claim| claim.when(Setting::Llmnr, value)));
        }
        let machine = |paths: &[LookupPath]| {
            let checks = [Any, Ipv4, Ipv6].map(|family| lookups(Whose::Machine, paths, family)).concat();
            each(&checks, &NONE, reason, links::RESOLVED_CONF).into_iter().map(|claim| claim.until(258))
        };
        let crossing = [
            each(&all_lookups(Whose::Host), &NONE, reason, links::RESOLVED_CONF),
            unheard(Whose::Host, reason),
            unheard(Whose::Machine, reason),
            machine(&[Stub, Api]).collect(),
            // What resolve does not find is not asked of mymachines after it ([!UNAVAIL=return]).
            machine(&[Nss]).map(|claim| claim.when(Setting::NssFirst, "resolve")).collect(),
        ];
        // A zone whose leases are astray has claims of its own about what crosses between host and machine.
        let crosses = |claim: Claim| claim.when(Setting::Llmnr, value).when(Setting::StrayLease, "no");
        claims.extend(crossing.concat().into_iter().map(crosses));
    }
    claims
}
