//! Root file systems, for hosts and for the machines on them.
//!
//! A [`Recipe`] says how an image comes to be, and a [`Store`] keeps what came of it: one uncompressed tar file each,
//! because every run unpacks it (0.3 s) and only the first one builds it (20 s). One image serves as the host and as
//! the machines, so that both run the same systemd, unless a [`Pair`] says otherwise; a run may have several ([`Pairs`]).

mod arch;
mod build;
mod debian;
mod error;
mod finish;
mod job;
mod packing;
mod pair;
mod pairs;
mod recipe;
mod snapshot;
mod store;
mod suite;
mod workplace;

pub use debian::Debian;
pub(crate) use debian::in_namespace;
pub use error::ImageError;
pub use pair::Pair;
pub use pairs::{Images, Pairs};
pub use recipe::{Packages, Recipe, with_packages};
pub use snapshot::Snapshot;
pub use store::{Entry, FOLDER_OF_ROOT, Image, Store, default_folder};
pub use suite::Suite;
