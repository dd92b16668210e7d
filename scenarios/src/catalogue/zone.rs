//! `--network-zone=lab`: a bridge that systemd-nspawn makes and removes by itself.

use nspawn_matrix_reports::{AddressSpace, Family, LookupPath, Transport};

use super::claims::{self, Kind, Network, resolves};
use crate::{Check, Claim, Expectation, Launch, Scenario, Setting, Whose, links, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "zone",
        "systemd-nspawn --network-zone=lab on the command line",
        &["N13"],
        Launch::CommandLine { options: vec!["--network-zone=lab".to_owned(), pacman_cache::bind_option()] },
        Vec::new(),
        left_to_chance(&claims::of(Kind::command_line(Network::Zone)), &stray_lease(false)),
    )
}

/// An empty bridge has carrier until its first port joins. If networkd is quicker than systemd-nspawn, it picks a
/// subnet, starts the DHCP server, loses the carrier, drops the subnet, and picks another one when the carrier comes
/// back; the DHCP server goes on with the first. See docs/findings.md.
///
/// Which of both a start brings is chance, and what is seen is held against the `claims` of that outcome; but it is known
/// in either case that a start may go wrong.
pub(super) fn left_to_chance(claims: &[Claim], astray: &[Claim]) -> Vec<Claim> {
    let why = "networkd may pick the zone another subnet when its carrier comes back";
    let lost = astray.iter().filter(|claim| claim.known.is_some());
    let lost: Vec<Claim> = lost.map(|claim| claim.clone().when(Setting::StrayLease, "no")).collect();
    let in_luck = claims.iter().filter(|claim| claim.known.is_none()).flat_map(|claim| {
        let both = lost.iter().filter(|lost| lost.check == claim.check);
        both.filter_map(|lost| claim.where_also(lost))
            .filter(|both| !claims.iter().any(|other| other.counts_before(claim, both)))
            .map(|both| both.by_chance(why, links::FINDING_STRAY_LEASE))
    });
    let in_luck: Vec<Claim> = in_luck.collect();
    let is_replaced = |claim: &Claim| in_luck.iter().any(|in_luck| in_luck.is_about_the_same(claim));
    let sure = claims.iter().filter(|claim| !is_replaced(claim)).cloned();
    sure.chain(in_luck.iter().cloned()).chain(astray.iter().cloned()).collect()
}

/// What is seen where the subnet is another one than that of the DHCP server.
pub(super) fn stray_lease(user_namespace: bool) -> Vec<Claim> {
    let reason = "on this start networkd picked the zone another subnet when its carrier came back, and the DHCP server kept the first";
    let astray = |check, expectation| {
        Claim::new(check, expectation, reason, links::FINDING_STRAY_LEASE).when(Setting::StrayLease, "yes")
    };
    let fault = |check, expectation| astray(check, expectation).fault();
    let by_root = [
        // That nobody has the address is no fault; but the way to whoever would say so ends at the gateway.
        astray(Check::PingNobodyIpv4, Expectation::Unreached),
        fault(Check::PingGatewayIpv4, Expectation::Unreached),
        fault(Check::PingMachineFromHostIpv4, Expectation::Unreached),
        fault(Check::PingOutsideIpv4, Expectation::Unreached),
        fault(Check::PingOutsideIpv4Largest, Expectation::Unreached),
        // What the machine's own link carries has to be passed on, be it to be refused.
        fault(Check::PingOutsideIpv4TooLarge, Expectation::Unreached).when(Setting::UplinkMtu, "smaller"),
        fault(
            Check::EnvironmentResolvConf,
            Expectation::properties(&[("exists", "yes"), ("answering", "none")]),
        ),
        fault(Check::FirewallMasquerade, Expectation::properties(&[("table", "yes"), ("masqueraded", "no")])),
    ];
    [claims::by_users(user_namespace, &by_root), by_root.to_vec(), stray_names(&astray)].concat()
}

/// The machine asks from an address, and answers to one, that is not of its subnet: only IPv6 leads anywhere.
fn stray_names(astray: &impl Fn(Check, Expectation) -> Claim) -> Vec<Claim> {
    use AddressSpace::{Ipv6LinkLocal, Other};
    let each = |checks: Vec<Check>, expectation: &Expectation| {
        let fault =
            |check| claims::with_origin(claims::with_scope(astray(check, expectation.clone()).fault()));
        checks.into_iter().map(fault).collect::<Vec<_>>()
    };
    let until_258 = |claims: Vec<Claim>| claims.into_iter().map(|claim| claim.until(258)).collect::<Vec<_>>();
    let of_host = claims::or_link_local(&[Other]);
    let nobody = claims::on_the_wire(&[], &[]);
    let by_resolve = |claim: Claim| claim.until(258).when(Setting::NssFirst, "resolve");
    let by_mdns = |claim: Claim| claim.when(Setting::MulticastDns, "yes");
    // Where nobody asks or answers by LLMNR it does not matter what leads where.
    let by_llmnr = |claim: Claim| claim.when(Setting::Llmnr, "yes");
    let on_host = |paths: &[LookupPath], family| claims::lookups(Whose::Machine, paths, family);
    let any = on_host(&[LookupPath::Nss], Family::Any);
    let ipv4 = on_host(&[LookupPath::Nss], Family::Ipv4);
    let of_names = [
        each(
            claims::lookups(Whose::Host, &claims::RESOLVED, Family::Any),
            &resolves(&[Ipv6LinkLocal, Other]),
        ),
        each(claims::lookups(Whose::Host, &claims::RESOLVED, Family::Ipv4), &resolves(&[Other])),
        each(vec![claims::wire(Whose::Host, Transport::LlmnrIpv4)], &of_host),
        each(vec![claims::wire(Whose::Machine, Transport::LlmnrIpv4)], &nobody),
        until_258(each(on_host(&[LookupPath::Api], Family::Any), &resolves(&[Ipv6LinkLocal]))),
        until_258(each(
            on_host(&[LookupPath::Stub, LookupPath::Api], Family::Ipv4),
            &Expectation::Unresolved,
        )),
        each(any, &resolves(&[Ipv6LinkLocal])).into_iter().map(by_resolve).collect(),
        each(ipv4, &Expectation::Unresolved).into_iter().map(by_resolve).collect(),
    ];
    [
        // That nobody has the name is no fault.
        claims::all_lookups(Whose::PeerDhcp)
            .into_iter()
            .map(|check| astray(check, Expectation::Unresolved))
            .collect(),
        each(claims::all_lookups(Whose::Outside), &Expectation::Unresolved),
        of_names.concat().into_iter().map(by_llmnr).collect(),
        // Multicast DNS is not answered across subnets (RFC 6762, 11).
        each(
            vec![
                claims::wire(Whose::Host, Transport::MdnsIpv4),
                claims::wire(Whose::Machine, Transport::MdnsIpv4),
            ],
            &nobody,
        )
        .into_iter()
        .map(by_mdns)
        .collect(),
    ]
    .concat()
}
