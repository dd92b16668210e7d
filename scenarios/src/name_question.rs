//! Questions about names, as data: whose name, which way a question takes, and for which family. The table at the end of
//! the first part is all of them; what they are called, what is looked up and what is claimed follows from it.

use std::fmt;

use nspawn_matrix_reports::{Family, LookupPath, Transport};

use crate::{Asked, HOST_NAME, OUTSIDE_NAME, Topic, below_machine};

/// One question about a name: `resolve/WHOSE/WAY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameQuestion {
    /// Whose name it is.
    pub whose: Whose,
    /// Which way the question takes.
    pub way: Way,
}

/// Whose name is asked for, by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// The other machine's, in a machine.
    Peer,
    /// The same with `.local` after it, which is a name of multicast DNS.
    PeerLocal,
    /// The same with `._dhcp` after it, the domain in which networkd may tell its leases (`LocalLeaseDomain=`).
    PeerDhcp,
    /// The machine's own.
    Own,
    /// That of the default gateway, `_gateway`.
    Gateway,
    /// The host's, in a machine.
    Host,
    /// A machine's, on the host.
    Machine,
    /// The same with `._dhcp` after it.
    MachineDhcp,
    /// On the host, one in a top-level domain that is called as a machine is.
    BelowMachine,
    /// One that only the DNS server beyond the host knows, in a machine.
    Outside,
}

/// Which way a question takes, and for which family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// A lookup by a resolver, or by one module of NSS.
    Lookup(LookupPath, Family),
    /// A lookup by NSS that follows another at once, with what that has left in the caches.
    After {
        /// The family of the lookup that comes first.
        first: Family,
        /// The family of this one.
        then: Family,
    },
    /// A question to the whole link, past every resolver.
    Wire(Transport),
}

const FAMILIES: [Family; 3] = [Family::Any, Family::Ipv4, Family::Ipv6];

/// What one path can be asked for.
const fn by(path: LookupPath) -> [Way; 3] {
    let [any, ipv4, ipv6] = FAMILIES;
    [Way::Lookup(path, any), Way::Lookup(path, ipv4), Way::Lookup(path, ipv6)]
}

const NSS: &[Way] = &by(LookupPath::Nss);
/// In DNS there is no question for any family.
const STUB: &[Way] = by(LookupPath::Stub).split_at(1).1;
const API: &[Way] = &by(LookupPath::Api);
const MYMACHINES: &[Way] = &by(LookupPath::NssMymachines);
const MYHOSTNAME: &[Way] = &by(LookupPath::NssMyhostname);
const NSS_ANY: &[Way] = NSS.split_at(1).0;
const AFTER: &[Way] = &[
    Way::After { first: Family::Any, then: Family::Ipv4 },
    Way::After { first: Family::Ipv4, then: Family::Any },
];
const WIRE: &[Way] = &[
    Way::Wire(Transport::LlmnrIpv4),
    Way::Wire(Transport::LlmnrIpv6),
    Way::Wire(Transport::MdnsIpv4),
    Way::Wire(Transport::MdnsIpv6),
];

/// Every question, in the order in which they are reported: whose name, and the ways that have an answer for it.
const TABLE: [(Whose, &[&[Way]]); 10] = [
    (Whose::Peer, &[NSS, AFTER, STUB, API, WIRE]),
    (Whose::PeerLocal, &[NSS, STUB, API]),
    (Whose::PeerDhcp, &[NSS_ANY]),
    (Whose::Own, &[NSS, MYHOSTNAME]),
    (Whose::Gateway, &[NSS, MYHOSTNAME]),
    (Whose::Host, &[NSS, STUB, API, WIRE]),
    (Whose::Machine, &[NSS, STUB, API, MYMACHINES, WIRE]),
    (Whose::MachineDhcp, &[NSS_ANY]),
    (Whose::BelowMachine, &[NSS_ANY]),
    (Whose::Outside, &[NSS, STUB, API]),
];

