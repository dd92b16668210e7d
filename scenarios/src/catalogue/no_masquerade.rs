//! `br0` without `IPMasquerade=`: the negative control to `bridge`.

use super::claims::{self, Kind, Network};
use super::common::{br0_with, steps};
use crate::{Check, Claim, Expectation, Launch, Scenario, Step, Topic, links, pacman_cache};

pub(super) fn scenario() -> Scenario {
    let topics = [Topic::Reach];
    Scenario::new(
        "no-masquerade",
        "systemd-nspawn --network-bridge=br0, and br0 does not masquerade",
        &["N6"],
        Launch::CommandLine { options: vec!["--network-bridge=br0".to_owned(), pacman_cache::bind_option()] },
        steps([forwarding(), br0_with("")]),
        claims::except(
            claims::about(Kind::command_line(Network::Br0), &topics),
            [confined(), claims::by_users(false, &confined())].concat(),
        ),
    )
    .asked_about(topics)
}

/// With IPMasquerade= networkd would turn it on. Were it off, that would keep the machines in, and not what is missing.
fn forwarding() -> Vec<Step> {
    vec![
        Step::config("/etc/sysctl.d/50-forward.conf", "net.ipv4.ip_forward=1\n"),
        Step::run(&["systemctl", "restart", "systemd-sysctl"]),
    ]
}

/// The machines reach the host and each other, and have no answer from anybody else.
fn confined() -> Vec<Claim> {
    let reason =
        "the host forwards, and nobody beyond it knows a way back to an address that was not masqueraded";
    let silent = |check| Claim::new(check, Expectation::NoAnswer, reason, links::SYSTEMD_NETWORK);
    vec![
        silent(Check::PingOutsideIpv4),
        silent(Check::PingOutsideIpv4Largest),
        claims::seen_as_itself("nothing on the host masquerades"),
    ]
}
