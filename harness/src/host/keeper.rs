//! The keeper: takes away what the kernel does not take away by itself, whatever ends the run.
//!
//! The control group of a run, the processes in it, and the limit that was raised for them stay when a run is
//! killed; its mounts and its loop device go in the background, some time later. So a run starts this program once
//! more as a keeper, which waits until its standard input ends, as it does when the run is over, crashes, or is killed
//! by SIGKILL. It is the only one that takes things away, and when it has ended, nothing is left.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MntFlags, umount2};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use super::cgroup::Cgroup;
use super::inotify::InotifyRoom;
use super::loop_device::LoopDevice;
use super::workspace::{GROUPS, STORE};
use crate::command::Command;

/// What a keeper says when it has made room; anything else that it says is why it could not.
const READY: &str = "ready";

/// How long the kernel may take to let go of the roots.
const DETACH: Duration = Duration::from_secs(10);

/// What a keeper takes away.
#[derive(Clone, Debug, clap::Args)]
pub struct Charge {
    /// The place of the run, with its mounts below it.
    #[arg(long)]
    pub(super) mount_point: PathBuf,
    /// The control group of the run.
    #[arg(long)]
    pub(super) group: PathBuf,
    /// The folder of the cache.
    #[arg(long)]
    pub(super) cache: PathBuf,
    /// How many hosts there will be at a time.
    #[arg(long)]
    pub(super) hosts: usize,
    /// The folder that the roots lie in; none if they lie on a loop device.
    #[arg(long)]
    pub(super) folder: Option<PathBuf>,
}

impl Charge {
    fn argv(&self) -> Vec<String> {
        let mut argv = vec!["internal".to_owned(), "keeper".to_owned()];
        argv.push(format!("--mount-point={}", self.mount_point.display()));
        argv.push(format!("--group={}", self.group.display()));
        argv.push(format!("--cache={}", self.cache.display()));
        argv.push(format!("--hosts={}", self.hosts));
        argv.extend(self.folder.iter().map(|folder| format!("--folder={}", folder.display())));
        argv
    }

    /// Takes away whatever of it is there: the run may have ended before it had made everything. What fails does not
    /// keep the rest from being tried; the first failure is told.
    async fn take_away(&self) -> io::Result<()> {
        let group = match self.group.exists() {
            true => Cgroup::adopt(self.group.clone()).end().await,
            false => Ok(()),
        };
        let store = self.take_store_away().await;
        let groups = unmount(&self.mount_point.join(GROUPS), MntFlags::empty());
        let place = unmount(&self.mount_point, MntFlags::empty());
        group.and(store).and(groups).and(place)
    }

    /// A helper of the run that has just been killed may still be in there, so the mount goes when the last one does.
    async fn take_store_away(&self) -> io::Result<()> {
        let store = self.mount_point.join(STORE);
        match &self.folder {
            Some(folder) if folder.exists() => {
                unmount(&store, MntFlags::MNT_DETACH)?;
                fs::remove_dir_all(folder)
            }
            Some(_) => Ok(()),
            None => match LoopDevice::mounted_at(&store)? {
                Some(device) => device.detach(DETACH, || unmount(&store, MntFlags::MNT_DETACH)).await,
                None => Ok(()),
            },
        }
    }
}

/// What is not mounted need not be unmounted.
fn unmount(path: &Path, flags: MntFlags) -> io::Result<()> {
    match umount2(path, flags) {
        Ok(()) | Err(nix::Error::EINVAL | nix::Error::ENOENT) => Ok(()),
        Err(error) => Err(io::Error::other(format!("unmount `{}`: {error}", path.display()))),
    }
}

/// A keeper that runs.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
}

impl Keeper {
    /// Starts `program`, which is this one, as a keeper, and waits until it has made room.
    pub(super) async fn start(program: &Path, charge: &Charge) -> io::Result<Self> {
        let command = Command::new(program, charge.argv()).outliving();
        let mut process = command.spawn_piped().map_err(io::Error::other)?;
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        match BufReader::new(stdout).lines().next_line().await?.as_deref() {
            Some(READY) => Ok(Self { process }),
            Some(error) => Err(io::Error::other(error.to_owned())),
            None => Err(io::Error::other("the keeper ended at once")),
        }
    }

    /// Has everything taken away, and waits until it is.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait().await?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("the keeper: {status}"))) }
    }
}

/// Is a keeper: makes room, waits for the end of standard input, and takes everything away.
///
/// # Errors
/// What could not be taken away.
pub fn keep(charge: &Charge) -> io::Result<()> {
    // Ctrl-C is for the run; the keeper outlives it.
    nix::unistd::setsid()?;
    let room = InotifyRoom::make(&charge.cache, charge.hosts);
    let said = room.as_ref().map_or_else(ToString::to_string, |_| READY.to_owned());
    writeln!(io::stdout(), "{said}")?;
    // Whatever ends the reading ends the run.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(charge.take_away())
}
