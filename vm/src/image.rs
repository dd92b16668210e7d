//! The images of virtual machines: folders `NAME-DIGEST` with a disk, and with a kernel where the disk has no boot
//! loader.
//!
//! A [`Store`] may be used by any number of processes at once. One makes an image, under the lock `NAME-DIGEST.lock`;
//! the others wait and find it. An image appears under its name when it is complete, and is never written afterwards.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::{Chosen, Origin, VmError, build, fetch};

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    folder: PathBuf,
    kind: Kind,
}

/// What a folder of an image has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An ext4 without a partition table, sparse; and a kernel beside it.
    Built,
    /// A qcow2 that the firmware boots, above the one that was downloaded.
    Downloaded,
}

/// What QEMU starts by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The kernel that the disk has the modules of.
    pub image: PathBuf,
    /// What it finds the disk with.
    pub initrd: PathBuf,
}

impl Image {
    /// Names the files of an image, which need not be there.
    pub(crate) const fn at(folder: PathBuf, origin: &Origin) -> Self {
        let kind = match origin {
            Origin::Build(_) => Kind::Built,
            Origin::Download(_) => Kind::Downloaded,
        };
        Self { folder, kind }
    }

    /// The disk.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk")
    }

    /// What QEMU calls its format.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        match self.kind {
            Kind::Built => "raw",
            Kind::Downloaded => "qcow2",
        }
    }

    /// The kernel, where the disk is not booted by its own boot loader.
    #[must_use]
    pub fn kernel(&self) -> Option<Kernel> {
        match self.kind {
            Kind::Built => {
                let [image, initrd] = ["vmlinuz", "initrd"].map(|name| self.folder.join(name));
                Some(Kernel { image, initrd })
            }
            Kind::Downloaded => None,
        }
    }

    /// What was downloaded: the disk is an overlay above it, and is larger.
    pub(crate) fn base(&self) -> PathBuf {
        self.folder.join("base.qcow2")
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

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
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
            Ok(Image::at(folder, &chosen.spec.origin))
        } else {
            Err(VmError::NoImage { image: chosen.suite.clone() })
        }
    }

    /// A kernel to find out with what runs here: that of the image, of another one in this folder, or the machine's own
    /// if it may be read.
    #[must_use]
    pub fn trial_kernel(&self, image: &Image) -> Option<PathBuf> {
        let images = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let of_others = images.map(|entry| entry.path().join("vmlinuz"));
        let of_machine = ["/boot/vmlinuz-linux", "/boot/vmlinuz", "/vmlinuz"].map(PathBuf::from);
        let kernels =
            image.kernel().map(|kernel| kernel.image).into_iter().chain(of_others).chain(of_machine);
        kernels.into_iter().find(|kernel| File::open(kernel).is_ok())
    }

    /// Makes the image, or finds it. `progress` gets a short line for each step.
    ///
    /// Another process that makes the same image is waited for. If the future is dropped, or this process killed,
    /// everything that was started ends; the next one goes on with a download that was begun, and removes all else.
    ///
    /// # Errors
    /// [`VmError::Build`], [`VmError::NoSpace`], [`VmError::NoRange`], [`VmError::Download`], or any of files and
    /// programs.
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
        match &chosen.spec.origin {
            Origin::Build(build) => build::build(chosen, build, &partial, &lock, &mut progress).await?,
            Origin::Download(from) => fetch::fetch(&chosen.spec, from, &partial, &mut progress).await?,
        }
        let folder = self.folder.join(id);
        fs::rename(&partial, &folder).map_err(|source| VmError::file(&folder, source))?;
        Ok(Image::at(folder, &chosen.spec.origin))
    }
}

/// The suite, and twelve hexadecimal digits that stand for everything that determines the image but the state of the
/// archive.
pub(crate) fn id(chosen: &Chosen) -> String {
    let mut hash = Sha256::new();
    let words = match &chosen.spec.origin {
        Origin::Build(build) => build::mmdebstrap(&chosen.suite, build, Path::new("")),
        Origin::Download(from) => [from.url.as_str(), from.signer.as_str()].map(String::from).into(),
    };
    for word in words {
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
        Err(TryLockError::WouldBlock) => progress("another process makes this image; waiting for it"),
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
        let Origin::Build(build) = &mut other.spec.origin else { panic!("it is built") };
        build.packages.push("hello".into());
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
