//! Lookups of names: many of one name on one path, as a distribution.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AddressSpace;

/// The address family that a lookup asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// `AF_UNSPEC`.
    Any,
    /// `AF_INET`.
    Ipv4,
    /// `AF_INET6`.
    Ipv6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Any => "any",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

/// The way that a lookup takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LookupPath {
    /// `getent`, with what nsswitch.conf(5) says: what a program sees.
    Nss,
    /// `getent`, with nss-mymachines(8) alone.
    NssMymachines,
    /// `getent`, with nss-myhostname(8) alone.
    NssMyhostname,
    /// DNS to 127.0.0.53, where systemd-resolved listens.
    Stub,
    /// `ResolveHostname` of systemd-resolved's interface io.systemd.Resolve.
    Api,
}

impl LookupPath {
    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nss => "nss",
            Self::NssMymachines => "nss-mymachines",
            Self::NssMyhostname => "nss-myhostname",
            Self::Stub => "stub",
            Self::Api => "api",
        }
    }
}

/// Many lookups of one name, as a distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Names {
    /// The name asked for.
    pub name: String,
    /// The family asked for.
    pub family: Family,
    /// The way that the lookups took.
    pub path: LookupPath,
    /// Lookups made.
    pub samples: u32,
    /// Lookups that were started before the one before them had ended, because that one was slow. A resolver
    /// answers equal questions that are open at one time together, so these are not independent.
    pub overlapped: u32,
    /// Lookups that were made again, since the answer came too late for what is asked right after it; what they gave at
    /// first counts nowhere.
    #[serde(default, skip_serializing_if = "is_none")]
    pub repeated: u32,
    /// How many lookups gave, as their first address, one of this space. The counts add up to `samples`.
    pub spaces: BTreeMap<AddressSpace, u32>,
    /// How many addresses came first in some lookup; that none came counts as one more.
    pub first_answers: u32,
    /// Lookups that nobody has answered in the time that they were waited for, or that could not be asked: that is not
    /// to say that the name is not known. They count as lookups without an address.
    #[serde(default)]
    pub unanswered: u32,
    /// Every address that any lookup gave, with the number of lookups that gave it.
    pub addresses: Vec<SeenAddress>,
    /// How long the lookups took.
    pub took: Times,
    /// How long each lookup took in microseconds, by the space of its first address, in the order of asking.
    pub times_us: BTreeMap<AddressSpace, Vec<u64>>,
    /// What the answers came from, with the number of lookups, where the path tells: `llmnr-ipv6`, `dns`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub winners: BTreeMap<String, u32>,
    /// The same by the space of the first address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<AddressSpace, BTreeMap<String, u32>>,
    /// Why lookups gave no address, with their number, where the path tells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, u32>,
    /// What systemd-resolved's cache held of the name when the lookup was made, with the number of lookups, where that
    /// is not nothing and can be asked (systemd 254): `llmnr-ipv4 A`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cached: BTreeMap<String, u32>,
    /// Why the caches of systemd-resolved could not be flushed before each lookup; none if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_flushed: Option<String>,
}

/// Whether nothing was made again, as most often.
pub(crate) fn is_none(repeated: &u32) -> bool {
    *repeated == 0
}

impl Names {
    /// Tells whether every lookup gave the same first address, or none did.
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        self.first_answers <= 1
    }
}

/// One address among the answers of many lookups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenAddress {
    /// The address, with its scope where the answer had one.
    pub address: String,
    /// Its space.
    pub space: AddressSpace,
    /// Lookups that gave it, at any place in the answer.
    pub count: u32,
}

/// A distribution of times, in microseconds; all are 0 if nothing was timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// The shortest.
    pub min_us: u64,
    /// Half took no longer.
    pub median_us: u64,
    /// Nine of ten took no longer.
    pub p90_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Times {
    /// What was timed once.
    #[must_use]
    pub fn once(us: u64) -> Self {
        Self { min_us: us, median_us: us, p90_us: us, max_us: us }
    }

    /// Sums up times in microseconds, in any order.
    #[must_use]
    pub fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        // The nearest rank: the smallest time that so many percent do not exceed.
        let rank = |percent: usize| {
            let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(at).copied().unwrap_or_default()
        };
        Self { min_us: rank(0), median_us: rank(50), p90_us: rank(90), max_us: rank(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_summed_up_by_nearest_rank() {
        let times = Times::of((1..=32).rev().collect());
        assert_eq!(times, Times { min_us: 1, median_us: 16, p90_us: 29, max_us: 32 });
        assert_eq!(Times::of(vec![7]), Times { min_us: 7, median_us: 7, p90_us: 7, max_us: 7 });
        assert_eq!(Times::of(Vec::new()), Times::default());
    }
}
