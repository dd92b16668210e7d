//! The agent: stands a scenario up on a host and asks its questions.
//!
//! It is this program, run as a service of the host. The controller speaks to it by [`crate::rpc`]; the agent speaks
//! the same way to a probe in each machine. What it answers are observations; it knows no claims.

mod ask;
mod before;
mod bridge_netfilter;
mod dhcp_server;
mod evidence;
mod facts;
mod footing;
mod forwarding;
pub(crate) mod found;
mod host_name;
mod id_mapping;
mod journal;
mod kept;
mod launch;
mod leftovers;
mod legacy_tables;
mod links;
pub(crate) mod machined;
mod main_process;
mod network_files;
mod nft;
mod nspawn_process;
mod pace;
mod provision;
pub(crate) mod routes;
mod settings;
mod standing;
mod started;
mod warnings;
mod way_back;

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Context;
use nspawn_matrix_reports::Observation;
use nspawn_matrix_scenarios::{Check, Scenario, Settings, Step, Subject};
use serde::{Deserialize, Serialize};

pub use evidence::EvidenceFile;
pub use found::{Found, Running, Seen};
pub use kept::Kept;

use crate::command::Command;
use crate::ends::Ends;
use crate::rpc;
use before::Before;
use pace::Pace;
use standing::Standing;
use started::Started;

/// What an agent can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// What is known of the host; answers with [`nspawn_matrix_reports::Facts`].
    Facts,
    /// Stands the scenario up and asks; each answer comes as a [`Notice::Case`].
    Measure(Job),
    /// Asks once more, of the machines that [`Request::Measure`] stood up; each answer comes as a [`Notice::Case`].
    Again(Job),
    /// Has a shell of the host do what a person would paste there; fails if that does.
    Paste(String),
    /// Asks the machines as they stand now, whatever has been done to them since; each answer comes as a [`Notice::Case`].
    Anew(Job),
    /// Restarts the machines, one after another, and asks what became of them; each answer comes as a [`Notice::Case`].
    Restart(Job),
    /// Powers the machines off, and asks what is left of them; each answer comes as a [`Notice::Case`].
    PowerOff(Job),
    /// Asks what is asked after a reboot of the host; each answer comes as a [`Notice::Case`].
    AfterReboot(Job),
    /// What helps to understand why something is not as claimed; answers with `Vec<EvidenceFile>`.
    Evidence,
    /// The machines that somebody runs here; answers with [`Running`].
    Running,
    /// What is known of the host but for its network; answers with [`nspawn_matrix_reports::Facts`].
    BriefFacts,
    /// Asks machines that somebody runs, and changes nothing; each answer comes as a [`Notice::Case`].
    Attend {
        /// The machines.
        running: Running,
        /// The questions.
        questions: Vec<Question>,
    },
    /// Does steps that are not taken back: those of a profile, and what makes a virtual machine a host.
    Prepare(Vec<Step>),
    /// Takes back what was done to a host that is kept; answers with what is not as it was then, as `Vec<String>`.
    Undo,
}

/// What is to be stood up and asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The scenario.
    pub scenario: Scenario,
    /// The questions.
    pub questions: Vec<Question>,
    /// Lookups for each question about a name.
    pub samples: u32,
}

/// One question to one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub check: Check,
    /// The subject.
    pub subject: Subject,
}

/// What an agent tells without being asked.
#[expect(clippy::large_enum_variant, reason = "one at a time is made, and written at once")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// A question was answered, or could not be asked.
    Case {
        /// The question.
        question: Question,
        /// What was seen, or why nothing could be.
        outcome: Result<Observation, String>,
        /// How long it took, in milliseconds.
        duration_ms: u64,
    },
    /// What was detected that can change what is to be expected. It comes before the first case.
    Settings(Settings),
    /// What was detected of the links of the machines, which is not the same for all questions. It comes before the first
    /// case.
    Ends(Ends),
    /// Major version of the systemd of the machines. It comes before the first case.
    Payload(u32),
    /// What systemd said about settings that it does not take.
    Warnings(Vec<String>),
    /// Something happened to a machine.
    Event {
        /// The machine; none if it is about the host.
        machine: Option<String>,
        /// What happened: `registered`.
        event: String,
        /// With what or whom, where that belongs to it.
        detail: Option<String>,
    },
}

/// How often a name is looked up in machines that somebody runs.
const LOOKUPS_OF_OTHERS: u32 = 1;

#[derive(Default)]
struct Agent {
    /// What is known of a host that is kept.
    kept: Option<Kept>,
    /// Kept until the agent ends: machines started on a command line end with the command.
    started: RefCell<Option<Started>>,
    /// Those that can be asked.
    standing: RefCell<Option<Standing>>,
    /// Those that were to be started, whether or not they stand.
    machines: RefCell<Vec<String>>,
}

/// Serves requests on the standard streams until they end. On a host that is kept, what is done to it is journalled.
///
/// # Errors
/// If no runtime can be had.
pub fn run(kept: Option<Kept>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, rpc::serve(Rc::new(Agent { kept, ..Agent::default() })));
    Ok(())
}

