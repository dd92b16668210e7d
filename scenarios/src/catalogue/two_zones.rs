//! Two zones, with a machine in each: what is link-local does not go from one to the other.

use super::claims::{self, Kind, Network};
use super::common::nspawn_file;
use crate::{Check, Claim, Expectation, Launch, Scenario, Step, Topic, links};

pub(super) fn scenario() -> Scenario {
    let topics = [Topic::Reach];
    Scenario::new(
        "two-zones",
        "the shipped unit, Zone=lab for one machine and Zone=den for the other",
        &["N13"],
        Launch::Unit,
        vec![
            // Else it is left to chance whether a zone keeps its subnet: docs/findings.md.
            Step::config(
                "/etc/systemd/network/80-container-vz.network.d/carrier.conf",
                "[Network]\nConfigureWithoutCarrier=yes\n",
            ),
            Step::run(&["systemctl", "restart", "systemd-networkd"]),
            nspawn_file("alpha", "\n[Network]\nZone=lab\n"),
            nspawn_file("beta", "\n[Network]\nZone=den\n"),
        ],
        claims::except(
            claims::about(Kind::unit(Network::Zone), &topics),
            [apart(), claims::by_users(true, &apart())].concat(),
        ),
    )
    .asked_about(topics)
}

/// The machines are in different zones.
fn apart() -> Vec<Claim> {
    let routes = "the host routes between the zones";
    let scope = "fe80 addresses are valid on one link only (RFC 4291), and the peer is in another zone";
    vec![
        Claim::new(Check::PingPeerIpv4, Expectation::ANSWERS_ROUTED, routes, links::SYSTEMD_NETWORK),
        Claim::new(Check::PingPeerIpv6LinkLocal, Expectation::Unreached, scope, links::RFC_IPV6_ADDRESSES),
        claims::masqueraded(),
        claims::not_seen(scope),
    ]
}
