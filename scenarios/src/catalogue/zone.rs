//! `--network-zone=lab`: a bridge that systemd-nspawn makes and removes by itself.

use nspawn_matrix_reports::AddressSpace;

use super::common::{
    ZONE, bind_without_user_namespace, claims, host_and_machine, resolves, routed, same_link,
};
use crate::{Check, Claim, Condition, Expectation, Launch, Scenario, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "zone",
        "systemd-nspawn --network-zone=lab on the command line",
        &["N13"],
        Launch::CommandLine { options: vec!["--network-zone=lab".to_owned(), pacman_cache::bind_option()] },
        Vec::new(),
        claims([
            routed(&ZONE),
            same_link(),
            host_and_machine(),
            bind_without_user_namespace(),
            stray_lease(),
        ]),
    )
}

/// An empty bridge has carrier until its first port joins. If networkd is quicker than systemd-nspawn, it picks a
/// subnet, starts the DHCP server, loses the carrier, drops the subnet, and picks another one when the carrier comes
/// back; the DHCP server goes on with the first. See docs/findings.md.
fn stray_lease() -> Vec<Claim> {
    let reason = "networkd picked the zone another subnet when its carrier came back, and the DHCP server kept the first";
    let fault = |check, expectation| Claim::fault(check, Condition::StrayLease, expectation, reason);
    vec![
        fault(Check::PingGatewayIpv4, Expectation::NoAnswer),
        fault(Check::PingMachineFromHostIpv4, Expectation::NoAnswer),
        fault(Check::PingOutsideIpv4, Expectation::NoAnswer),
        fault(Check::ResolveOutside, resolves(&[AddressSpace::None])),
        fault(Check::ResolveHost, resolves(&[AddressSpace::Ipv6LinkLocal, AddressSpace::Other])),
    ]
}
