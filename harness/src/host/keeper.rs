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

    async fn take_away(&self) -> io::Result<()> {
        Cgroup::adopt(self.group.clone()).end().await?;
        let store = self.mount_point.join(STORE);
        match &self.folder {
            Some(folder) => unmount(&store).and_then(|()| fs::remove_dir_all(folder))?,
            None => LoopDevice::mounted_at(&store)?.detach(DETACH, || unmount(&store)).await?,
        }
        unmount(&self.mount_point.join(GROUPS))?;
        unmount(&self.mount_point)
    }
}

fn unmount(path: &Path) -> io::Result<()> {
    umount2(path, MntFlags::empty())
        .map_err(|error| io::Error::other(format!("unmount `{}`: {error}", path.display())))
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
        match BufReader::new(stdout).lines().next_line().await? {
            Some(_) => Ok(Self { process }),
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
    let _room = InotifyRoom::make(&charge.cache, charge.hosts)?;
    println!("ready");
    io::stdout().flush()?;
    // Whatever ends the reading ends the run.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(charge.take_away())
}
