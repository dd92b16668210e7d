//! Diagnosing: the machines that somebody runs on this host are asked what changes nothing, and what they answer is held
//! against what follows from how they are linked.
//!
//! The agent is a child of this process and no service, and its questions go to probes in the machines. Each way of being
//! linked is a row of the matrix; they are explained together, since they share the host.

mod plan;
mod unknown;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Context;
use nspawn_matrix_reports::{Case, Facts, HostRecord, Report, Run, SCHEMA, Verdict};
use nspawn_matrix_scenarios::Subject;
use time::OffsetDateTime;

use crate::agent::{Found, Notice, Question, Request, Running, machined};
use crate::chain::causes;
use crate::command::Command;
use crate::engine::{Progress, Watcher};
use crate::host::Kind;
use crate::notes::{Notes, conclude_together};
use crate::plan::HostPlan;
use crate::processors::Usage;
use crate::rpc::Client;
use crate::{enter, run_id};
pub(crate) use unknown::UnknownMachine;

/// What was found out.
pub(crate) struct Diagnosis {
    /// What the machines answered.
    pub(crate) report: Report,
    /// The machines that could not be looked into.
    pub(crate) unseen: Vec<Found>,
    /// Whether anything was claimed.
    pub(crate) is_claimed: bool,
}

/// Why there is no diagnosis.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undiagnosed {
    /// A name that nobody has.
    #[error(transparent)]
    Unknown(#[from] UnknownMachine),
    /// Nothing runs here.
    #[error("no machine is registered with systemd-machined")]
    Nobody,
    /// The host could not be asked.
    #[error("{}", causes(&**.0))]
    Unable(anyhow::Error),
}

impl From<anyhow::Error> for Undiagnosed {
    fn from(error: anyhow::Error) -> Self {
        Self::Unable(error)
    }
}

/// Asks the machines that are `named`, or all if none is.
///
/// # Errors
/// [`Undiagnosed`].
pub(crate) async fn diagnose(named: &[String]) -> Result<Diagnosis, Undiagnosed> {
    let (started, usage) = (OffsetDateTime::now_utc(), Usage::begin());
    let heard = Rc::new(RefCell::new(Vec::new()));
    let agent = start_agent(Rc::clone(&heard))?;
    let (running, facts) = look(&agent).await?;
    let running = unknown::only(running, named)?;
    if running.machines.is_empty() {
        return Err(Undiagnosed::Nobody);
    }
    let plans = plan::plans(&running);
    let questions = plans.iter().flat_map(HostPlan::asked).collect();
    let asked = Request::Attend { running: running.clone(), questions };
    agent.call::<_, ()>(&asked).await.context("ask the machines").map_err(Undiagnosed::Unable)?;
    let notes = noted(&plans, &facts, heard.take());
    let gone = gone(&running).await?;
    let cells = plans.iter().flat_map(|plan| &plan.cells);
    let cases = conclude_together(&notes.iter().collect::<Vec<_>>(), None).into_iter();
    let cases =
        cases.zip(cells).map(|(case, cell)| without(&gone, &cell.question, unclaimed(case))).collect();
    let run = Run {
        id: run_id::new(),
        started,
        finished: OffsetDateTime::now_utc(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        argv: std::env::args().collect(),
        utilisation: usage.until_now(),
        redacted: false,
    };
    let hosts = notes.into_iter().zip(&plans).map(|(notes, plan)| record(notes, plan)).collect();
    let report = Report { schema: SCHEMA.to_owned(), run, hosts, cases, timeline: Vec::new() };
    let is_claimed = plans.iter().any(|plan| !plan.scenario.claims.is_empty());
    let unseen = running.machines.into_iter().filter(|found| found.seen.is_err()).collect();
    Ok(Diagnosis { report, unseen, is_claimed })
}

fn start_agent(heard: Rc<RefCell<Vec<Notice>>>) -> anyhow::Result<Client> {
    let child = Command::new(enter::SELF, ["internal", "agent"]).spawn_piped().context("start the agent")?;
    Ok(Client::new("agent", child, move |notice| heard.borrow_mut().push(notice)))
}

async fn look(agent: &Client) -> anyhow::Result<(Running, Facts)> {
    let (running, facts) = tokio::join!(
        agent.call::<_, Running>(&Request::Running),
        agent.call::<_, Facts>(&Request::BriefFacts)
    );
    Ok((running.context("find the machines")?, facts.context("gather the facts of the host")?))
}

/// Notes of each plan, with the answers to its questions.
fn noted(plans: &[HostPlan], facts: &Facts, heard: Vec<Notice>) -> Vec<Notes> {
    let (clock, nobody): (_, Watcher) = (Instant::now(), Rc::new(RefCell::new(|_: &Progress<'_>| {})));
    let begun = |plan: &HostPlan| {
        let mut notes = Notes::new(plan.clone(), clock, Rc::clone(&nobody));
        notes.facts = Some(facts.clone());
        notes
    };
    let mut notes: Vec<Notes> = plans.iter().map(begun).collect();
    for notice in heard {
        let Notice::Case { question, .. } = &notice else { continue };
        let asks = |plan: &HostPlan| plan.cells.iter().any(|cell| cell.question == *question);
        if let Some(at) = plans.iter().position(asks) {
            notes[at].take(notice);
        }
    }
    notes
}

/// The machines that have ended, or were started anew, since they were found.
async fn gone(running: &Running) -> anyhow::Result<Vec<String>> {
    let still = machined::all().await?;
    let is_gone = |found: &&Found| {
        let leader = found.seen.as_ref().ok().map(|seen| seen.leader);
        leader.is_some() && !still.iter().any(|one| one.name == found.name && Some(one.leader) == leader)
    };
    Ok(running.machines.iter().filter(is_gone).map(|found| found.name.clone()).collect())
}

/// What is asked for what it explains is as somebody likes it.
fn unclaimed(case: Case) -> Case {
    let is_unclaimed = case.verdict == Verdict::Skip && case.observed.is_some();
    let reason = is_unclaimed.then(|| "no claim is made: it is asked for what it explains".to_owned());
    Case { reason: reason.or(case.reason), ..case }
}

/// That a machine has gone while it was asked is no fault of anything.
fn without(gone: &[String], question: &Question, case: Case) -> Case {
    let concerned = [question.subject.asked_about(), question.subject.about()];
    // What the host is asked about itself is about the links of all of them.
    let is_about_all = question.subject == Subject::HostItself && case.verdict == Verdict::Broken;
    let gone = gone.iter().find(|gone| is_about_all || concerned.contains(&Some(gone)));
    match gone.filter(|_| !case.verdict.is_green()) {
        Some(gone) => Case {
            verdict: Verdict::Skip,
            reason: Some(format!("machine `{gone}` has gone meanwhile")),
            explanations: Vec::new(),
            ..case
        },
        None => case,
    }
}

fn record(mut notes: Notes, plan: &HostPlan) -> HostRecord {
    let systemd = notes.systemd();
    HostRecord {
        id: plan.id.clone(),
        kind: Kind::Local.name().to_owned(),
        profile: plan.profile.name.clone(),
        image: plan.images.host.clone(),
        payload: plan.images.payload.clone(),
        facts: notes.take_facts(),
        systemd,
        payload_systemd: None,
        warnings: Vec::new(),
        left: Vec::new(),
    }
}
