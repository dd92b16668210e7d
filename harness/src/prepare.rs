//! Making sure that a run can start: root, tools, image. The command line and the live tests share it.

use std::fmt;
use std::path::Path;

use nix::unistd::geteuid;

use crate::chain::chain;
use crate::command::Command;
use crate::host::Roots;
use crate::image::{Image, ImageError, Pair, Recipe, Store};
use crate::setup::{self, Host, Need, PackageManager, Tool};

/// Why this machine cannot host a run, with the next step.
#[derive(Debug)]
pub struct Unable {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// What a run needs.
pub struct Ready {
    /// The images of hosts and machines.
    pub images: Pair<Image>,
    /// How roots can be copied here.
    pub roots: Roots,
}

/// Checks for root and tools, installs what is missing if `install` says so, and builds the images that are not there.
/// `roots` says how roots are to be copied, or leaves it to what this machine can do. `progress` hears what takes long.
///
/// # Errors
/// [`Unable`].
pub async fn prepare(
    cache: &Path,
    recipes: &Pair<Recipe>,
    roots: Option<Roots>,
    install: bool,
    mut progress: impl FnMut(&str),
) -> Result<Ready, Unable> {
    check_root()?;
    let store = Store::open(cache.to_owned());
    let must_build =
        recipes.each().any(|recipe| matches!(recipe, Recipe::Debian(_)) && store.find(recipe).is_none());
    let is_needed = |tool: &Tool| match tool.need {
        Need::Always => true,
        Need::DebianImages => must_build,
        Need::Speed => roots == Some(Roots::Btrfs),
    };
    tools(is_needed, install, &mut progress).await?;
    let host = store.build(&recipes.host, &mut progress).await?;
    let payload = if recipes.payload == recipes.host {
        host.clone()
    } else {
        store.build(&recipes.payload, &mut progress).await?
    };
    let roots = match roots {
        Some(roots) => roots,
        None => best_roots(&mut progress).await,
    };
    Ok(Ready { images: Pair { host, payload }, roots })
}

/// Tells at once, and without touching anything, whether [`prepare`] has no chance here.
#[must_use]
pub fn is_hopeless(install: bool) -> bool {
    let lacks_tools = || setup::missing(Host::Sandbox).iter().any(|tool| tool.need == Need::Always);
    check_root().is_err() || (!install && lacks_tools())
}

fn check_root() -> Result<(), Unable> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err(Unable {
        message: "hosts are booted in namespaces, which only root may make".to_owned(),
        hint: Some("run the same command as root".to_owned()),
    })
}

/// Installs whatever is missing, or says what is needed and missing.
async fn tools(
    is_needed: impl Fn(&Tool) -> bool,
    install: bool,
    progress: &mut impl FnMut(&str),
) -> Result<(), Unable> {
    let missing = setup::missing(Host::Sandbox);
    let manager = PackageManager::detect();
    if install
        && let Some(manager) = manager
        && !missing.is_empty()
    {
        setup::install(&missing, manager, &mut *progress).await.map_err(|error| Unable {
            message: chain(error),
            hint: Some("mend what the package manager says, and try again".to_owned()),
        })?;
    }
    let needed: Vec<&Tool> =
        setup::missing(Host::Sandbox).into_iter().filter(|tool| is_needed(tool)).collect();
    if needed.is_empty() {
        return Ok(());
    }
    // Whoever types the command wants what makes a run faster too.
    Err(Unable {
        message: setup::describe(&setup::missing(Host::Sandbox), manager).trim_end().to_owned(),
        hint: manager.map(|_| "`nspawn-matrix setup`, or --setup, does that too".to_owned()),
    })
}

/// Snapshots where a btrfs can be made and mounted, copies elsewhere.
async fn best_roots(progress: &mut impl FnMut(&str)) -> Roots {
    let lacks = if setup::missing(Host::Sandbox).iter().any(|tool| tool.need == Need::Speed) {
        "btrfs-progs"
    } else if !kernel_has_btrfs().await {
        "btrfs in the kernel"
    } else if !Path::new("/dev/loop-control").exists() {
        "loop devices"
    } else {
        return Roots::Btrfs;
    };
    progress(&format!("roots are copied file by file, which is slower than snapshots: there is no {lacks}"));
    Roots::Copy
}

/// A file system that is a module shows once it is loaded.
async fn kernel_has_btrfs() -> bool {
    let listed = || std::fs::read_to_string("/proc/filesystems").is_ok_and(|list| list.contains("\tbtrfs\n"));
    if !listed() {
        // Where there is no modprobe there are no modules.
        let _ = Command::new("modprobe", ["btrfs"]).end().await;
    }
    listed()
}

impl From<ImageError> for Unable {
    fn from(error: ImageError) -> Self {
        let hint = error.hint();
        Self { message: chain(error), hint }
    }
}
