//! Room for inotify instances.
//!
//! The kernel counts them for root over all namespaces, and allows 128. A systemd needs about eight, so 24 of them
//! (eight hosts with two machines each) die of "Too many open files". The limit is one of the whole machine: a run
//! raises it and puts it back, and of several runs at once the last one does.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

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
    note: Flock<File>,
    /// Held while the note is changed.
    lock: File,
    hosts: u64,
    /// The file that has the limit.
    limit: PathBuf,
}

impl InotifyRoom {
    /// Raises the limit for `hosts` hosts at a time beside those of other runs, if it is lower; `cache` is where runs find
    /// each other.
    pub(super) fn make(cache: &Path, hosts: usize) -> io::Result<Self> {
        Self::make_of(Path::new(LIMIT), cache, hosts)
    }

    fn make_of(limit: &Path, cache: &Path, hosts: usize) -> io::Result<Self> {
        let open =
            |name| File::options().read(true).write(true).create(true).truncate(false).open(cache.join(name));
        let hosts = u64::try_from(hosts).unwrap_or(u64::MAX);
        let lock = open("inotify-limit.lock")?;
        let _changed = hold(&lock)?;
        let note = open("inotify-limit")?;
        // Nobody else is there: what is noted was left by a run that was killed, with the hosts that it had.
        let (note, others) = match Flock::lock(note, FlockArg::LockExclusiveNonblock) {
            Ok(note) => {
                note.relock(FlockArg::LockShared)?;
                (note, 0)
            }
            Err((note, _)) => {
                let mut note = Flock::lock(note, FlockArg::LockShared).map_err(|(_, error)| error)?;
                let others = read(&mut note)?.map_or(0, |note| note.hosts);
                (note, others)
            }
        };
        let mut room = Self { note, lock, hosts, limit: limit.to_owned() };
        let limit = read_limit(&room.limit)?;
        let before = read(&mut room.note)?.map_or(limit, |note| note.before);
        let hosts = others.saturating_add(hosts);
        let raised = limit.max(FOR_EACH_HOST.saturating_mul(hosts).saturating_add(FOR_OTHERS));
        write(&mut room.note, Note { before, raised, hosts })?;
        if limit < raised {
            fs::write(&room.limit, raised.to_string()).map_err(|error| refused(limit, raised, &error))?;
        }
        Ok(room)
    }
}

impl Drop for InotifyRoom {
    /// Whoever is alone puts the limit back. Nothing can be done about a failure here, and nothing is worse than before.
    fn drop(&mut self) {
        let Ok(_changed) = hold(&self.lock) else { return };
        let Ok(Some(noted)) = read(&mut self.note) else { return };
        if self.note.relock(FlockArg::LockExclusiveNonblock).is_err() {
            let hosts = noted.hosts.saturating_sub(self.hosts);
            let _ = write(&mut self.note, Note { hosts, ..noted });
            return;
        }
        // Somebody else may have set the limit meanwhile.
        let is_ours = read_limit(&self.limit).is_ok_and(|limit| limit == noted.raised);
        let put_back = if is_ours { fs::write(&self.limit, noted.before.to_string()) } else { Ok(()) };
        let _ = put_back.and_then(|()| self.note.set_len(0));
    }
}

/// What the file holds: `128 640 8`.
#[derive(Clone, Copy)]
struct Note {
    /// The limit as it was.
    before: u64,
    /// The limit as it is.
    raised: u64,
    /// Of how many hosts there are runs.
    hosts: u64,
}

fn hold(lock: &File) -> io::Result<Flock<File>> {
    Flock::lock(lock.try_clone()?, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
}

fn refused(limit: u64, needed: u64, error: &io::Error) -> io::Error {
    io::Error::other(format!(
        "fs.inotify.max_user_instances is {limit}, {needed} are needed, and it cannot be raised ({error}); \
         raise it with sysctl(8), or have fewer hosts at a time with --jobs"
    ))
}

fn read_limit(limit: &Path) -> io::Result<u64> {
    fs::read_to_string(limit)?.trim().parse().map_err(io::Error::other)
}

fn read(file: &mut File) -> io::Result<Option<Note>> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    let words: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
    Ok(match words.as_deref() {
        Ok(&[before, raised, hosts]) => Some(Note { before, raised, hosts }),
        Ok(_) | Err(_) => None,
    })
}

fn write(file: &mut File, Note { before, raised, hosts }: Note) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{before} {raised} {hosts}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with a limit of its own, and where its runs find each other.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn with(limit: u64) -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            fs::write(machine.file(), limit.to_string()).unwrap();
            machine
        }

        fn file(&self) -> PathBuf {
            self.0.path().join("max_user_instances")
        }

        fn limit(&self) -> u64 {
            read_limit(&self.file()).unwrap()
        }

        fn room(&self, hosts: usize) -> InotifyRoom {
            InotifyRoom::make_of(&self.file(), self.0.path(), hosts).unwrap()
        }
    }

    #[test]
    fn each_of_several_runs_has_its_room_and_the_last_puts_the_limit_back() {
        let machine = Machine::with(128);
        let first = machine.room(2);
        assert_eq!(machine.limit(), 256);
        let second = machine.room(1);
        assert_eq!(machine.limit(), 320);
        drop(first);
        assert_eq!(machine.limit(), 320, "the other one runs still");
        let third = machine.room(1);
        assert_eq!(machine.limit(), 320, "the room of the first is free");
        drop(second);
        drop(third);
        assert_eq!(machine.limit(), 128);
    }

    #[test]
    fn what_a_killed_run_has_raised_is_put_back_by_the_next() {
        let machine = Machine::with(640);
        fs::write(machine.0.path().join("inotify-limit"), "128 640 8\n").unwrap();
        let room = machine.room(1);
        assert_eq!(machine.limit(), 640);
        drop(room);
        assert_eq!(machine.limit(), 128);
    }

    #[test]
    fn a_limit_that_is_high_enough_or_was_set_by_somebody_else_stays() {
        let machine = Machine::with(8192);
        drop(machine.room(7));
        assert_eq!(machine.limit(), 8192);
        let room = machine.room(200);
        fs::write(machine.file(), "20000").unwrap();
        drop(room);
        assert_eq!(machine.limit(), 20000);
    }
}
