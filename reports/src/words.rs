//! Observations in words: [`Observation::short`] for a cell, [`Observation::sentence`] for a line.
//!
//! Every writer that people read takes its wording from here, so one thing is called the same everywhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::bind_words;
use crate::names_words;
use crate::{AddressSpace, Autostart, Lease, Observation, Ping, Properties};

impl Observation {
    /// Says what was seen in a few characters: `/28`, `no`, `fe80 61%, lease 39%`, `rw idmap`.
    ///
    /// `check` is the name of the question ([`crate::Case::check`]): the files of a bind mount answer two of them.
    /// Several answers to one question are parted by a comma.
    #[must_use]
    pub fn short(&self, check: &str) -> String {
        match self {
            Self::Lease(lease) => {
                lease.address.map_or("no".to_owned(), |subnet| format!("/{}", subnet.prefix()))
            }
            Self::Ping(ping) => short_ping(ping).to_owned(),
            Self::Names(names) => short_shares(&names.spaces),
            Self::Wire(wire) => names_words::short_wire(wire),
            Self::BindFiles(seen) => bind_words::short_files(&seen.files, check),
            Self::Mount(mount) => bind_words::short_mount(mount),
            Self::BindWrite(write) => bind_words::short_write(write),
            Self::Autostart(autostart) => if is_up(autostart) { "yes" } else { "no" }.to_owned(),
            Self::Properties(properties) => properties.answer.clone(),
        }
    }

    /// Says what was seen in one line without a full stop: `beta, any: fe80 20, lease 12 of 32; median 180 us`.
    ///
    /// `check` is as in [`Observation::short`].
    #[must_use]
    pub fn sentence(&self, check: &str) -> String {
        match self {
            Self::Lease(lease) => lease_sentence(lease),
            Self::Ping(ping) => ping_sentence(ping),
            Self::Names(names) => names_words::names_sentence(names),
            Self::Wire(wire) => names_words::wire_sentence(wire),
            Self::BindFiles(seen) => bind_words::files_sentence(&seen.files, check),
            Self::Mount(mount) => bind_words::mount_sentence(mount),
            Self::BindWrite(write) => bind_words::write_sentence(write),
            Self::Autostart(autostart) => autostart_sentence(autostart),
            Self::Properties(properties) => properties_sentence(properties),
        }
    }
}

fn properties_sentence(properties: &Properties) -> String {
    let value = |(name, value): (&String, &String)| {
        if value.is_empty() { format!("{name} is empty") } else { format!("{name} {value}") }
    };
    let values: Vec<String> = properties.values.iter().map(value).collect();
    format!("{} ({})", properties.answer, values.join(", "))
}

/// Says how often each space was answered, the most frequent first: `lease`, or `fe80 61%, lease 39%`.
pub(crate) fn short_shares(spaces: &BTreeMap<AddressSpace, u32>) -> String {
    let counts = by_count(spaces);
    let total: u64 = counts.iter().map(|(_, count)| u64::from(*count)).sum();
    match counts.as_slice() {
        [] => short_space(AddressSpace::None).to_owned(),
        [(only, _)] => short_space(*only).to_owned(),
        several => {
            // The last one takes what the others leave, so that they add up.
            let mut left = 100;
            let mut shares = Vec::new();
            for (at, (space, count)) in several.iter().enumerate() {
                let is_last = at + 1 == several.len();
                let share = if is_last { left.max(1) } else { percent(u64::from(*count), total) };
                left -= share.min(left);
                shares.push(format!("{} {share}%", short_space(*space)));
            }
            shares.join(", ")
        }
    }
}

/// The spaces that were answered at all, the most frequent first.
pub(crate) fn by_count(spaces: &BTreeMap<AddressSpace, u32>) -> Vec<(AddressSpace, u32)> {
    let mut counts: Vec<_> =
        spaces.iter().filter(|(_, count)| **count > 0).map(|(space, count)| (*space, *count)).collect();
    counts.sort_by_key(|(space, count)| (std::cmp::Reverse(*count), *space));
    counts
}

/// Rounds, but never to nothing or to all: one odd answer in a thousand is what the reader looks for.
fn percent(count: u64, total: u64) -> u64 {
    ((count * 200 + total) / (total * 2)).clamp(1, 99)
}

