//! `systemd-nspawn -b -D C`: nothing said about the network, so the machines use the host's.

use nspawn_matrix_reports::{AddressSpace, Family};

use super::common::{bind_without_user_namespace, claims, resolves};
use crate::{Check, Claim, Expectation, Launch, Scenario, pacman_cache};

pub(super) fn scenario() -> Scenario {
    let shared = "without a network option the machine shares the host's network namespace";
    let unknown =
        "the machine's resolved cannot have the LLMNR port that the host's has, and turns LLMNR off";
    let nameless = "nss-mymachines on the host gives no address for a machine without a network of its own";
    let network = vec![
        Claim::new(Check::AddressLease, Expectation::NoLink, shared),
        Claim::new(Check::PingGatewayIpv4, Expectation::Answers, shared),
        Claim::new(
            Check::PingPeerIpv4,
            Expectation::Answers,
            "the peer's addresses are the host's, and so its own",
        ),
        Claim::new(
            Check::PingPeerIpv6LinkLocal,
            Expectation::Answers,
            "the peer's addresses are the host's, and so its own",
        ),
        Claim::new(
            Check::PingMachineFromHostIpv4,
            Expectation::Answers,
            "the machine's addresses are the host's own",
        ),
        Claim::new(Check::PingOutsideIpv4, Expectation::Answers, shared),
        Claim::new(Check::ResolvePeer(Family::Any), resolves(&[AddressSpace::None]), unknown),
        Claim::new(Check::ResolvePeer(Family::Ipv4), resolves(&[AddressSpace::None]), unknown),
        Claim::new(Check::ResolvePeer(Family::Ipv6), resolves(&[AddressSpace::None]), unknown),
        Claim::new(Check::ResolveHost, resolves(&[AddressSpace::None]), unknown),
        Claim::new(Check::ResolveMachineFromHost, resolves(&[AddressSpace::None]), nameless),
        Claim::new(
            Check::ResolveOutside,
            resolves(&[AddressSpace::None]),
            "resolv.conf leads to the machine's own resolved, which has no servers: networkd does not run there without \
             a network of its own",
        ),
    ];
    Scenario::new(
        "host-network",
        "systemd-nspawn on the command line, nothing said about the network",
        &["N3"],
        Launch::CommandLine { options: vec![pacman_cache::bind_option()] },
        Vec::new(),
        claims([network, bind_without_user_namespace()]),
    )
}
