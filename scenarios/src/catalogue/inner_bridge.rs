//! `-n` with machines that have a bridge of their own inside, as docker makes one.

use nspawn_matrix_reports::AddressSpace::{Ipv6LinkLocal, Lease, Other};
use nspawn_matrix_reports::Family::{Any, Ipv4};
use nspawn_matrix_reports::LookupPath::{Nss, NssMyhostname, NssMymachines};

use super::claims::{self, Kind, Network, lookups, resolves};
use crate::{
    Claim, Expectation, Launch, MACHINES, Scenario, Setting, Step, Topic, Whose, launch, links, pacman_cache,
};

pub(super) fn scenario() -> Scenario {
    let topics = [Topic::Names];
    Scenario::new(
        "inner-bridge",
        "systemd-nspawn -n, and each machine has a bridge inside that is called docker0",
        &["N4"],
        Launch::CommandLine { options: vec!["-n".to_owned(), pacman_cache::bind_option()] },
        MACHINES.map(docker0).concat(),
        of_two_links(claims::about(Kind::command_line(Network::Veth), &topics)),
    )
    .asked_about(topics)
}

/// The bridge of docker with its usual address, and a container on it. Neither leads out of the machine.
fn docker0(machine: &str) -> Vec<Step> {
    let file = |name: &str, content: &str| {
        Step::config(format!("{}/etc/systemd/network/{name}", launch::root(machine)), content)
    };
    vec![
        file("50-docker0.netdev", "[NetDev]\nName=docker0\nKind=bridge\n"),
        file("50-docker0.network", "[Match]\nName=docker0\n\n[Network]\nAddress=172.17.0.1/16\n"),
        file("50-veth1.netdev", "[NetDev]\nName=veth1\nKind=veth\n\n[Peer]\nName=inner1\n"),
        file("50-veth1.network", "[Match]\nName=veth1\n\n[Network]\nBridge=docker0\n"),
        file("50-inner1.network", "[Match]\nName=inner1\n\n[Network]\nLinkLocalAddressing=no\n"),
    ]
}

/// What gives all addresses of a machine gives those of the bridge too.
fn of_two_links(claims: Vec<Claim>) -> Vec<Claim> {
    let own = "nss-myhostname and resolved give the addresses of all links of the machine, those of the first link first";
    let ipv4 = "nss-mymachines gives the addresses of all links of the machine, and the host has a link in the subnet of the lease";
    let any = "nss-mymachines gives the addresses of all links of the machine, and of two fe80 addresses getaddrinfo sorts that \
               first which begins more like the host's own (RFC 6724, rule 9)";
    let modules = [Nss, NssMymachines];
    let among = Expectation::ResolvesAmong { to: vec![Ipv6LinkLocal, Other] };
    let rows = [
        (lookups(Whose::Own, &[Nss, NssMyhostname], Ipv4), resolves(&[Lease]), own, links::NSS_MYHOSTNAME),
        (lookups(Whose::Machine, &modules, Ipv4), resolves(&[Lease]), ipv4, links::ISSUE_INNER_ADDRESS),
        (lookups(Whose::Machine, &modules, Any), among, any, links::ISSUE_INNER_ADDRESS),
    ];
    let mut told = Vec::new();
    for (checks, expectation, reason, link) in rows {
        told.extend(checks.iter().map(|check| Claim::new(*check, expectation.clone(), reason, link)));
    }
    // Where resolved is asked first, nss-mymachines is not.
    let is_past_it = |claim: &Claim| claim.when.contains_key(&Setting::NssFirst);
    let is_told = |claim: &Claim| told.iter().any(|row| row.check == claim.check) && !is_past_it(claim);
    let rest: Vec<Claim> = claims.into_iter().filter(|claim| !is_told(claim)).collect();
    [told, rest].concat()
}
