//! The way through the host: forwarding, filters, NAT.

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    [forwarding(kind.network), vec![masquerade(kind.network)], open()].concat()
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
    if network == Network::Host {
        return vec![claim];
    }
    // 256 turned it on for single links only, until some point release: nothing is claimed of it.
    vec![claim.clone().until(255), claim.since(257)]
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
