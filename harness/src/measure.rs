//! Measuring one host: boot it, have the agent ask, judge the answers, and take it down again.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use nspawn_matrix_reports::{Case, Facts, HostRecord, Observation, TimelineEvent, Verdict};
use nspawn_matrix_scenarios::{Claim, Scenario, Setting, Settings};
use tokio::sync::watch;

use crate::agent::{EvidenceFile, Job, Notice, Question, Request};
use crate::chain::chain;
use crate::engine::{Evidence, Progress, Watcher};
use crate::host::{Blueprint, Sandbox, Workspace};
use crate::judge::judge;
use crate::plan::{Cell, HostPlan};
use crate::rpc::Client;
use crate::systemd;

/// How long a host may take in all, beside its lookups.
const HOST: Duration = Duration::from_secs(600);

/// How long a lookup may take. All but the slowest overlap.
const LOOKUP: Duration = Duration::from_secs(10);

/// One host to be measured.
pub(crate) struct HostTask {
    /// Its part of the plan.
    pub host: HostPlan,
    /// Name of the image.
    pub image: String,
    /// Lookups for each question about a name.
    pub samples: u32,
    /// Id of the run.
    pub run_id: String,
    /// This program, as a file.
    pub agent: PathBuf,
    /// Start of the run.
    pub clock: Instant,
    /// Whoever watches.
    pub watcher: Watcher,
}

/// All that one host gave.
pub(crate) struct Measured {
    /// The host.
    pub record: HostRecord,
    /// A case for each cell of the plan.
    pub cases: Vec<Case>,
    /// What happened when.
    pub timeline: Vec<TimelineEvent>,
    /// Evidence, if something is not green.
    pub evidence: Option<Evidence>,
}

/// What is known so far. The agent's notices are written here as they come, so that nothing is lost if it ends.
struct Notes {
    id: String,
    scenario: Scenario,
    facts: Option<Facts>,
    settings: Settings,
    payload: Option<u32>,
    cases: Vec<(Question, Case)>,
    timeline: Vec<TimelineEvent>,
    evidence: Vec<EvidenceFile>,
    clock: Instant,
    watcher: Watcher,
}

type SharedNotes = Rc<RefCell<Notes>>;

