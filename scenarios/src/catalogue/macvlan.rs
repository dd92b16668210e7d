//! `--network-macvlan=uplink0`: the machines are neighbours of the host on its uplink.

use super::claims;
use crate::{
    Attachment, Check, Claim, Expectation, Launch, MACHINES, Scenario, Step, Topic, launch, links,
    pacman_cache,
};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "macvlan",
        "systemd-nspawn --network-macvlan=uplink0 on the command line",
        &["N6"],
        Launch::CommandLine {
            options: vec!["--network-macvlan=uplink0".to_owned(), pacman_cache::bind_option()],
        },
        MACHINES.map(network_file).to_vec(),
        neighbours(),
    )
    .attached_to(Attachment::Uplink)
    .asked_about([Topic::Reach])
}

/// No file that systemd ships is about `mv-uplink0`, so each machine gets one.
fn network_file(machine: &str) -> Step {
    Step::config(
        format!("{}/etc/systemd/network/50-macvlan.network", launch::root(machine)),
        "[Match]\nName=mv-*\n\n[Network]\nDHCP=yes\n",
    )
}

/// Neighbours that can speak to each other and to nobody else.
fn neighbours() -> Vec<Claim> {
    use Expectation as E;
    let unserved = "nobody on the uplink serves DHCP";
    let isolated = "a macvlan link and the link it is made from do not see each other's frames";
    let routeless = "without a lease there is no route";
    let machine = [
        ("exists", "yes"),
        ("state", "up"),
        ("kind", "macvlan"),
        ("file", "50-macvlan.network"),
        // It still waits for a lease.
        ("setup", "configuring"),
    ];
    let host = [("exists", "yes"), ("state", "up"), ("file", "10-uplink.network"), ("setup", "configured")];
    let network_down = || E::refused("Network is unreachable");
    let by_root: Vec<Claim> = [
        (
            Check::LinkMachine,
            E::properties(&machine),
            "the machine's networkd configures it by the file for it",
        ),
        (Check::LinkHost, E::properties(&host), "the link that it is made from stays the host's"),
        (Check::AddressLease, E::NoLease, unserved),
        (Check::AddressOwn, E::properties(&[("whose", "own")]), "its link has a hardware address of its own"),
        (Check::PingGatewayIpv4, E::NoAddress, routeless),
        (Check::PingGatewayIpv6LinkLocal, E::Unreached, isolated),
        (Check::PingPeerIpv4, E::NoAddress, unserved),
        (
            Check::PingPeerIpv6LinkLocal,
            E::ANSWERS_ON_LINK,
            "bridge mode, the default, joins the children of one link",
        ),
        (
            Check::PingPeerIpv6LinkLocalUnscoped,
            E::refused("Invalid argument"),
            "a link-local address says nothing without its link, so the kernel refuses to connect to it",
        ),
        (Check::PingPeerSourceIpv4, E::properties(&[("seen", "nothing")]), unserved),
        (
            Check::PingPeerSourceIpv6LinkLocal,
            E::properties(&[("seen", "machine")]),
            "nobody is between the children of one link",
        ),
        (Check::PingMachineFromHostIpv4, E::NoAddress, unserved),
        (Check::PingMachineFromHostIpv6LinkLocal, E::Unreached, isolated),
        (Check::PingOutsideIpv4, network_down(), routeless),
        (Check::PingOutsideIpv4Largest, network_down(), routeless),
        (Check::PingOutsideIpv4TooLarge, network_down(), routeless),
        (Check::PingOutsideIpv6, network_down(), "nobody on the uplink announces a router"),
        (Check::PingNobodyIpv4, network_down(), routeless),
    ]
    .into_iter()
    .map(|(check, expectation, reason)| Claim::new(check, expectation, reason, links::IP_LINK))
    .collect();
    [claims::by_users(false, &by_root), by_root].concat()
}
