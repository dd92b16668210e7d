//! What has arrived of a file so far: `NAME.part`, and in `NAME.version` what the server calls the version of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::DownloadError;
use crate::{Url, space};

/// The two files.
#[derive(Debug)]
pub(super) struct Part {
    data: PathBuf,
    version: PathBuf,
}

/// Adds to a [`Part`].
#[derive(Debug)]
pub(super) struct Writer<'a> {
    file: File,
    part: &'a Part,
    url: &'a Url,
    /// How large the file is in the end, if that is known.
    total: Option<u64>,
}

impl Part {
    /// Names the files of what is to be `target`.
    pub(super) fn of(target: &Path) -> Self {
        let with = |ending| {
            let mut name = OsString::from(target);
            name.push(ending);
            name.into()
        };
        Self { data: with(".part"), version: with(".version") }
    }

    /// How much has arrived.
    pub(super) fn bytes(&self) -> u64 {
        self.data.metadata().map_or(0, |data| data.len())
    }

    /// The version that it is of.
    pub(super) fn version(&self) -> Option<String> {
        fs::read_to_string(&self.version).ok()
    }

    /// Forgets it.
    pub(super) fn discard(&self) -> Result<(), DownloadError> {
        for path in [&self.data, &self.version] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(path, error)),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Goes on after the first `begin` bytes with a version, if there is room for all that is missing.
    pub(super) fn begin<'a>(
        &'a self,
        url: &'a Url,
        begin: u64,
        total: Option<u64>,
        version: Option<&str>,
    ) -> Result<Writer<'a>, DownloadError> {
        if begin == 0 {
            self.discard()?;
        }
        let file = File::options().create(true).append(true).open(&self.data);
        let file = file.map_err(|source| failed(&self.data, source))?;
        if let Some(version) = version {
            fs::write(&self.version, version).map_err(|source| failed(&self.version, source))?;
        }
        let writer = Writer { file, part: self, url, total };
        if total.is_some_and(|total| space::free(self.folder()).is_ok_and(|free| free < total - begin)) {
            return Err(writer.no_space());
        }
        Ok(writer)
    }

    /// Gives the file its name once it is safely on the disk.
    pub(super) fn finish(&self, target: &Path) -> Result<(), DownloadError> {
        let done = File::open(&self.data).and_then(|file| file.sync_all());
        done.and_then(|()| fs::rename(&self.data, target)).map_err(|source| failed(&self.data, source))?;
        self.discard()
    }

    fn folder(&self) -> &Path {
        self.data.parent().unwrap_or(Path::new("."))
    }
}

impl Writer<'_> {
    /// Adds what has come.
    pub(super) fn write(&mut self, chunk: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(chunk).map_err(|source| {
            let is_full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded].contains(&source.kind());
            if is_full { self.no_space() } else { failed(&self.part.data, source) }
        })
    }

    /// What is missing is what the server has more than we have; more than nothing where it does not say.
    fn no_space(&self) -> DownloadError {
        let missing = self.total.unwrap_or_default().saturating_sub(self.part.bytes());
        let folder = self.part.folder().to_owned();
        let free = space::free(&folder).unwrap_or_default();
        let needed = missing.max(free + 1).div_ceil(1_000_000);
        DownloadError::NoSpace { url: self.url.as_str().into(), folder, free: free / 1_000_000, needed }
    }
}

fn failed(path: &Path, source: io::Error) -> DownloadError {
    DownloadError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fills_up_meanwhile_is_told_as_one_that_was_full() {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::of(&folder.path().join("disk"));
        // Whoever writes to it is told that the disk is full, full(4).
        std::os::unix::fs::symlink("/dev/full", &part.data).unwrap();
        let url = Url::try_from("http://m/disk".to_owned()).unwrap();
        let mut writer = part.begin(&url, 1, None, None).unwrap();
        let error = writer.write(&[0; 4]).unwrap_err();
        assert!(matches!(error, DownloadError::NoSpace { .. }), "{error}");
    }
}
