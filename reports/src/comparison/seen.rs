//! Observations as they are read: of each kind what is compared, and what a cell of a page opens to.
//!
//! An observation says in its first member of which kind it is. `serde` could not know that, and would keep all of it
//! aside first, which takes longer than anything else here; so this looks, and keeps aside only what other programs
//! have sorted in another way.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::reading::Text;
use crate::{AddressSpace, Names, Observation, Times};

/// An observation; of lookups and properties, which are the most of a report, only what is kept.
pub(super) enum Seen<'a> {
    Names(NamesPart),
    Properties(PropertiesPart<'a>),
    Other(Box<Observation>),
}

#[derive(Deserialize)]
pub(super) struct NamesPart {
    pub(super) samples: u32,
    overlapped: u32,
    pub(super) spaces: BTreeMap<AddressSpace, u32>,
    took: Times,
    #[serde(rename = "times_us")]
    pub(super) lookups: Lookups,
}

#[derive(Deserialize)]
pub(super) struct PropertiesPart<'a> {
    #[serde(borrow)]
    pub(super) answer: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) values: BTreeMap<Text<'a>, Text<'a>>,
}

impl NamesPart {
    /// How long the lookups took, if none was held up by the one before it.
    pub(super) fn took(&self) -> Times {
        if self.overlapped == 0 { self.took } else { Times::default() }
    }
}

/// How long answers took that are no lookups of a resolver.
pub(super) fn took(seen: &Observation) -> Times {
    match seen {
        Observation::Wire(wire) => wire.took,
        Observation::Ping(ping) => ping.rtt_us.map_or_else(Times::default, Times::once),
        Observation::Names(_)
        | Observation::Lease(_)
        | Observation::BindFiles(_)
        | Observation::Mount(_)
        | Observation::BindWrite(_)
        | Observation::Autostart(_)
        | Observation::Properties(_) => Times::default(),
    }
}

impl From<Observation> for Seen<'_> {
    fn from(seen: Observation) -> Self {
        match seen {
            Observation::Names(Names { samples, overlapped, spaces, took, times_us, .. }) => {
                Self::Names(NamesPart { samples, overlapped, spaces, took, lookups: Lookups::of(&times_us) })
            }
            Observation::Lease(_)
            | Observation::Ping(_)
            | Observation::Wire(_)
            | Observation::BindFiles(_)
            | Observation::Mount(_)
            | Observation::BindWrite(_)
            | Observation::Autostart(_)
            | Observation::Properties(_) => Self::Other(Box::new(seen)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Seen<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SeenVisitor)
    }
}

struct SeenVisitor;

impl<'de> Visitor<'de> for SeenVisitor {
    type Value = Seen<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an observation")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen<'de>, A::Error> {
        let mut next: Option<Text<'de>> = map.next_key()?;
        if next.as_ref().is_some_and(|Text(key)| key == "kind") {
            let Text(kind) = map.next_value()?;
            return of_kind(&kind, MapAccessDeserializer::new(map));
        }
        let mut members = serde_json::Map::new();
        while let Some(Text(key)) = next {
            members.insert(key.into_owned(), map.next_value()?);
            next = map.next_key()?;
        }
        let seen: Observation = serde_json::from_value(members.into()).map_err(A::Error::custom)?;
        Ok(seen.into())
    }
}

/// The rest of an observation of this kind.
fn of_kind<'de, D: Deserializer<'de>>(kind: &str, rest: D) -> Result<Seen<'de>, D::Error> {
    let other = |seen| Seen::Other(Box::new(seen));
    Ok(match kind {
        "names" => Seen::Names(NamesPart::deserialize(rest)?),
        "lease" => other(Observation::Lease(Deserialize::deserialize(rest)?)),
        "ping" => other(Observation::Ping(Deserialize::deserialize(rest)?)),
        "wire" => other(Observation::Wire(Deserialize::deserialize(rest)?)),
        "bind-files" => other(Observation::BindFiles(Deserialize::deserialize(rest)?)),
        "mount" => other(Observation::Mount(Deserialize::deserialize(rest)?)),
        "bind-write" => other(Observation::BindWrite(Deserialize::deserialize(rest)?)),
        "autostart" => other(Observation::Autostart(Deserialize::deserialize(rest)?)),
        "properties" => Seen::Properties(Deserialize::deserialize(rest)?),
        unknown => return Err(D::Error::custom(format_args!("unknown kind of observation `{unknown}`"))),
    })
}

/// How long each lookup took in microseconds, 71 minutes at most, by the space of its first address: a hundred reports have
/// ten million of them, so they have no more bytes than they need.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookups(Box<[(AddressSpace, u32)]>);

impl Lookups {
    fn of(times_us: &BTreeMap<AddressSpace, Vec<u64>>) -> Self {
        let of_space = |(space, times): (&AddressSpace, &Vec<u64>)| {
            times.iter().map(|us| (*space, shortened(*us))).collect::<Vec<_>>()
        };
        Self(times_us.iter().flat_map(of_space).collect())
    }

    /// The same as a report has it ([`Names::times_us`]).
    pub(super) fn times_us(&self) -> BTreeMap<AddressSpace, Vec<u64>> {
        let mut times_us: BTreeMap<AddressSpace, Vec<u64>> = BTreeMap::new();
        for (space, us) in &self.0 {
            times_us.entry(*space).or_default().push((*us).into());
        }
        times_us
    }
}

fn shortened(us: u64) -> u32 {
    u32::try_from(us).unwrap_or(u32::MAX)
}

impl<'de> Deserialize<'de> for Lookups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LookupsVisitor)
    }
}

struct LookupsVisitor;

impl<'de> Visitor<'de> for LookupsVisitor {
    type Value = Lookups;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("times by space")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lookups, A::Error> {
        let mut lookups = Vec::new();
        while let Some(space) = map.next_key()? {
            map.next_value_seed(OfSpace { space, lookups: &mut lookups })?;
        }
        Ok(Lookups(lookups.into()))
    }
}

/// Reads the times of one space.
struct OfSpace<'l> {
    space: AddressSpace,
    lookups: &'l mut Vec<(AddressSpace, u32)>,
}

impl<'de> DeserializeSeed<'de> for OfSpace<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for OfSpace<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(us) = seq.next_element()? {
            self.lookups.push((self.space, shortened(us)));
        }
        Ok(())
    }
}
