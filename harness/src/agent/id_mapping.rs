//! Whether a file system can be mounted with other ids than it has on the disk, found out by doing so. It takes kernel and
//! file system both: mount_setattr(2) is of Linux 5.12, and each file system allows it from a version of its own on.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Context;
use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, unshare};

use crate::command::Command;

/// Ids of a machine: what they are is all the same, if only they are not those of the host.
const MAPPING: &str = "0 524288 65536\n";

/// Tells whether ids can be mapped where `path` lies. Nothing is mounted for it that anybody sees.
pub(super) async fn is_supported(path: &Path) -> anyhow::Result<bool> {
    let namespace = user_namespace().await.context("make a user namespace")?;
    let tree = open_tree(path).with_context(|| format!("clone the mount of `{}`", path.display()))?;
    match map_ids(&tree, &namespace) {
        Ok(()) => Ok(true),
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => Ok(false),
        Err(error) => Err(error).with_context(|| format!("map ids where `{}` lies", path.display())),
    }
}

/// A user namespace that is gone with its descriptor. A process must have been in it once.
async fn user_namespace() -> anyhow::Result<OwnedFd> {
    let command = Command::new("cat", [] as [&str; 0]);
    // SAFETY: unshare(2) is a system call, and async-signal-safe.
    let command = unsafe { command.pre_exec(|| Ok(unshare(CloneFlags::CLONE_NEWUSER)?)) };
    let mut inside = command.spawn_piped()?;
    let process = inside.id().context("it has ended")?;
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{process}/{map}"), MAPPING).with_context(|| format!("write {map}"))?;
    }
    let namespace = File::open(format!("/proc/{process}/ns/user"))?;
    drop(inside.stdin.take());
    inside.wait().await?;
    Ok(namespace.into())
}

/// A mount of `path` that is attached nowhere (open_tree(2)).
fn open_tree(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    // SAFETY: open_tree(2) reads a path, which lives until it is back, and gives a new descriptor or -1.
    let tree = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    let tree = i32::try_from(Errno::result(tree)?).map_err(io::Error::other)?;
    // SAFETY: the descriptor is new, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(tree) })
}

fn map_ids(tree: &OwnedFd, namespace: &OwnedFd) -> nix::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(namespace.as_raw_fd()).map_err(|_| Errno::EBADF)?,
    };
    // SAFETY: mount_setattr(2) reads an empty path and as many bytes as it is told of what lives until it is back.
    let mapped = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of_val(&attributes),
        )
    };
    Errno::result(mapped).map(drop)
}

#[cfg(test)]
mod tests {
    use nix::mount::{MsFlags, mount};
    use nix::unistd::geteuid;

    use super::*;
    use crate::netns::on_a_thread;

    /// ramfs has no FS_ALLOW_IDMAP, whatever the kernel.
    #[test]
    fn a_ramfs_maps_no_ids() {
        if !geteuid().is_root() {
            return println!("not run: needs root");
        }
        let folder = tempfile::tempdir().unwrap();
        let supported = on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNS)?;
            mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
            mount(Some("ramfs"), folder.path(), Some("ramfs"), MsFlags::empty(), None::<&str>)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(is_supported(folder.path())).map_err(io::Error::other)
        });
        assert!(!supported.unwrap());
    }
}
