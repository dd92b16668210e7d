//! The lock that lets one process build an image, or install packages, while others wait for it.
//!
//! A [`Lock`] is an flock(2) on a file of its own. The kernel releases it when the last process that holds the
//! file ends, so there are no stale locks. The file is removed while it is locked; whoever waited for a file that
//! is gone tries again with the new one.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use tokio::sync::oneshot;

/// A held lock; dropping it removes the file and releases it.
#[derive(Debug)]
pub(crate) struct Lock {
    file: Flock<File>,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// If the file cannot be made or locked.
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        Self::take(path, FlockArg::LockExclusiveNonblock)
    }

    /// Waits until the lock is free.
    ///
    /// A thread of its own waits, because flock(2) cannot be interrupted and a runtime would wait for its blocking
    /// pool at its end. If this future is dropped, that thread gives the lock back as soon as it gets it.
    ///
    /// # Errors
    /// If the file cannot be made or locked.
    pub(crate) async fn wait(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        let (sender, receiver) = oneshot::channel();
        thread::Builder::new().name("lock".into()).spawn(move || {
            let taken = loop {
                // None: the file was removed by the one who held it.
                if let Some(taken) = Self::take(&path, FlockArg::LockExclusive).transpose() {
                    break taken;
                }
            };
            // Nobody listens any more: the lock is dropped here, and free.
            drop(sender.send(taken));
        })?;
        receiver.await.map_err(io::Error::other)?
    }

    /// The descriptor that carries the lock. A child that inherits it holds the lock until it ends.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    fn take(path: &Path, how: FlockArg) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match Flock::lock(file, how) {
            Ok(file) => Ok(is_at(&file, path).then(|| Self { file, path: path.to_owned() })),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(errno.into()),
        }
    }
}

/// Whether `file` is still what `path` names.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), path.metadata()) {
        (Ok(held), Ok(named)) => identity(held) == identity(named),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What is left behind otherwise is an empty file that the next one takes over.
        drop(std::fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_exclusive_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let held = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(!path.exists());
        assert!(Lock::try_take(&path).unwrap().is_some());
    }

    #[tokio::test]
    async fn one_who_waits_gets_the_lock_and_one_who_gave_up_does_not_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let held = Lock::try_take(&path).unwrap().unwrap();
        let gave_up = tokio::time::timeout(std::time::Duration::from_millis(20), Lock::wait(&path)).await;
        assert!(gave_up.is_err());
        let (waited, ()) = tokio::join!(Lock::wait(&path), async { drop(held) });
        waited.unwrap();
    }
}
