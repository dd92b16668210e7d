//! A person's own scenario as a TOML file: steps, launch, machines and claims, in the words of the catalogue.
//!
//! ```toml
//! name = "data-volume"
//! summary = "a directory bound with ids mapped"
//! machines = ["alpha", "beta"]        # these two if left out
//! bind = "/srv/data:/data"            # filled before the steps; bind/* is asked about it
//!
//! [launch]
//! by = "command-line"                 # or "unit", as if left out
//! options = ["-n", "--bind=/srv/data:/data"]
//!
//! [[step]]
//! step = "file"                       # directory, missing-directory, symlink, fifo, edited-copy, await-link, run
//! path = "/etc/motd"
//! content = "hello\n"
//! mode = "0640"
//!
//! [[claim]]
//! check = "address/lease"
//! expect = "lease"
//! prefix = 28
//! versions = "252-257"                # of the host's systemd, as payload = is of the machines'; 252-262 if left out
//! when = { llmnr = "yes" }            # what must have been detected
//! reason = "80-container-ve.network hands out a /28"
//! link = "https://example.org/"       # where that is written down
//! ```
//!
//! A [`Profile`](crate::Profile) is such a file too, with steps alone: [`read_profile`]; and so is a
//! [`Fault`](crate::Fault).
//!
//! [`read`] says of everything that is wrong where it stands and what was probably meant; [`write`] makes a file of any
//! scenario. Steps, launches and expectations are read by their own serde forms, so a new one needs nothing here.

mod claims;
mod fault;
mod fields;
mod leaf;
mod problem;
mod profile;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use fault::read_fault;
pub use problem::Problem;
pub(crate) use profile::read_built_in_profile;
pub use profile::read_profile;
pub use read::read;
pub use write::write;
