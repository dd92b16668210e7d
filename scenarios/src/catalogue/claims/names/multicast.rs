//! What LLMNR and multicast DNS give, through resolved and on the wire, where they are on and where they are not.

use nspawn_matrix_reports::AddressSpace::{Ipv6LinkLocal, Lease};
use nspawn_matrix_reports::Family::{Any, Ipv4, Ipv6};
use nspawn_matrix_reports::LookupPath::{self, Api, Nss, Stub};
use nspawn_matrix_reports::Transport::{LlmnrIpv4, LlmnrIpv6, MdnsIpv4, MdnsIpv6};

use super::{EITHER, NONE, Network, all_lookups, each, lookups, on_the_wire, resolves, wire};
use crate::{Check, Claim, Expectation, Setting, Whose, links};

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
    let silent = "MulticastDNS= has whoever bears the name answer nobody";
    let mdns = mdns.into_iter().flat_map(|claim| {
        let nobody = Claim::new(claim.check, on_the_wire(&[], &[]), silent, links::RESOLVED_CONF);
        [Claim { host: claim.host, ..nobody }, claim.when(Setting::MulticastDns, "yes")]
    });
    let llmnr = [claim(LlmnrIpv4, ipv4, links::RFC_LLMNR), claim(LlmnrIpv6, &ipv6, links::RFC_LLMNR)];
    llmnr.into_iter().chain(mdns).collect()
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

/// Whether anybody is asked by multicast DNS, and answers, is a setting of the links, which distributions differ in: `yes`
/// holds where it is on, and else nobody gives an address.
pub(super) fn by_multicast_dns(yes: Vec<Claim>) -> Vec<Claim> {
    let off = "MulticastDNS= is off where the name is asked for";
    let asks =
        "whoever asks does so by multicast DNS, and MulticastDNS= has whoever bears the name answer nobody";
    let without = |claim: &Claim, nobody: Expectation, reason| {
        let instead = Claim::new(claim.check, nobody, reason, links::RESOLVED_CONF);
        Claim { host: claim.host, ..instead }
    };
    yes.into_iter()
        .flat_map(|claim| {
            [
                without(&claim, resolves(&NONE), off),
                without(&claim, Expectation::Unresolved, asks).when(Setting::MulticastDns, "resolve"),
                claim.when(Setting::MulticastDns, "yes"),
            ]
        })
        .collect()
}

/// Where the name is not asked for by LLMNR, or not answered to, nobody gives an address.
pub(super) fn without_llmnr(network: Network) -> Vec<Claim> {
    let asks = "whoever asks does so by LLMNR, and LLMNR= has whoever bears the name answer nobody";
    let off = "LLMNR= is off where the name is asked for";
    let mut claims = Vec::new();
    for (value, reason) in [("resolve", asks), ("no", off)] {
        let nobody = |checks: &[Check]| each(checks, &NONE, reason, links::RESOLVED_CONF);
        let on_host = |paths: &[LookupPath]| {
            let checks = [Any, Ipv4, Ipv6].map(|family| lookups(Whose::Machine, paths, family)).concat();
            nobody(&checks).into_iter().map(|claim| claim.until(258))
        };
        let peer = if network == Network::Veth { Vec::new() } else { nobody(&all_lookups(Whose::Peer)) };
        let unknown = [
            peer,
            nobody(&all_lookups(Whose::Host)),
            on_host(&[Stub, Api]).collect(),
            // What resolve does not find is not asked of mymachines after it ([!UNAVAIL=return]).
            on_host(&[Nss]).map(|claim| claim.when(Setting::NssFirst, "resolve")).collect(),
        ];
        claims.extend(unknown.concat().into_iter().map(|claim| claim.when(Setting::Llmnr, value)));
    }
    // Who asks the link itself needs nobody's LLMNR= to ask.
    let borne: &[Whose] = match network {
        Network::Host | Network::Veth => &[Whose::Host, Whose::Machine],
        Network::Zone | Network::Br0 => &[Whose::Peer, Whose::Host, Whose::Machine],
    };
    let unheard = borne.iter().flat_map(|&whose| [LlmnrIpv4, LlmnrIpv6].map(|by| wire(whose, by)));
    let silent = "LLMNR= has whoever bears the name answer nobody";
    claims.extend(unheard.map(|check| {
        Claim::new(check, on_the_wire(&[], &[]), silent, links::RESOLVED_CONF).when(Setting::Llmnr, "resolve")
    }));
    claims
}
