//! A folder for the machines of one process. It goes with that process, and if that is killed, with the next that makes
//! one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::{VmError, place};

/// What the names of such folders begin with.
const PREFIX: &str = "nspawn-matrix-";

/// The file in it that its owner has locked as long as he lives. It appears when it is locked. No machine is called so.
const OWNER: &str = ".owner";

/// The folder of this process. If it is dropped, it is removed.
#[derive(Debug)]
pub struct Root {
    folder: PathBuf,
    /// Locked as long as this is there.
    _owner: File,
}

impl Root {
    /// Makes one in the folder for temporary files, `TMPDIR` or `/var/tmp`: disks are in it, and `/tmp` is often memory.
    /// Removes those whose owners have been killed.
    ///
    /// # Errors
    /// [`VmError::File`].
    pub fn make() -> Result<Self, VmError> {
        let parent = std::env::var_os("TMPDIR").unwrap_or_else(|| "/var/tmp".into());
        Self::make_in(Path::new(&parent))
    }

    fn make_in(parent: &Path) -> Result<Self, VmError> {
        sweep(parent);
        let failed = |source| VmError::file(parent, source);
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).map_err(failed)?;
        let owner = own(made.path()).map_err(failed)?;
        Ok(Self { folder: made.keep(), _owner: owner })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes it. Its machines must have ended.
    ///
    /// # Errors
    /// [`VmError::File`].
    pub fn close(self) -> Result<(), VmError> {
        fs::remove_dir_all(&self.folder).map_err(|source| VmError::file(&self.folder, source))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // After `close` it is gone already.
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn own(folder: &Path) -> io::Result<File> {
    let new = tempfile::NamedTempFile::new_in(folder)?;
    new.as_file().lock()?;
    Ok(new.persist(folder.join(OWNER))?)
}

/// Removes what others of this user have left. What cannot be removed now is left to the next.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let abandoned = named.map(|entry| entry.path()).filter(|folder| place::check_owner(folder).is_ok());
    for folder in abandoned {
        // Nobody takes this lock but its owner, who has it from the first, and we.
        let owner = folder.join(OWNER);
        let is_free = owner.is_file() && File::open(owner).is_ok_and(|owner| owner.try_lock().is_ok());
        if is_free && machines_are_gone(&folder) {
            drop(fs::remove_dir_all(folder));
        }
    }
}

/// Removes the machines; each has files elsewhere too. One that has not ended yet keeps the folder.
fn machines_are_gone(folder: &Path) -> bool {
    place::list(folder).is_ok_and(|machines| machines.iter().all(|machine| machine.remove().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    #[test]
    fn what_a_killed_owner_has_left_is_swept_up_by_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(parent.path()).unwrap().count();
        let alive = Root::make_in(parent.path()).unwrap();
        let killed = Root::make_in(parent.path()).unwrap();
        let machine = Place::new(killed.folder(), "a").unwrap();
        drop(machine.take().unwrap());
        fs::write(machine.console(), "it booted").unwrap();
        // As the kernel does when the process ends.
        killed._owner.unlock().unwrap();
        fs::create_dir(parent.path().join("nspawn-matrix-of-somebody-else")).unwrap();
        let next = Root::make_in(parent.path()).unwrap();
        assert!(!killed.folder().exists() && alive.folder().exists() && next.folder().exists());
        assert_eq!(names(), 3, "what has no owner is not ours");
        next.close().unwrap();
        drop(alive);
        assert_eq!(names(), 1);
    }

    #[test]
    fn a_machine_that_still_runs_keeps_its_folder() {
        let parent = tempfile::tempdir().unwrap();
        let killed = Root::make_in(parent.path()).unwrap();
        let lock = Place::new(killed.folder(), "a").unwrap().take().unwrap();
        killed._owner.unlock().unwrap();
        sweep(parent.path());
        assert!(killed.folder().exists());
        drop(lock);
        sweep(parent.path());
        assert!(!killed.folder().exists());
    }
}
