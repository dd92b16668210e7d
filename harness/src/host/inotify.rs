//! Room for inotify instances.
//!
//! The kernel counts them for root over all namespaces, and allows 128. A systemd needs about eight, so 24 of them
//! (eight hosts with two machines each) die of "Too many open files". The limit is one of the whole machine: a run
//! raises it and puts it back, and of several runs at once the last one does.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";

/// What a host with its machines may need.
const FOR_EACH_HOST: u64 = 64;

/// What the rest of the machine may need.
const FOR_OTHERS: u64 = 128;

/// The limit, raised for as long as this lives.
#[derive(Debug)]
pub(super) struct InotifyRoom {
    /// Shared by all runs; it holds the limit as it was before the first of them, also if one was killed.
    before: Flock<File>,
}

impl InotifyRoom {
    /// Raises the limit for `hosts` hosts at a time, if it is lower; `cache` is where runs find each other.
    pub(super) fn make(cache: &Path, hosts: usize) -> io::Result<Self> {
        let needed = FOR_OTHERS + FOR_EACH_HOST * u64::try_from(hosts).unwrap_or(u64::MAX / FOR_EACH_HOST);
        let path = cache.join("inotify-limit");
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut before =
            Flock::lock(file, FlockArg::LockShared).map_err(|(_, error)| io::Error::from(error))?;
        let limit = read_limit()?;
        if limit < needed {
            let first = recorded(&mut before)?.map_or(limit, |note| note.before);
            note(&mut before, Note { before: first, raised: needed })?;
            fs::write(LIMIT, needed.to_string()).map_err(|error| refused(limit, needed, &error))?;
        }
        Ok(Self { before })
    }
}

impl Drop for InotifyRoom {
    /// Whoever is alone puts the limit back.
    fn drop(&mut self) {
        let alone = self.before.relock(FlockArg::LockExclusiveNonblock).is_ok();
        if alone && let Ok(Some(Note { before, raised })) = recorded(&mut self.before) {
            // Somebody else may have set the limit meanwhile. Nothing can be done about a failure here, and nothing is
            // worse than before.
            let is_ours = read_limit().is_ok_and(|limit| limit == raised);
            let put_back = if is_ours { fs::write(LIMIT, before.to_string()) } else { Ok(()) };
            let _ = put_back.and_then(|()| self.before.set_len(0));
        }
    }
}

/// What the file holds: `128 640`.
struct Note {
    before: u64,
    raised: u64,
}

fn refused(limit: u64, needed: u64, error: &io::Error) -> io::Error {
    io::Error::other(format!(
        "fs.inotify.max_user_instances is {limit}, {needed} are needed, and it cannot be raised ({error}); \
         raise it with sysctl(8), or have fewer hosts at a time with --jobs"
    ))
}

fn read_limit() -> io::Result<u64> {
    fs::read_to_string(LIMIT)?.trim().parse().map_err(io::Error::other)
}

fn recorded(file: &mut File) -> io::Result<Option<Note>> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    let mut words = text.split_whitespace().map(|word| word.parse().ok());
    Ok(words.next().flatten().zip(words.next().flatten()).map(|(before, raised)| Note { before, raised }))
}

fn note(file: &mut File, Note { before, raised }: Note) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{before} {raised}\n").as_bytes())
}
