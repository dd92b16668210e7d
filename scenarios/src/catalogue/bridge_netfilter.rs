//! `--network-bridge=br0` on a host whose firewall sees bridged frames, as docker and kubernetes leave it.

use super::claims::{self, Kind, Network, environment};
use super::common::{br0, steps};
use crate::{Launch, Scenario, Step, Topic, pacman_cache};

/// What it changes but for names, which have 32 lookups each to wait for LLMNR in vain.
const TOPICS: [Topic; 2] = [Topic::Reach, Topic::Environment];

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "bridge-netfilter",
        "systemd-nspawn --network-bridge=br0, and bridged frames pass the host's firewall",
        &["N6"],
        Launch::CommandLine { options: vec!["--network-bridge=br0".to_owned(), pacman_cache::bind_option()] },
        steps([br0(), turned_on()]),
        claims::except(
            claims::about(Kind::command_line(Network::Br0), &TOPICS),
            environment::bridge_netfilter_on(),
        ),
    )
    .asked_about(TOPICS)
}

/// systemd-sysctl writes what there is to be written, and takes no offence where the kernel lacks it.
fn turned_on() -> Vec<Step> {
    let settings = ["iptables", "ip6tables"].map(|tables| format!("net.bridge.bridge-nf-call-{tables}=1\n"));
    vec![
        Step::config("/etc/sysctl.d/50-bridge-netfilter.conf", settings.concat()),
        Step::run(&["systemctl", "restart", "systemd-sysctl"]),
    ]
}
