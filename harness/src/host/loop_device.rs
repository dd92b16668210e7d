//! The loop device that the roots of a run lie on.
//!
//! It detaches itself when the last mount of it is gone, which is a little after the last process that saw the mount:
//! the kernel takes mount namespaces apart in the background.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use tokio::io::unix::AsyncFd;

/// The multicast group in which the kernel tells of devices (netlink(7), NETLINK_KOBJECT_UEVENT).
const UEVENTS: u32 = 1;

/// A loop device in use.
#[derive(Debug)]
pub(super) struct LoopDevice {
    /// There for as long as a file is attached.
    backing_file: PathBuf,
}

impl LoopDevice {
    /// The device that is mounted at `mount_point`; none if nothing is.
    pub(super) fn mounted_at(mount_point: &Path) -> io::Result<Option<Self>> {
        let table = fs::read_to_string("/proc/self/mountinfo")?;
        let source = source_of(&table, &mount_point.to_string_lossy());
        Ok(source
            .and_then(|source| source.strip_prefix("/dev/"))
            .map(|name| Self { backing_file: Path::new("/sys/block").join(name).join("loop/backing_file") }))
    }

    /// Calls `unmount`, and waits until the file is detached, for `deadline` at most.
    pub(super) async fn detach(
        &self,
        deadline: Duration,
        unmount: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let events = subscribe()?;
        unmount()?;
        match tokio::time::timeout(deadline, self.detached(&events)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "its loop device is still in use")),
        }
    }

    async fn detached(&self, events: &AsyncFd<OwnedFd>) -> io::Result<()> {
        let mut buffer = [0; 8192];
        while self.backing_file.exists() {
            let mut ready = events.readable().await?;
            if recv(events.as_raw_fd(), &mut buffer, MsgFlags::empty()) == Err(nix::Error::EAGAIN) {
                ready.clear_ready();
            }
        }
        Ok(())
    }
}

/// The source of the mount at `point`, from proc_pid_mountinfo(5).
fn source_of<'a>(table: &'a str, point: &str) -> Option<&'a str> {
    let line = table.lines().rfind(|line| line.split(' ').nth(4) == Some(point))?;
    line.split_once(" - ")?.1.split(' ').nth(1)
}

fn subscribe() -> io::Result<AsyncFd<OwnedFd>> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let events =
        socket(AddressFamily::Netlink, SockType::Datagram, flags, SockProtocol::NetlinkKObjectUEvent)?;
    bind(events.as_raw_fd(), &NetlinkAddr::new(0, UEVENTS))?;
    // SAFETY: the descriptor belongs to the value that is handed over, and stays open as long as that.
    Ok(unsafe { AsyncFd::register(events) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_a_mount_is_found_by_its_mount_point() {
        let table =
            "36 35 0:7 / /c/mnt rw - tmpfs tmpfs rw\n37 36 0:9 / /c/mnt/store rw - btrfs /dev/loop3 rw\n";
        assert_eq!(source_of(table, "/c/mnt/store"), Some("/dev/loop3"));
        assert_eq!(source_of(table, "/c/other"), None);
    }
}
