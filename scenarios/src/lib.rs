//! What is stood up, asked and claimed, as pure values: no I/O, so that everything here can be printed, listed and
//! tested without root.
//!
//! A [`Scenario`] is one way of standing up containers: the [`Step`]s that prepare the host, the [`Launch`] that
//! starts the machines, and the [`Claim`]s that its answers are held against. The questions are the variants of
//! [`Check`], and those about names the rows of [`NameQuestion`]. A [`Profile`] is what a provider has made of the host
//! before any of that. [`catalogue::all`] lists the scenarios, [`profile::all`] the profiles. [`found`] is about
//! machines that nobody has stood up for a scenario.

mod attachment;
mod attribute;
mod bind_mount;
pub mod bind_options;
pub mod catalogue;
mod check;
mod claim;
mod expectation;
pub mod fault;
pub mod found;
mod host_bridge;
pub mod launch;
pub mod links;
pub mod name;
mod name_question;
pub mod nearest;
pub mod nspawn_file;
pub mod nspawn_option;
pub mod pacman_cache;
pub mod port;
pub mod profile;
mod renamed;
mod runtime;
mod scenario;
pub mod scenario_file;
mod setting;
pub mod shell;
mod step;
mod topic;

pub use attachment::Attachment;
pub use attribute::{Acl, AclEntry, Attribute, FileCapability, Tag, told};
pub use bind_mount::BindMount;
pub use check::{Asked, Check, Subject};
pub use claim::{Claim, Known, Versions};
pub use expectation::{Expectation, MountClaim, Scope};
pub use fault::Fault;
pub use found::Linked;
pub use launch::Launch;
pub use name_question::{NameQuestion, Way, Whose};
pub use profile::Profile;
pub use scenario::{HOST_NAME, MACHINES, OUTSIDE_NAME, Scenario, below_machine};
pub use setting::{Setting, Settings, UNKNOWN};
pub use step::{Device, Owner, Step};
pub use topic::Topic;
