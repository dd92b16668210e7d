//! Measuring one host: boot it, have the agent ask, judge the answers, and take it down again.
//!
//! What is broken is tried once more: a question that gave no answer, of the machines that still stand; a host that
//! does not come to stand, from the start. What was judged is not.

mod remedies;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use nspawn_matrix_reports::{Case, Facts, HostRecord, TimelineEvent};
use tokio::sync::watch;

use crate::agent::{EvidenceFile, Job, Question, Request};
use crate::alias::Alias;
use crate::chain::{causes, chain};
use crate::engine::{Evidence, Progress, Watcher};
use crate::host::{Blueprint, Host, Kind, Site};
use crate::notes::{ATTEMPTS, Notes, SharedNotes};
use crate::plan::HostPlan;
use crate::rpc::Client;

/// How long nothing may be heard of a host, beside its lookups.
const HOST: Duration = Duration::from_secs(600);

/// How long a lookup may take. All but the slowest overlap.
const LOOKUP: Duration = Duration::from_secs(12);

/// One host to be measured.
pub(crate) struct HostTask {
    /// Its part of the plan.
    pub host: HostPlan,
    /// What it is.
    pub kind: Kind,
    /// Lookups for each question about a name.
    pub samples: u32,
    /// Whether what is done to the host is taken back, as on one that is kept.
    pub undo: bool,
    /// Whether what the reasons say is done, and everything asked again.
    pub remedies: bool,
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
    /// The same before its remedies were done; none if none were.
    pub before: Option<Box<Self>>,
}

impl Measured {
    /// What was before the remedies, if any were done, and what is.
    pub(crate) fn in_order(mut self) -> impl Iterator<Item = Self> {
        self.before.take().map(|before| *before).into_iter().chain([self])
    }
}

impl HostTask {
    /// Measures the host, and takes it down whatever happens. One of which nothing is asked is not booted.
    pub(crate) async fn measure(self, site: &Site, mut interrupted: watch::Receiver<bool>) -> Measured {
        let notes = self.notes();
        if self.host.asked().is_empty() {
            return self.told(&mut notes.borrow_mut(), None);
        }
        let mut host = None;
        let failure = tokio::select! {
            () = self.work(site, &mut host, &notes) => None,
            () = silence(&notes, self.patience()) => {
                Some(format!("nothing was heard of the host for {} s", self.patience().as_secs()))
            }
            _ = interrupted.wait_for(|interrupted| *interrupted) => Some("the run was interrupted".to_owned()),
        };
        self.take_down(&mut host, &notes).await;
        for boot in 1..=ATTEMPTS {
            let console = self.console(site, boot).await;
            notes.borrow_mut().evidence.extend(console);
        }
        let mut notes = notes.borrow_mut();
        let before = notes.before.take().map(|mut before| Box::new(self.told(&mut before, None)));
        Measured { before, ..self.told(&mut notes, failure.as_deref()) }
    }

    /// No host is silent for as long as this; one that is has something in it that hangs.
    fn patience(&self) -> Duration {
        HOST + LOOKUP * self.samples
    }

    /// Gives every cell of the plan a case that says why nothing was measured.
    pub(crate) fn not_measured(&self, reason: &str) -> Measured {
        self.conclude(&mut self.notes().borrow_mut(), Some(reason))
    }

    fn notes(&self) -> SharedNotes {
        let notes = Notes::new(self.host.clone(), self.clock, Rc::clone(&self.watcher));
        Rc::new(RefCell::new(notes))
    }

    /// Boots the host and asks; where that fails, boots it afresh and asks what is still open.
    async fn work(&self, site: &Site, host: &mut Option<Host>, notes: &SharedNotes) {
        for boot in 1..=ATTEMPTS {
            let outcome = self.work_once(boot, site, host, notes).await;
            let Err(error) = outcome else { return };
            notes.borrow_mut().failed(boot, &chain(error));
            // Afresh the host would be without what was done to it.
            let is_remedied = notes.borrow().before.is_some();
            if is_remedied || notes.borrow().open(self.host.asked()).is_empty() {
                return;
            }
            self.take_down(host, notes).await;
        }
    }

    async fn work_once(
        &self,
        boot: u32,
        site: &Site,
        host: &mut Option<Host>,
        notes: &SharedNotes,
    ) -> anyhow::Result<()> {
        let scenario = &self.host.scenario;
        self.now(if boot == 1 { "booting" } else { "booting afresh" });
        let blueprint = Blueprint {
            name: &self.name(boot),
            run_id: &self.run_id,
            images: &self.host.roots(),
            machines: &scenario.machines,
            agent: &self.agent,
        };
        let host = host.insert(site.boot(blueprint).await.context("boot the host")?);
        notes.borrow_mut().booted();
        self.as_profile(host, notes)
            .await
            .with_context(|| format!("profile `{}`", self.host.profile.name))?;
        self.while_standing(boot, host, notes).await?;
        self.after_reboot(boot, host, notes).await
    }

