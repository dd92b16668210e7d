//! Settings of the kernel that decide what is forwarded, and through which firewall (sysctl(8)).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;

/// Folders with a folder for each link, and `all` and `default`.
const OF_LINKS: [&str; 2] = ["/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv6/conf"];

/// The setting of each link.
const FORWARDING: &str = "forwarding";

/// Settings of bridges, where br_netfilter is loaded.
const OF_BRIDGES: &str = "/proc/sys/net/bridge";

pub(super) fn settings() -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for folder in OF_LINKS {
        for link in names_in(folder)? {
            found.extend(value(&Path::new(folder).join(link).join(FORWARDING)));
        }
    }
    for setting in names_in(OF_BRIDGES)? {
        found.extend(value(&Path::new(OF_BRIDGES).join(setting)));
    }
    Ok(found)
}

/// What is in a folder; nothing where the kernel has no such settings.
fn names_in(folder: &str) -> anyhow::Result<Vec<std::ffi::OsString>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("list `{folder}`")),
    }
}

/// A link may be gone before its settings are looked at.
fn value(path: &Path) -> Option<String> {
    let value = fs::read_to_string(path).ok()?;
    Some(format!("{} {}", path.display(), value.trim()))
}
