//! The vocabulary of results, and everything that can be done with results alone.
//!
//! A [`Report`] is all of one run: facts of the hosts, one [`Case`] for each question asked of each subject, and
//! the timeline. The other crates fill it; this one writes it ([`json`], [`junit`], [`html`], [`markdown`], [`table`]),
//! lays them side by side ([`comparison`]), and depends on nothing that touches a system, so a report can be read and
//! rendered anywhere.

mod address;
mod answer;
mod bind_words;
mod case;
mod cell;
mod changes;
mod clean;
pub mod comparison;
#[cfg(test)]
mod extremes;
mod facts;
mod facts_words;
mod findings;
#[cfg(test)]
mod fixture;
mod headings;
pub mod html;
pub mod json;
pub mod junit;
mod lookups;
pub mod markdown;
mod matrix;
mod missing;
mod names;
mod names_words;
mod observation;
mod place;
mod redaction;
mod remarks;
mod report;
mod scenario;
mod source;
pub mod table;
mod verdict;
mod whole;
mod wire;
mod words;

pub use address::{AddressSpace, ParseSubnetError, Subnet};
pub use case::{Case, Explanation};
pub use changes::changes;
pub use comparison::{Comparison, Excerpt};
pub use facts::{Chain, Facts, LinkAddress, LinkSetup, Network, Resolver, Route};
pub use lookups::{ImpossibleLookups, MOST_LOOKUPS};
pub use missing::Missing;
pub use names::{Family, LookupPath, Names, SeenAddress, Times};
pub use observation::{
    Autostart, BindFile, BindFiles, BindWrite, FileKind, Lease, Mount, Observation, Ping, Properties, Written,
};
pub use redaction::Redaction;
pub use report::{HostRecord, LastStretch, Report, Run, SCHEMA, STOCK, TimelineEvent, Utilisation};
pub use verdict::{Tally, Verdict};
pub use whole::write_whole;
pub use wire::{RecordType, Transport, Wire, WireRecord};
