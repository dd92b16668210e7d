//! The images of virtual machines: folders `NAME-DIGEST` with a disk, a kernel and an initial file system.
//!
//! A [`Store`] may be used by any number of processes at once. One builds an image, under the lock `NAME-DIGEST.lock`;
//! the others wait and find it. An image appears under its name when it is complete, and is never written afterwards.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::{Chosen, VmError, build};

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    folder: PathBuf,
}

impl Image {
    /// Names the files of an image, which need not be there.
    pub(crate) const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// An ext4 without a partition table, sparse.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk")
    }

    /// The kernel that the disk has the modules of.
    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    /// What the kernel finds the disk with.
    #[must_use]
    pub fn initrd(&self) -> PathBuf {
        self.folder.join("initrd")
    }
}

/// A folder of images.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Uses the images in `folder`, which need not exist yet.
    #[must_use]
    pub const fn open(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// This user's own folder: below XDG_CACHE_HOME, or ~/.cache.
    #[must_use]
    pub fn of_this_user() -> Self {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Self::open(cache.unwrap_or_else(|| "/var/tmp".into()).join("nspawn-matrix/vm"))
    }

    /// Gives the image if it is there.
    ///
    /// # Errors
    /// [`VmError::NoImage`].
    pub fn find(&self, chosen: &Chosen) -> Result<Image, VmError> {
        let folder = self.folder.join(id(chosen));
        if folder.is_dir() {
            Ok(Image::at(folder))
        } else {
            Err(VmError::NoImage { image: chosen.suite.clone() })
        }
    }

    /// Builds the image, or finds it. `progress` gets a short line for each step.
    ///
    /// Another process that builds the same image is waited for. If the future is dropped, or this process killed,
    /// everything that was started ends; files that are then left in the folder are removed by the next build.
    ///
    /// # Errors
    /// [`VmError::Build`], [`VmError::NoSpace`], [`VmError::NoRange`], or any of files and programs.
    pub async fn build(&self, chosen: &Chosen, mut progress: impl FnMut(&str)) -> Result<Image, VmError> {
        if let Ok(image) = self.find(chosen) {
            return Ok(image);
        }
        fs::create_dir_all(&self.folder).map_err(|source| VmError::file(&self.folder, source))?;
        let id = id(chosen);
        let lock = lock(&self.folder.join(format!("{id}.lock")), &mut progress).await?;
        if let Ok(image) = self.find(chosen) {
            return Ok(image);
        }
        let partial = self.folder.join(format!(".{id}.partial"));
        let built = build::build(chosen, &partial, &lock, &mut progress).await;
        if let Err(error) = built {
            build::remove(&partial).await?;
            return Err(error);
        }
        let folder = self.folder.join(id);
        fs::rename(&partial, &folder).map_err(|source| VmError::file(&folder, source))?;
        Ok(Image::at(folder))
    }
}

/// The suite, and twelve hexadecimal digits that stand for everything that determines the image but the state of the
/// archive.
fn id(chosen: &Chosen) -> String {
    let mut hash = Sha256::new();
    for word in build::mmdebstrap(chosen, Path::new("")) {
        hash.update(word.as_bytes());
        // No word contains this, so no two lists of words read the same.
        hash.update([0]);
    }
    hash.update(chosen.spec.disk.to_string());
    let digest: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{digest}", chosen.suite)
}

async fn lock(path: &Path, progress: &mut impl FnMut(&str)) -> Result<File, VmError> {
    let failed = |source| VmError::file(path, source);
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => progress("another process builds this image; waiting for it"),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let (sender, receiver) = oneshot::channel();
    // A thread of its own: flock(2) cannot be interrupted, and a runtime waits for its blocking pool at its end.
    let wait = move || drop(sender.send(file.lock().map(|()| file)));
    std::thread::Builder::new().name("image lock".into()).spawn(wait).map_err(failed)?;
    receiver.await.map_err(io::Error::other).flatten().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_what_determines_the_image() {
        let trixie = Chosen::named("trixie").unwrap();
        let mut other = trixie.clone();
        other.spec.cores = std::num::NonZeroU32::new(7).unwrap();
        assert_eq!(id(&trixie), id(&other), "the number of processors is not in it");
        other.spec.build.packages.push("hello".into());
        assert_ne!(id(&trixie), id(&other));
        assert!(id(&trixie).starts_with("trixie-"));
    }

    #[tokio::test]
    async fn one_builds_and_the_others_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let mut said = vec![];
        let held = lock(&path, &mut |line: &str| said.push(line.to_owned())).await.unwrap();
        assert!(said.is_empty());
        let mut progress = |line: &str| said.push(line.to_owned());
        let (waited, ()) = tokio::join!(lock(&path, &mut progress), async { drop(held) });
        waited.unwrap();
        assert_eq!(said.len(), 1);
    }
}
