//! Answers: what of an observation can be laid beside another run's.
//!
//! Times differ from run to run, and so do addresses, keys and ids that somebody picks at random. Of them all that stays
//! is what they are about: that there is a lease, from a subnet of which size; to which spaces a name resolves.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::words::short_shares;
use crate::{AddressSpace, BindWrite, FileKind, Observation, Properties};

/// Values of properties that are of this very host, machine or moment.
const OF_THIS_RUN: [&str; 13] = [
    "address",
    "address-after",
    "address-before",
    "addresses",
    "in the set",
    "mac",
    "mac-after",
    "machine id",
    "neighbours",
    "routes",
    "source",
    "subnet",
    "took",
];

/// The values of one cell, and how often a name gave what, where that may be left to chance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    /// The answer in a few characters; it follows from the rest, or is of this run.
    short: String,
    /// Each value by its name, in the order of the names.
    pub(crate) values: Vec<(Cow<'static, str>, String)>,
    /// How many lookups gave first an address of which space.
    pub(crate) shares: BTreeMap<AddressSpace, u32>,
}

impl Answer {
    /// Takes the answer to the question `check` out of what was seen.
    pub(crate) fn of(seen: &Observation, check: &str) -> Self {
        match seen {
            Observation::Names(names) => Self::of_shares(names.spaces.clone()),
            Observation::Lease(_)
            | Observation::Ping(_)
            | Observation::Wire(_)
            | Observation::BindFiles(_)
            | Observation::Mount(_)
            | Observation::BindWrite(_)
            | Observation::Autostart(_)
            | Observation::Properties(_) => {
                let mut values = values(seen);
                values.sort_unstable();
                Self { short: seen.short(check), values, shares: BTreeMap::new() }
            }
        }
    }

    /// The answer that lookups of a name give: how many gave first an address of which space.
    pub(crate) fn of_shares(mut shares: BTreeMap<AddressSpace, u32>) -> Self {
        shares.retain(|_, count| *count > 0);
        Self { shares, ..Self::default() }
    }

    /// Says the answer in a few characters: `yes`, `fe80 61%, lease 39%`.
    pub(crate) fn short(&self) -> String {
        if self.shares.is_empty() { self.short.clone() } else { short_shares(&self.shares) }
    }

    /// The value of this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Values = Vec<(Cow<'static, str>, String)>;

fn values(seen: &Observation) -> Values {
    match seen {
        Observation::Names(_) => Vec::new(),
        Observation::Lease(lease) => named([
            ("link", debug(&lease.link)),
            ("prefix", debug(&lease.address.map(|address| address.prefix()))),
        ]),
        Observation::Ping(ping) => named([
            ("answers", (ping.received > 0).to_string()),
            ("tried", ping.target.is_some().to_string()),
            ("ttl", debug(&ping.ttl)),
            ("size", debug(&ping.size)),
            ("error", debug(&ping.error)),
        ]),
        Observation::Wire(wire) => {
            let record = |seen: &crate::WireRecord| format!("{} {}", seen.record, seen.space);
            let mut records: Vec<String> = wire.records.iter().map(record).collect();
            records.sort_unstable();
            records.dedup();
            records.into_iter().map(|record| (record.into(), "yes".to_owned())).collect()
        }
        Observation::BindFiles(files) => {
            let sides = |file: &crate::BindFile| {
                format!("{} {}", kind(file.outside.as_ref()), kind(file.inside.as_ref()))
            };
            files.files.iter().map(|file| (file.name.clone().into(), sides(file))).collect()
        }
        Observation::Mount(mount) => named([
            ("fs-type", mount.fs_type.clone()),
            ("options", mount.options.join(",")),
            ("propagation", mount.propagation.join(",")),
            ("idmapped", mount.idmapped.to_string()),
        ]),
        Observation::BindWrite(BindWrite::Refused { errno }) => named([("errno", errno.clone())]),
        Observation::BindWrite(BindWrite::Written(written)) => {
            named([("inside", kind(Some(&written.inside))), ("outside", kind(written.outside.as_ref()))])
        }
        Observation::Autostart(autostart) => named([
            ("enabled", autostart.enabled.clone()),
            ("active", autostart.active.clone()),
            ("registered", autostart.registered.to_string()),
        ]),
        Observation::Properties(properties) => of_properties(properties),
    }
}

fn of_properties(seen: &Properties) -> Values {
    let lasting = seen.values.iter().filter(|(name, _)| !OF_THIS_RUN.contains(&name.as_str()));
    lasting.map(|(name, value)| (name.clone().into(), value.clone())).collect()
}

fn named<const N: usize>(values: [(&'static str, String); N]) -> Values {
    values.map(|(name, value)| (name.into(), value)).into()
}

fn debug(value: &Option<impl Debug>) -> String {
    value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("{value:?}"))
}

/// `file 0:0 0644`.
fn kind(file: Option<&FileKind>) -> String {
    file.map_or_else(
        || "none".to_owned(),
        |FileKind { kind, uid, gid, mode }| format!("{kind} {uid}:{gid} {mode}"),
    )
}
