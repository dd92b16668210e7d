//! One program that makes an image, from its start to the end of all its processes.
//!
//! What it says is read line by line while it runs. When a [`Job`] is dropped before its end, the program is killed,
//! and the drop returns when every process that it started is gone: only then can its files be removed.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::ExitStatus;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::Child;

use crate::command::{Command, CommandError};
use crate::lock::Lock;

/// How long a drop waits for killed processes. They end in milliseconds, unless the disk hangs.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// How many of the last lines are kept for an error.
const KEPT: usize = 200;

/// A running program. The order of the fields matters: it is killed, and then its output is read to the end.
pub(super) struct Job {
    child: Child,
    lines: BufReader<Receiver>,
    _end: EndOfOutput,
}

/// How a program ended, and the last lines that it wrote.
#[derive(Debug)]
pub(super) struct Ended {
    /// What the kernel says.
    pub(super) status: ExitStatus,
    /// The last lines of its standard error, oldest first.
    pub(super) lines: Vec<String>,
}

impl Job {
    /// Starts a program that says what it does on standard output or standard error, and shares `lock` with it.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(super) fn start(command: Command, lock: &Lock) -> Result<Self, CommandError> {
        Self::start_inner(command, lock, None)
    }

    /// Starts a program that writes the image on its standard output: that goes to `file`.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(super) fn start_into(command: Command, lock: &Lock, file: &OwnedFd) -> Result<Self, CommandError> {
        Self::start_inner(command, lock, Some(file))
    }

    fn start_inner(command: Command, lock: &Lock, file: Option<&OwnedFd>) -> Result<Self, CommandError> {
        let failed = |source| CommandError::Start { program: command.to_string(), source };
        let (ours, theirs) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let end = EndOfOutput(ours.try_clone().map_err(failed)?);
        let lines = BufReader::new(Receiver::from_owned_fd(ours).map_err(failed)?);
        let child = directed(command, lock, file, theirs)?.spawn()?;
        Ok(Self { child, lines, _end: end })
    }

    /// Hands each line to `said` as it comes, and waits for the end.
    ///
    /// # Errors
    /// If the pipe or the process cannot be read or waited for.
    pub(super) async fn finish(mut self, mut said: impl FnMut(&str)) -> io::Result<Ended> {
        let mut kept: Vec<String> = vec![];
        let mut line = vec![];
        while self.lines.read_until(b'\n', &mut line).await? > 0 {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            said(&text);
            kept.push(text);
            if kept.len() > KEPT {
                kept.remove(0);
            }
            line.clear();
        }
        Ok(Ended { status: self.child.wait().await?, lines: kept })
    }
}

/// Sets where the output goes, and lets the program inherit the lock: it is then held as long as it works, even if we
/// are killed.
fn directed(
    command: Command,
    lock: &Lock,
    file: Option<&OwnedFd>,
    theirs: OwnedFd,
) -> Result<Command, CommandError> {
    let name = command.to_string();
    let lock = lock.descriptor();
    let command = command
        .output_to(file.unwrap_or(&theirs))
        .map_err(|source| CommandError::Start { program: name, source })?;
    // SAFETY: fcntl(2) and dup2(2) are async-signal-safe, and nothing is allocated. Both descriptors are open: the
    // lock is held by the caller, who waits for the program, and the pipe is owned by this closure.
    let command = unsafe {
        command.pre_exec(move || {
            let lock = BorrowedFd::borrow_raw(lock);
            fcntl(lock, FcntlArg::F_SETFD(FdFlag::empty()))?;
            nix::unistd::dup2_stderr(&theirs)?;
            Ok(())
        })
    };
    Ok(command)
}

/// The reading end of a pipe that all processes of a job write to: its end of file is the end of them all.
struct EndOfOutput(OwnedFd);

impl Drop for EndOfOutput {
    fn drop(&mut self) {
        let Ok(pipe) = self.0.try_clone() else { return };
        let (sender, receiver) = mpsc::channel::<()>();
        let reader = move || {
            // Reading must wait, which tokio had switched off.
            if fcntl(&pipe, FcntlArg::F_SETFL(OFlag::empty())).is_ok() {
                drop(File::from(pipe).read_to_end(&mut vec![]));
            }
            // Dropping the sender wakes the one who waits below.
            drop(sender);
        };
        if thread::Builder::new().name("image job".into()).spawn(reader).is_ok() {
            let (Ok(()) | Err(_)) = receiver.recv_timeout(LAST_BREATH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(folder: &tempfile::TempDir) -> Lock {
        Lock::try_take(&folder.path().join("a.lock")).unwrap().unwrap()
    }

    #[tokio::test]
    async fn lines_arrive_and_the_end_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(&folder);
        let command = Command::new("sh", ["-c", "echo one; echo two >&2; exit 3"]);
        let mut seen = vec![];
        let ended =
            Job::start(command, &lock).unwrap().finish(|line| seen.push(line.to_owned())).await.unwrap();
        assert_eq!(seen, ["one", "two"]);
        assert_eq!((ended.status.code(), ended.lines), (Some(3), seen));
    }

    #[tokio::test]
    async fn what_goes_to_a_file_is_not_mixed_with_what_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(&folder);
        let path = folder.path().join("out");
        let file = File::create(&path).unwrap().into();
        let command = Command::new("sh", ["-c", "echo data; echo word >&2"]);
        let ended = Job::start_into(command, &lock, &file).unwrap().finish(|_| ()).await.unwrap();
        assert_eq!(ended.lines, ["word"]);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "data\n");
    }

    #[tokio::test]
    async fn a_dropped_job_is_gone_with_its_namespace_when_the_drop_returns() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(&folder);
        let script = "echo up; sleep 1000 & sleep 1000";
        let command = Command::new("unshare", ["--pid", "--fork", "--kill-child", "sh", "-c", script]);
        let mut job = Job::start(command, &lock).unwrap();
        let mut line = String::new();
        job.lines.read_line(&mut line).await.unwrap();
        let started = std::time::Instant::now();
        drop(job);
        assert!(started.elapsed() < LAST_BREATH);
        drop(lock);
        let path = folder.path().join("a.lock");
        assert!(Lock::try_take(&path).unwrap().is_some(), "no process holds the lock");
    }
}