impl HostTask {
    /// Measures the host, and takes it down whatever happens.
    pub(crate) async fn measure(
        self,
        workspace: &Workspace,
        mut interrupted: watch::Receiver<bool>,
    ) -> Measured {
        let notes = self.notes();
        let mut sandbox = None;
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(self.patience(), self.work(workspace, &mut sandbox, &notes)) => {
                outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("the host took over {} s", self.patience().as_secs())))
            }
            _ = interrupted.wait_for(|interrupted| *interrupted) => Err(anyhow::anyhow!("the run was interrupted")),
        };
        let failure = outcome.err().map(chain);
        let console = workspace.console(&self.host.scenario.name);
        if let Some(sandbox) = sandbox
            && let Err(error) = sandbox.end().await
        {
            tell!("{}: {}", self.host.id, chain(error));
        }
        let measured = self.conclude(&notes, failure.as_deref(), Some(console));
        (self.watcher.borrow_mut())(&Progress::Done { scenario: &self.host.scenario.name });
        measured
    }

    /// No host takes as long as this; what does has something in it that hangs.
    fn patience(&self) -> Duration {
        HOST + LOOKUP * self.samples
    }

    /// Gives every cell of the plan a case that says why nothing was measured.
    pub(crate) fn not_measured(&self, reason: &str) -> Measured {
        self.conclude(&self.notes(), Some(reason), None)
    }

    fn notes(&self) -> SharedNotes {
        Rc::new(RefCell::new(Notes {
            id: self.host.id.clone(),
            scenario: self.host.scenario.clone(),
            facts: None,
            settings: Settings::new(),
            payload: None,
            cases: Vec::new(),
            timeline: Vec::new(),
            evidence: Vec::new(),
            clock: self.clock,
            watcher: Rc::clone(&self.watcher),
        }))
    }

    async fn work(
        &self,
        workspace: &Workspace,
        sandbox: &mut Option<Sandbox>,
        notes: &SharedNotes,
    ) -> anyhow::Result<()> {
        let scenario = &self.host.scenario;
        self.now("booting");
        let blueprint = Blueprint {
            name: &scenario.name,
            run_id: &self.run_id,
            machines: &scenario.machines,
            agent: &self.agent,
        };
        let sandbox = sandbox.insert(Sandbox::boot(workspace, blueprint).await.context("boot the host")?);
        notes.borrow_mut().happened(None, "booted");
        self.while_standing(sandbox, notes).await?;
        self.after_reboot(sandbox, notes).await
    }

    async fn while_standing(&self, sandbox: &Sandbox, notes: &SharedNotes) -> anyhow::Result<()> {
        self.now("starting the agent");
        let agent = start_agent(sandbox, notes)?;
        let facts: Facts = agent.call(&Request::Facts).await.context("gather the facts of the host")?;
        notes.borrow_mut().facts = Some(facts);
        self.now("measuring");
        let measured = agent.call::<_, ()>(&Request::Measure(self.job(self.host.before_reboot()))).await;
        if measured.is_err() || !notes.borrow().is_green() {
            self.now("gathering evidence");
            let evidence = evidence(&agent, "").await;
            notes.borrow_mut().evidence.extend(evidence);
        }
        Ok(measured?)
    }

    async fn after_reboot(&self, sandbox: &mut Sandbox, notes: &SharedNotes) -> anyhow::Result<()> {
        let questions = self.host.after_reboot();
        if questions.is_empty() {
            return Ok(());
        }
        self.now("rebooting");
        sandbox.reboot().await.context("reboot the host")?;
        notes.borrow_mut().happened(None, "rebooted");
        let agent = start_agent(sandbox, notes)?;
        self.now("measuring after the reboot");
        let measured = agent.call::<_, ()>(&Request::AfterReboot(self.job(questions))).await;
        if measured.is_err() || !notes.borrow().is_green() {
            let evidence = evidence(&agent, "rebooted-").await;
            notes.borrow_mut().evidence.extend(evidence);
        }
        Ok(measured?)
    }

    fn job(&self, questions: Vec<Question>) -> Job {
        Job { scenario: self.host.scenario.clone(), questions, samples: self.samples }
    }

    fn now(&self, now: &str) {
        (self.watcher.borrow_mut())(&Progress::Host { scenario: &self.host.scenario.name, now });
    }

    /// Gives every cell of the plan its case.
    fn conclude(&self, notes: &SharedNotes, failure: Option<&str>, console: Option<String>) -> Measured {
        let mut notes = notes.borrow_mut();
        let cases: Vec<Case> = self.host.cells.iter().map(|cell| notes.case_of(cell, failure)).collect();
        let systemd = notes.systemd();
        let record = HostRecord {
            id: self.host.id.clone(),
            kind: "sandbox".to_owned(),
            profile: "stock".to_owned(),
            image: self.image.clone(),
            payload: self.image.clone(),
            facts: notes.take_facts(),
            systemd,
            payload_systemd: notes.payload,
        };
        let evidence = cases.iter().any(|case| !case.verdict.is_green()).then(|| {
            let mut files = std::mem::take(&mut notes.evidence);
            files
                .extend(console.map(|content| EvidenceFile { name: "host-console.txt".to_owned(), content }));
            Evidence { scenario: self.host.scenario.name.clone(), files }
        });
        Measured { record, cases, timeline: std::mem::take(&mut notes.timeline), evidence }
    }
}

