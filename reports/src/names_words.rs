//! Lookups in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::words::{by_count, short_space};
use crate::{LookupPath, Names, RecordType, Times, Wire};

/// Addresses named in a sentence; the report has them all.
const ADDRESSES_SHOWN: usize = 3;

/// Says what lookups gave, where from, and whether always the same.
pub(crate) fn names_sentence(names: &Names) -> String {
    let counts: Vec<String> = by_count(&names.spaces)
        .into_iter()
        .map(|(space, count)| format!("{} {count}", short_space(space)))
        .collect();
    let path =
        if names.path == LookupPath::Nss { String::new() } else { format!(" by {}", names.path.name()) };
    let mut text =
        format!("{}, {}{path}: {} of {}", names.name, names.family, counts.join(", "), names.samples);
    text.push_str(&shown(names.addresses.iter().map(|seen| seen.address.as_str())));
    text.push_str(if names.is_deterministic() { ", always the same" } else { ", not always the same" });
    for (space, counts) in &names.origins {
        let _ = write!(text, "; {} from {}", short_space(*space), listed(counts));
    }
    // Reports of before say only that.
    let winners = if names.origins.is_empty() { &names.winners } else { &BTreeMap::new() };
    for (what, counts) in [("from", winners), ("cached", &names.cached), ("none for", &names.failures)] {
        if !counts.is_empty() {
            let _ = write!(text, "; {what} {}", listed(counts));
        }
    }
    for (what, count) in [("overlapped", names.overlapped), ("made again", names.repeated)] {
        if count > 0 {
            let _ = write!(text, "; {what} {count}");
        }
    }
    if let Some(reason) = &names.not_flushed {
        let _ = write!(text, "; caches not flushed: {reason}");
    }
    text.push_str(&times(names.took));
    text
}

/// Says which addresses came in answer: `lease + fe80`, or `no` if nobody answers.
pub(crate) fn short_wire(wire: &Wire) -> String {
    let spaces: Vec<&str> =
        RecordType::ALL.into_iter().flat_map(|record| wire.spaces(record)).map(short_space).collect();
    if spaces.is_empty() { "no".to_owned() } else { spaces.join(" + ") }
}

/// Says how many questions of each type were answered, and what with.
pub(crate) fn wire_sentence(wire: &Wire) -> String {
    let answered = |record: RecordType| {
        let count = wire.answered.get(&record).copied().unwrap_or_default();
        format!("{record} {count} of {}", wire.questions)
    };
    let mut text =
        format!("{}, {}: {} answered", wire.name, wire.transport, RecordType::ALL.map(answered).join(", "));
    let records: Vec<String> =
        wire.records.iter().map(|seen| format!("{} from {}", seen.address, seen.responder)).collect();
    text.push_str(&shown(records.iter().map(String::as_str)));
    if !wire.not_sent.is_empty() {
        let _ = write!(text, "; not sent: {}", listed(&wire.not_sent));
    }
    if wire.repeated > 0 {
        text.push_str("; all asked again, as addresses had changed");
    }
    if !wire.records.is_empty() {
        text.push_str(&times(wire.took));
    }
    text
}

/// The first few, in brackets, and how many more there are.
fn shown<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = all.len().saturating_sub(ADDRESSES_SHOWN);
    let first: Vec<&str> = all.take(ADDRESSES_SHOWN).collect();
    match (first.as_slice(), more) {
        ([], _) => String::new(),
        (first, 0) => format!(" ({})", first.join(", ")),
        (first, more) => format!(" ({} and {more} more)", first.join(", ")),
    }
}

fn listed(counts: &BTreeMap<String, u32>) -> String {
    counts.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
}

fn times(took: Times) -> String {
    format!("; median {} us, 90% within {} us", took.median_us, took.p90_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AddressSpace, Observation, Transport, WireRecord, fixture};

    #[test]
    fn a_lookup_names_what_won_and_what_was_cached() {
        let Observation::Names(mut names) = fixture::names(&[(AddressSpace::Lease, 32)]) else {
            panic!("a fixture of names is one")
        };
        names.path = LookupPath::Api;
        names.winners = BTreeMap::from([("llmnr-ipv4".to_owned(), 32)]);
        assert!(names_sentence(&names).contains("; from llmnr-ipv4 32; median"), "as in reports of before");
        names.origins = BTreeMap::from([(AddressSpace::Lease, names.winners.clone())]);
        names.cached = BTreeMap::from([("llmnr-ipv6 AAAA".to_owned(), 15)]);
        names.not_flushed = Some("systemd-resolved does not run".to_owned());
        (names.overlapped, names.repeated) = (3, 1);
        insta::assert_snapshot!(names_sentence(&names), @"beta, any by api: lease 32 of 32 (10.0.55.38), always the same; lease from llmnr-ipv4 32; cached llmnr-ipv6 AAAA 15; overlapped 3; made again 1; caches not flushed: systemd-resolved does not run; median 410 us, 90% within 520 us");
    }

    #[test]
    fn the_wire_is_told_by_its_answers() {
        let mut wire = Wire {
            sent: 64,
            repeated: 0,
            name: "beta".to_owned(),
            transport: Transport::LlmnrIpv4,
            questions: 32,
            answered: BTreeMap::new(),
            records: Vec::new(),
            took: Times::default(),
            not_sent: BTreeMap::new(),
        };
        assert_eq!(short_wire(&wire), "no");
        insta::assert_snapshot!(wire_sentence(&wire), @"beta, llmnr-ipv4: A 0 of 32, AAAA 0 of 32 answered");
        wire.answered = BTreeMap::from([(RecordType::A, 32)]);
        wire.records.push(WireRecord {
            record: RecordType::A,
            address: "10.0.55.38".to_owned(),
            space: AddressSpace::Lease,
            responder: "10.0.55.38".to_owned(),
            count: 32,
        });
        wire.repeated = 1;
        assert_eq!(short_wire(&wire), "lease");
        insta::assert_snapshot!(wire_sentence(&wire), @"beta, llmnr-ipv4: A 32 of 32, AAAA 0 of 32 answered (10.0.55.38 from 10.0.55.38); all asked again, as addresses had changed; median 0 us, 90% within 0 us");
    }
}
