//! `--network-bridge=br0` with the host's systemd-resolved as the DNS server of the machines.

use nspawn_matrix_reports::AddressSpace;

use super::claims::{self, Kind, Network, resolves};
use super::common::{br0_with, steps};
use crate::{Check, Claim, Launch, Scenario, Setting, Step, Topic, Whose, links, pacman_cache};

/// What a DNS server more can change.
const TOPICS: [Topic; 3] = [Topic::Reach, Topic::Names, Topic::Environment];

pub(super) fn scenario() -> Scenario {
    let listens = vec![
        Step::config(
            "/etc/systemd/resolved.conf.d/50-br0.conf",
            "[Resolve]\nDNSStubListenerExtra=10.0.55.1\n",
        ),
        Step::run(&["systemctl", "restart", "systemd-resolved"]),
    ];
    let hands_out =
        br0_with("IPMasquerade=yes\n\n[DHCPServer]\nDNS=_server_address\nLocalLeaseDomain=_dhcp\n");
    Scenario::new(
        "bridge-dns",
        "systemd-nspawn --network-bridge=br0, with the host's resolved as DNS server of the machines",
        &["N6", "S6"],
        Launch::CommandLine { options: vec!["--network-bridge=br0".to_owned(), pacman_cache::bind_option()] },
        steps([hands_out, listens]),
        claims::except(as_on_bridge(), dhcp_domain()),
    )
    .asked_about(TOPICS)
}

/// What is claimed of any machines on br0. But their DNS server is on the host, and what keeps them from the outside does
/// not keep them from it.
fn as_on_bridge() -> Vec<Claim> {
    let needs_a_way_out = |claim: &Claim| {
        let asks_dns = claim.check.topic() == Topic::Names || claim.check == Check::EnvironmentResolvConf;
        asks_dns && claim.when.contains_key(&Setting::Forwarding)
    };
    let claims = claims::about(Kind::command_line(Network::Br0), &TOPICS);
    claims.into_iter().filter(|claim| !needs_a_way_out(claim)).collect()
}

/// Machines and host ask the host's resolved for names of more than one label, and so for those of leases.
fn dhcp_domain() -> Vec<Claim> {
    let told = "LocalLeaseDomain=_dhcp has networkd tell the host's resolved the leases of its DHCP server";
    let untold = "before systemd 259 networkd tells resolved nothing of its leases";
    [Whose::PeerDhcp, Whose::MachineDhcp]
        .into_iter()
        .flat_map(claims::all_lookups)
        .flat_map(|check| {
            let of_version =
                |space, reason| Claim::new(check, resolves(&[space]), reason, links::SYSTEMD_NETWORK);
            [
                of_version(AddressSpace::None, untold).until(258),
                of_version(AddressSpace::Lease, told).since(259),
            ]
        })
        .collect()
}
