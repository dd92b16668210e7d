//! The way through the host: forwarding, filters, NAT.

use super::{Kind, Network, all_lookups};
use crate::{Check, Claim, Expectation, Setting, Whose, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let by_link = if kind.network == Network::Host { Vec::new() } else { forwarding_by_link() };
    [forwarding(kind.network), by_link, vec![masquerade(kind.network)], open()].concat()
}

/// What networkd turns on for IPMasquerade=; the stock setting is off.
fn forwarding(network: Network) -> Vec<Claim> {
    let (ipv4, ipv6, reason) = match network {
        Network::Host => ("0", "0", "nothing turns forwarding on, and the kernel has it off"),
        Network::Veth | Network::Zone => {
            ("1", "1", "IPMasquerade=both turns forwarding on for both families")
        }
        Network::Br0 => ("1", "0", "IPMasquerade=yes is ipv4, and turns forwarding on for that family"),
    };
    let are = [("IPv4", ipv4), ("IPv4 default", ipv4), ("IPv6", ipv6), ("IPv6 default", ipv6)];
    let claim = Claim::new(
        Check::EnvironmentForwarding,
        Expectation::properties(&are),
        reason,
        links::ISSUE_FORWARDING,
    );
    vec![claim]
}

/// The systemd whose first releases turn forwarding on for the links of machines alone, so that no answer comes back in by
/// the uplink. A later release of it took that back (systemd#34014); so the host is looked at, and not its version alone.
const FORWARDS_BY_LINK: u32 = 256;

/// What becomes of machines whose host forwards what comes from them, and not what comes to them.
pub(super) fn forwarding_by_link() -> Vec<Claim> {
    let reason =
        "IPMasquerade= turns forwarding on for the link of the machine alone, and answers come in by another";
    let fault = |check, expectation| {
        Claim::new(check, expectation, reason, links::ISSUE_FORWARDING)
            .since(FORWARDS_BY_LINK)
            .until(FORWARDS_BY_LINK)
            .when(Setting::Forwarding, "links")
            // A lease that leads nowhere comes before that.
            .when(Setting::StrayLease, "no")
            .fault()
    };
    let rows = [
        fault(
            Check::EnvironmentForwarding,
            Expectation::properties(&[
                ("IPv4", "0"),
                ("IPv4 default", "0"),
                ("IPv6", "0"),
                ("IPv6 default", "0"),
            ]),
        ),
        fault(Check::PingOutsideIpv4, Expectation::NoAnswer),
        fault(Check::PingOutsideIpv4Largest, Expectation::NoAnswer),
        fault(
            Check::EnvironmentResolvConf,
            Expectation::properties(&[("exists", "yes"), ("answering", "none")]),
        ),
    ];
    let names = all_lookups(Whose::Outside).into_iter().map(|check| fault(check, Expectation::Unresolved));
    rows.into_iter().chain(names).collect()
}

fn masquerade(network: Network) -> Claim {
    let (expectation, reason) = match network {
        Network::Host => (
            Expectation::properties(&[("table", "no"), ("subnet", "none")]),
            "nothing has IPMasquerade=, and a machine without a lease has no subnet",
        ),
        Network::Veth | Network::Zone | Network::Br0 => (
            Expectation::properties(&[("table", "yes"), ("masqueraded", "yes")]),
            "IPMasquerade= puts the subnet of each address of the link into the set that systemd's table masquerades",
        ),
    };
    Claim::new(Check::FirewallMasquerade, expectation, reason, links::SYSTEMD_NETWORK)
}

/// A stock host has no filter.
fn open() -> Vec<Claim> {
    let reason = "a stock host has no chain at the hook, and without one the kernel accepts";
    vec![
        Claim::new(
            Check::FirewallForward,
            Expectation::properties(&[("IPv4", "accepted"), ("IPv6", "accepted")]),
            reason,
            links::NFT,
        ),
        Claim::new(
            Check::FirewallInput,
            Expectation::properties(&[
                ("DHCP", "accepted"),
                ("LLMNR over IPv4", "accepted"),
                ("LLMNR over IPv6", "accepted"),
            ]),
            reason,
            links::NFT,
        ),
    ]
}
