//! The place where a run keeps its roots: mounts that nobody else sees.
//!
//! The thread that opens a [`Workspace`] leaves the mount namespace of everyone else. All that the run mounts is
//! mounted in its own, and the roots lie in a file that is deleted as soon as it is in use; so whatever ends the
//! run, the kernel takes them away with its last process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::try_join_all;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;
use serde::{Deserialize, Serialize};

use super::cgroup::Cgroup;
use super::keeper::{Charge, Keeper};
use crate::command::{Command, CommandError};
use crate::image::{Images, Pair};
use crate::roots;

/// Where the roots are, below the place of the run.
pub(super) const STORE: &str = "store";

/// Where cgroup2 is mounted, below the place of the run.
pub(super) const GROUPS: &str = "cgroup";

/// Where the images are unpacked, below the roots.
const IMAGES: &str = "images";

/// Room for the roots; the file is sparse.
const STORE_BYTES: u64 = 64 << 30;

/// What a host and its machines write while they run, and some more. Roots stay until the end of the run.
const FOR_WRITING: u64 = 28 << 20;

/// Why there is no place for roots.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Something of the place could not be made.
    #[error("{what}")]
    Make {
        /// What was to be made.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The disk is full, or nearly.
    #[error(
        "`{folder}` has {free} MiB free, and this run needs {needed} MiB; make room, or name another folder with --cache"
    )]
    NoSpace {
        /// The folder.
        folder: String,
        /// Free space.
        free: u64,
        /// Space needed.
        needed: u64,
    },
}

fn make(what: impl Into<String>) -> impl FnOnce(io::Error) -> WorkspaceError {
    move |source| WorkspaceError::Make { what: what.into(), source }
}

fn errno(what: impl Into<String>) -> impl FnOnce(nix::Error) -> WorkspaceError {
    move |source| WorkspaceError::Make { what: what.into(), source: source.into() }
}

/// How roots are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Roots {
    /// As snapshots in a btrfs of our own.
    Btrfs,
    /// File by file, on the file system of the cache; shared blocks where it can (`cp --reflink=auto`).
    Copy,
}

/// The place, with the unpacked images in it.
#[derive(Debug)]
pub struct Workspace {
    mount_point: PathBuf,
    roots: Roots,
    group: PathBuf,
    keeper: Keeper,
    patience: Duration,
}

/// What a workspace is made from.
pub struct Needs<'a> {
    /// The folder of the cache, below which the place is made.
    pub cache: &'a Path,
    /// Id of the run.
    pub run_id: &'a str,
    /// The images of hosts and machines: tar files, or disks that hold one.
    pub images: &'a Images,
    /// How roots are copied.
    pub roots: Roots,
    /// How many hosts there will be at a time.
    pub hosts: usize,
    /// The images of all hosts that there will be, one pair for each.
    pub of_hosts: &'a [Pair<String>],
    /// How long a host may take to boot.
    pub patience: Duration,
    /// This program, as a file.
    pub program: &'a Path,
}

impl Workspace {
    /// Makes the place and unpacks the images in it.
    ///
    /// # Errors
    /// [`WorkspaceError`]; what was made by then goes with the process.
    pub async fn open(needs: Needs<'_>) -> Result<Self, WorkspaceError> {
        let Needs { cache, run_id, images, roots, hosts, of_hosts, patience, program } = needs;
        check_space(cache, images, roots, of_hosts)?;
        leave_mount_namespace()?;
        let mount_point = cache.join("mnt");
        fs::create_dir_all(&mount_point).map_err(make(format!("create `{}`", mount_point.display())))?;
        mount_tmpfs(&mount_point)?;
        let group = mount_cgroup2(&mount_point, run_id).await?.join(format!("nspawn-matrix-{run_id}"));
        let folder = (roots == Roots::Copy).then(|| cache.join(format!(".store-{run_id}")));
        let charge = Charge { mount_point, group, cache: cache.to_owned(), hosts, folder };
        // From here on whatever is made is taken away.
        let keeper = Keeper::start(program, &charge).await.map_err(make("start the keeper of the run"))?;
        let Charge { mount_point, group, folder, .. } = charge;
        let workspace = Self { mount_point, roots, group, keeper, patience };
        match workspace.fill(cache, folder.as_deref(), images).await {
            Ok(()) => Ok(workspace),
            Err(error) => {
                // The first error is the one that matters; the keeper tells its own.
                let _ = workspace.close().await;
                Err(error)
            }
        }
    }

    async fn fill(&self, cache: &Path, folder: Option<&Path>, images: &Images) -> Result<(), WorkspaceError> {
        Cgroup::create(self.group.clone()).map_err(make("create a control group"))?;
        let store = self.store();
        fs::create_dir(&store).map_err(make("create a folder for the roots"))?;
        match folder {
            None => mount_btrfs(&store, cache).await?,
            Some(folder) => bind_folder(&store, folder)?,
        }
        fs::create_dir(store.join(IMAGES)).map_err(make("create a folder for the images"))?;
        let unpacked = images.iter().map(|(name, image)| self.unpack(image, self.base(name)));
        try_join_all(unpacked).await?;
        Ok(())
    }

    /// Where the image of this name is unpacked.
    fn base(&self, image: &str) -> PathBuf {
        self.store().join(IMAGES).join(image)
    }

    fn store(&self) -> PathBuf {
        self.mount_point.join(STORE)
    }

    /// How long a host may take to boot.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// The file that the console of a host goes to.
    pub(super) fn console_file(&self, host: &str) -> PathBuf {
        self.mount_point.join(format!("{host}.console"))
    }

