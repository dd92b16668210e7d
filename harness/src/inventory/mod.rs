//! Inventories: files that name machines elsewhere. Nothing here touches a system.
//!
//! One is a TOML file of ours, or an Ansible inventory as it is, in the form of INI or YAML: its hosts, and how ssh gets to
//! them. What else stands there is for others.

mod groups;
mod ini;
mod own;
mod yaml;

use std::path::Path;

use crate::host::{Destination, NoDestination};

/// A machine elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is called in what is told of it, and the folder of its report.
    pub name: String,
    /// Where it is.
    pub destination: Destination,
}

impl From<Destination> for Target {
    fn from(destination: Destination) -> Self {
        Self { name: destination.name(), destination }
    }
}

impl Target {
    /// Calls a machine by a name, which is that of a folder.
    fn named(name: &str, destination: Result<Destination, NoDestination>) -> Result<Self, Unreadable> {
        let of_host = |why: String| Unreadable(format!("host `{}`: {why}", name.escape_debug()));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_name = !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(is_plain);
        if !is_name {
            return Err(of_host(
                "its name is not letters, digits, `_`, `.` and `-`, the first no `.` or `-`".to_owned(),
            ));
        }
        let destination = destination.map_err(|error| of_host(error.to_string()))?;
        Ok(Self { name: name.to_owned(), destination })
    }
}

/// What an inventory names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The machines that ssh gets to, by name.
    pub targets: Vec<Target>,
    /// Those that it does not, each with the reason.
    pub left_out: Vec<String>,
}

/// Why a file is no inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Reads an inventory; its form follows from the end of the file's name, as with Ansible.
///
/// # Errors
/// [`Unreadable`], with the line where that is known.
pub fn read(path: &Path, text: &str) -> Result<Inventory, Unreadable> {
    if text.starts_with("#!") {
        let told = "it is a program, which is not run here; `ansible-inventory --list --yaml` writes down what it gives";
        return Err(Unreadable(told.to_owned()));
    }
    let inventory = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => own::read(text)?,
        Some("yml" | "yaml" | "json") => yaml::read(text)?.inventory()?,
        Some(_) | None => ini::read(text)?.inventory()?,
    };
    if inventory.targets.is_empty() {
        let told = ["it names no machine that ssh gets to".to_owned()].into_iter().chain(inventory.left_out);
        return Err(Unreadable(told.collect::<Vec<_>>().join("; ")));
    }
    Ok(inventory)
}

#[cfg(test)]
mod tests;
