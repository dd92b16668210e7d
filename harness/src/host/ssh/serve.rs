//! This program as a service on the machine that is the host of somebody elsewhere.
//!
//! It has hold of the machine from the survey on. When its standard input ends, or nothing comes any more, it takes back
//! what is still to be taken back, and removes itself.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::fcntl::{Flock, FlockArg};
use nspawn_matrix_scenarios::Scenario;
use serde_json::Value;
use tokio::sync::Mutex;

use super::digest_of;
use super::foothold::{Folder, PLACES, PREFIX};
use super::requests::{Notice, Request, SILENCE, Survey};
use crate::chain::chain;
use crate::host::local::{self, Hold, LocalError, Naming, Obstacle};
use crate::host::{Kind, local::Survey as LocalSurvey};
use crate::image::FOLDER_OF_ROOT;
use crate::rpc;
use crate::setup::{self, Need};

/// How long a run whose connection is broken may take to be gone: until that is noticed, and as long as it is taken back.
const LAST_BREATH: Duration = Duration::from_secs(120);

struct Remote {
    hold: RefCell<Option<Hold>>,
    /// One takes back at a time.
    taking_back: Mutex<()>,
    heard: Cell<Instant>,
}

/// Serves on the standard streams; `folder` is the one that this program is in, which goes at the end.
///
/// # Errors
/// If no runtime can be had, or something could not be taken back.
pub fn serve(folder: &Path) -> io::Result<()> {
    // Nobody else removes the folder as long as this is locked.
    let _lock = lock(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let remote = Rc::new(Remote {
        hold: RefCell::default(),
        taking_back: Mutex::default(),
        heard: Cell::new(Instant::now()),
    });
    let left = tokio::task::LocalSet::new().block_on(&runtime, async {
        tokio::select! {
            () = rpc::serve(Rc::clone(&remote)) => {}
            () = remote.silence() => {}
        }
        // What is still asked goes on meanwhile, and waits for no answer.
        remote.leave().await
    });
    // A thread may still read from a connection that is broken.
    runtime.shutdown_background();
    let removed = if is_ours(folder) { fs::remove_dir_all(folder) } else { Ok(()) };
    left.map_err(|error| io::Error::other(chain(error)))?;
    removed
}

impl rpc::Service<Request> for Remote {
    async fn answer(&self, request: Request) -> Result<Value, String> {
        self.heard.set(Instant::now());
        match request {
            Request::Survey { scenarios, root, naming } => {
                rpc::reply(obstacle_or(self.survey(&scenarios, root, &naming).await))
            }
            Request::Image { name, bytes } => rpc::reply(image(&name, bytes)),
            Request::TakeBack => rpc::reply(self.take_back().await),
            Request::Clean => rpc::reply(obstacle_or(self.clean().await)),
            Request::Beat => rpc::reply(Ok(())),
        }
    }
}

impl Remote {
    async fn survey(
        &self,
        scenarios: &[Scenario],
        root: Option<u64>,
        naming: &Naming,
    ) -> Result<Survey, LocalError> {
        let survey = LocalSurvey::make(scenarios, root).await?;
        let mut refusals = missing();
        refusals.extend(survey.refusals());
        let (left_out, preview) = (survey.left_out().clone(), survey.preview_as(naming));
        self.hold.replace(Some(survey.into_hold()));
        Ok(Survey { left_out, refusals, preview })
    }

    async fn take_back(&self) -> anyhow::Result<Option<Vec<String>>> {
        let _one = self.taking_back.lock().await;
        // Without hold of it nothing was done to the machine.
        if self.hold.borrow().is_none() {
            return Ok(None);
        }
        local::take_back(|_| {}).await.context("take back what was done")
    }

    async fn clean(&self) -> Result<Option<Vec<String>>, LocalError> {
        let told = |line: &str| rpc::notify(&Notice::Told(line.to_owned()));
        let cleaned = local::clean_after(LAST_BREATH, told).await?;
        sweep();
        Ok(cleaned)
    }

    /// Comes back when nothing was heard for too long.
    async fn silence(&self) {
        while let Some(rest) = SILENCE.checked_sub(self.heard.get().elapsed()) {
            let _ = tokio::time::timeout(rest, std::future::pending::<()>()).await;
        }
    }

    async fn leave(&self) -> anyhow::Result<()> {
        self.take_back().await?;
        self.hold.take();
        Ok(())
    }
}

/// An obstacle is an answer.
fn obstacle_or<T>(result: Result<T, LocalError>) -> anyhow::Result<Result<T, Obstacle>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(LocalError::Obstacle(obstacle)) => Ok(Err(obstacle)),
        Err(LocalError::Other(error)) => Err(error),
    }
}

/// What a run cannot do without and this machine has not, a line for each.
fn missing() -> Vec<String> {
    let missing = setup::missing(Kind::Local).into_iter().filter(|tool| tool.need == Need::Always);
    missing.map(|tool| format!("there is no {tool}")).collect()
}

/// The image of this name in the cache of this machine, and its SHA-256, if it has this size.
fn image(name: &str, bytes: u64) -> anyhow::Result<Option<(PathBuf, String)>> {
    let path = Path::new(FOLDER_OF_ROOT).join(Path::new(name).file_name().unwrap_or_default());
    let is_it = path.metadata().is_ok_and(|found| found.is_file() && found.len() == bytes);
    if !is_it {
        return Ok(None);
    }
    let digest = digest_of(&path).with_context(|| format!("read `{}`", path.display()))?;
    Ok(Some((path, digest)))
}

fn lock(folder: &Path) -> io::Result<Flock<File>> {
    Flock::lock(File::open(folder)?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
}

/// Whether a folder is one that the shell of a run has made: nothing else is ever removed.
fn is_ours(folder: &Path) -> bool {
    let is_owned = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == 0);
    is_owned && Folder::read(&folder.to_string_lossy()).is_some()
}

/// Removes the folders of those that were killed.
fn sweep() {
    let entries = PLACES.iter().flat_map(|place| fs::read_dir(place).into_iter().flatten().flatten());
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in named.map(|entry| entry.path()).filter(|folder| is_ours(folder)) {
        if lock(&folder).is_ok() {
            // What cannot be removed now is removed by the next.
            let _ = fs::remove_dir_all(folder);
        }
    }
}
