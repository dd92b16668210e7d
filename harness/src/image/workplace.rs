//! Where one image is being made: the names beside the finished image that only the holder of its lock may use.
//!
//! Nothing here looks like an image: the names begin with a dot. What a killed builder left in them is removed by the
//! next one who holds the lock, and a [`Workplace`] that is dropped removes what it made itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::lock::Lock;

const PARTIAL: &str = ".partial";
const SCRATCH: &str = ".scratch";

/// The files of a build in progress, and the lock on them.
#[derive(Debug)]
pub(super) struct Workplace {
    lock: Lock,
    folder: PathBuf,
    id: String,
}

impl Workplace {
    /// Takes over what the lock protects, and removes what is left of a killed build.
    ///
    /// # Errors
    /// If something of it cannot be removed.
    pub(super) fn of(lock: Lock, folder: &Path, id: &str) -> io::Result<Self> {
        let place = Self { lock, folder: folder.to_owned(), id: id.to_owned() };
        place.clear()?;
        Ok(place)
    }

    /// The lock that protects this place.
    pub(super) const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The folder of the store.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The image while it is being written.
    pub(super) fn partial(&self) -> PathBuf {
        self.folder.join(format!(".{}{PARTIAL}", self.id))
    }

    /// A folder for the builder's own temporary files; it does not exist until the builder needs it.
    pub(super) fn scratch(&self) -> PathBuf {
        self.folder.join(format!(".{}{SCRATCH}", self.id))
    }

    /// Gives the image its final name, once it is safely on the disk.
    ///
    /// # Errors
    /// If the disk fails; there is then no image.
    pub(super) fn finish(self, image: &Path) -> io::Result<()> {
        File::open(self.partial())?.sync_all()?;
        fs::rename(self.partial(), image)?;
        File::open(&self.folder)?.sync_all()
    }

    fn clear(&self) -> io::Result<()> {
        absent(fs::remove_file(self.partial()))?;
        absent(fs::remove_dir_all(self.scratch()))
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // The next holder of the lock tries again, and reports.
        drop(self.clear());
    }
}

/// Gives the images whose builds have left something in `folder`, running or not.
///
/// # Errors
/// If the folder cannot be read.
pub(super) fn unfinished(folder: &Path) -> io::Result<Vec<String>> {
    let mut ids = vec![];
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let left = name.strip_suffix(PARTIAL).or_else(|| name.strip_suffix(SCRATCH));
        ids.extend(left.and_then(|name| name.strip_prefix('.')).map(String::from));
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_build_is_found_and_swept_by_the_next_holder_of_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".a-1.partial"), "half").unwrap();
        fs::create_dir_all(folder.path().join(".a-1.scratch/chroot/usr")).unwrap();
        assert_eq!(unfinished(folder.path()).unwrap(), ["a-1"]);
        let lock = Lock::try_take(&folder.path().join("a-1.lock")).unwrap().unwrap();
        drop(Workplace::of(lock, folder.path(), "a-1").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
