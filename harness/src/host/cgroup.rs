//! Control groups (cgroups(7), version 2), in which the hosts of a run are kept together and ended together.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::inotify::AddWatchFlags;
use tokio::io::unix::AsyncFd;

use crate::pidfd;
use crate::wait::Watch;

/// How long killed processes may take to be gone.
const DYING: Duration = Duration::from_secs(30);

/// A control group of our own.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes the group `path`, which must lie on a cgroup2 file system.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// Takes over the group `path`, which is there already.
    pub(crate) fn adopt(path: PathBuf) -> Self {
        Self { path }
    }

    /// The group at `path`, without a `/` before it, below the first of them.
    pub(crate) fn of_host(path: &str) -> Self {
        Self::adopt(Path::new("/sys/fs/cgroup").join(path))
    }

    /// The group that `process` is in, as its host mounts them.
    pub(crate) fn of_process(process: i32) -> io::Result<Self> {
        let groups = fs::read_to_string(format!("/proc/{process}/cgroup"))?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::/"));
        path.map(Self::of_host)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is in no group of version 2"))
    }

    /// A file that moves whoever writes `0` to it into the group.
    pub(crate) fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))
    }

    /// Tells whether `process` is in the group or below.
    pub(crate) fn holds(&self, process: i32) -> bool {
        self.processes().contains(&process)
    }

    /// The processes in the group and below. Groups that go away meanwhile have none.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mut found = Vec::new();
        list(&self.path, &mut found);
        found
    }

    /// Kills everything in the group, waits until it is gone, and removes the group.
    pub(crate) async fn end(self) -> io::Result<()> {
        let processes = pidfds(self.processes());
        self.kill()?;
        let ended = async {
            self.empty().await?;
            // A group counts as empty while the last of its processes still give back what they had.
            for process in processes {
                process.readable().await?.retain_ready();
            }
            Ok(())
        };
        match tokio::time::timeout(DYING, ended).await {
            Ok(outcome) => outcome.and_then(|()| remove_tree(&self.path)),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("processes of the control group `{}` do not die", self.path.display()),
            )),
        }
    }

    /// `cgroup.kill` reaches all groups below, and processes that are being forked (Linux 5.14).
    fn kill(&self) -> io::Result<()> {
        fs::write(self.path.join("cgroup.kill"), "1")
    }

    async fn empty(&self) -> io::Result<()> {
        let events = self.path.join("cgroup.events");
        let watch = Watch::new(&events, AddWatchFlags::IN_MODIFY)?;
        while fs::read_to_string(&events)?.lines().any(|line| line == "populated 1") {
            watch.event().await?;
        }
        Ok(())
    }
}

/// Descriptors of `processes`, which become readable when the process has ended. One that has ended need not be waited for.
fn pidfds(processes: Vec<i32>) -> Vec<AsyncFd<OwnedFd>> {
    let open = processes.into_iter().filter_map(|process| pidfd::open(process).ok());
    // SAFETY: the descriptor belongs to the value that is handed over, and stays open as long as that.
    open.filter_map(|process| unsafe { AsyncFd::register(process) }.ok()).collect()
}

fn list(group: &Path, found: &mut Vec<i32>) {
    let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    found.extend(processes.lines().filter_map(|process| process.parse::<i32>().ok()));
    for folder in groups_below(group) {
        list(&folder, found);
    }
}

fn groups_below(group: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// Removes a group and all below it. Control files cannot be removed, and need not be.
fn remove_tree(path: &Path) -> io::Result<()> {
    groups_below(path).try_for_each(|group| remove_tree(&group))?;
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
