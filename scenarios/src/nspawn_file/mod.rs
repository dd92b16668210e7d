//! A person's own `.nspawn` files (systemd.nspawn(5)): read as systemd reads them, and stood up as a scenario.
//!
//! [`parse`] keeps the numbers of lines, [`lint`] tells what systemd will ignore, [`Settings`] are what remains, and
//! [`scenario()`] makes of them what can be measured.

pub(crate) mod bind;
mod kernel_names;
mod keys;
mod lint;
mod own;
mod precedence;
mod settings;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

pub use bind::{Bind, Source};
pub use lint::{Effect, Finding, lint};
pub use own::{NamedFile, Own, Unusable, named, scenario};
pub use precedence::{Group, Overridden, overridden};
pub use settings::Settings;
pub use syntax::{Content, Line, Refusal, parse};

/// Where the files of an administrator lie: all their settings are trusted.
pub const FOLDER: &str = "/etc/systemd/nspawn";

/// Where those lie that are gone after a reboot.
const PASSING_FOLDER: &str = "/run/systemd/nspawn";

/// Where the file of a machine goes: `/etc/systemd/nspawn/web.nspawn`.
#[must_use]
pub fn path(machine: &str) -> String {
    format!("{FOLDER}/{machine}.nspawn")
}

/// Where it goes that is gone after a reboot; it is trusted all the same.
#[must_use]
pub fn passing_path(machine: &str) -> String {
    format!("{PASSING_FOLDER}/{machine}.nspawn")
}