    /// What a host wrote on its console, over all its boots.
    #[must_use]
    pub fn console(&self, host: &str) -> String {
        console_of(&self.console_file(host))
    }

    /// Makes a control group for one host.
    pub(crate) fn group(&self, name: &str) -> io::Result<Cgroup> {
        Cgroup::create(self.group.join(name))
    }

    async fn unpack(&self, image: &Path, base: PathBuf) -> Result<(), WorkspaceError> {
        let base_arg = base.to_string_lossy();
        match self.roots {
            Roots::Btrfs => {
                Command::new("btrfs", ["--quiet", "subvolume", "create", &*base_arg]).output().await?;
            }
            Roots::Copy => fs::create_dir(&base).map_err(make("create a folder for the image"))?,
        }
        Command::from_argv(roots::unpack(&image.to_string_lossy(), &base_arg)).output().await?;
        Ok(())
    }

    /// Makes the root of a host from its image, with a root for each of `machines` in its /var/lib/machines. The images
    /// must be among those that the workspace was opened with.
    ///
    /// # Errors
    /// [`WorkspaceError`].
    pub async fn host_root(
        &self,
        name: &str,
        images: &Pair<String>,
        machines: &[String],
    ) -> Result<PathBuf, WorkspaceError> {
        let root = self.store().join(name);
        roots::copy(&self.base(&images.host), &root).await?;
        let folder = root.join("var/lib/machines");
        fs::create_dir_all(&folder).map_err(make("create /var/lib/machines"))?;
        for machine in machines {
            roots::copy(&self.base(&images.payload), &folder.join(machine)).await?;
        }
        Ok(root)
    }

    /// Takes the place away. All hosts must have ended.
    ///
    /// # Errors
    /// [`WorkspaceError`].
    pub async fn close(self) -> Result<(), WorkspaceError> {
        self.keeper.finish().await.map_err(make("take the workspace away"))
    }
}

/// Mounts the tree of control groups; gives the place in it where the run may make its own.
async fn mount_cgroup2(mount_point: &Path, run_id: &str) -> Result<PathBuf, WorkspaceError> {
    let groups = mount_point.join(GROUPS);
    fs::create_dir(&groups).map_err(make("create a folder for cgroup2"))?;
    mount(Some("cgroup2"), &groups, Some("cgroup2"), MsFlags::empty(), None::<&str>)
        .map_err(errno("mount cgroup2"))?;
    Ok(groups.join(super::delegation::delegated(run_id).await?))
}

/// The file goes when this returns, the blocks when the last mount is gone.
async fn mount_btrfs(store: &Path, cache: &Path) -> Result<(), WorkspaceError> {
    let file = tempfile::Builder::new()
        .prefix(".store-")
        .tempfile_in(cache)
        .map_err(make(format!("create a file in `{}`", cache.display())))?;
    file.as_file().set_len(STORE_BYTES).map_err(make("set the size of the file for the roots"))?;
    let (file, store) = (file.path().to_string_lossy(), store.to_string_lossy());
    Command::new("mkfs.btrfs", ["--quiet", "--data", "single", "--metadata", "single", &*file])
        .output()
        .await?;
    Command::new("mount", ["-o", "loop,noatime,nobarrier", &*file, &*store]).output().await?;
    Ok(())
}

fn bind_folder(store: &Path, folder: &Path) -> Result<(), WorkspaceError> {
    fs::create_dir(folder).map_err(make(format!("create `{}`", folder.display())))?;
    mount(Some(folder), store, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(errno("bind the folder for the roots"))
}

/// Finds out before the run whether it would fill the disk.
fn check_space(
    cache: &Path,
    images: &Images,
    roots: Roots,
    of_hosts: &[Pair<String>],
) -> Result<(), WorkspaceError> {
    let bytes = images.iter().map(|(name, image)| Ok((name.as_str(), size(image)?)));
    let bytes = bytes.collect::<Result<BTreeMap<&str, u64>, WorkspaceError>>()?;
    let of = |image: &String| bytes.get(image.as_str()).copied().unwrap_or_default();
    // Each host has a root of its own and one for each machine.
    let copied = |host: &Pair<String>| match roots {
        Roots::Btrfs => 0,
        Roots::Copy => of(&host.host) + 2 * of(&host.payload),
    };
    let unpacked: u64 = bytes.values().sum();
    let needed = unpacked + of_hosts.iter().map(|host| copied(host) + FOR_WRITING).sum::<u64>();
    let vfs = statvfs(cache).map_err(errno(format!("ask for the free space of `{}`", cache.display())))?;
    let free = vfs.blocks_available() * vfs.fragment_size();
    if free < needed {
        let folder = cache.display().to_string();
        return Err(WorkspaceError::NoSpace { folder, free: free >> 20, needed: needed >> 20 });
    }
    Ok(())
}

/// The size of an image in bytes. What the end is at is the size of a disk too, of which stat(2) knows none.
fn size(image: &Path) -> Result<u64, WorkspaceError> {
    let end = File::open(image).and_then(|mut file| file.seek(SeekFrom::End(0)));
    end.map_err(make(format!("look at `{}`", image.display())))
}

pub(super) fn console_of(file: &Path) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// From here on nobody else sees what this thread, and what it starts, mount.
fn leave_mount_namespace() -> Result<(), WorkspaceError> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(errno("leave the mount namespace"))?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .map_err(errno("make the mounts private"))
}

fn mount_tmpfs(path: &Path) -> Result<(), WorkspaceError> {
    mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some("mode=0700"))
        .map_err(errno("mount a tmpfs"))
}
