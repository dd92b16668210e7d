//! Many answers as one distribution.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use nix::net::if_::if_nametoindex;
use nspawn_matrix_reports::{AddressSpace, Family, Names, SeenAddress, Subnet, Times};
use serde::{Deserialize, Serialize};

use super::{Answer, Lookup};

/// What is known of addresses before any name is looked up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// The subnets that count as leases.
    pub leases: Vec<Subnet>,
    /// The addresses of whoever bears the name; any other that is found counts as [`AddressSpace::Other`].
    pub owned: Vec<IpAddr>,
    /// The link of whoever asks on which their fe80 addresses are; one with another link counts as any other, since nobody
    /// is there. None if it is not known.
    pub link: Option<String>,
}

impl Known {
    /// An address of somebody else is none of the spaces that a name may resolve to, whatever it looks like.
    pub(super) fn space(&self, address: &str) -> AddressSpace {
        let (bare, link) = address.split_once('%').map_or((address, None), |(bare, link)| (bare, Some(link)));
        match bare.parse::<IpAddr>() {
            Ok(address) if self.owned.contains(&address) && self.is_on(link) => {
                AddressSpace::of(address, &self.leases)
            }
            Ok(_) | Err(_) => AddressSpace::Other,
        }
    }

    /// Whether the link of this index, or this name, is the one that their fe80 addresses are on, as far as is known.
    fn is_on(&self, link: Option<&str>) -> bool {
        // There is no link of index 0.
        let told = link.filter(|link| *link != "0");
        let (Some(own), Some(link)) = (self.link.as_deref(), told) else { return true };
        let index = if_nametoindex(own).ok();
        link == own || index.is_none_or(|index| link == index.to_string())
    }
}

/// Counts what came first, and everything that came at all.
pub(super) fn distribution(
    lookup: &Lookup,
    family: Family,
    overlapped: u32,
    answers: &[&Answer],
    known: &Known,
) -> Names {
    let mut spaces = BTreeMap::new();
    let mut times_us: BTreeMap<AddressSpace, Vec<u64>> = BTreeMap::new();
    let mut addresses: BTreeMap<String, u32> = BTreeMap::new();
    let mut origins: BTreeMap<AddressSpace, BTreeMap<String, u32>> = BTreeMap::new();
    for answer in answers {
        let first = answer.addresses.first().map_or(AddressSpace::None, |address| known.space(address));
        *spaces.entry(first).or_default() += 1;
        times_us.entry(first).or_default().push(micros(answer));
        if let Some(winner) = &answer.winner {
            *origins.entry(first).or_default().entry(winner.clone()).or_default() += 1;
        }
        // An address that comes twice in one answer came in one lookup.
        answer.addresses.iter().collect::<BTreeSet<_>>().into_iter().for_each(|address| {
            *addresses.entry(address.clone()).or_default() += 1;
        });
    }
    let firsts: BTreeSet<Option<&String>> = answers.iter().map(|answer| answer.addresses.first()).collect();
    let seen = |(address, count): (String, u32)| {
        let space = known.space(&address);
        SeenAddress { address, space, count }
    };
    Names {
        name: lookup.name.clone(),
        family,
        path: lookup.path,
        samples: count(answers.len()),
        overlapped,
        repeated: count(answers.iter().filter(|answer| answer.repeated).count()),
        spaces,
        first_answers: count(firsts.len()),
        unanswered: count(answers.iter().filter(|answer| answer.unanswered).count()),
        addresses: addresses.into_iter().map(seen).collect(),
        took: Times::of(answers.iter().map(|answer| micros(answer)).collect()),
        times_us,
        origins,
        winners: counts(answers.iter().filter_map(|answer| answer.winner.clone())),
        failures: counts(answers.iter().filter_map(|answer| answer.failure.clone())),
        cached: counts(answers.iter().flat_map(|answer| answer.cached.clone())),
        not_flushed: None,
    }
}

fn micros(answer: &Answer) -> u64 {
    u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How often each word comes.
pub(super) fn counts(words: impl IntoIterator<Item = String>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nspawn_matrix_reports::LookupPath;

    use super::*;

    #[test]
    fn a_distribution_counts_the_first_address_of_each_lookup() {
        let answer = |addresses: &[&str], ms| Answer {
            addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
            took: Duration::from_millis(ms),
            ..Answer::default()
        };
        let from = |winner: &str, answer| Answer { winner: Some(winner.to_owned()), ..answer };
        let answers = [
            from("llmnr-ipv6", answer(&["fe80::1%2", "10.0.55.38"], 3)),
            from("llmnr-ipv4", Answer { repeated: true, ..answer(&["10.0.55.38"], 1) }),
            answer(&[], 4000),
        ];
        let known = Known {
            leases: vec!["10.0.55.1/24".parse().unwrap()],
            owned: vec!["fe80::1".parse().unwrap(), "10.0.55.38".parse().unwrap()],
            link: None,
        };
        assert_eq!(known.space("10.0.55.39"), AddressSpace::Other, "it is another machine's");
        let lookup = Lookup {
            name: "beta".to_owned(),
            family: Family::Any,
            path: LookupPath::Nss,
            then: None,
            patience: std::time::Duration::from_secs(12),
            flushed: true,
            raced: true,
        };
        let names = distribution(&lookup, Family::Any, 1, &answers.each_ref(), &known);
        let spaces: Vec<(AddressSpace, u32)> = names.spaces.clone().into_iter().collect();
        assert_eq!(
            spaces,
            [(AddressSpace::Lease, 1), (AddressSpace::Ipv6LinkLocal, 1), (AddressSpace::None, 1)]
        );
        assert_eq!(names.addresses.iter().map(|seen| seen.count).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(names.took.median_us, 3000);
        assert_eq!(names.times_us[&AddressSpace::None], [4_000_000]);
        assert_eq!(names.first_answers, 3);
        assert_eq!((names.overlapped, names.repeated), (1, 1));
        assert_eq!(names.winners.len(), 2);
        assert_eq!(names.origins[&AddressSpace::Lease], [("llmnr-ipv4".to_owned(), 1)].into());
        assert_eq!(names.origins[&AddressSpace::Ipv6LinkLocal], [("llmnr-ipv6".to_owned(), 1)].into());
        assert_eq!(names.origins.get(&AddressSpace::None), None);
        assert!(!names.is_deterministic());
    }
    #[test]
    fn an_fe80_address_on_another_link_is_nobodys() {
        let on = |link: Option<&str>| Known {
            leases: Vec::new(),
            owned: vec!["fe80::1".parse().unwrap()],
            link: link.map(str::to_owned),
        };
        let index = if_nametoindex("lo").unwrap();
        let (here, elsewhere) = (format!("fe80::1%{index}"), format!("fe80::1%{}", index + 1));
        assert_eq!(on(Some("lo")).space(&here), AddressSpace::Ipv6LinkLocal);
        assert_eq!(on(Some("lo")).space("fe80::1%lo"), AddressSpace::Ipv6LinkLocal);
        assert_eq!(on(Some("lo")).space("fe80::1"), AddressSpace::Ipv6LinkLocal, "it has none");
        assert_eq!(on(Some("lo")).space(&elsewhere), AddressSpace::Other);
        assert_eq!(on(None).space(&elsewhere), AddressSpace::Ipv6LinkLocal, "which is right is not known");
    }
}
