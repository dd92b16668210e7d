//! The journal of what was done to a host.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::Undo;

/// The file with the entries: one line of JSON for each.
const ENTRIES: &str = "entries.jsonl";

/// The file with what was kept at the beginning.
const BEFORE: &str = "before.json";

/// A folder with what takes each change back, and copies of what was there.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    kept: Cell<u32>,
}

impl Journal {
    /// Begins a journal; `before` is kept with it.
    ///
    /// # Errors
    /// If there is one in the folder already, or the folder cannot be made.
    pub(crate) fn create(folder: &Path, before: &[u8]) -> io::Result<Self> {
        if fs::exists(folder.join(ENTRIES))? {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "what a run has done is not taken back yet",
            ));
        }
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let mut file = File::create(folder.join(BEFORE))?;
        file.write_all(before)?;
        file.sync_all()?;
        // There is a journal from here on.
        File::options().write(true).create_new(true).open(folder.join(ENTRIES))?.sync_all()?;
        for folder in folder.ancestors().take(2) {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { folder: folder.to_owned(), kept: Cell::new(0) })
    }

    /// Goes on with a journal; none if there is none in the folder.
    ///
    /// # Errors
    /// If it cannot be looked for.
    pub(crate) fn open(folder: &Path) -> io::Result<Option<Self>> {
        if !fs::exists(folder.join(ENTRIES))? {
            return Ok(None);
        }
        let kept = u32::try_from(fs::read_dir(folder)?.count()).unwrap_or(u32::MAX);
        Ok(Some(Self { folder: folder.to_owned(), kept: Cell::new(kept) }))
    }

    /// What was kept with it at its beginning.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn before(&self) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(BEFORE))
    }

    /// Notes what takes a change back. When this returns it is on the disk, and the change may be made.
    ///
    /// # Errors
    /// If it cannot be written; then the change must not be made.
    pub(crate) fn note(&self, entries: &[Undo]) -> io::Result<()> {
        let mut file = File::options().append(true).open(self.folder.join(ENTRIES))?;
        for entry in entries {
            let line = serde_json::to_string(entry).map_err(io::Error::from)?;
            writeln!(file, "{line}")?;
        }
        file.sync_all()
    }

    /// Keeps a copy of a file, and gives its path.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub(crate) fn keep(&self, path: &Path) -> io::Result<PathBuf> {
        let number = self.kept.get() + 1;
        self.kept.set(number);
        let kept = self.folder.join(format!("kept-{number}"));
        copy(path, &kept)?;
        Ok(kept)
    }

    /// What was noted, in order. A line that was not written to its end is left out: its change was not made.
    pub(crate) fn entries(&self) -> Vec<Undo> {
        parse(&fs::read(self.folder.join(ENTRIES)).unwrap_or_default())
    }

    /// Ends the journal: there is nothing to be taken back any more.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(crate) fn close(self) -> io::Result<()> {
        // Whatever ends us in between: without entries there is no journal.
        fs::remove_file(self.folder.join(ENTRIES))?;
        File::open(&self.folder)?.sync_all()?;
        fs::remove_dir_all(&self.folder)
    }
}

fn parse(bytes: &[u8]) -> Vec<Undo> {
    let whole = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    whole.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Copies a file or a symbolic link with owner and permission bits, and only then puts it in its place.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(from)?;
    let name = to.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = to.with_file_name(format!(".{name}.nspawn-matrix"));
    // What an attempt before this one has left.
    super::entry::remove(&beside)?;
    if metadata.is_symlink() {
        symlink(fs::read_link(from)?, &beside)?;
    } else {
        fs::copy(from, &beside)?;
        chown(&beside, Some(metadata.uid()), Some(metadata.gid()))?;
        fs::set_permissions(&beside, metadata.permissions())?;
        File::open(&beside)?.sync_all()?;
    }
    fs::rename(&beside, to)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("journal");
        assert!(Journal::open(&place).unwrap().is_none());
        let journal = Journal::create(&place, b"before").unwrap();
        let entries = [Undo::RemoveLink { name: "br0".into() }, Undo::Remove { path: "/etc/x\ny".into() }];
        journal.note(&entries[..1]).unwrap();
        journal.note(&entries[1..]).unwrap();
        let journal = Journal::open(&place).unwrap().unwrap();
        assert_eq!(journal.entries(), entries);
        assert_eq!(journal.before().unwrap(), b"before");
        assert!(Journal::create(&place, b"").is_err());
        journal.close().unwrap();
        assert!(!place.exists());
    }

    #[test]
    fn what_is_kept_can_be_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(&folder.path().join("journal"), b"").unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4640)).unwrap();
        let kept = journal.keep(&path).unwrap();
        fs::write(&path, "after").unwrap();
        copy(&kept, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o4640);
    }

    proptest! {
        #[test]
        fn a_torn_journal_gives_what_was_whole(cut in 0usize..200) {
            let entry = Undo::Stop { unit: "systemd-nspawn@alpha.service".into() };
            let line = format!("{}\n", serde_json::to_string(&entry).unwrap());
            let text = line.repeat(3);
            let cut = cut.min(text.len());
            prop_assert_eq!(parse(&text.as_bytes()[..cut]).len(), cut / line.len());
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
