//! Waiting for files to change and to appear, by inotify(7).

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

/// A watch on one file or folder.
pub(crate) struct Watch(AsyncFd<Descriptor>);

/// nix lends the descriptor only by its newer trait.
struct Descriptor(Inotify);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Watch {
    /// Watches `path`; what happens from now on is not missed.
    ///
    /// # Errors
    /// What inotify_init1(2) and inotify_add_watch(2) say.
    pub(crate) fn new(path: &Path, events: AddWatchFlags) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(path, events)?;
        // SAFETY: the descriptor belongs to the value that is handed over, and stays open as long as that.
        Ok(Self(unsafe { AsyncFd::register(Descriptor(inotify)) }?))
    }

    /// Waits until something has happened since the last call. May come back early: look again, and wait again.
    ///
    /// # Errors
    /// What read(2) says.
    pub(crate) async fn event(&self) -> io::Result<()> {
        let mut ready = self.0.readable().await?;
        match self.0.get_ref().0.read_events() {
            Ok(_) => {}
            Err(Errno::EAGAIN) => ready.clear_ready(),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Waits until something is at `path`, for `deadline` at most.
///
/// # Errors
/// `TimedOut`, naming the path, or what inotify says.
pub(crate) async fn for_path(path: &Path, deadline: Duration) -> io::Result<()> {
    match tokio::time::timeout(deadline, appear(path)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("`{}` did not appear within {} s", path.display(), deadline.as_secs()),
        )),
    }
}

async fn appear(path: &Path) -> io::Result<()> {
    while !path.exists() {
        let folder = nearest_folder(path);
        let watch = Watch::new(&folder, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO)?;
        // What appeared before the watch was set would tell no event.
        if nearest_folder(path) == folder && !path.exists() {
            watch.event().await?;
        }
    }
    Ok(())
}

/// The nearest folder above `path` that is there.
fn nearest_folder(path: &Path) -> PathBuf {
    path.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_path_is_awaited_through_folders_that_are_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c");
        let (waited, made) = tokio::join!(for_path(&path, Duration::from_secs(5)), async {
            tokio::task::yield_now().await;
            std::fs::create_dir_all(folder.path().join("a/b")).and_then(|()| std::fs::write(&path, ""))
        });
        made.unwrap();
        waited.unwrap();
    }

    #[tokio::test]
    async fn a_path_that_never_appears_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = for_path(&folder.path().join("never"), Duration::from_millis(10)).await.unwrap_err();
        assert!(error.to_string().contains("never` did not appear"), "{error}");
    }
}
