//! Names where the machines use the host's network.

use nspawn_matrix_reports::AddressSpace::{Global, Ipv6LinkLocal};
use nspawn_matrix_reports::Family::{Any, Ipv4, Ipv6};
use nspawn_matrix_reports::LookupPath::{Api, Nss, Stub};

use super::multicast::silent;
use super::{LOCAL, NONE, all_lookups, each, lookups, questions, unheard_of};
use crate::{Claim, Way, Whose, links};

/// The machines use the host's network, and their resolved cannot have the ports that the host's has.
pub(super) fn host_network() -> Vec<Claim> {
    let unknown =
        "the machine's resolved cannot have the LLMNR port that the host's has, and turns LLMNR off";
    let nameless = "nss-mymachines on the host gives no address for a machine without a network of its own";
    let serverless = "resolv.conf leads to the machine's own resolved, which has no servers: networkd does not run there \
                      without a network of its own";
    let stub = "127.0.0.53 is that of the host, whose resolved answers";
    let own = "the machine's addresses and routes are the host's own";
    let scopeless =
        "for one family NSS hands on fe80 without its link, and getaddrinfo sorts last what leads nowhere";
    let deaf = "the machine's resolved does not answer on links of the host, and the host's ignores what the host asks";
    let local = |whose, family, to| each(&lookups(whose, &LOCAL, family), to, own, links::NSS_MYHOSTNAME);
    let past_stub = |whose| questions(whose, |way| matches!(way, Way::Lookup(Nss | Api, _)));
    let nobody = [
        (all_lookups(Whose::Peer), unknown),
        (past_stub(Whose::Host), unknown),
        (all_lookups(Whose::Machine), nameless),
        (all_lookups(Whose::MachineDhcp), nameless),
        (past_stub(Whose::Outside), serverless),
    ];
    let by_stub = [
        (Whose::Host, Ipv4, Global),
        (Whose::Host, Ipv6, Global),
        (Whose::Outside, Ipv4, Global),
        (Whose::Outside, Ipv6, Global),
    ];
    [
        nobody.map(|(checks, reason)| each(&checks, &NONE, reason, links::FINDING_HOST_NETWORK)).concat(),
        by_stub
            .map(|(whose, family, to)| {
                each(&lookups(whose, &[Stub], family), &[to], stub, links::FINDING_HOST_NETWORK)
            })
            .concat(),
        unheard_of(&all_lookups(Whose::PeerLocal), deaf, links::RFC_MDNS),
        [Whose::Peer, Whose::Host, Whose::Machine].map(|whose| silent(whose, deaf)).concat(),
        local(Whose::Own, Any, &[Ipv6LinkLocal]),
        local(Whose::Own, Ipv4, &[Global]),
        each(&lookups(Whose::Own, &LOCAL, Ipv6), &[Global], scopeless, links::FINDING_SCOPELESS),
        local(Whose::Gateway, Any, &[Global]),
        local(Whose::Gateway, Ipv4, &[Global]),
        local(Whose::Gateway, Ipv6, &[Global]),
    ]
    .concat()
}
