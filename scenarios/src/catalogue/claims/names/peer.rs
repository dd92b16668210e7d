//! The name of the other machine, where both have links of their own.

use nspawn_matrix_reports::AddressSpace::Lease;
use nspawn_matrix_reports::Family::{Any, Ipv4};

use super::multicast::{answers, by_multicast_dns, raced, silent};
use super::{NONE, RESOLVED, all_lookups, each, on_the_wire, resolves, unheard_of};
use crate::{Check, Claim, NameQuestion, Way, Whose, links};

/// The machines are on links of their own: what is link-local does not cross.
pub(super) fn separate_links() -> Vec<Claim> {
    let llmnr = "LLMNR is link-local (RFC 4795), and each machine has a link of its own to the host";
    let mdns = "multicast DNS is link-local (RFC 6762), and each machine has a link of its own to the host";
    [
        each(&all_lookups(Whose::Peer), &NONE, llmnr, links::RFC_LLMNR),
        unheard_of(&all_lookups(Whose::PeerLocal), mdns, links::RFC_MDNS),
        silent(
            Whose::Peer,
            "multicast reaches the machine's own links, and the peer answers on none of them",
        ),
    ]
    .concat()
}

/// The machines are on one link: what is link-local reaches the peer.
pub(super) fn same_link() -> Vec<Claim> {
    let after_any = "the lookup of any family leaves nothing but right addresses in the cache";
    let cached = "the answer of LLMNR over IPv4 is in the cache, and wins before IPv6 is asked";
    let after = |first, then, reason| {
        let check = Check::Name(NameQuestion { whose: Whose::Peer, way: Way::After { first, then } });
        Claim::new(check, resolves(&[Lease]), reason, links::FINDING_IN_TURN)
    };
    let mdns = raced(Whose::PeerLocal, &RESOLVED, "multicast DNS");
    [
        raced(Whose::Peer, &RESOLVED, "LLMNR"),
        vec![after(Any, Ipv4, after_any), after(Ipv4, Any, cached)],
        answers(Whose::Peer, &on_the_wire(&[Lease], &[])),
        by_multicast_dns(mdns),
    ]
    .concat()
}
