//! Names on the wire: multicast questions past every resolver, and all the answers that came.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::is_none;
use crate::{AddressSpace, Times};

/// What carries the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// LLMNR to 224.0.0.252 (RFC 4795).
    LlmnrIpv4,
    /// LLMNR to ff02::1:3 (RFC 4795).
    LlmnrIpv6,
    /// Multicast DNS to 224.0.0.251 (RFC 6762).
    MdnsIpv4,
    /// Multicast DNS to ff02::fb (RFC 6762).
    MdnsIpv6,
}

impl Transport {
    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LlmnrIpv4 => "llmnr-ipv4",
            Self::LlmnrIpv6 => "llmnr-ipv6",
            Self::MdnsIpv4 => "mdns-ipv4",
            Self::MdnsIpv6 => "mdns-ipv6",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The type of a record that holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa,
}

impl RecordType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::Aaaa];
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
        })
    }
}

/// Many questions of one name, sent without waiting for each other, with every answer of every responder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wire {
    /// The name asked for.
    pub name: String,
    /// What carried the questions.
    pub transport: Transport,
    /// Questions for each type of record.
    pub questions: u32,
    /// How many of them got an answer with an address in it, by the type of the record.
    pub answered: BTreeMap<RecordType, u32>,
    /// Every address that any responder gave.
    pub records: Vec<WireRecord>,
    /// How long the first answer to each question took.
    pub took: Times,
    /// Why a question could not be sent, with the number of questions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_sent: BTreeMap<String, u32>,
    /// Questions that were sent, over all links.
    #[serde(default)]
    pub sent: u32,
    /// How often all of them were asked again, since addresses of whoever bears the name had changed meanwhile; what came at
    /// first counts nowhere.
    #[serde(default, skip_serializing_if = "is_none")]
    pub repeated: u32,
}

impl Wire {
    /// The addresses of one type that came, without repetition, in the order of their spaces.
    #[must_use]
    pub fn spaces(&self, record: RecordType) -> Vec<AddressSpace> {
        let of_type = self.records.iter().filter(|seen| seen.record == record);
        let mut spaces: Vec<AddressSpace> = of_type.map(|seen| seen.space).collect();
        spaces.sort_unstable();
        spaces.dedup();
        spaces
    }
}

/// One address that one responder gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WireRecord {
    /// The type of the record.
    pub record: RecordType,
    /// The address in it.
    pub address: String,
    /// Its space.
    pub space: AddressSpace,
    /// Where the answer came from.
    pub responder: String,
    /// Questions that it came in answer to.
    pub count: u32,
}
