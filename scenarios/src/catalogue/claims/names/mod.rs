//! Names, by family and by path.

mod host_network;
mod linked;
mod multicast;
mod peer;

use nspawn_matrix_reports::AddressSpace::{self, Global, Ipv4LinkLocal, Ipv6LinkLocal, Lease};
use nspawn_matrix_reports::LookupPath::{Api, Nss, NssMyhostname, NssMymachines, Stub};
use nspawn_matrix_reports::{Family, LookupPath, Transport};

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, NameQuestion, Scope, Way, Whose, links};
use host_network::host_network;
use linked::{linked, of_the_notes, shipped};
use multicast::without_llmnr;
use peer::{same_link, separate_links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let network = kind.network;
    let claims = match network {
        Network::Host => [host_network(), everywhere()].concat(),
        Network::Veth => {
            [linked(network), shipped(), separate_links(), without_llmnr(network), everywhere()].concat()
        }
        Network::Zone => {
            [linked(network), shipped(), same_link(), without_llmnr(network), everywhere()].concat()
        }
        Network::Br0 => {
            [linked(network), of_the_notes(), same_link(), without_llmnr(network), everywhere()].concat()
        }
    };
    claims.into_iter().map(with_scope).map(with_origin).collect()
}

/// Adds whether an fe80 address comes with its link, where nothing is said of that. DNS has no room for it, and for one
/// family NSS is asked in a way that has none either. See docs/findings.md.
pub(in crate::catalogue) fn with_scope(mut claim: Claim) -> Claim {
    let Check::Name(NameQuestion { way, .. }) = claim.check else { return claim };
    let Expectation::Resolves { to, scope: scope @ None, .. } = &mut claim.expectation else { return claim };
    if to.contains(&Ipv6LinkLocal) {
        *scope = Some(match way {
            Way::Lookup(Stub, _) | Way::Wire(_) => Scope::Without,
            Way::Lookup(Api, _) => Scope::With,
            Way::Lookup(Nss | NssMymachines | NssMyhostname, family) | Way::After { then: family, .. } => {
                if family == Family::Any {
                    Scope::With
                } else {
                    Scope::Without
                }
            }
        });
    }
    claim
}

/// Adds what each answer comes from, where resolved's own interface tells and the claim is about what DNS, LLMNR or
/// multicast DNS knows: an IPv4 address by the IPv4 scope, and fe80 by that of IPv6.
pub(in crate::catalogue) fn with_origin(mut claim: Claim) -> Claim {
    let Check::Name(NameQuestion { whose, way: Way::Lookup(Api, _) }) = claim.check else { return claim };
    let protocol = match whose {
        Whose::Peer | Whose::Host => Some("llmnr"),
        Whose::PeerLocal => Some("mdns"),
        // From systemd 259 on machined knows it.
        Whose::Machine => (claim.host.last < 259).then_some("llmnr"),
        Whose::PeerDhcp | Whose::Own | Whose::Gateway | Whose::MachineDhcp => None,
        Whose::BelowMachine | Whose::Outside => Some("dns"),
    };
    let (Expectation::Resolves { to, from, .. }, Some(protocol)) = (&mut claim.expectation, protocol) else {
        return claim;
    };
    let origin = |space: &AddressSpace| match space {
        AddressSpace::None => None,
        AddressSpace::Global => Some(protocol.to_owned()),
        AddressSpace::Ipv6LinkLocal | AddressSpace::Ipv6UniqueLocal => Some(format!("{protocol}-ipv6")),
        AddressSpace::Lease | AddressSpace::Ipv4LinkLocal | AddressSpace::Other => {
            Some(format!("{protocol}-ipv4"))
        }
    };
    *from = to.iter().filter_map(|space| Some((*space, origin(space)?))).collect();
    claim
}

/// Shorthand for a distribution.
pub(in crate::catalogue) fn resolves(to: &[AddressSpace]) -> Expectation {
    Expectation::resolves(to)
}

/// Shorthand for who answers on the wire.
pub(in crate::catalogue) fn on_the_wire(a: &[AddressSpace], aaaa: &[AddressSpace]) -> Expectation {
    Expectation::OnTheWire { a: a.to_vec(), aaaa: aaaa.to_vec(), perhaps: Vec::new() }
}

/// The host's answer over IPv4 where the shipped files have networkd give its end of the link an address of 169.254/16
/// besides (`LinkLocalAddressing=yes`), some seconds later (RFC 3927, 2.2).
pub(in crate::catalogue) fn or_link_local(a: &[AddressSpace]) -> Expectation {
    Expectation::OnTheWire { a: a.to_vec(), aaaa: Vec::new(), perhaps: vec![Ipv4LinkLocal] }
}

const NONE: [AddressSpace; 1] = [AddressSpace::None];

/// Which of the two comes first is left to chance.
const EITHER: [AddressSpace; 2] = [Lease, Ipv6LinkLocal];

/// The paths that lead to systemd-resolved.
pub(in crate::catalogue) const RESOLVED: [LookupPath; 3] = [Nss, Stub, Api];

/// The paths on which a machine's own name and `_gateway` are asked for: whichever module of NSS comes first knows both
/// without asking anybody.
const LOCAL: [LookupPath; 2] = [Nss, NssMyhostname];

/// The lookups of a name on these paths, for this family.
pub(in crate::catalogue) fn lookups(whose: Whose, paths: &[LookupPath], family: Family) -> Vec<Check> {
    questions(whose, |way| matches!(way, Way::Lookup(path, of) if paths.contains(&path) && of == family))
}

/// All that a resolver or a module of NSS is asked about a name.
pub(in crate::catalogue) fn all_lookups(whose: Whose) -> Vec<Check> {
    questions(whose, |way| matches!(way, Way::Lookup(..) | Way::After { .. }))
}

/// The question about a name that is asked of the whole link.
pub(in crate::catalogue) fn wire(whose: Whose, transport: Transport) -> Check {
    Check::Name(NameQuestion { whose, way: Way::Wire(transport) })
}

fn questions(whose: Whose, wanted: impl Fn(Way) -> bool) -> Vec<Check> {
    let wanted = |question: &NameQuestion| question.whose == whose && wanted(question.way);
    NameQuestion::all().filter(wanted).map(Check::Name).collect()
}

/// One reason for several questions that give the same.
fn each(checks: &[Check], to: &[AddressSpace], reason: &str, link: &str) -> Vec<Claim> {
    checks.iter().map(|check| Claim::new(*check, resolves(to), reason, link)).collect()
}

/// One reason for several questions about names that nobody on the links has: in multicast DNS nobody says so.
fn unheard_of(checks: &[Check], reason: &str, link: &str) -> Vec<Claim> {
    checks.iter().map(|check| Claim::new(*check, Expectation::Unresolved, reason, link)).collect()
}

/// What holds however the machines are linked.
fn everywhere() -> Vec<Claim> {
    let told = "names under _dhcp are told to programs of the host alone";
    let asks = "the host asks its DNS server, and a machine's name is a name of one label";
    let fault = "the host's resolved asks machined for everything below the name of a machine, and machined denies it";
    let below = all_lookups(Whose::BelowMachine);
    let since_259 = |claim: Claim| claim.since(259).fault();
    [
        each(&all_lookups(Whose::PeerDhcp), &NONE, told, links::ISSUE_HOOK_HOST_ONLY),
        each(&below, &[Global], asks, links::RESOLVED),
        each(&below, &NONE, fault, links::ISSUE_BELOW_MACHINE).into_iter().map(since_259).collect(),
    ]
    .concat()
}
