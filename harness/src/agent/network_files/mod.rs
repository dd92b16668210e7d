//! The files of systemd-networkd on this host, in the order in which it reads them (systemd.network(5)).
//!
//! [`read`] gathers them, [`lint`] says what is wrong with them; the latter touches nothing.

mod ini;
mod lint;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

pub(super) use lint::lint;

/// Where networkd looks; a file in an earlier folder takes the place of one of the same name in a later.
const FOLDERS: [&str; 4] = [
    "/etc/systemd/network",
    "/run/systemd/network",
    "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network",
];

/// One `.netdev` or `.network` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NetworkFile {
    /// Its absolute path.
    pub(super) path: String,
    /// Its content; nothing, if it masks what it takes the place of.
    pub(super) content: String,
}

impl NetworkFile {
    /// Its name, by which networkd sorts.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// What its `[Match]` says of the links that it is for: `Name=eth0`.
    pub(super) fn matches(&self) -> Vec<String> {
        let sections = ini::parse(&self.content).into_iter().filter(|section| section.name == "Match");
        let assignments = sections.flat_map(|section| section.assignments);
        assignments.map(|(key, value)| format!("{key}={value}")).collect()
    }
}

/// Reads all files that networkd reads, by name.
pub(super) fn read() -> anyhow::Result<Vec<NetworkFile>> {
    read_in(&FOLDERS.map(PathBuf::from))
}

/// Reads the file `name` and then its drop-ins, in the order in which networkd does.
pub(super) fn with_dropins(name: &str) -> anyhow::Result<Vec<NetworkFile>> {
    with_dropins_in(&FOLDERS.map(PathBuf::from), name)
}

fn with_dropins_in(folders: &[PathBuf], name: &str) -> anyhow::Result<Vec<NetworkFile>> {
    let of_dropins: Vec<PathBuf> = folders.iter().map(|folder| folder.join(format!("{name}.d"))).collect();
    let mut files = read_those(folders, |found| found == name)?;
    files.extend(read_those(&of_dropins, |found| found.ends_with(".conf"))?);
    Ok(files)
}

/// What `files` say last of `key` in sections `name`.
pub(super) fn last(files: &[NetworkFile], name: &str, key: &str) -> Option<String> {
    let sections = files.iter().flat_map(|file| ini::parse(&file.content));
    let mut assignments =
        sections.filter(|section| section.name == name).flat_map(|section| section.assignments);
    assignments.rfind(|(found, _)| found == key).map(|(_, value)| value)
}

fn read_in(folders: &[PathBuf]) -> anyhow::Result<Vec<NetworkFile>> {
    read_those(folders, |name| name.ends_with(".netdev") || name.ends_with(".network"))
}

/// Reads the files in `folders` that are `wanted`, by name; the first of each name.
fn read_those(folders: &[PathBuf], wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<NetworkFile>> {
    let mut files = BTreeMap::new();
    for folder in folders {
        for path in names_in(folder).with_context(|| format!("list the files in `{}`", folder.display()))? {
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            if wanted(&name) && !files.contains_key(&name) {
                let content =
                    fs::read(&path).with_context(|| format!("read the file `{}`", path.display()))?;
                let content = String::from_utf8_lossy(&content).into_owned();
                files.insert(name, NetworkFile { path: path.to_string_lossy().into_owned(), content });
            }
        }
    }
    Ok(files.into_values().collect())
}

/// A folder that is not there holds nothing.
fn names_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn why_a_file_is_for_a_link_is_what_its_matches_say() {
        let content = "[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n[Match]\nType=ether\n".to_owned();
        let file = NetworkFile { path: "/etc/systemd/network/a.network".to_owned(), content };
        assert_eq!(file.matches(), ["Name=en* eth*", "Type=ether"]);
    }

    #[test]
    fn drop_ins_come_after_their_file_by_name_and_only_its_own() {
        let root = tempfile::tempdir().unwrap();
        let [etc, usr] = ["etc", "usr"].map(|name| root.path().join(name));
        for folder in [&etc, &usr] {
            fs::create_dir_all(folder.join("50-br0.network.d")).unwrap();
        }
        fs::write(usr.join("50-br0.network"), "file").unwrap();
        fs::write(usr.join("50-br1.network"), "another").unwrap();
        fs::write(usr.join("50-br0.network.d/20-pool.conf"), "hidden").unwrap();
        fs::write(usr.join("50-br0.network.d/10-dns.conf"), "first").unwrap();
        fs::write(etc.join("50-br0.network.d/20-pool.conf"), "second").unwrap();
        fs::write(etc.join("50-br0.network.d/README"), "no drop-in").unwrap();
        let read = with_dropins_in(&[etc, usr], "50-br0.network").unwrap();
        let seen: Vec<_> = read.iter().map(|file| file.content.as_str()).collect();
        assert_eq!(seen, ["file", "first", "second"]);
    }

    #[test]
    fn what_is_said_last_counts_and_only_in_its_section() {
        let file = |content: &str| NetworkFile { path: String::new(), content: content.to_owned() };
        let files =
            [file("[DHCPServer]\nPoolSize=7\n"), file("[DHCPServer]\nPoolSize=1\n[Network]\nPoolSize=9\n")];
        assert_eq!(last(&files, "DHCPServer", "PoolSize").as_deref(), Some("1"));
        assert_eq!(last(&files, "DHCPServer", "PoolOffset"), None);
    }

    #[test]
    fn a_file_takes_the_place_of_one_of_the_same_name_in_a_later_folder() {
        let root = tempfile::tempdir().unwrap();
        let [etc, usr, missing] = ["etc", "usr", "missing"].map(|name| root.path().join(name));
        for folder in [&etc, &usr] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(etc.join("50-br0.network"), "first").unwrap();
        fs::write(usr.join("50-br0.network"), "second").unwrap();
        fs::write(usr.join("10-br0.netdev"), "made").unwrap();
        fs::write(usr.join("10-br0.link"), "not networkd's").unwrap();
        symlink("/dev/null", etc.join("99-masked.network")).unwrap();
        fs::write(usr.join("99-masked.network"), "hidden").unwrap();
        let read = read_in(&[etc, missing, usr]).unwrap();
        let seen: Vec<_> = read.iter().map(|file| (file.name(), file.content.as_str())).collect();
        assert_eq!(seen, [("10-br0.netdev", "made"), ("50-br0.network", "first"), ("99-masked.network", "")]);
    }
}