impl NameQuestion {
    /// Every question.
    pub fn all() -> impl Iterator<Item = Self> {
        let of = |(whose, ways): &(Whose, &'static [&'static [Way]])| {
            let whose = *whose;
            ways.iter().copied().flatten().map(move |way| Self { whose, way: *way })
        };
        TABLE.iter().flat_map(of)
    }

    /// What is looked up, where the question is about `machine`.
    #[must_use]
    pub fn name(self, machine: &str) -> String {
        self.in_domain(self.whose.name(machine))
    }

    /// What is looked up, where `name` is whose name it is: multicast DNS has a domain of its own.
    #[must_use]
    pub fn in_domain(self, name: String) -> String {
        match self.way {
            Way::Wire(Transport::MdnsIpv4 | Transport::MdnsIpv6) => format!("{name}.local"),
            Way::Wire(Transport::LlmnrIpv4 | Transport::LlmnrIpv6) | Way::Lookup(..) | Way::After { .. } => {
                name
            }
        }
    }

    /// Whether the question itself puts the name into a message of DNS, LLMNR or multicast DNS, or a server of DNS has to
    /// have it.
    pub(crate) fn is_asked_by_dns(self) -> bool {
        match self.way {
            Way::Wire(_) | Way::Lookup(LookupPath::Stub, _) => true,
            Way::Lookup(..) | Way::After { .. } => self.whose == Whose::BelowMachine,
        }
    }

    /// What the question is about: multicast DNS by its domain or on the wire, or names in general.
    pub(crate) fn topic(self) -> Topic {
        match self.way {
            Way::Wire(Transport::MdnsIpv4 | Transport::MdnsIpv6) => Topic::MulticastDns,
            Way::Wire(Transport::LlmnrIpv4 | Transport::LlmnrIpv6) | Way::Lookup(..) | Way::After { .. } => {
                if self.whose == Whose::PeerLocal {
                    Topic::MulticastDns
                } else {
                    Topic::Names
                }
            }
        }
    }

    /// The two families of the lookups in turn that this question is about, where it is about such: the first of them
    /// or the second.
    #[must_use]
    pub fn turns(self) -> Option<(Family, Family)> {
        match self.way {
            Way::After { first, then } => Some((first, then)),
            Way::Lookup(LookupPath::Nss, family) => Self::all().find_map(|other| match other.way {
                Way::After { first, then } if other.whose == self.whose && first == family => {
                    Some((first, then))
                }
                Way::After { .. } | Way::Lookup(..) | Way::Wire(_) => None,
            }),
            Way::Lookup(..) | Way::Wire(_) => None,
        }
    }

    /// The question in words.
    pub(crate) fn words(self) -> String {
        let way = self.way.words();
        let is_first = Self::all().find(|other| other.whose == self.whose) == Some(self);
        match (is_first, way.is_empty()) {
            (true, true) => format!("what does {} resolve to?", self.whose.words()),
            (true, false) => format!("what does {} resolve to {way}?", self.whose.words()),
            (false, _) => format!("... {way}?"),
        }
    }
}

impl fmt::Display for NameQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resolve/{}/{}", self.whose.segment(), self.way)
    }
}

impl Whose {
    /// Who is asked.
    #[must_use]
    pub fn asked(self) -> Asked {
        match self {
            Self::Peer | Self::PeerLocal | Self::PeerDhcp => Asked::Pair,
            Self::Own | Self::Gateway | Self::Host | Self::Outside => Asked::Machine,
            Self::Machine | Self::MachineDhcp | Self::BelowMachine => Asked::Host,
        }
    }

    /// Whether systemd-resolved knows it by itself and asks nobody, so that nothing of it is in a cache
    /// (`dns_scope_good_domain` of resolved).
    #[must_use]
    pub fn is_synthetic(self) -> bool {
        matches!(self, Self::Own | Self::Gateway)
    }

    /// Whether it is a name that systemd-resolved asks for on the links, over IPv4 and over IPv6, so that two scopes
    /// race for the answer.
    #[must_use]
    pub fn is_multicast(self) -> bool {
        match self {
            Self::Peer | Self::PeerLocal | Self::Host | Self::Machine => true,
            Self::PeerDhcp
            | Self::Own
            | Self::Gateway
            | Self::MachineDhcp
            | Self::BelowMachine
            | Self::Outside => false,
        }
    }

    fn name(self, machine: &str) -> String {
        match self {
            Self::Peer | Self::Own | Self::Machine => machine.to_owned(),
            Self::PeerLocal => format!("{machine}.local"),
            Self::PeerDhcp | Self::MachineDhcp => format!("{machine}._dhcp"),
            Self::Gateway => "_gateway".to_owned(),
            Self::Host => HOST_NAME.to_owned(),
            Self::BelowMachine => below_machine(machine),
            Self::Outside => OUTSIDE_NAME.to_owned(),
        }
    }

    fn segment(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::PeerLocal => "peer-local",
            Self::PeerDhcp => "peer-dhcp",
            Self::Own => "self",
            Self::Gateway => "gateway",
            Self::Host => "host",
            Self::Machine => "machine-from-host",
            Self::MachineDhcp => "machine-from-host-dhcp",
            Self::BelowMachine => "below-machine",
            Self::Outside => "outside",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Peer => "the other machine's name",
            Self::PeerLocal => "the other machine's name with .local after it",
            Self::PeerDhcp => "the other machine's name with ._dhcp after it",
            Self::Own => "the machine's own name",
            Self::Gateway => "_gateway",
            Self::Host => "the host's name in the machine",
            Self::Machine => "the machine's name on the host",
            Self::MachineDhcp => "the machine's name with ._dhcp after it on the host",
            Self::BelowMachine => "a name in a top-level domain that is called as the machine is",
            Self::Outside => "a name beyond the host",
        }
    }
}

