//! The hold that one process has on this machine as a host: no two runs, and no run and `clean`, at a time.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use tokio::sync::oneshot;

/// A lock on the folder that the journal is in. The kernel releases it however the process ends. When it is dropped, the
/// folder goes too, unless there is a journal in it.
#[derive(Debug)]
pub struct Hold {
    folder: PathBuf,
    _lock: Flock<File>,
}

impl Hold {
    /// Takes hold; none if another process has.
    ///
    /// # Errors
    /// If the folder cannot be made or locked.
    pub(super) fn take(folder: &Path) -> io::Result<Option<Self>> {
        Self::lock(folder, FlockArg::LockExclusiveNonblock)
    }

    /// Takes hold when a process that has it ends; none if that takes longer than `patience`.
    ///
    /// A thread of its own waits, because flock(2) cannot be interrupted; if this gives up, that ends with the process.
    ///
    /// # Errors
    /// If the folder cannot be made or locked.
    pub(super) async fn wait(folder: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let (sender, receiver) = oneshot::channel();
        let folder = folder.to_owned();
        thread::Builder::new().name("hold".into()).spawn(move || {
            // Nobody may listen any more: the hold is dropped here then, and free.
            drop(sender.send(Self::lock(&folder, FlockArg::LockExclusive)));
        })?;
        match tokio::time::timeout(patience, receiver).await {
            Ok(taken) => taken.map_err(io::Error::other)?,
            Err(_) => Ok(None),
        }
    }

    fn lock(folder: &Path, how: FlockArg) -> io::Result<Option<Self>> {
        loop {
            fs::create_dir_all(folder)?;
            let file = match File::open(folder) {
                Ok(file) => file,
                // Whoever had hold has just removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let lock = match Flock::lock(file, how) {
                Ok(lock) => lock,
                Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
                Err((_, errno)) => return Err(errno.into()),
            };
            if is_at(&lock, folder)? {
                return Ok(Some(Self { folder: folder.to_owned(), _lock: lock }));
            }
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // What is in it stays.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn is_at(file: &File, folder: &Path) -> io::Result<bool> {
    let locked = file.metadata()?;
    match fs::metadata(folder) {
        Ok(found) => Ok((found.dev(), found.ino()) == (locked.dev(), locked.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_hold_at_a_time_and_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("state");
        let hold = Hold::take(&folder).unwrap().unwrap();
        assert!(Hold::take(&folder).unwrap().is_none());
        drop(hold);
        assert!(!folder.exists());
        let hold = Hold::take(&folder).unwrap().unwrap();
        fs::write(folder.join("journal"), "").unwrap();
        drop(hold);
        assert!(folder.join("journal").exists());
    }

    #[tokio::test]
    async fn whoever_waits_has_hold_when_the_other_ends_and_not_before() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("state");
        let hold = Hold::take(&folder).unwrap().unwrap();
        assert!(Hold::wait(&folder, Duration::ZERO).await.unwrap().is_none());
        let (next, ()) = tokio::join!(Hold::wait(&folder, Duration::from_secs(60)), async { drop(hold) });
        drop(next.unwrap().unwrap());
        // The one that gave up takes hold, and drops it at once, some time.
        drop(Hold::wait(&folder, Duration::from_secs(60)).await.unwrap().unwrap());
    }
}
