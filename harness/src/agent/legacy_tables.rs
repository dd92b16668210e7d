//! The tables that iptables-legacy keeps, which `nft` does not show.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use anyhow::Context;

/// Those of IPv4 and of IPv6 in this network namespace.
const NAMES: [&str; 2] = ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"];

/// Reads their names; a kernel that never had any has no such file.
pub(super) fn read() -> anyhow::Result<BTreeSet<String>> {
    let mut tables = BTreeSet::new();
    for path in NAMES {
        match fs::read_to_string(path) {
            Ok(names) => tables.extend(names.split_whitespace().map(str::to_owned)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("read `{path}`")),
        }
    }
    Ok(tables)
}
