//! Making sure that a run can start: root, tools, image. The command line and the live tests share it.

use std::fmt;
use std::path::Path;

use nix::unistd::geteuid;

use crate::host::Roots;
use crate::image::{Image, ImageError, Recipe, Store};
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

/// What a run needs.
pub struct Ready {
    /// The image.
    pub image: Image,
    /// How roots can be copied here.
    pub roots: Roots,
}

/// Checks for root and tools, installs what is missing if `install` says so, and builds the image if it is not there.
/// `progress` hears what takes long.
///
/// # Errors
/// [`Unable`].
pub async fn prepare(
    cache: &Path,
    recipe: &Recipe,
    install: bool,
    mut progress: impl FnMut(&str),
) -> Result<Ready, Unable> {
    check_root()?;
    tools(install, &mut progress).await?;
    let image = Store::open(cache.to_owned()).build(recipe, &mut progress).await?;
    Ok(Ready { image, roots: roots() })
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

/// Installs what is missing, or says what that would be. What only makes a run faster is installed, not asked for.
async fn tools(install: bool, progress: &mut impl FnMut(&str)) -> Result<(), Unable> {
    let missing = setup::missing();
    let manager = PackageManager::detect();
    if install && !missing.is_empty() {
        let manager = manager.ok_or_else(|| unable(&missing, None))?;
        setup::install(&missing, manager, &mut *progress)
            .await
            .map_err(|error| Unable { message: format!("{:#}", anyhow::Error::from(error)), hint: None })?;
    }
    let needed: Vec<&Tool> = setup::missing().into_iter().filter(|tool| tool.need != Need::Speed).collect();
    if needed.is_empty() { Ok(()) } else { Err(unable(&needed, manager)) }
}

fn unable(missing: &[&Tool], manager: Option<PackageManager>) -> Unable {
    Unable {
        message: setup::describe(missing, manager).trim_end().to_owned(),
        hint: Some("or let `nspawn-matrix setup` do it".to_owned()),
    }
}

/// Snapshots where there is btrfs, copies elsewhere.
fn roots() -> Roots {
    let has_btrfs = setup::missing().iter().all(|tool| tool.need != Need::Speed)
        && std::fs::read_to_string("/proc/filesystems").is_ok_and(|list| list.contains("\tbtrfs\n"));
    if has_btrfs { Roots::Btrfs } else { Roots::Copy }
}

impl From<ImageError> for Unable {
    fn from(error: ImageError) -> Self {
        let hint = error.hint();
        Self { message: format!("{:#}", anyhow::Error::from(error)), hint }
    }
}
