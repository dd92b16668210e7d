//! Files, by what they hold and whose they are.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::is_passing;
use crate::undo::leases;

/// Where files are looked at. What a service keeps for itself while it runs is not: it says nothing of the set-up.
const FOLDERS: [&str; 10] = [
    "/etc",
    "/opt",
    "/run/systemd/generator",
    "/run/systemd/network",
    "/run/systemd/nspawn",
    "/run/systemd/system",
    TRANSIENT,
    "/srv",
    "/usr/local",
    "/var/cache",
];

/// Where systemd has the files of units that were made at run time.
const TRANSIENT: &str = "/run/systemd/transient";

/// Where only the names are looked at: below them are whole roots, or what is written all the time.
const NAMES: [&str; 4] =
    ["/run/systemd/netif/links", "/var/lib/machines", leases::FOLDER, "/var/log/journal"];

/// Files that are larger are told apart by their size alone.
const DIGESTED: u64 = 1 << 20;

pub(super) fn files() -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for folder in FOLDERS {
        walk(Path::new(folder), &mut found).with_context(|| format!("look through `{folder}`"))?;
    }
    found.retain(|file| !is_of_passing_unit(file));
    for folder in NAMES {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            found.insert(entry.with_context(|| format!("list `{folder}`"))?.path().display().to_string());
        }
    }
    Ok(found)
}

/// Whether a file is that of a unit that comes and goes by itself.
fn is_of_passing_unit(file: &str) -> bool {
    let unit = file.strip_prefix(TRANSIENT).and_then(|name| name.strip_prefix('/'));
    unit.is_some_and(is_passing)
}

/// What goes away while it is looked at was not there.
fn walk(path: &Path, found: &mut BTreeSet<String>) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let kind = metadata.file_type();
    let what = if kind.is_symlink() {
        format!("leads to {}", fs::read_link(path)?.display())
    } else if kind.is_file() && metadata.len() <= DIGESTED {
        let digest = Sha256::digest(fs::read(path)?);
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    } else if kind.is_file() {
        format!("{} bytes", metadata.len())
    } else if kind.is_dir() {
        "folder".to_owned()
    } else if kind.is_fifo() || kind.is_socket() {
        "pipe or socket".to_owned()
    } else {
        format!("device {}", metadata.rdev())
    };
    let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    found.insert(format!("{} {uid}:{gid} {mode:04o} {what}", path.display()));
    if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            walk(&entry?.path(), found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let look = || {
            let mut found = BTreeSet::new();
            walk(folder.path(), &mut found).unwrap();
            found
        };
        fs::write(folder.path().join("file"), "one").unwrap();
        let one = look();
        assert_eq!(one.len(), 2);
        assert_eq!(look(), one);
        fs::write(folder.path().join("file"), "two").unwrap();
        assert_ne!(look(), one);
    }

    #[test]
    fn the_session_of_whoever_looks_is_not_looked_at() {
        assert!(is_of_passing_unit("/run/systemd/transient/session-4.scope 0:0 0644 e99ac5e79247f747"));
        assert!(!is_of_passing_unit("/run/systemd/transient/machine-alpha.scope 0:0 0644 e99ac5e79247f747"));
        assert!(!is_of_passing_unit("/etc/systemd/system/session-4.scope 0:0 0644 e99ac5e79247f747"));
    }

    #[test]
    fn what_is_not_there_is_no_error() {
        let mut found = BTreeSet::new();
        walk(Path::new("/nowhere/at/all"), &mut found).unwrap();
        assert!(found.is_empty());
    }
}
