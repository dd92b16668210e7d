//! What sysctl.d(5) sets at boot, whether or not the kernel takes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Where the files are; of those with one name the first counts.
const FOLDERS: [&str; 4] = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"];

/// Which groups may open ICMP sockets (icmp(7)).
const PING_GROUPS: &str = "net.ipv4.ping_group_range";

/// The group of the first person on a system.
const ORDINARY: u64 = 1000;

/// Whether the files open ICMP sockets to ordinary users.
pub(super) fn opens_ping() -> bool {
    value(&files(), PING_GROUPS).is_some_and(|range| holds(&range, ORDINARY))
}

/// The contents of the files, in the order in which they are read.
fn files() -> Vec<String> {
    let mut paths: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    for entry in FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "conf") {
            paths.entry(entry.file_name()).or_insert_with(|| entry.path());
        }
    }
    paths.values().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// What the last line about `key` sets it to. A key may be written with slashes, and `-` before it has errors ignored.
fn value(files: &[String], key: &str) -> Option<String> {
    let set = |line: &str| {
        let (name, value) = line.trim().split_once('=')?;
        let name = name.trim().trim_start_matches('-').replace('/', ".");
        (name == key).then(|| value.trim().to_owned())
    };
    files.iter().flat_map(|file| file.lines()).filter_map(set).next_back()
}

/// Whether a range, first and last, holds `group`.
fn holds(range: &str, group: u64) -> bool {
    let ends: Vec<u64> = range.split_whitespace().filter_map(|end| end.parse().ok()).collect();
    matches!(ends[..], [first, last] if (first..=last).contains(&group))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opens(files: &[&str]) -> bool {
        let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
        value(&files, PING_GROUPS).is_some_and(|range| holds(&range, ORDINARY))
    }

    #[test]
    fn the_last_line_about_the_range_counts() {
        assert!(opens(&["# ping\n-net.ipv4.ping_group_range = 0 2147483647\n"]));
        assert!(opens(&["net.ipv4.ping_group_range=1 0", "net/ipv4/ping_group_range=0 65535"]));
        assert!(!opens(&["net.ipv4.ping_group_range=0 65535\nnet.ipv4.ping_group_range=1 0"]));
        assert!(!opens(&["#net.ipv4.ping_group_range=0 65535\n; net.ipv4.ping_group_range=0 65535"]));
        assert!(!opens(&["net.ipv4.ping_group_range=0 999"]) && !opens(&[]));
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(file in "((-?net.ipv4.ping_group_range ?= ?)?[0-9 \n=.-]{0,20}){0,3}") {
            let _ = opens(&[&file]);
        }
    }
}
