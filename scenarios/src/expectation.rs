//! Expectations: what a claim says will be seen.

use std::collections::BTreeMap;
use std::fmt;

use nspawn_matrix_reports::AddressSpace;
use serde::{Deserialize, Serialize};

/// Says what an observation must look like, one variant for each way of being right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "expect", rename_all = "kebab-case")]
pub enum Expectation {
    /// `host0` has a DHCP lease from a subnet of this size.
    Lease {
        /// Prefix length of the subnet.
        prefix: u8,
    },
    /// The machine has no link of its own.
    NoLink,
    /// The machine has a link of its own, and no DHCP lease on it.
    NoLease,
    /// Every echo request is answered.
    Answers {
        /// Time to live (hop limit) of the replies, where it is sure: 64, or less by one for each router between.
        ttl: Option<u8>,
    },
    /// No echo request is answered.
    NoAnswer,
    /// There is no address to ask.
    NoAddress,
    /// The kernel, or a router, refuses with this error.
    Refused {
        /// The error in the words of the observation: `Network is unreachable`.
        error: String,
    },
    /// No echo request is answered, and somebody on the way may say that the address is not reached.
    Unreached,
    /// The first address of every lookup is of one of these spaces; which, is left to chance where there are several. If
    /// there is one it is always the same address.
    Resolves {
        /// The spaces, never empty.
        to: Vec<AddressSpace>,
        /// Whether fe80 addresses come with their link; not looked at if that is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<Scope>,
        /// What all answers of a space come from, where the path tells: `llmnr-ipv4`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        from: BTreeMap<AddressSpace, String>,
    },
    /// The first address of every lookup is of one of these spaces; which, is not said.
    ResolvesAmong {
        /// The spaces, never empty.
        to: Vec<AddressSpace>,
    },
    /// Every question on the wire is answered with addresses of these spaces, by the type of the record; nobody answers
    /// for a type that has none.
    OnTheWire {
        /// What A records hold.
        a: Vec<AddressSpace>,
        /// What AAAA records hold.
        aaaa: Vec<AddressSpace>,
        /// What either may hold besides.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        perhaps: Vec<AddressSpace>,
    },
    /// No lookup gives an address, if only because nobody answers in time.
    Unresolved,
    /// Owner and group are the same inside and outside.
    SameOwner,
    /// Every file belongs to nobody (65534) in the machine.
    OwnedByNobody,
    /// Kind and permission bits are the same inside and outside.
    SameMode,
    /// The mount table shows the mount so.
    Mounted(MountClaim),
    /// A file that root of the machine makes is made, and belongs to this owner on the host.
    WrittenAs {
        /// Its owner on the host.
        uid: u32,
        /// Its group on the host.
        gid: u32,
    },
    /// A file that root of the machine makes is refused with this error.
    WriteRefused {
        /// Name of the error: `EACCES`.
        errno: String,
    },
    /// The unit is enabled, active, and the machine registered.
    BackAfterReboot,
    /// The unit is enabled and has failed, and the machine is not registered.
    FailedAfterReboot,
    /// Each of these properties has one of these values.
    Properties {
        /// The values that are right, by the name of the property.
        are: BTreeMap<String, Vec<String>>,
    },
}

impl Expectation {
    /// Expects an answer from the same link: no router has touched it. 64 is what Linux sends.
    pub const ANSWERS_ON_LINK: Self = Self::Answers { ttl: Some(64) };

    /// Expects an answer that one router has passed on.
    pub const ANSWERS_ROUTED: Self = Self::Answers { ttl: Some(63) };

    /// Expects every lookup to give one of these spaces first.
    #[must_use]
    pub fn resolves(to: &[AddressSpace]) -> Self {
        Self::Resolves { to: to.to_vec(), scope: None, from: BTreeMap::new() }
    }

    /// Expects to be refused with this error.
    #[must_use]
    pub fn refused(error: &str) -> Self {
        Self::Refused { error: error.to_owned() }
    }

    /// Expects each property to have this one value.
    #[must_use]
    pub fn properties(are: &[(&str, &str)]) -> Self {
        let one = |(name, value): &(&str, &str)| ((*name).to_owned(), vec![(*value).to_owned()]);
        Self::Properties { are: are.iter().map(one).collect() }
    }

