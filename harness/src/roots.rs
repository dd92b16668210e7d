//! Root file systems: unpacked, copied, removed.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::command::{Command, CommandError};

/// The inode of the root of a btrfs subvolume (btrfs-subvolume(8)).
const SUBVOLUME: u64 = 256;

/// Gives the command that unpacks the tar file `image` in the folder `base`, with everything that a root has.
pub(crate) fn unpack(image: &str, base: &str) -> Vec<String> {
    let options =
        ["--extract", "--numeric-owner", "--same-permissions", "--xattrs", "--xattrs-include=*", "--acls"];
    let files = ["--file", image, "--directory", base];
    ["tar"].into_iter().chain(options).chain(files).map(str::to_owned).collect()
}

/// Makes the root `to` from `base`: a folder is copied, a tar file unpacked.
///
/// # Errors
/// What `btrfs`, `cp`, `mkdir` or `tar` says.
pub(crate) async fn make(base: &Path, to: &Path) -> Result<(), CommandError> {
    if base.is_dir() {
        return copy(base, to).await;
    }
    let [base, folder] = [base, to].map(Path::to_string_lossy);
    Command::new("mkdir", ["--parents", "--", &*folder]).output().await?;
    Command::from_argv(unpack(&base, &folder)).output().await?;
    Ok(())
}

/// Copies the root `base` to `to`: as a snapshot if it is a subvolume of a btrfs, else file by file, with shared blocks
/// where the file system can.
///
/// # Errors
/// What `btrfs` or `cp` says.
pub(crate) async fn copy(base: &Path, to: &Path) -> Result<(), CommandError> {
    let argv = if is_subvolume(base) {
        ["btrfs", "--quiet", "subvolume", "snapshot"]
    } else {
        ["cp", "--archive", "--reflink=auto", "--"]
    };
    let paths = [base.as_os_str(), to.as_os_str()];
    Command::from_argv(argv.map(std::ffi::OsStr::new).into_iter().chain(paths)).output().await?;
    Ok(())
}

/// Removes the subvolume `root`, with those that were made in it; tells whether it was one that could be.
pub(crate) async fn remove_subvolume(root: &Path) -> bool {
    // A machine makes subvolumes of its own, which are empty, and can be removed as folders once it is gone.
    is_subvolume(root)
        && Command::from_argv(
            ["btrfs", "--quiet", "subvolume", "delete"]
                .map(std::ffi::OsStr::new)
                .into_iter()
                .chain([root.as_os_str()]),
        )
        .end()
        .await
        .is_ok_and(|ended| ended.status.success())
}

fn is_subvolume(root: &Path) -> bool {
    let is_btrfs = rustix::fs::statfs(root).is_ok_and(|found| found.f_type == nix::libc::BTRFS_SUPER_MAGIC);
    is_btrfs && root.symlink_metadata().is_ok_and(|found| found.is_dir() && found.ino() == SUBVOLUME)
}
