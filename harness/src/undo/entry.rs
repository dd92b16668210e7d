//! What takes one change back.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::mount::{MntFlags, umount2};
use rustix::fs::{XattrFlags, lremovexattr, lsetxattr};
use serde::{Deserialize, Serialize};

use super::{guest_journals, journal, leases, mounts, tables, unit};
use crate::command::Command;
use crate::netns::RtNetlink;
use crate::roots;

/// What takes one change back. Each may be done again when it has been done already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub(crate) enum Undo {
    /// Nothing was there: removes what is, with all that is below it.
    Remove {
        /// Absolute path.
        path: PathBuf,
    },
    /// A file was there: puts it back.
    PutBack {
        /// Absolute path.
        path: PathBuf,
        /// The copy of it.
        kept: PathBuf,
    },
    /// A setting of the kernel had another value: writes that.
    Sysctl {
        /// Its file in /proc/sys.
        path: PathBuf,
        /// The value.
        before: String,
    },
    /// Gives a directory its owner and permission bits back.
    Own {
        /// Absolute path.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// Gives a file an extended attribute back, or takes it away.
    Attribute {
        /// Absolute path.
        path: PathBuf,
        /// Name of the attribute.
        name: String,
        /// Its bytes; none if there was no such attribute.
        before: Option<Vec<u8>>,
    },
    /// There was no such link: removes it.
    RemoveLink {
        /// Its name.
        name: String,
    },
    /// There was no such table of nftables: removes it.
    RemoveTable {
        /// Its family: `ip`.
        family: String,
        /// Its name.
        name: String,
    },
    /// Nothing was mounted there by us: unmounts what is.
    Unmount {
        /// The mount point.
        at: PathBuf,
    },
    /// No journal was linked to that of this machine: removes the links to it.
    UnlinkJournal {
        /// The root of the machine.
        root: PathBuf,
    },
    /// There were leases of these links: removes those of links that are gone.
    Leases {
        /// Names of links.
        before: BTreeSet<String>,
    },
    /// The unit was not enabled: disables it.
    Disable {
        /// Its name.
        unit: String,
    },
    /// The unit did not run: stops it, and forgets how it ended.
    Stop {
        /// Its name.
        unit: String,
    },
    /// Has a service read what was put back; done when everything else is.
    Again {
        /// The program and its arguments.
        argv: Vec<String>,
    },
}

impl Undo {
    /// What it does, in half a sentence.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Remove { path } => format!("remove `{}`", path.display()),
            Self::PutBack { path, .. } => format!("put `{}` back", path.display()),
            Self::Sysctl { path, before } => format!("write `{}` to `{}`", before.trim(), path.display()),
            Self::Own { path, .. } => format!("give `{}` its owner and mode back", path.display()),
            Self::Attribute { path, name, .. } => {
                format!("put attribute `{name}` of `{}` back", path.display())
            }
            Self::RemoveLink { name } => format!("remove link `{name}`"),
            Self::RemoveTable { family, name } => format!("remove table `{family} {name}` of nftables"),
            Self::Unmount { at } => format!("unmount `{}`", at.display()),
            Self::UnlinkJournal { root } => format!("remove links to the journal of `{}`", root.display()),
            Self::Leases { .. } => "remove leases of links that are gone".to_owned(),
            Self::Disable { unit } => format!("disable `{unit}`"),
            Self::Stop { unit } => format!("stop `{unit}`"),
            Self::Again { argv } => format!("run `{}`", argv.join(" ")),
        }
    }

    /// Takes the change back.
    pub(super) async fn perform(&self) -> anyhow::Result<()> {
        match self {
            Self::Remove { path } if roots::remove_subvolume(path).await => Ok(()),
            Self::Remove { path } => remove(path).with_context(|| format!("remove `{}`", path.display())),
            Self::PutBack { path, kept } => {
                journal::copy(kept, path).with_context(|| format!("put `{}` back", path.display()))
            }
            Self::Sysctl { path, before } => {
                fs::write(path, before).with_context(|| format!("write `{}` back", path.display()))
            }
            Self::Own { path, uid, gid, mode } => own(path, *uid, *gid, *mode)
                .with_context(|| format!("give `{}` its owner back", path.display())),
            Self::Attribute { path, name, before } => set_attribute(path, name, before.as_deref())
                .with_context(|| format!("put attribute `{name}` of `{}` back", path.display())),
            Self::RemoveLink { name } => {
                let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
                match netlink.link(name).await? {
                    Some(_) => {
                        netlink.remove_link(name).await.with_context(|| format!("remove link `{name}`"))
                    }
                    None => Ok(()),
                }
            }
            Self::RemoveTable { family, name } => tables::remove(family, name).await,
            Self::Unmount { at } => unmount(at).with_context(|| format!("unmount `{}`", at.display())),
            Self::UnlinkJournal { root } => guest_journals::unlink(root).context("remove links to journals"),
            Self::Leases { before } => leases::remove_all_but(before).context("remove leases"),
            Self::Disable { unit } => unit::disable(unit).await,
            Self::Stop { unit } => unit::stop(unit).await,
            Self::Again { argv } => {
                Command::from_argv(argv).output().await?;
                Ok(())
            }
        }
    }
}

/// Nothing may be mounted there, or the folder may be gone with what was.
fn unmount(at: &Path) -> io::Result<()> {
    match umount2(at, MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) | Err(nix::Error::EINVAL | nix::Error::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes a file, or a directory with what is below it, after unmounting whatever is mounted there; what is not there
/// need not be removed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for point in mounts::below(path)?.iter().rev() {
        unmount(point)?;
    }
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn own(path: &Path, uid: u32, gid: u32, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, lchown};
    lchown(path, Some(uid), Some(gid))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn set_attribute(path: &Path, name: &str, value: Option<&[u8]>) -> io::Result<()> {
    let done = match value {
        Some(value) => lsetxattr(path, name, value, XattrFlags::empty()),
        None => lremovexattr(path, name),
    };
    match done {
        Ok(()) | Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_taken_back_may_be_taken_back_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/by/us");
        fs::create_dir_all(&path).unwrap();
        let entry = Undo::Remove { path: folder.path().join("made") };
        entry.perform().await.unwrap();
        entry.perform().await.unwrap();
        assert!(!path.exists());
    }
}
