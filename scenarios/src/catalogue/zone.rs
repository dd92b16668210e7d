//! `--network-zone=lab`: a bridge that systemd-nspawn makes and removes by itself.

use nspawn_matrix_reports::AddressSpace;

use super::claims::{self, Kind, Network, resolves};
use crate::{Check, Claim, Expectation, Launch, Scenario, Setting, links, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "zone",
        "systemd-nspawn --network-zone=lab on the command line",
        &["N13"],
        Launch::CommandLine { options: vec!["--network-zone=lab".to_owned(), pacman_cache::bind_option()] },
        Vec::new(),
        [claims::of(Kind::command_line(Network::Zone)), stray_lease(false)].concat(),
    )
}

/// An empty bridge has carrier until its first port joins. If networkd is quicker than systemd-nspawn, it picks a
/// subnet, starts the DHCP server, loses the carrier, drops the subnet, and picks another one when the carrier comes
/// back; the DHCP server goes on with the first. See docs/findings.md.
pub(super) fn stray_lease(user_namespace: bool) -> Vec<Claim> {
    let reason = "networkd picked the zone another subnet when its carrier came back, and the DHCP server kept the first";
    let fault = |check, expectation| {
        Claim::new(check, expectation, reason, links::FINDING_STRAY_LEASE)
            .when(Setting::StrayLease, "yes")
            .fault()
    };
    let by_root = [
        // That nobody has the address, or the name, is no fault; but the way to whoever would say so ends at the gateway.
        Claim::new(Check::PingNobodyIpv4, Expectation::Unreached, reason, links::FINDING_STRAY_LEASE)
            .when(Setting::StrayLease, "yes"),
        Claim::new(Check::ResolvePeerDhcpDomain, Expectation::Unresolved, reason, links::FINDING_STRAY_LEASE)
            .when(Setting::StrayLease, "yes"),
        fault(Check::PingGatewayIpv4, Expectation::Unreached),
        fault(Check::PingMachineFromHostIpv4, Expectation::Unreached),
        fault(Check::PingOutsideIpv4, Expectation::Unreached),
        fault(Check::PingOutsideIpv4Largest, Expectation::Unreached),
        fault(
            Check::EnvironmentResolvConf,
            Expectation::properties(&[("exists", "yes"), ("answering", "none")]),
        ),
        fault(Check::FirewallMasquerade, Expectation::properties(&[("table", "yes"), ("masqueraded", "no")])),
        fault(Check::ResolveOutsideAny, Expectation::Unresolved),
        fault(Check::ResolveOutsideIpv4, Expectation::Unresolved),
        fault(Check::ResolveOutsideIpv6, Expectation::Unresolved),
        fault(Check::ResolveHostIpv4, resolves(&[AddressSpace::Other])),
        fault(Check::ResolveHostAny, resolves(&[AddressSpace::Ipv6LinkLocal, AddressSpace::Other])),
        fault(Check::ResolveMachineFromHostApi, resolves(&[AddressSpace::Ipv6LinkLocal])).until(258),
        fault(Check::ResolveMachineFromHostAny, resolves(&[AddressSpace::Ipv6LinkLocal]))
            .until(258)
            .when(Setting::NssFirst, "resolve"),
        fault(Check::ResolveMachineFromHostIpv4, Expectation::Unresolved)
            .until(258)
            .when(Setting::NssFirst, "resolve"),
    ];
    [claims::by_users(user_namespace, &by_root), by_root.to_vec()].concat()
}