    /// Makes the host what its profile says, before anything is known of it.
    async fn as_profile(&self, host: &mut Host, notes: &SharedNotes) -> anyhow::Result<()> {
        let profile = &self.host.profile;
        if profile.is_stock() {
            return Ok(());
        }
        self.now("preparing the host");
        let agent = self.start_agent(host, notes)?;
        agent.call::<_, ()>(&Request::Prepare(profile.steps.clone())).await?;
        // The next agent is a unit of the same name.
        agent.finish().await.context("have the agent end that has prepared the host")?;
        if profile.reboot {
            host.reboot().await.context("reboot the host")?;
        }
        notes.borrow_mut().happened(None, "prepared", Some(profile.name.clone()));
        Ok(())
    }

    async fn while_standing(&self, boot: u32, host: &Host, notes: &SharedNotes) -> anyhow::Result<()> {
        self.now("starting the agent");
        let agent = self.start_agent(host, notes)?;
        let facts: Facts = agent.call(&Request::Facts).await.context("gather the facts of the host")?;
        notes.borrow_mut().facts = Some(facts);
        self.now("measuring");
        let questions = self.host.while_standing();
        let measured = self.ask(&agent, questions, [Request::Measure, Request::Again], notes).await;
        if measured.is_err() || !notes.borrow().is_green() {
            self.now("gathering evidence");
            let evidence = evidence(&agent, prefix(boot)).await;
            notes.borrow_mut().evidence.extend(evidence);
        }
        measured?;
        self.remedied(boot, &agent, notes).await?;
        self.restarted(&agent, notes).await?;
        self.powered_off(boot, &agent, notes).await?;
        if self.undo && !self.is_rebooted(notes) { self.undo(&agent, notes).await } else { Ok(()) }
    }

    /// Takes back what was done to the host, and notes what is not as it was then.
    async fn undo(&self, agent: &Client, notes: &SharedNotes) -> anyhow::Result<()> {
        self.now("undoing");
        match agent.call::<_, Vec<String>>(&Request::Undo).await {
            Ok(left) => {
                notes.borrow_mut().left = Some(left);
                notes.borrow_mut().happened(None, "undone", None);
                Ok(())
            }
            Err(error) => {
                let left = format!("not everything was taken back: {}", causes(&error));
                notes.borrow_mut().left = Some(vec![left]);
                Err(error).context("take back what was done")
            }
        }
    }

    /// Whether the host is to be rebooted still, after which there is more to be asked.
    fn is_rebooted(&self, notes: &SharedNotes) -> bool {
        !notes.borrow().open(self.host.after_reboot()).is_empty()
    }

    /// Asks what becomes of the machines when they are restarted, which disturbs everything else.
    async fn restarted(&self, agent: &Client, notes: &SharedNotes) -> anyhow::Result<()> {
        let open = notes.borrow().open(self.host.restarted());
        if open.is_empty() {
            return Ok(());
        }
        self.now("restarting the machines");
        Ok(agent.call(&Request::Restart(self.job(open))).await?)
    }

    /// Asks what is left of the machines. They are gone then, so all other evidence must have been gathered before.
    async fn powered_off(&self, boot: u32, agent: &Client, notes: &SharedNotes) -> anyhow::Result<()> {
        let questions = self.host.powered_off();
        if notes.borrow().open(questions.clone()).is_empty() {
            return Ok(());
        }
        self.now("powering the machines off");
        let red_before = notes.borrow().red();
        // There is no second attempt: the machines are gone.
        let open = notes.borrow().open(questions);
        let measured =
            agent.call::<_, ()>(&Request::PowerOff(self.job(open))).await.map_err(anyhow::Error::from);
        if measured.is_err() || notes.borrow().red() > red_before {
            let evidence = evidence(agent, &format!("{}powered-off-", prefix(boot))).await;
            notes.borrow_mut().evidence.extend(evidence);
        }
        measured
    }

    async fn after_reboot(&self, boot: u32, host: &mut Host, notes: &SharedNotes) -> anyhow::Result<()> {
        if !self.is_rebooted(notes) {
            return Ok(());
        }
        let questions = self.host.after_reboot();
        self.now("rebooting");
        host.reboot().await.context("reboot the host")?;
        notes.borrow_mut().happened(None, "rebooted", None);
        let agent = self.start_agent(host, notes)?;
        self.now("measuring after the reboot");
        let measured = self.ask(&agent, questions, [Request::AfterReboot; 2], notes).await;
        if measured.is_err() || !notes.borrow().is_green() {
            let evidence = evidence(&agent, &format!("{}rebooted-", prefix(boot))).await;
            notes.borrow_mut().evidence.extend(evidence);
        }
        measured?;
        if self.undo { self.undo(&agent, notes).await } else { Ok(()) }
    }