impl Way {
    /// How the question goes on after what is asked for.
    fn words(self) -> String {
        let of = |family| match family {
            Family::Any => "",
            Family::Ipv4 => " for IPv4",
            Family::Ipv6 => " for IPv6",
        };
        match self {
            Self::Lookup(LookupPath::Nss, Family::Any) => String::new(),
            Self::Lookup(LookupPath::Nss, Family::Ipv4) => "when only IPv4 is asked for".to_owned(),
            Self::Lookup(LookupPath::Nss, Family::Ipv6) => "when only IPv6 is asked for".to_owned(),
            Self::Lookup(LookupPath::Stub, family) => {
                let records = if family == Family::Ipv6 { "AAAA" } else { "A" };
                format!("when 127.0.0.53 is asked for {records} records by DNS")
            }
            Self::Lookup(LookupPath::Api, family) => {
                format!("when resolved is asked{} by its own interface", of(family))
            }
            Self::Lookup(LookupPath::NssMymachines, family) => {
                format!("when only nss-mymachines is asked{}", of(family))
            }
            Self::Lookup(LookupPath::NssMyhostname, family) => {
                format!("when only nss-myhostname is asked{}", of(family))
            }
            Self::After { first, then } => {
                let family = |family| match family {
                    Family::Any => "any family",
                    Family::Ipv4 => "IPv4",
                    Family::Ipv6 => "IPv6",
                };
                format!("when {} is asked for just after {}", family(then), family(first))
            }
            Self::Wire(transport) => {
                let by = match transport {
                    Transport::LlmnrIpv4 => "LLMNR over IPv4",
                    Transport::LlmnrIpv6 => "LLMNR over IPv6",
                    Transport::MdnsIpv4 => "multicast DNS over IPv4, with .local after the name",
                    Transport::MdnsIpv6 => "multicast DNS over IPv6, with .local after the name",
                };
                format!("when the whole link is asked by {by}")
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(LookupPath::Nss, family) => write!(f, "{family}"),
            Self::Lookup(path, family) => {
                write!(f, "{}-{family}", path.name().trim_start_matches("nss-"))
            }
            Self::After { first, then } => write!(f, "{then}-after-{first}"),
            Self::Wire(transport) => write!(f, "{transport}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_called_by_whose_name_path_and_family() {
        let called = |whose, way| NameQuestion { whose, way }.to_string();
        assert_eq!(called(Whose::Peer, NSS[0]), "resolve/peer/any");
        assert_eq!(called(Whose::Peer, AFTER[0]), "resolve/peer/ipv4-after-any");
        assert_eq!(called(Whose::Machine, MYMACHINES[2]), "resolve/machine-from-host/mymachines-ipv6");
        assert_eq!(called(Whose::Host, WIRE[0]), "resolve/host/llmnr-ipv4");
        assert_eq!(
            STUB,
            [Way::Lookup(LookupPath::Stub, Family::Ipv4), Way::Lookup(LookupPath::Stub, Family::Ipv6)]
        );
    }

    #[test]
    fn multicast_dns_has_a_domain_of_its_own() {
        let asked = |whose, way| NameQuestion { whose, way }.name("beta");
        assert_eq!(asked(Whose::Peer, WIRE[0]), "beta");
        assert_eq!(asked(Whose::Peer, WIRE[2]), "beta.local");
        assert_eq!(asked(Whose::Host, WIRE[2]), "nspawnhost.local");
        let host = NameQuestion { whose: Whose::Host, way: WIRE[3] };
        assert_eq!(host.in_domain("web1".to_owned()), "web1.local");
        assert_eq!(asked(Whose::PeerLocal, NSS[0]), "beta.local");
        assert_eq!(asked(Whose::PeerDhcp, NSS[0]), "beta._dhcp");
    }

    #[test]
    fn two_questions_are_about_one_pair_of_lookups() {
        let turns = |whose, way| NameQuestion { whose, way }.turns();
        assert_eq!(turns(Whose::Peer, NSS[0]), Some((Family::Any, Family::Ipv4)));
        assert_eq!(turns(Whose::Peer, AFTER[0]), Some((Family::Any, Family::Ipv4)));
        assert_eq!(turns(Whose::Peer, NSS[2]), None);
        assert_eq!(turns(Whose::Peer, API[0]), None);
        assert_eq!(turns(Whose::Host, NSS[0]), None);
    }
}