/// The name of a space in a cell: what its addresses begin with, where that says it all.
pub(crate) fn short_space(space: AddressSpace) -> &'static str {
    match space {
        AddressSpace::Lease => "lease",
        AddressSpace::Ipv4LinkLocal => "169.254",
        AddressSpace::Ipv6LinkLocal => "fe80",
        AddressSpace::Ipv6UniqueLocal => "ula",
        AddressSpace::Global => "global",
        AddressSpace::Other => "other",
        AddressSpace::None => "none",
    }
}

fn short_ping(ping: &Ping) -> &'static str {
    if ping.received == 0 {
        "no"
    } else if ping.received < ping.sent {
        "some"
    } else {
        "yes"
    }
}

fn is_up(autostart: &Autostart) -> bool {
    autostart.active == "active" && autostart.registered
}

fn lease_sentence(lease: &Lease) -> String {
    let Some(link) = &lease.link else { return "the machine has no link of its own".to_owned() };
    match lease.address {
        Some(subnet) => format!("{subnet} on {link}"),
        None if lease.addresses.is_empty() => format!("no address on {link}"),
        None => format!("no lease on {link}, only {}", lease.addresses.join(", ")),
    }
}

fn ping_sentence(ping: &Ping) -> String {
    let Some(target) = &ping.target else { return "there was no address to try".to_owned() };
    let mut text = match &ping.error {
        Some(error) => format!("{target}: {error}"),
        None => format!("{target}: {} of {} replies", ping.received, ping.sent),
    };
    if let Some(size) = ping.size {
        let _ = write!(text, ", {size} bytes");
    }
    if let Some(rtt) = ping.rtt_us {
        let _ = write!(text, ", median {rtt} us");
    }
    if let Some(ttl) = ping.ttl {
        let _ = write!(text, ", ttl {ttl}");
    }
    text
}

fn autostart_sentence(autostart: &Autostart) -> String {
    let not = if autostart.registered { "" } else { "not " };
    format!(
        "the unit is {} and {}, the machine is {not}registered with machined",
        autostart.enabled, autostart.active
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{lease, names, ping};

    #[test]
    fn a_lease_is_shown_by_its_prefix_and_told_by_its_address() {
        let seen = lease(Some("10.0.55.38/28"));
        assert_eq!(seen.short("address/lease"), "/28");
        insta::assert_snapshot!(seen.sentence("address/lease"), @"10.0.55.38/28 on host0");
        assert_eq!(lease(None).short("address/lease"), "no");
        insta::assert_snapshot!(lease(None).sentence("address/lease"), @"no lease on host0, only 169.254.11.2/16, fe80::5054:ff:fe12:1/64");
    }

    #[test]
    fn a_ping_that_lost_some_replies_is_neither_yes_nor_no() {
        assert_eq!(ping(3).short("ping/peer/ipv4"), "yes");
        assert_eq!(ping(2).short("ping/peer/ipv4"), "some");
        assert_eq!(ping(0).short("ping/peer/ipv4"), "no");
        insta::assert_snapshot!(ping(3).sentence("ping/peer/ipv4"), @"10.0.55.103: 3 of 3 replies, median 85 us, ttl 64");
        insta::assert_snapshot!(ping(0).sentence("ping/peer/ipv4"), @"10.0.55.103: 0 of 3 replies");
    }

    #[test]
    fn names_are_shares_in_a_cell_and_counts_in_a_sentence() {
        let seen = names(&[(AddressSpace::Lease, 12), (AddressSpace::Ipv6LinkLocal, 20)]);
        assert_eq!(seen.short("resolve/peer/any"), "fe80 63%, lease 37%");
        insta::assert_snapshot!(seen.sentence("resolve/peer/any"), @"beta, any: fe80 20, lease 12 of 32 (10.0.55.38, fe80::5054:ff:fe12:1%2), not always the same; median 410 us, 90% within 520 us");
    }

    #[test]
    fn a_rare_answer_is_never_rounded_away() {
        let spaces = BTreeMap::from([(AddressSpace::Lease, 9_999), (AddressSpace::None, 1)]);
        assert_eq!(short_shares(&spaces), "lease 99%, none 1%");
        assert_eq!(short_shares(&BTreeMap::new()), "none");
    }
}
