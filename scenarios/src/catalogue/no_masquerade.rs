//! `br0` without `IPMasquerade=`: the negative control to `bridge`.

use super::claims::{self, Kind, Network};
use super::common::br0_with;
use crate::{Check, Claim, Expectation, Launch, Scenario, Topic, links, pacman_cache};

pub(super) fn scenario() -> Scenario {
    let topics = [Topic::Reach];
    Scenario::new(
        "no-masquerade",
        "systemd-nspawn --network-bridge=br0, and br0 does not masquerade",
        &["N6"],
        Launch::CommandLine { options: vec!["--network-bridge=br0".to_owned(), pacman_cache::bind_option()] },
        br0_with(""),
        claims::except(
            claims::about(Kind::command_line(Network::Br0), &topics),
            [confined(), claims::by_users(false, &confined())].concat(),
        ),
    )
    .asked_about(topics)
}

/// The machines reach the host and each other, and nothing else.
fn confined() -> Vec<Claim> {
    let reason = "without IPMasquerade= networkd does not turn forwarding on";
    let silent = |check| Claim::new(check, Expectation::NoAnswer, reason, links::SYSTEMD_NETWORK);
    vec![
        silent(Check::PingOutsideIpv4),
        silent(Check::PingOutsideIpv4Largest),
        claims::seen_as_itself("nothing on the host masquerades"),
    ]
}