    /// Expects each property to have one of these values.
    #[must_use]
    pub fn properties_among(are: &[(&str, &[&str])]) -> Self {
        let several = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect())
        };
        Self::Properties { are: are.iter().map(several).collect() }
    }
}

/// Whether a link-local address of IPv6 comes with the link that it is valid on (its scope, RFC 4007).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// It does: `fe80::1%2`.
    With,
    /// It does not, and nobody can connect to it as it is.
    Without,
}

/// What the mount table must show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MountClaim {
    /// Options that must be among the mount's own.
    pub options: Vec<String>,
    /// Its propagation, all of it: `shared`, `slave` (mount_namespaces(7)).
    pub propagation: Vec<String>,
    /// Whether the mount maps ids.
    pub idmapped: bool,
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lease { prefix } => write!(f, "host0 has a lease from a /{prefix}"),
            Self::NoLink => f.write_str("no link of its own"),
            Self::NoLease => f.write_str("a link without a lease"),
            Self::Answers { ttl: None } => f.write_str("every echo request is answered"),
            Self::Answers { ttl: Some(ttl) } => write!(f, "every echo request is answered, ttl {ttl}"),
            Self::NoAnswer => f.write_str("no echo request is answered"),
            Self::NoAddress => f.write_str("there is no address to ask"),
            Self::Refused { error } => write!(f, "refused: {error}"),
            Self::Resolves { to, scope, from } => {
                resolves(to, f)?;
                match scope {
                    Some(Scope::With) => f.write_str(", fe80 with its link")?,
                    Some(Scope::Without) => f.write_str(", fe80 without its link")?,
                    None => {}
                }
                from.iter().try_for_each(|(space, winner)| write!(f, ", {space} from {winner}"))
            }
            Self::ResolvesAmong { to } if to.len() == 1 => {
                write!(f, "every lookup gives some {} address first", to[0])
            }
            Self::ResolvesAmong { to } => {
                let spaces: Vec<&str> = to.iter().map(|space| space.name()).collect();
                write!(f, "every lookup gives one of {} first", spaces.join(", "))
            }
            Self::OnTheWire { a, aaaa, perhaps } => on_the_wire([a, aaaa, perhaps], f),
            Self::Unreached => {
                f.write_str("no echo request is answered, or the address is reported as unreachable")
            }
            Self::Unresolved => f.write_str("no lookup gives an address, or none in time"),
            Self::SameOwner => f.write_str("owner and group as on the host"),
            Self::OwnedByNobody => f.write_str("everything belongs to nobody (65534)"),
            Self::SameMode => f.write_str("kind and permission bits as on the host"),
            Self::Mounted(MountClaim { options, propagation, idmapped }) => {
                let ids = if *idmapped { "ids mapped" } else { "ids not mapped" };
                write!(f, "mounted {}, {}, {ids}", options.join(","), propagation.join(" "))
            }
            Self::WrittenAs { uid, gid } => write!(f, "the file belongs to {uid}:{gid} on the host"),
            Self::WriteRefused { errno } => write!(f, "refused with {errno}"),
            Self::BackAfterReboot => f.write_str("enabled, active and registered"),
            Self::FailedAfterReboot => f.write_str("enabled, failed and not registered"),
            Self::Properties { are } => properties(are, f),
        }
    }
}

fn properties(are: &BTreeMap<String, Vec<String>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let one = |(name, values): (&String, &Vec<String>)| format!("{name} {}", values.join(" or "));
    f.write_str(&are.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn on_the_wire([a, aaaa, perhaps]: [&[AddressSpace]; 3], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let named = |spaces: &[AddressSpace]| match spaces {
        [] => "nothing".to_owned(),
        spaces => spaces.iter().map(|space| space.name()).collect::<Vec<_>>().join(", "),
    };
    if a.is_empty() && aaaa.is_empty() {
        return f.write_str("nobody answers");
    }
    write!(f, "every question is answered, A with {}, AAAA with {}", named(a), named(aaaa))?;
    if perhaps.is_empty() { Ok(()) } else { write!(f, ", perhaps {} besides", named(perhaps)) }
}

fn resolves(to: &[AddressSpace], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match to {
        [AddressSpace::None] => f.write_str("no lookup gives an address"),
        [space] => write!(f, "every lookup gives {space} first"),
        several => {
            let spaces: Vec<&str> = several.iter().map(|space| space.name()).collect();
            write!(f, "every lookup gives one of {} first, at random", spaces.join(", "))
        }
    }
}
