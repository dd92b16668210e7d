//! Making sure that a run can start: root, tools, image. The command line and the live tests share it.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use nix::unistd::geteuid;
use nspawn_matrix_vm::{Accel, Chosen, Qemu, VmError};

use crate::chain::chain;
use crate::command::Command;
use crate::engine::Ground;
use crate::host::{Blank, Hold, Kind, LocalError, Remote, Roots, SshError};
use crate::image::{ImageError, Images, Pair, Pairs, Recipe, Store};
use crate::setup::{self, Need, PackageManager, Tool};

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

/// Checks for root and tools, installs what is missing if `install` says so, and builds the images that are not there;
/// gives what hosts are made from.
/// `roots` says how roots are to be copied, or leaves it to what this machine can do. `progress` hears what takes long.
///
/// # Errors
/// [`Unable`].
pub async fn prepare(
    cache: &Path,
    recipes: &Pairs,
    roots: Option<Roots>,
    install: bool,
    mut progress: impl FnMut(&str),
) -> Result<Ground, Unable> {
    check_root()?;
    let store = Store::open(cache.to_owned());
    tools(Kind::Sandbox, needs(&store, recipes, roots), install, &mut progress).await?;
    let images = images(&store, recipes, &mut progress).await?;
    let roots = match roots {
        Some(roots) => roots,
        None => best_roots(&mut progress).await,
    };
    Ok(Ground::Sandboxes { images, cache: cache.to_owned(), roots })
}

/// Which tools a run on this machine cannot do without.
fn needs(store: &Store, recipes: &Pairs, roots: Option<Roots>) -> impl Fn(&Tool) -> bool + use<> {
    let is_missing = |recipe: &Recipe| matches!(recipe, Recipe::Debian(_)) && store.find(recipe).is_none();
    let must_build = recipes.recipes().into_iter().any(is_missing);
    move |tool| match tool.need {
        Need::Always => true,
        Need::DebianImages => must_build,
        Need::CloudImages | Need::Machines | Need::Tests => false,
        Need::Speed => roots == Some(Roots::Btrfs),
    }
}

/// Makes sure that this machine itself can be the host, of which `hold` was taken: checks for tools, installs what is
/// missing if `install` says so, and builds the image of the machines if it is not there. `progress` hears what takes long.
///
/// # Errors
/// [`Unable`].
pub async fn prepare_local(
    cache: &Path,
    recipe: &Recipe,
    install: bool,
    hold: Hold,
    mut progress: impl FnMut(&str),
) -> Result<Ground, Unable> {
    let store = Store::open(cache.to_owned());
    let is_needed = needs(&store, &Pairs::from(recipe.clone()), None);
    tools(Kind::Local, is_needed, install, &mut progress).await?;
    let payload = store.build(recipe, &mut progress).await?;
    Ok(Ground::Local { payload: payload.path, hold })
}

/// Makes sure that machines elsewhere can be the hosts: builds the image of their machines if it is not there, and copies
/// it to those that have not got it. `progress` hears what takes long.
///
/// # Errors
/// [`Unable`].
pub async fn prepare_remote(
    cache: &Path,
    recipe: &Recipe,
    remotes: &[Rc<Remote>],
    install: bool,
    mut progress: impl FnMut(&str),
) -> Result<(), Unable> {
    let store = Store::open(cache.to_owned());
    tools(Kind::Ssh, needs(&store, &Pairs::from(recipe.clone()), None), install, &mut progress).await?;
    let payload = store.build(recipe, &mut progress).await?;
    let copies = remotes.iter().map(|remote| remote.use_image(&payload.path, |line| tell!("{line}")));
    futures_util::future::try_join_all(copies).await?;
    Ok(())
}

/// Checks for tools, and builds the image of the virtual machine and that of the machines, if they are not there.
/// `agent` is this program, as a file; `progress` hears what takes long.
///
/// # Errors
/// [`Unable`].
pub async fn prepare_guests(
    cache: &Path,
    recipes: &Pair<Recipe>,
    agent: &Path,
    mut progress: impl FnMut(&str),
) -> Result<Ground, Unable> {
    tools_of_vm()?;
    let chosen = Chosen::named(&recipes.host.name()).map_err(|error| Unable {
        message: chain(error),
        hint: Some("name another one with --image".into()),
    })?;
    let payload = Store::open(cache.to_owned()).build(&recipes.payload, &mut progress).await?;
    let blank = Box::new(blank(chosen, agent, &mut progress).await?);
    Ok(Ground::Guests { blank, payload: payload.path })
}

