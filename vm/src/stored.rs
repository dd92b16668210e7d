//! What a store has, and how to be rid of it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::image::id;
use crate::{Chosen, Store, VmError};

/// A finished image as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it was made for, such as `trixie`.
    pub name: String,
    /// Twelve hexadecimal digits that stand for what it was made from.
    pub digest: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What it takes on the disk.
    pub bytes: u64,
    /// When it was finished.
    pub built: SystemTime,
    /// Whether this program would make the same one.
    pub current: bool,
}

impl Entry {
    /// The name and the digest together.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.name, self.digest)
    }
}

impl Store {
    /// Lists the finished images by name.
    ///
    /// # Errors
    /// [`VmError::File`]. A folder that does not exist has none.
    pub fn list(&self) -> Result<Vec<Entry>, VmError> {
        let mut entries: Vec<Entry> = match fs::read_dir(self.folder()) {
            Ok(folders) => folders.filter_map(|folder| entry(&folder.ok()?.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
            Err(source) => return Err(VmError::file(self.folder(), source)),
        };
        entries.sort_by(|a, b| a.name.cmp(&b.name).then(b.built.cmp(&a.built)));
        Ok(entries)
    }

    /// Removes every image of that name, or the one whose name and digest are `NAME-DIGEST`. Gives what was removed. A
    /// machine that runs from one has it open, and keeps it until it ends.
    ///
    /// # Errors
    /// [`VmError::NotStored`], or [`VmError::File`].
    pub fn remove(&self, name: &str) -> Result<Vec<Entry>, VmError> {
        let mut entries = self.list()?;
        entries.retain(|entry| entry.name == name || entry.id() == name);
        if entries.is_empty() {
            return Err(VmError::NotStored { name: name.to_owned() });
        }
        for Entry { folder, .. } in &entries {
            fs::remove_dir_all(folder).map_err(|source| VmError::file(folder, source))?;
        }
        Ok(entries)
    }
}

/// Reads what a folder is by its name; `None` if it is not an image.
fn entry(folder: &Path) -> Option<Entry> {
    let (name, digest) = folder.file_name()?.to_str()?.rsplit_once('-')?;
    let is_digest = digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let metadata = folder.metadata().ok()?;
    if !is_digest || name.starts_with('.') || !metadata.is_dir() {
        return None;
    }
    // The disk is sparse: what counts is its blocks, of 512 bytes.
    let files = fs::read_dir(folder).ok()?.filter_map(|file| file.ok()?.metadata().ok());
    Some(Entry {
        name: name.into(),
        digest: digest.into(),
        folder: folder.into(),
        bytes: files.map(|file| file.blocks() * 512).sum(),
        built: metadata.modified().ok()?,
        current: Chosen::named(name).is_ok_and(|chosen| folder.ends_with(id(&chosen))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_listed_and_removed_by_name_or_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("vm"));
        assert_eq!(store.list().unwrap(), []);
        let current = id(&Chosen::named("trixie").unwrap());
        let make = |name: &str| fs::create_dir_all(store.folder().join(name)).unwrap();
        [&current, "sid-0123456789ab", "sid-ba9876543210", ".sid-0123456789ab.partial", "trixie"]
            .into_iter()
            .for_each(make);
        fs::write(store.folder().join(&current).join("disk"), [1; 100]).unwrap();
        let names = || store.list().unwrap().iter().map(Entry::id).collect::<Vec<_>>();
        assert_eq!(names().len(), 3);
        let trixie = store.list().unwrap().pop().unwrap();
        assert!(trixie.current && trixie.bytes >= 100 && trixie.id() == current);
        assert_eq!(store.remove("sid-0123456789ab").unwrap().len(), 1);
        assert_eq!(names(), ["sid-ba9876543210", &current]);
        assert_eq!(store.remove("sid").unwrap().len(), 1);
        assert!(matches!(store.remove("sid"), Err(VmError::NotStored { .. })));
        assert_eq!(names(), [current]);
    }
}