/// Gathers evidence; `prefix` goes before the names of the files. That there is none is evidence too.
async fn evidence(agent: &Client, prefix: &str) -> Vec<EvidenceFile> {
    let files = agent.call::<_, Vec<EvidenceFile>>(&Request::Evidence).await.unwrap_or_else(|error| {
        vec![EvidenceFile { name: "no-evidence.txt".to_owned(), content: format!("{}\n", chain(error)) }]
    });
    let rename = |file: EvidenceFile| EvidenceFile { name: format!("{prefix}{}", file.name), ..file };
    files.into_iter().map(rename).collect()
}

fn start_agent(sandbox: &Sandbox, notes: &SharedNotes) -> anyhow::Result<Client> {
    let notes = Rc::clone(notes);
    let on_notice = move |notice| notes.borrow_mut().take(notice);
    sandbox.agent(on_notice).context("start the agent on the host")
}

impl Notes {
    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Event { machine, event } => self.happened(machine, &event),
            Notice::Settings(settings) => self.settings = settings,
            Notice::Payload(version) => self.payload = Some(version),
            Notice::Case { question, outcome, duration_ms } => {
                let case = self.settle(&question, outcome, duration_ms);
                (self.watcher.borrow_mut())(&Progress::Case(&case));
                self.cases.push((question, case));
            }
        }
    }

    fn happened(&mut self, machine: Option<String>, event: &str) {
        self.timeline.push(TimelineEvent {
            host: self.id.clone(),
            scenario: self.scenario.name.clone(),
            machine,
            event: event.to_owned(),
            at_ms: u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }

    fn settle(&self, question: &Question, outcome: Result<Observation, String>, duration_ms: u64) -> Case {
        let claim = self.claim(question);
        let (verdict, reason, observed) = match (outcome, self.systemd()) {
            (Ok(observation), Some(_)) => {
                let judgement = judge(claim, &observation);
                (judgement.verdict, judgement.reason, Some(observation))
            }
            (Ok(observation), None) => (
                Verdict::Broken,
                "the version of the host's systemd is not known".to_owned(),
                Some(observation),
            ),
            (Err(error), _) => (Verdict::Broken, error, None),
        };
        Case { observed, duration_ms, ..self.blank(question, claim, verdict, reason) }
    }

    fn case_of(&self, cell: &Cell, failure: Option<&str>) -> Case {
        let question = &cell.question;
        let claim = self.claim(question);
        if let Some(reason) = cell.not_asked {
            return self.blank(question, claim, Verdict::Skip, reason.to_owned());
        }
        match self.cases.iter().find(|(answered, _)| answered == question) {
            Some((_, case)) => case.clone(),
            None => {
                let reason = failure.unwrap_or("the agent gave no answer").to_owned();
                self.blank(question, claim, Verdict::Broken, reason)
            }
        }
    }

    fn claim(&self, question: &Question) -> Option<&Claim> {
        // Before the machines stand the version of theirs is not known; they are most likely of the host's image.
        let host = self.systemd()?;
        self.scenario.claim(question.check, host, self.payload.unwrap_or(host), &self.settings)
    }

    fn blank(&self, question: &Question, claim: Option<&Claim>, verdict: Verdict, reason: String) -> Case {
        Case {
            host: self.id.clone(),
            scenario: self.scenario.name.clone(),
            check: question.check.to_string(),
            subject: question.subject.to_string(),
            verdict,
            expected: claim.map_or_else(|| "nothing".to_owned(), |claim| claim.expectation.to_string()),
            observed: None,
            reason: Some(reason),
            link: claim.map(|claim| claim.link.clone()),
            explanations: Vec::new(),
            duration_ms: 0,
        }
    }

    fn take_facts(&mut self) -> Option<Facts> {
        let named = |(setting, value): (&Setting, &String)| (setting.to_string(), value.clone());
        let settings = self.settings.iter().map(named).collect();
        self.facts.take().map(|facts| Facts { settings, ..facts })
    }

    fn is_green(&self) -> bool {
        self.cases.iter().all(|(_, case)| case.verdict.is_green())
    }

    /// Major version of the host's systemd.
    fn systemd(&self) -> Option<u32> {
        systemd::major(&self.facts.as_ref()?.systemd)
    }
}