/// Checks for tools, and builds the images that are not there: that of the virtual machine, which is always the same, and
/// those of the sandboxes in it and of their machines. `roots` says how roots are to be copied, or leaves it to what the
/// virtual machine can do. `agent` is this program, as a file; `progress` hears what takes long.
///
/// # Errors
/// [`Unable`].
pub async fn prepare_nested(
    cache: &Path,
    recipes: &Pairs,
    roots: Option<Roots>,
    agent: &Path,
    mut progress: impl FnMut(&str),
) -> Result<Ground, Unable> {
    tools_of_vm()?;
    let chosen = Chosen::named("debian").map_err(|error| Unable { message: chain(error), hint: None })?;
    let images = images(&Store::open(cache.to_owned()), recipes, &mut progress).await?;
    let blank = Box::new(blank(chosen, agent, &mut progress).await?);
    Ok(Ground::Nested { blank, images, roots: roots.unwrap_or(Roots::Btrfs) })
}

/// Builds the images that are not there, each once; gives their files.
async fn images(store: &Store, recipes: &Pairs, progress: &mut impl FnMut(&str)) -> Result<Images, Unable> {
    let mut images = Images::new();
    for recipe in recipes.recipes() {
        let image = store.build(recipe, &mut *progress).await?;
        images.insert(image.name, image.path);
    }
    Ok(images)
}

/// Builds the image of a virtual machine if it is not there, and finds out what runs it.
async fn blank(chosen: Chosen, agent: &Path, progress: &mut impl FnMut(&str)) -> Result<Blank, Unable> {
    let store = nspawn_matrix_vm::Store::of_this_user();
    let image = store.build(&chosen, &mut *progress).await?;
    let qemu = Qemu::find().await?;
    let choice = Accel::choose(&qemu, store.trial_kernel(&image).as_deref()).await?;
    choice.describe().iter().for_each(|line| progress(line));
    Ok(Blank { qemu, accel: choice.accel, spec: chosen.spec, image, program: agent.to_owned() })
}

/// Says what is missing for virtual machines.
fn tools_of_vm() -> Result<(), Unable> {
    let missing = setup::missing(Kind::Vm);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Unable {
        message: setup::describe(&missing, PackageManager::detect()).trim_end().to_owned(),
        hint: Some("`nspawn-matrix setup --host vm`, as root, does that too".to_owned()),
    })
}

/// Tells at once, and without touching anything, whether [`prepare`] has no chance here.
#[must_use]
pub fn is_hopeless(install: bool) -> bool {
    let lacks_tools = || setup::missing(Kind::Sandbox).iter().any(|tool| tool.need == Need::Always);
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
    kind: Kind,
    is_needed: impl Fn(&Tool) -> bool,
    install: bool,
    progress: &mut impl FnMut(&str),
) -> Result<(), Unable> {
    let missing = setup::missing(kind);
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
    let needed: Vec<&Tool> = setup::missing(kind).into_iter().filter(|tool| is_needed(tool)).collect();
    if needed.is_empty() {
        return Ok(());
    }
    // Whoever types the command wants what makes a run faster too.
    Err(Unable {
        message: setup::describe(&setup::missing(kind), manager).trim_end().to_owned(),
        hint: manager.map(|_| "`nspawn-matrix setup`, or --setup, does that too".to_owned()),
    })
}

/// Snapshots where a btrfs can be made and mounted, copies elsewhere.
async fn best_roots(progress: &mut impl FnMut(&str)) -> Roots {
    let lacks = if setup::missing(Kind::Sandbox).iter().any(|tool| tool.need == Need::Speed) {
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

impl From<LocalError> for Unable {
    fn from(error: LocalError) -> Self {
        let hint = error.hint();
        Self { message: chain(error), hint }
    }
}

impl From<SshError> for Unable {
    fn from(error: SshError) -> Self {
        let hint = error.hint();
        Self { message: error.to_string(), hint }
    }
}

impl From<VmError> for Unable {
    fn from(error: VmError) -> Self {
        let hint = error.hint();
        Self { message: chain(error), hint }
    }
}

impl From<ImageError> for Unable {
    fn from(error: ImageError) -> Self {
        let hint = error.hint();
        Self { message: chain(error), hint }
    }
}
