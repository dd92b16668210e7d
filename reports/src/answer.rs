//! Answers: what of an observation can be laid beside another run's.
//!
//! Times differ from run to run, and so do addresses, keys and ids that somebody picks at random. Of them all that stays
//! is what they are about: that there is a lease, from a subnet of which size; to which spaces a name resolves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};

use crate::{BindWrite, FileKind, Observation, Properties};

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

/// Values by name, each with the words that it was found to be: one, or several where it is left to chance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer(pub(crate) BTreeMap<String, BTreeSet<String>>);

impl Answer {
    /// Takes the answer out of what was seen.
    pub(crate) fn of(seen: &Observation) -> Self {
        match seen {
            Observation::Lease(lease) => Self::of_words([
                ("link", debug(&lease.link)),
                ("prefix", debug(&lease.address.map(|address| address.prefix()))),
            ]),
            Observation::Ping(ping) => Self::of_words([
                ("answers", (ping.received > 0).to_string()),
                ("tried", ping.target.is_some().to_string()),
                ("ttl", debug(&ping.ttl)),
                ("size", debug(&ping.size)),
                ("error", debug(&ping.error)),
            ]),
            Observation::Names(names) => Self::of_sets([("first", words(names.spaces.keys()))]),
            Observation::Wire(wire) => {
                let records = wire.records.iter().map(|seen| format!("{} {}", seen.record, seen.space));
                Self(records.map(|record| (record, words(["yes"]))).collect())
            }
            Observation::BindFiles(files) => {
                let sides = |file: &crate::BindFile| {
                    format!("{} {}", kind(file.outside.as_ref()), kind(file.inside.as_ref()))
                };
                Self(files.files.iter().map(|file| (file.name.clone(), words([sides(file)]))).collect())
            }
            Observation::Mount(mount) => Self::of_words([
                ("fs-type", mount.fs_type.clone()),
                ("options", mount.options.join(",")),
                ("propagation", mount.propagation.join(",")),
                ("idmapped", mount.idmapped.to_string()),
            ]),
            Observation::BindWrite(BindWrite::Refused { errno }) => {
                Self::of_words([("errno", errno.clone())])
            }
            Observation::BindWrite(BindWrite::Written(written)) => Self::of_words([
                ("inside", kind(Some(&written.inside))),
                ("outside", kind(written.outside.as_ref())),
            ]),
            Observation::Autostart(autostart) => Self::of_words([
                ("enabled", autostart.enabled.clone()),
                ("active", autostart.active.clone()),
                ("registered", autostart.registered.to_string()),
            ]),
            Observation::Properties(properties) => Self::of_properties(properties),
        }
    }

    fn of_properties(seen: &Properties) -> Self {
        let lasting = seen.values.iter().filter(|(name, _)| !OF_THIS_RUN.contains(&name.as_str()));
        Self(lasting.map(|(name, value)| (name.clone(), words([value]))).collect())
    }

    fn of_words<const N: usize>(values: [(&str, String); N]) -> Self {
        Self::of_sets(values.map(|(name, value)| (name, words([value]))))
    }

    fn of_sets<const N: usize>(values: [(&str, BTreeSet<String>); N]) -> Self {
        Self(values.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

fn words(values: impl IntoIterator<Item = impl Display>) -> BTreeSet<String> {
    values.into_iter().map(|value| value.to_string()).collect()
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
