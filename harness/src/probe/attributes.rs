//! What there is to a file beside kind, owner and mode: its inode, names, device and flags (statx(2)), and its extended
//! attributes (xattr(7)).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use nix::errno::Errno;
use nspawn_matrix_scenarios::told;
use rustix::fs::{AtFlags, CWD, FileType, StatxAttributes, StatxFlags, lgetxattr, llistxattr, statx};
use serde::{Deserialize, Serialize};

use super::files::is_not_there;

/// The longest value or list of names of extended attributes (`XATTR_SIZE_MAX`, xattr(7)).
const LONGEST: usize = 65_536;

/// One file, as whoever looks sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Its name below the directory.
    pub name: String,
    /// The number of its inode.
    pub inode: u64,
    /// How many names it has.
    pub links: u32,
    /// Which device a device node leads to: `char 1:3`.
    pub device: Option<String>,
    /// What is special about it: `immutable`.
    pub flags: Vec<String>,
    /// Its extended attributes: the value in words, or the error that reading it gives.
    pub extended: BTreeMap<String, String>,
}

/// Looks at everything that is directly in a directory, by name, without following links; nothing is in one that is not
/// there.
pub(crate) fn list(path: &str) -> anyhow::Result<Vec<Attributes>> {
    let mut files = Vec::new();
    let entries = match fs::read_dir(path) {
        Err(error) if is_not_there(&error) => return Ok(files),
        entries => entries.with_context(|| format!("list `{path}`"))?,
    };
    for entry in entries {
        let path = entry.with_context(|| format!("list `{path}`"))?.path();
        files.push(of(&path).with_context(|| format!("look at `{}`", path.display()))?);
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}

/// Looks at one file.
pub(crate) fn of(path: &Path) -> anyhow::Result<Attributes> {
    let stat = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)?;
    let device = |kind| format!("{kind} {}:{}", stat.stx_rdev_major, stat.stx_rdev_minor);
    // That something is mounted here says nothing about the file.
    let flags = stat.stx_attributes.difference(StatxAttributes::MOUNT_ROOT);
    Ok(Attributes {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        inode: stat.stx_ino,
        links: stat.stx_nlink,
        device: match FileType::from_raw_mode(stat.stx_mode.into()) {
            FileType::CharacterDevice => Some(device("char")),
            FileType::BlockDevice => Some(device("block")),
            FileType::RegularFile
            | FileType::Directory
            | FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::Unknown => None,
        },
        flags: flags.iter_names().map(|(name, _)| name.to_lowercase()).collect(),
        extended: extended(path)?,
    })
}

fn extended(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut names = vec![0; LONGEST];
    let length = llistxattr(path, &mut names).context("list its extended attributes")?;
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| value(path, &String::from_utf8_lossy(name))).collect())
}

fn value(path: &Path, name: &str) -> (String, String) {
    let mut bytes = vec![0; LONGEST];
    let value = match lgetxattr(path, name, &mut bytes) {
        Ok(length) => told(name, &bytes[..length]),
        Err(error) => format!("{:?}", Errno::from_raw(error.raw_os_error())),
    };
    (name.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_file_share_inode_and_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();
        let files = list(folder.path().to_str().unwrap()).unwrap();
        assert_eq!(files[0].inode, files[1].inode);
        assert_eq!([files[0].links, files[1].links], [2, 2]);
    }

    #[test]
    fn nothing_is_in_a_directory_that_is_not_there() {
        assert_eq!(list("/nowhere/at/all").unwrap(), []);
    }

    #[test]
    fn a_device_node_is_told_by_its_numbers() {
        assert_eq!(of(Path::new("/dev/null")).unwrap().device.as_deref(), Some("char 1:3"));
    }
}
