//! The folder that keeps finished images: `NAME-DIGEST.tar`, uncompressed, and nothing else between builds.
//!
//! A [`Store`] may be used by any number of processes at once. One builds an image, under the lock `NAME-DIGEST.lock`;
//! the others wait and find it. An image appears under its name when it is complete and on the disk, never before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::build;
use super::workplace::{Workplace, unfinished};
use super::{ImageError, Recipe};
use crate::lock::Lock;
use nspawn_matrix_scenarios::nearest::nearest;

/// Where root's images are kept unless the command line says otherwise.
pub const FOLDER_OF_ROOT: &str = "/var/cache/nspawn-matrix";

/// Where the images are if nobody says otherwise: in /var/cache, and below the home of whoever is not root.
#[must_use]
pub fn default_folder() -> PathBuf {
    let is_root = nix::unistd::geteuid().is_root();
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = || std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    if is_root {
        FOLDER_OF_ROOT.into()
    } else {
        cache().map_or(FOLDER_OF_ROOT.into(), |cache| cache.join("nspawn-matrix"))
    }
}

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The name for people, such as `trixie`.
    pub name: String,
    /// Twelve hexadecimal digits that stand for the recipe.
    pub digest: String,
    /// The uncompressed tar file of the root file system.
    pub path: PathBuf,
}

/// An image as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name for people.
    pub name: String,
    /// Twelve hexadecimal digits that stand for the recipe.
    pub digest: String,
    /// The tar file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was finished.
    pub built: SystemTime,
    /// Whether a run would use it: a suite's image is current if this program would build the same one, any other if
    /// it is the newest of its name.
    pub current: bool,
}

/// A folder of images.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Uses the images in `folder`, which need not exist yet.
    pub const fn open(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives the image of a recipe if it is there.
    pub fn find(&self, recipe: &Recipe) -> Option<Image> {
        let path = self.folder.join(format!("{}.tar", recipe.id()));
        path.is_file().then(|| Image { name: recipe.name(), digest: recipe.digest(), path })
    }

    /// Lists the finished images by name, the newest of a name first.
    ///
    /// # Errors
    /// [`ImageError::Folder`]. A folder that does not exist has no images.
    pub fn list(&self) -> Result<Vec<Entry>, ImageError> {
        let mut entries = match fs::read_dir(&self.folder) {
            Ok(files) => files.filter_map(|file| entry(&file.ok()?.path())).collect::<Vec<_>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
            Err(error) => return Err(self.refused(error)),
        };
        entries.sort_by(|a, b| a.name.cmp(&b.name).then(b.built.cmp(&a.built)));
        mark_current(&mut entries);
        Ok(entries)
    }

    /// Builds the image of a recipe, or finds it. `progress` gets a short line for each step.
    ///
    /// Another process that builds the same image is waited for. If the future is dropped, or this process killed,
    /// everything that was started ends; files that are then left in the folder are removed by the next build.
    ///
    /// # Errors
    /// Any [`ImageError`] but those of names; the folder then has what it had before.
    pub async fn build(&self, recipe: &Recipe, mut progress: impl FnMut(&str)) -> Result<Image, ImageError> {
        if let Some(image) = self.find(recipe) {
            return Ok(image);
        }
        fs::create_dir_all(&self.folder).map_err(|error| self.refused(error))?;
        self.sweep().map_err(|error| self.refused(error))?;
        let id = recipe.id();
        let lock = self.lock(&id, &mut progress).await.map_err(|error| self.refused(error))?;
        if let Some(image) = self.find(recipe) {
            return Ok(image);
        }
        let place = Workplace::of(lock, &self.folder, &id).map_err(|error| self.refused(error))?;
        build::build(recipe, &place, &mut progress).await?;
        let path = self.folder.join(format!("{id}.tar"));
        place.finish(&path).map_err(|error| self.refused(error))?;
        Ok(Image { name: recipe.name(), digest: recipe.digest(), path })
    }

    /// Removes every image of that name, or the one whose name and digest are `NAME-DIGEST`, and what killed builds
    /// have left. Gives what was removed. A run that has already opened an image keeps reading it.
    ///
    /// # Errors
    /// [`ImageError::NotStored`] with the nearest name, or [`ImageError::Folder`].
    pub fn remove(&self, name: &str) -> Result<Vec<Entry>, ImageError> {
        let entries = self.list()?;
        let (removed, kept): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.name == name || entry.id() == name);
        if removed.is_empty() {
            let nearest = nearest(name, kept.iter().map(|entry| entry.name.as_str()));
            return Err(ImageError::NotStored { wanted: name.into(), nearest: nearest.map(String::from) });
        }
        for entry in &removed {
            fs::remove_file(&entry.path)
                .map_err(|source| ImageError::Folder { folder: entry.path.clone(), source })?;
        }
        self.sweep().map_err(|error| self.refused(error))?;
        Ok(removed)
    }

    async fn lock(&self, id: &str, progress: &mut impl FnMut(&str)) -> io::Result<Lock> {
        let path = self.folder.join(format!("{id}.lock"));
        if let Some(lock) = Lock::try_take(&path)? {
            return Ok(lock);
        }
        progress("another process builds this image; waiting for it");
        Lock::wait(&path).await
    }

    /// Removes what killed builds of any image have left; a build that is under way keeps its files.
    fn sweep(&self) -> io::Result<()> {
        for id in unfinished(&self.folder)? {
            if let Some(lock) = Lock::try_take(&self.folder.join(format!("{id}.lock")))? {
                Workplace::of(lock, &self.folder, &id)?;
            }
        }
        Ok(())
    }

    fn refused(&self, source: io::Error) -> ImageError {
        ImageError::Folder { folder: self.folder.clone(), source }
    }
}

impl Entry {
    /// The name and the digest together.
    pub fn id(&self) -> String {
        format!("{}-{}", self.name, self.digest)
    }
}

/// Reads what a file is by its name; `None` if it is not an image.
fn entry(path: &Path) -> Option<Entry> {
    let (name, digest) = path.file_name()?.to_str()?.strip_suffix(".tar")?.rsplit_once('-')?;
    let is_digest = digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let metadata = path.metadata().ok()?;
    (is_digest && !name.starts_with('.')).then_some(Entry {
        name: name.into(),
        digest: digest.into(),
        path: path.into(),
        bytes: metadata.len(),
        built: metadata.modified().ok()?,
        current: false,
    })
}

/// Marks the entries that a run would use, in a list where the newest of a name comes first.
fn mark_current(entries: &mut [Entry]) {
    let mut previous = None;
    for entry in entries {
        entry.current = match Recipe::named(&entry.name) {
            Some(recipe) => recipe.digest() == entry.digest,
            None => previous.as_ref() != Some(&entry.name),
        };
        previous = Some(entry.name.clone());
    }
}

#[cfg(test)]
mod tests;