impl rpc::Service<Request> for Agent {
    async fn answer(&self, request: Request) -> Result<serde_json::Value, String> {
        match request {
            Request::Facts => rpc::reply(facts::gather().await),
            Request::Running => rpc::reply(found::running().await),
            Request::BriefFacts => rpc::reply(facts::of_system().await),
            Request::Attend { running, questions } => rpc::reply(attend(&running, &questions).await),
            Request::Measure(job) => rpc::reply(self.measure(job).await),
            Request::Again(job) => rpc::reply(self.again(job).await),
            Request::Paste(command) => rpc::reply(paste(&command).await),
            Request::Anew(job) => rpc::reply(self.anew(job).await),
            Request::Restart(job) => rpc::reply(self.restart(job).await),
            Request::PowerOff(job) => rpc::reply(self.power_off(job).await),
            Request::AfterReboot(job) => rpc::reply(self.after_reboot(&job).await),
            Request::Prepare(steps) => rpc::reply(self.prepare(&steps).await),
            Request::Undo => rpc::reply(self.undo().await),
            Request::Evidence => rpc::reply(evidence::gather(self.leaders(), self.machines()).await),
        }
    }
}

impl Agent {
    /// Names and leaders of the machines that are registered, whether they have settled or not.
    fn leaders(&self) -> Vec<(String, i32)> {
        match (self.standing.borrow().as_ref(), self.started.borrow().as_ref()) {
            (Some(standing), _) => standing.leaders(),
            (None, Some(started)) => started.leaders().to_vec(),
            (None, None) => Vec::new(),
        }
    }

    /// Names of the machines that were to be started.
    fn machines(&self) -> Vec<String> {
        self.machines.borrow().clone()
    }

    async fn measure(&self, job: Job) -> anyhow::Result<()> {
        self.machines.replace(job.scenario.machines.clone());
        let pace = Pace::of_host().await?;
        let before = Before::look().await?;
        let journal = match &self.kept {
            Some(kept) => Some(kept.begin(&job.scenario).await?),
            None => None,
        };
        provision::provision(&job.scenario.steps, journal.as_ref(), pace).await?;
        if let Some(journal) = &journal {
            kept::note_machines(journal, &job.scenario)?;
        }
        let standing = self.stand_up(&job.scenario, before, pace).await;
        // What was ignored may well be why a machine does not stand.
        rpc::notify(&Notice::Warnings(warnings::gather(&job.scenario.machines).await));
        self.ask(standing?, &job).await
    }

    /// Starts the machines and waits until they can be asked. What has been started is kept, whatever comes of it.
    async fn stand_up(&self, scenario: &Scenario, before: Before, pace: Pace) -> anyhow::Result<Standing> {
        let mut started = Started::launch(scenario, pace).await?;
        let registered = started.register(scenario).await;
        let standing = match registered {
            Ok(()) => Standing::up(&started, scenario, before).await,
            Err(error) => Err(error),
        };
        self.started.replace(Some(started));
        standing
    }

    async fn prepare(&self, steps: &[Step]) -> anyhow::Result<()> {
        provision::provision(steps, None, Pace::of_host().await?).await
    }

    async fn after_reboot(&self, job: &Job) -> anyhow::Result<()> {
        ask::after_reboot(job, Pace::of_host().await?).await
    }

    async fn again(&self, job: Job) -> anyhow::Result<()> {
        let mut standing = self.standing.take().context("no machines stand")?;
        standing.renew_probes()?;
        self.ask(standing, &job).await
    }

    async fn anew(&self, job: Job) -> anyhow::Result<()> {
        let before = self.standing.take().context("no machines stand")?.before;
        let mut started = self.started.take().context("no machines were started")?;
        let registered = started.register_anew(&job.scenario).await;
        let standing = match registered {
            Ok(()) => Standing::up(&started, &job.scenario, before).await,
            Err(error) => Err(error),
        };
        self.started.replace(Some(started));
        self.ask(standing?, &job).await
    }

    async fn ask(&self, standing: Standing, job: &Job) -> anyhow::Result<()> {
        let asked = standing.ask(&job.questions, job.samples).await;
        self.standing.replace(Some(standing));
        asked
    }

    async fn restart(&self, job: Job) -> anyhow::Result<()> {
        let standing = self.standing.take().context("no machines stand")?;
        standing.restart(&job).await;
        self.standing.replace(Some(standing));
        Ok(())
    }

    async fn undo(&self) -> anyhow::Result<Vec<String>> {
        let kept = self.kept.as_ref().context("this host is not kept")?;
        self.standing.take();
        if let Some(started) = self.started.take() {
            started.end().await?;
        }
        kept.restore(|_| {}).await
    }

    async fn power_off(&self, job: Job) -> anyhow::Result<()> {
        self.standing.take();
        let registered = self.leaders().into_iter().map(|(machine, _)| machine).collect();
        ask::power_off(&job, registered, Pace::of_host().await?).await;
        if let Some(started) = self.started.borrow_mut().as_mut() {
            started.are_gone();
        }
        Ok(())
    }
}

async fn paste(command: &str) -> anyhow::Result<()> {
    Command::new("sh", ["-c", command]).output().await?;
    Ok(())
}

async fn attend(running: &Running, questions: &[Question]) -> anyhow::Result<()> {
    Standing::attend(running).await?.ask(questions, LOOKUPS_OF_OTHERS).await
}

fn event(machine: Option<&str>, event: &str) {
    event_with(machine, event, None);
}

fn event_with(machine: Option<&str>, event: &str, detail: Option<String>) {
    rpc::notify(&Notice::Event { machine: machine.map(str::to_owned), event: event.to_owned(), detail });
}