    /// Asks those of `questions` that are open with the first request, and with the second what is open still.
    async fn ask(
        &self,
        agent: &Client,
        questions: Vec<Question>,
        [first, again]: [fn(Job) -> Request; 2],
        notes: &SharedNotes,
    ) -> anyhow::Result<()> {
        let open = notes.borrow().open(questions);
        agent.call::<_, ()>(&first(self.job(open.clone()))).await?;
        let open = notes.borrow().open(open);
        if !open.is_empty() {
            self.now("asking again");
            agent.call::<_, ()>(&again(self.job(open))).await?;
        }
        Ok(())
    }

    fn job(&self, questions: Vec<Question>) -> Job {
        self.alias().job(Job { scenario: self.host.scenario.clone(), questions, samples: self.samples })
    }

    fn alias(&self) -> Alias {
        Alias::on(self.kind, &self.run_id)
    }

    fn start_agent(&self, host: &Host, notes: &SharedNotes) -> anyhow::Result<Client> {
        let (alias, notes) = (self.alias(), Rc::clone(notes));
        let on_notice = move |notice| notes.borrow_mut().take(alias.notice(notice));
        host.agent(self.undo, on_notice).context("start the agent on the host")
    }

    fn now(&self, now: &str) {
        (self.watcher.borrow_mut())(&Progress::Host { host: &self.host, now });
    }

    /// The name of a boot from the start, which its root and its control group have too.
    fn name(&self, boot: u32) -> String {
        let HostPlan { number, scenario, .. } = &self.host;
        let name = format!("{number}-{}", scenario.name);
        if boot == 1 { name } else { format!("{name}-{boot}") }
    }

    /// What the host wrote on its console, if there was such a boot.
    async fn console(&self, site: &Site, boot: u32) -> Option<EvidenceFile> {
        let content = site.console(&self.name(boot)).await;
        let name = format!("{}host-console.txt", prefix(boot));
        (boot == 1 || !content.is_empty()).then_some(EvidenceFile { name, content })
    }

    async fn take_down(&self, host: &mut Option<Host>, notes: &SharedNotes) {
        // What a profile has done is not taken back, so such a host is thrown away.
        let is_as_it_was = notes.borrow().is_undone() && self.host.profile.is_stock();
        let Some(host) = host.take() else { return };
        match host.end(is_as_it_was).await {
            Ok(None) => {}
            Ok(Some(left)) => notes.borrow_mut().left = Some(left),
            Err(error) => tell!("{}: {}", self.host.id, chain(error)),
        }
    }

    /// Concludes, and tells whoever watches.
    fn told(&self, notes: &mut Notes, failure: Option<&str>) -> Measured {
        let measured = self.conclude(notes, failure);
        let (record, cases) = (&measured.record, &*measured.cases);
        (self.watcher.borrow_mut())(&Progress::Done { host: &notes.host, record, cases });
        measured
    }

    /// Gives every cell of the plan its case.
    fn conclude(&self, notes: &mut Notes, failure: Option<&str>) -> Measured {
        let cases = notes.conclude(failure);
        let systemd = notes.systemd();
        let record = HostRecord {
            id: notes.host.id.clone(),
            kind: self.kind.name().to_owned(),
            profile: self.host.profile.name.clone(),
            image: self.host.images.host.clone(),
            payload: self.host.images.payload.clone(),
            facts: notes.take_facts(),
            systemd,
            payload_systemd: notes.payload,
            warnings: std::mem::take(&mut notes.warnings),
            left: notes.left.take().unwrap_or_default(),
        };
        let evidence = cases
            .iter()
            .any(|case| !case.verdict.is_green())
            .then(|| Evidence { host: notes.host.id.clone(), files: std::mem::take(&mut notes.evidence) });
        let timeline = std::mem::take(&mut notes.timeline);
        Measured { record, cases, timeline, evidence, before: None }
    }
}

/// Comes back when nothing was heard of the host for `patience`.
async fn silence(notes: &SharedNotes, patience: Duration) {
    loop {
        let heard = notes.borrow().heard();
        let Some(rest) = patience.checked_sub(heard.elapsed()) else { return };
        let _ = tokio::time::timeout(rest, std::future::pending::<()>()).await;
    }
}

/// What stands before the names of evidence of this boot.
fn prefix(boot: u32) -> &'static str {
    if boot == 1 { "" } else { "afresh-" }
}

/// Gathers evidence; `prefix` goes before the names of the files. That there is none is evidence too.
async fn evidence(agent: &Client, prefix: &str) -> Vec<EvidenceFile> {
    let files = agent.call::<_, Vec<EvidenceFile>>(&Request::Evidence).await.unwrap_or_else(|error| {
        vec![EvidenceFile { name: "no-evidence.txt".to_owned(), content: format!("{}\n", chain(error)) }]
    });
    let rename = |file: EvidenceFile| EvidenceFile { name: format!("{prefix}{}", file.name), ..file };
    files.into_iter().map(rename).collect()
}
