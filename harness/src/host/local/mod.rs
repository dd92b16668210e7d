//! This machine itself as the host, for one scenario after another.
//!
//! Somebody needs it, so everything is known before anything is touched: [`Survey`] holds what a run will do ([`intent`])
//! beside what the machine has ([`look`]), leaves out what cannot be done there ([`lack`]), and gives the reasons why the
//! rest must not ([`refusal`]) or what there is to agree to ([`preview`]). What takes each change back is on the disk before it is made; [`clean`] takes it back whatever ended
//! the run.

mod hold;
mod intent;
mod lack;
mod look;
mod naming;
mod obstacle;
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
pub use lack::LeftOut;
pub(super) use naming::Naming;
pub use obstacle::Obstacle;

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

/// What a command on this machine is called that takes back what a run did.
const CLEAN: &str = "nspawn-matrix clean";

/// Why this machine cannot be looked after.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// It is of no use as a host now.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    /// Something failed.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl LocalError {
    /// The next step, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Obstacle(obstacle) => Some(obstacle.hint(CLEAN)),
            Self::Other(_) => None,
        }
    }
}

/// What a run will do to this machine, beside what the machine is like.
#[derive(Debug)]
pub struct Survey {
    left_out: LeftOut,
    intent: Intent,
    look: Look,
    /// Bytes of the root of a machine.
    root: u64,
    hold: Hold,
}

impl Survey {
    /// Takes hold of this machine and looks at it, on which `scenarios` are to be stood up, as they will be. `root` is how
    /// many bytes the root of a machine takes, if that is known.
    ///
    /// # Errors
    /// [`LocalError`].
    pub async fn make<'a>(
        scenarios: impl IntoIterator<Item = &'a Scenario>,
        root: Option<u64>,
    ) -> Result<Self, LocalError> {
        check()?;
        let hold = Hold::take(Path::new(STATE)).with_context(|| format!("lock `{STATE}`"))?;
        let hold = hold.ok_or(Obstacle::Busy)?;
        if kept().is_unfinished()? {
            return Err(Obstacle::Unfinished.into());
        }
        let scenarios: Vec<&Scenario> = scenarios.into_iter().collect();
        let links = look::names_of_links().context("look at this machine")?;
        let left_out = lack::left_out(scenarios.iter().copied(), &links);
        let intent = Intent::of(scenarios.into_iter().filter(|one| !left_out.contains_key(&one.name)));
        let look = Look::at(&intent).await.context("look at this machine")?;
        Ok(Self { left_out, intent, look, root: root.unwrap_or(USUAL_ROOT), hold })
    }

    /// The scenarios that cannot be stood up here.
    #[must_use]
    pub const fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Why the scenarios must not be stood up here, a line for each reason.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        if self.intent.scenarios() == 0 {
            return self.left_out.iter().map(|(scenario, lack)| format!("{scenario}: {lack}")).collect();
        }
        refusal::refusals(&self.intent, &self.look, self.root)
    }

    /// What there is to agree to.
    #[must_use]
    pub fn preview(&self) -> String {
        self.preview_as(&Naming { machine: "This machine".to_owned(), clean: CLEAN.to_owned() })
    }

    /// The same for somebody who is elsewhere.
    pub(super) fn preview_as(&self, naming: &Naming) -> String {
        preview::preview(&self.intent, self.root, naming)
    }

    /// Gives the hold on, for the run.
    #[must_use]
    pub fn into_hold(self) -> Hold {
        self.hold
    }
}

fn check() -> Result<(), LocalError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Obstacle::NoRoot.into());
    }
    if !Path::new(BOOTED).is_dir() {
        return Err(Obstacle::NoSystemd.into());
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
        LocalHost { argv: agent_argv(&program, &payload) }
    }
}

/// The command that starts the agent; `program` is this program and `payload` the image of the machines, as files of the
/// machine.
pub(super) fn agent_argv(program: &str, payload: &str) -> Vec<String> {
    agent_service::argv(program, &["--journal", JOURNAL, "--base", payload])
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
    clean_after(LAST_BREATH, told).await
}

/// The same, where a run that has ended here may take as long as `patience` to be gone.
pub(super) async fn clean_after(
    patience: Duration,
    told: impl FnMut(&str),
) -> Result<Option<Vec<String>>, LocalError> {
    check()?;
    let hold = Hold::wait(Path::new(STATE), patience).await.with_context(|| format!("lock `{STATE}`"))?;
    let _hold = hold.ok_or(Obstacle::Busy)?;
    Ok(take_back(told).await?)
}

/// An agent that still runs is ended first: it would go on with what is being taken back. Whoever calls this has the hold.
pub(super) async fn take_back(told: impl FnMut(&str)) -> anyhow::Result<Option<Vec<String>>> {
    stop(&format!("{}.service", agent_service::UNIT)).await?;
    let kept = kept();
    if !kept.is_unfinished()? {
        return Ok(None);
    }
    Ok(Some(kept.restore(told).await?))
}
