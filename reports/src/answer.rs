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
const OF_THIS_RUN: [&str; 17] = [
    "address",
    "address-after",
    "address-before",
    "addresses",
    "gateway after",
    "gateway before",
    "in the set",
    "leases",
    "mac",
    "mac-after",
    "machine id",
    "neighbours",
    "routes",
    "rp-filter-drops",
    "source",
    "subnet",
    "took",
];

/// Names and values; texts are borrowed from where the observation is, as far as they stand there.
type Values<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The values of one cell, and how often a name gave what, where that may be left to chance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Answer<'a> {
    /// The answer in a few characters; it follows from the rest, or is of this run.
    short: Cow<'a, str>,
    /// Each value by its name, in the order of the names.
    pub(crate) values: Values<'a>,
    /// How many lookups gave first an address of which space.
    pub(crate) shares: BTreeMap<AddressSpace, u32>,
}

impl<'a> Answer<'a> {
    /// Takes the answer to the question `check` out of what was seen.
    pub(crate) fn of(seen: &'a Observation, check: &str) -> Self {
        match seen {
            Observation::Names(names) => Self::of_shares(names.spaces.clone()),
            Observation::Properties(Properties { answer, values }) => Self::of_properties(
                answer.into(),
                values.iter().map(|(name, value)| (name.into(), value.into())),
            ),
            Observation::Lease(_)
            | Observation::Ping(_)
            | Observation::Wire(_)
            | Observation::BindFiles(_)
            | Observation::Mount(_)
            | Observation::BindWrite(_)
            | Observation::Autostart(_) => Self::of_values(seen.short(check).into(), values(seen)),
        }
    }

    /// The answer that lookups of a name give: how many gave first an address of which space.
    pub(crate) fn of_shares(mut shares: BTreeMap<AddressSpace, u32>) -> Self {
        shares.retain(|_, count| *count > 0);
        Self { shares, ..Self::default() }
    }

    /// The answer that properties give: those that are not of this run.
    pub(crate) fn of_properties(
        short: Cow<'a, str>,
        values: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Self {
        Self::of_values(short, values.filter(|(name, _)| !OF_THIS_RUN.contains(&&**name)).collect())
    }

    fn of_values(short: Cow<'a, str>, mut values: Values<'a>) -> Self {
        values.sort_unstable();
        Self { short, values, shares: BTreeMap::new() }
    }

    /// The same with texts of its own.
    pub(crate) fn into_owned(self) -> Answer<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Answer {
            short: owned(self.short),
            values: self.values.into_iter().map(|(name, value)| (owned(name), owned(value))).collect(),
            shares: self.shares,
        }
    }

    /// Says the answer in a few characters: `yes`, `fe80 61%, lease 39%`.
    pub(crate) fn short(&self) -> String {
        if self.shares.is_empty() { self.short.clone().into_owned() } else { short_shares(&self.shares) }
    }

    /// The value of this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

/// The values of what is neither left to chance nor a list of properties.
fn values(seen: &Observation) -> Values<'_> {
    match seen {
        Observation::Names(_) | Observation::Properties(_) => Vec::new(),
        Observation::Lease(lease) => named([
            ("link", debug(&lease.link)),
            ("prefix", debug(&lease.address.map(|address| address.prefix()))),
        ]),
        Observation::Ping(ping) => named([
            ("answers", word(ping.received > 0)),
            ("tried", word(ping.target.is_some())),
            ("ttl", debug(&ping.ttl)),
            ("size", debug(&ping.size)),
            ("error", debug(&ping.error)),
        ]),
        Observation::Wire(wire) => {
            let record = |seen: &crate::WireRecord| format!("{} {}", seen.record, seen.space);
            let mut records: Vec<String> = wire.records.iter().map(record).collect();
            records.sort_unstable();
            records.dedup();
            records.into_iter().map(|record| (record.into(), "yes".into())).collect()
        }
        Observation::BindFiles(files) => {
            let sides = |file: &crate::BindFile| {
                format!("{} {}", kind(file.outside.as_ref()), kind(file.inside.as_ref()))
            };
            files.files.iter().map(|file| ((&file.name).into(), sides(file).into())).collect()
        }
        Observation::Mount(mount) => named([
            ("fs-type", (&mount.fs_type).into()),
            ("options", mount.options.join(",").into()),
            ("propagation", mount.propagation.join(",").into()),
            ("idmapped", word(mount.idmapped)),
        ]),
        Observation::BindWrite(BindWrite::Refused { errno }) => named([("errno", errno.into())]),
        Observation::BindWrite(BindWrite::Written(written)) => named([
            ("inside", kind(Some(&written.inside)).into()),
            ("outside", kind(written.outside.as_ref()).into()),
        ]),
        Observation::Autostart(autostart) => named([
            ("enabled", (&autostart.enabled).into()),
            ("active", (&autostart.active).into()),
            ("registered", word(autostart.registered)),
        ]),
    }
}

fn named<'a, const N: usize>(values: [(&'static str, Cow<'a, str>); N]) -> Values<'a> {
    values.map(|(name, value)| (name.into(), value)).into()
}

fn word(is: bool) -> Cow<'static, str> {
    if is { "true" } else { "false" }.into()
}

fn debug(value: &Option<impl Debug>) -> Cow<'static, str> {
    value.as_ref().map_or(Cow::Borrowed("none"), |value| format!("{value:?}").into())
}

/// `file 0:0 0644`.
fn kind(file: Option<&FileKind>) -> String {
    file.map_or_else(
        || "none".to_owned(),
        |FileKind { kind, uid, gid, mode }| format!("{kind} {uid}:{gid} {mode}"),
    )
}
