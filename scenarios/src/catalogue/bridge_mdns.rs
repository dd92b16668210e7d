//! `--network-bridge=br0` with what Debian leaves off: multicast DNS, and ping for the ordinary users of the machines.

use super::claims::{self, Kind, Network, environment};
use super::common::{br0_with, steps};
use crate::{Claim, Launch, MACHINES, Scenario, Setting, Step, Topic, launch, pacman_cache};

/// What it changes: no name of one label is asked for by multicast DNS.
const TOPICS: [Topic; 3] = [Topic::Reach, Topic::MulticastDns, Topic::Environment];

/// The drop-in for resolved.conf(5), of the host and of each machine.
const RESOLVED: &str = "/etc/systemd/resolved.conf.d/50-mdns.conf";

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "bridge-mdns",
        "systemd-nspawn --network-bridge=br0, with multicast DNS, and ping for all users of the machines",
        &["N6"],
        Launch::CommandLine { options: vec!["--network-bridge=br0".to_owned(), pacman_cache::bind_option()] },
        steps([
            vec![turned_on(RESOLVED), Step::run(&["systemctl", "restart", "systemd-resolved"])],
            br0_with("IPMasquerade=yes\nMulticastDNS=yes\n"),
            MACHINES.map(of_machine).concat(),
        ]),
        claims(),
    )
    .asked_about(TOPICS)
}

/// resolved takes part on a link as far as both its own setting and that of the link allow.
fn turned_on(path: impl Into<String>) -> Step {
    Step::config(path, "[Resolve]\nMulticastDNS=yes\n")
}

/// What is set in the root of a machine.
fn of_machine(machine: &str) -> Vec<Step> {
    let root = launch::root(machine);
    vec![
        turned_on(format!("{root}{RESOLVED}")),
        Step::config(
            format!("{root}/etc/systemd/network/80-container-host0.network.d/50-mdns.conf"),
            "[Network]\nMulticastDNS=yes\n",
        ),
        Step::config(format!("{root}/etc/sysctl.d/50-ping.conf"), "net.ipv4.ping_group_range=0 2147483647\n"),
    ]
}

fn claims() -> Vec<Claim> {
    let on_bridge = claims::about(Kind::command_line(Network::Br0), &TOPICS);
    let turned_on = [(Setting::MulticastDns, "yes"), (Setting::PingSysctl, "open")];
    claims::except(
        turned_on
            .into_iter()
            .fold(on_bridge, |claims, (setting, value)| claims::given(claims, setting, value)),
        vec![environment::multicast(
            &[("LLMNR", "yes"), ("multicast DNS", "yes")],
            "resolved.conf and the .network files of both ends say MulticastDNS=yes, and LLMNR= is yes by default",
        )],
    )
}
