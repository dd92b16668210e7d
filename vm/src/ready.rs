//! Waiting for a machine to be ready: it writes a line to a virtio port, which QEMU writes to a file, and inotify(7)
//! tells of it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

/// The unit in the machine that writes the line, once the given service of sshd and the network are there: the kernel's
/// boot id. A macro, since constants are put together of it.
macro_rules! ready_unit {
    ($ssh:literal) => {
        concat!(
            "[Unit]\n",
            "Description=Tell the outside that ssh answers\n",
            r"Wants=network-online.target dev-virtio\x2dports-nspawn\x2dmatrix.ready.device",
            "\n",
            concat!("Requires=", $ssh, "\n"),
            concat!("After=", $ssh),
            r" network-online.target dev-virtio\x2dports-nspawn\x2dmatrix.ready.device",
            "\n\n",
            "[Service]\n",
            "Type=oneshot\n",
            "RemainAfterExit=yes\n",
            "ExecStart=cat /proc/sys/kernel/random/boot_id\n",
            "StandardOutput=file:/dev/virtio-ports/nspawn-matrix.ready\n\n",
            "[Install]\n",
            "WantedBy=multi-user.target\n",
        )
    };
}
pub(crate) use ready_unit;

/// nix lends the descriptor only by its newer trait.
struct Descriptor(Inotify);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Waits until `file`, which may not be there yet, has more than `boots` whole lines.
///
/// # Errors
/// What inotify and the file system say.
pub(crate) async fn more_lines(file: &Path, boots: usize) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    inotify.add_watch(folder, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MODIFY)?;
    // SAFETY: the descriptor belongs to the value that is handed over, and stays open as long as that.
    let events = unsafe { AsyncFd::register(Descriptor(inotify)) }?;
    while lines(file) <= boots {
        let mut ready = events.readable().await?;
        match events.get_ref().0.read_events() {
            Ok(_) => {}
            Err(Errno::EAGAIN) => ready.clear_ready(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// How many whole lines the file has.
pub(crate) fn lines(file: &Path) -> usize {
    fs::read(file).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_of_a_file_that_is_not_there_yet_is_awaited() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready");
        let (waited, ()) = tokio::join!(more_lines(&file, 0), async {
            tokio::task::yield_now().await;
            fs::write(&file, "half").unwrap();
            tokio::task::yield_now().await;
            fs::write(&file, "half a line\n").unwrap();
        });
        waited.unwrap();
        assert_eq!(lines(&file), 1);
        more_lines(&file, 0).await.unwrap();
    }
}
