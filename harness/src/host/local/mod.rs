//! This machine itself as the host, for one scenario after another.
//!
//! Somebody needs it, so everything is known before anything is touched: [`Survey`] holds what a run will do ([`intent`])
//! beside what the machine has ([`look`]), and gives the reasons why it must not ([`refusal`]) or what there is to agree to
//! ([`preview`]). What takes each change back is on the disk before it is made; [`clean`] takes it back whatever ended
//! the run.

mod hold;
mod intent;
mod look;
mod preview;
mod refusal;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_scenarios::Scenario;

use super::agent_service;
use crate::agent::{self, Kept};
use crate::command::Command;
use crate::rpc;
use crate::undo::stop;

pub use hold::Hold;

use intent::Intent;
use look::Look;

/// Where everything is kept that must outlast the run.
const STATE: &str = "/var/lib/nspawn-matrix";

/// Where the journal is.
const JOURNAL: &str = "/var/lib/nspawn-matrix/journal";

/// There if the first process is systemd (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// How long a run that was killed may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// What the root of a machine takes whose image is not built yet, in bytes: that of Debian takes about as much.
const USUAL_ROOT: u64 = 400 << 20;

/// Why this machine cannot be looked after.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Not everybody may change a machine.
    #[error("only root may change this machine")]
    NoRoot,
    /// There is nobody to do what scenarios ask for.
    #[error("the first process of this machine is not systemd")]
    NoSystemd,
    /// Another run, or `clean`.
    #[error("another run, or `nspawn-matrix clean`, is under way on this machine")]
    Busy,
    /// There is a journal.
    #[error("a run on this machine has ended before it could take everything back")]
    Unfinished,
    /// Something failed.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl LocalError {
    /// The next step, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRoot => Some("run the same command as root".to_owned()),
            Self::NoSystemd => {
                Some("have hosts of its own booted with --host sandbox, or --host vm".to_owned())
            }
            Self::Busy => Some("wait for its end".to_owned()),
            Self::Unfinished => Some("`nspawn-matrix clean` takes back what it did".to_owned()),
            Self::Other(_) => None,
        }
    }
}

/// What a run will do to this machine, beside what the machine is like.
#[derive(Debug)]
pub struct Survey {
    intent: Intent,
    look: Look,
    /// Bytes of the root of a machine.
    root: u64,
    hold: Hold,
}

impl Survey {
    /// Takes hold of this machine and looks at it, on which `scenarios` are to be stood up, as they will be. `image` is that
    /// of the machines, a tar file, if it is there.
    ///
    /// # Errors
    /// [`LocalError`].
    pub async fn make<'a>(
        scenarios: impl IntoIterator<Item = &'a Scenario>,
        image: Option<&Path>,
    ) -> Result<Self, LocalError> {
        check()?;
        let hold = Hold::take(Path::new(STATE)).with_context(|| format!("lock `{STATE}`"))?;
        let hold = hold.ok_or(LocalError::Busy)?;
        if kept().is_unfinished()? {
            return Err(LocalError::Unfinished);
        }
        let intent = Intent::of(scenarios);
        let look = Look::at(&intent).await.context("look at this machine")?;
        let root = image.and_then(|image| Some(image.metadata().ok()?.len())).unwrap_or(USUAL_ROOT);
        Ok(Self { intent, look, root, hold })
    }

    /// Why the scenarios must not be stood up here, a line for each reason.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        refusal::refusals(&self.intent, &self.look, self.root)
    }

    /// What there is to agree to.
    #[must_use]
    pub fn preview(&self) -> String {
        preview::preview(&self.intent, self.root)
    }

    /// Gives the hold on, for the run.
    #[must_use]
    pub fn into_hold(self) -> Hold {
        self.hold
    }
}

fn check() -> Result<(), LocalError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(LocalError::NoRoot);
    }
    if !Path::new(BOOTED).is_dir() {
        return Err(LocalError::NoSystemd);
    }
    Ok(())
}

fn kept() -> Kept {
    Kept { journal: JOURNAL.into(), base: None }
}

/// This machine, for one scenario after another.
#[derive(Debug)]
pub struct Local {
    /// The image of the machines, a tar file.
    payload: PathBuf,
    /// This program, as a file.
    program: PathBuf,
}

/// This machine while it is the host of one scenario.
#[derive(Debug)]
pub struct LocalHost {
    /// What the agent is started with.
    argv: Vec<String>,
}

impl Local {
    /// Has machines made from the tar file `payload`, and this program, the file `program`, as agent.
    #[must_use]
    pub const fn new(payload: PathBuf, program: PathBuf) -> Self {
        Self { payload, program }
    }

    /// There is nothing to boot.
    pub(super) fn host(&self) -> LocalHost {
        let [program, payload] = [&self.program, &self.payload].map(|path| path.display().to_string());
        LocalHost { argv: agent_service::argv(&program, &["--journal", JOURNAL, "--base", &payload]) }
    }
}

impl LocalHost {
    /// Starts the agent as a service of the machine.
    ///
    /// # Errors
    /// If systemd-run cannot be started.
    pub(super) fn agent(
        &self,
        on_notice: impl FnMut(agent::Notice) + 'static,
    ) -> anyhow::Result<rpc::Client> {
        // Ctrl-C is for the run, which then takes everything back.
        let child = Command::from_argv(&self.argv).apart().spawn_piped()?;
        Ok(rpc::Client::new("agent", child, on_notice))
    }

    /// Gives the machine up; what was not taken back is, now. Gives what is not as it was then; none if there was nothing
    /// to be taken back.
    ///
    /// # Errors
    /// If something could not be taken back.
    pub(super) async fn end(self) -> anyhow::Result<Option<Vec<String>>> {
        take_back(|_| {}).await.context("take back what was done; `nspawn-matrix clean` tries it again")
    }
}

/// Takes back what an earlier run on this machine did, and gives what differs from before; none if there is nothing to be
/// taken back. `told` hears what is done.
///
/// # Errors
/// [`LocalError`]; what could not be taken back then stays in the journal.
pub async fn clean(told: impl FnMut(&str)) -> Result<Option<Vec<String>>, LocalError> {
    check()?;
    let hold = Hold::wait(Path::new(STATE), LAST_BREATH).await.with_context(|| format!("lock `{STATE}`"))?;
    let _hold = hold.ok_or(LocalError::Busy)?;
    Ok(take_back(told).await?)
}

/// An agent that still runs is ended first: it would go on with what is being taken back.
async fn take_back(told: impl FnMut(&str)) -> anyhow::Result<Option<Vec<String>>> {
    stop(&format!("{}.service", agent_service::UNIT)).await?;
    let kept = kept();
    if !kept.is_unfinished()? {
        return Ok(None);
    }
    Ok(Some(kept.restore(told).await?))
}
