//! Changes that root of the machine tries: what the kernel lets it do, and what it refuses.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown};
use std::path::Path;

use anyhow::Context;
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use nspawn_matrix_reports::FileKind;
use serde::{Deserialize, Serialize};

use super::look;

/// What became of a change that was tried.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done, and the file looks like this from where it was done.
    Done(FileKind),
    /// The kernel refused, with this error: `EACCES`.
    Refused(String),
}

/// A change to one file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Makes it, with mode 0644. It must not be there.
    Make,
    /// Makes it as this user and group, with no more rights than they have.
    MakeAs {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// Gives it to another owner.
    Give {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// Sets its permission bits.
    Mode(u32),
    /// Changes nothing; opens it for writing.
    Open,
}

/// Tries a change to the file at `path`.
pub(crate) fn attempt(path: &str, change: Change) -> anyhow::Result<Outcome> {
    let done = match change {
        Change::Make => make(path),
        Change::MakeAs { uid, gid } => as_user(uid, gid, || make(path)),
        Change::Give { uid, gid } => lchown(path, Some(uid), Some(gid)),
        Change::Mode(mode) => fs::set_permissions(path, Permissions::from_mode(mode)),
        Change::Open => OpenOptions::new().write(true).open(path).map(drop),
    };
    match done {
        Ok(()) => Ok(Outcome::Done(look(Path::new(path))?)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            // A disk that is full or broken says nothing about the mount, nor does a file that is not there, or that an
            // earlier attempt made.
            Some(Errno::EIO | Errno::ENOSPC | Errno::EDQUOT | Errno::ENOENT | Errno::EEXIST) | None => {
                Err(error).with_context(|| format!("change `{path}`"))
            }
            Some(errno) => Ok(Outcome::Refused(format!("{errno:?}"))),
        },
    }
}

fn make(path: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(b"written in the machine\n")
}

/// Does something to files as somebody else, on a thread of its own: the ids for files are a thread's (setfsuid(2)), and
/// with root's the rights over all files go.
fn as_user(uid: u32, gid: u32, action: impl FnOnce() -> io::Result<()> + Send) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let switched = || {
        setfsgid(gid);
        setfsuid(uid);
        // Neither tells whether it worked; asked again, each tells what holds.
        if (setfsuid(uid), setfsgid(gid)) == (uid, gid) { Ok(()) } else { Err(Errno::EINVAL.into()) }
    };
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| switched().and_then(|()| action()));
        thread.join().expect("nothing on the thread panics")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_an_earlier_attempt_made_is_no_refusal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").to_str().unwrap().to_owned();
        assert!(matches!(attempt(&path, Change::Make).unwrap(), Outcome::Done(_)));
        assert!(attempt(&path, Change::Make).is_err());
    }

    #[test]
    fn a_change_is_seen_in_what_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").to_str().unwrap().to_owned();
        fs::write(&path, "").unwrap();
        let changed = attempt(&path, Change::Mode(0o600)).unwrap();
        assert!(matches!(changed, Outcome::Done(file) if file.mode == "0600"));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").to_str().unwrap().to_owned();
        assert!(attempt(&path, Change::Open).is_err());
    }
}
