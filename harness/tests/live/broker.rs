//! The broker: runs the engine, and gives each trial that asks for it its case as soon as that is settled.
//!
//! Trials ask over a unix socket, which may be in another process: a line with the name of the case, and a line of JSON
//! back, which is a [`Reply`].

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures_util::stream::{self, StreamExt};
use nspawn_matrix::engine::{Engine, Outcome, Progress};
use nspawn_matrix::image::{Pairs, Recipe};
use nspawn_matrix::plan::{HostPlan, Plan};
use nspawn_matrix::prepare::prepare;
use nspawn_matrix::{interruption, run_id};
use nspawn_matrix_reports::{Case, Verdict, json, junit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;

use crate::support::Settings;

/// The file, in the folder for temporary files of cargo, that a broker without a terminal writes to.
pub(crate) const LOG: &str = "broker.log";

/// The report, in the same folder.
const REPORT: [&str; 2] = ["report.json", "junit.xml"];

/// What a trial gets.
pub(crate) type Reply = Result<Case, Over>;

/// Why there is no case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Over {
    /// The run has ended without it.
    Finished,
    /// This machine cannot host a run.
    Unable(String),
}

/// Asks for the case of this name, and waits for it.
///
/// # Errors
/// If the broker ends before it answers.
pub(crate) fn ask(mut broker: UnixStream, name: &str) -> io::Result<Reply> {
    writeln!(broker, "{name}")?;
    let mut line = String::new();
    io::BufReader::new(broker).read_line(&mut line)?;
    if line.is_empty() {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(LOG);
        let text =
            format!("the broker ended before it answered; what it said is here or in `{}`", log.display());
        return Err(io::Error::other(text));
    }
    Ok(serde_json::from_str(&line)?)
}

/// When the hosts of the plan are booted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All from the start.
    AtOnce,
    /// Each when a case of it is asked for.
    OneByOne,
}

/// Where cases are put up as they are settled.
#[derive(Default)]
struct State {
    cases: BTreeMap<String, Case>,
    /// Why no further case will come, once none will.
    over: Option<Over>,
}

impl State {
    fn reply(&self, name: &str) -> Option<Reply> {
        self.cases.get(name).cloned().map(Ok).or_else(|| self.over.clone().map(Err))
    }
}

struct Board {
    state: watch::Sender<State>,
    /// The names of all cases that were asked for.
    asked: RefCell<BTreeSet<String>>,
    /// The hosts that were not asked for yet, by their scenarios.
    waiting: RefCell<BTreeMap<String, HostPlan>>,
    hosts: mpsc::UnboundedSender<HostPlan>,
}

impl Board {
    fn put(&self, cases: &[Case]) {
        let named = cases.iter().map(|case| (case.name(), case.clone()));
        self.state.send_modify(|state| state.cases.extend(named));
    }

    /// Waits for the case of this name, and has its host measured if it is not yet.
    async fn wait(&self, name: String) -> Option<Reply> {
        let scenario = name.split("::").next().unwrap_or_default();
        if let Some(host) = self.waiting.borrow_mut().remove(scenario) {
            // Nobody receives it once the run is over, which the state says then.
            let _ = self.hosts.send(host);
        }
        self.asked.borrow_mut().insert(name.clone());
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| state.reply(&name).is_some()).await.ok()?;
        state.reply(&name)
    }
}

/// Serves trials until `over`, and writes the report. Hosts that are measured then are ended.
///
/// # Errors
/// What went wrong, in words. That this machine cannot host a run is told to the trials, and no error.
pub(crate) async fn serve(
    listener: UnixListener,
    plan: Plan,
    asked: Asked,
    argv: Vec<String>,
    over: impl Future<Output = ()> + 'static,
) -> Result<(), String> {
    let (hosts, queue) = mpsc::unbounded_channel();
    let mut waiting: BTreeMap<String, HostPlan> = BTreeMap::new();
    for host in plan.hosts.iter().cloned() {
        match asked {
            Asked::AtOnce => drop(hosts.send(host)),
            Asked::OneByOne => drop(waiting.insert(host.scenario.name.clone(), host)),
        }
    }
    let (state, asked, waiting) = (watch::Sender::default(), RefCell::default(), RefCell::new(waiting));
    let board = Rc::new(Board { state, asked, waiting, hosts });
    // The one of an earlier run would be taken for this one's.
    REPORT.iter().for_each(|name| drop(fs::remove_file(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))));
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    let listener = tokio::net::UnixListener::from_std(listener).map_err(|error| error.to_string())?;
    spawn_local(accept(listener, Rc::clone(&board)));
    let (ended, mut all_over) = watch::channel(false);
    spawn_local(async move {
        over.await;
        ended.send_replace(true);
    });

    let outcome = run(plan, queue, argv, Rc::clone(&board), all_over.clone()).await;
    let end = outcome.as_ref().map_or_else(|reason| Over::Unable(reason.clone()), |_| Over::Finished);
    board.state.send_modify(|state| state.over = Some(end));
    // The trials of a run that was interrupted, or cannot be, have still to be told so.
    let _ = all_over.wait_for(|over| *over).await;
    match outcome {
        Ok(outcome) => write_report(outcome, &board.asked.borrow()),
        Err(_) => Ok(()),
    }
}

async fn accept(listener: tokio::net::UnixListener, board: Rc<Board>) {
    while let Ok((stream, _)) = listener.accept().await {
        // The name of the socket is open to everybody on this machine.
        let is_ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == nix::unistd::geteuid().as_raw());
        if is_ours {
            spawn_local(answer(stream, Rc::clone(&board)));
        }
    }
}

/// A trial that was killed while it waited misses nothing.
async fn answer(mut stream: tokio::net::UnixStream, board: Rc<Board>) -> Option<()> {
    let (reading, mut writing) = stream.split();
    let name = tokio::io::BufReader::new(reading).lines().next_line().await.ok()??;
    let reply = serde_json::to_string(&board.wait(name).await?).ok()?;
    writing.write_all((reply + "\n").as_bytes()).await.ok()
}

/// Runs the engine for the hosts that come from `queue`, until there are no more or all is over.
async fn run(
    plan: Plan,
    mut queue: mpsc::UnboundedReceiver<HostPlan>,
    argv: Vec<String>,
    board: Rc<Board>,
    mut all_over: watch::Receiver<bool>,
) -> Result<Outcome, String> {
    let Settings { cache, setup, .. } = Settings::from_environment();
    let mut signalled = interruption::listen().map_err(|error| error.to_string())?;
    let (interrupt, interrupted) = watch::channel(false);
    spawn_local(async move {
        tokio::select! {
            _ = signalled.wait_for(|signalled| *signalled) => {}
            _ = all_over.wait_for(|over| *over) => {}
        }
        interrupt.send_replace(true);
    });
    let recipe = Recipe::parse(crate::IMAGE).map_err(|error| error.to_string())?;
    let recipes = Pairs::from(recipe);
    let mut no_more = interrupted.clone();
    let ground = tokio::select! {
        ready = prepare(&cache, &recipes, None, setup, |line| eprintln!("{line}")) => ready.map_err(|unable| unable.to_string())?,
        _ = no_more.wait_for(|interrupted| *interrupted) => return Err("the run was interrupted".to_owned()),
    };
    let engine = Engine {
        remedies: false,
        run_id: run_id::new(),
        ground,
        agent: PathBuf::from(env!("CARGO_BIN_EXE_nspawn-matrix")),
        undo: false,
        interrupted,
    };
    let hosts = stream::poll_fn(move |context| queue.poll_recv(context))
        .take_until(async move { drop(no_more.wait_for(|interrupted| *interrupted).await) });
    let watching = Rc::clone(&board);
    let watcher = move |progress: &Progress<'_>| match progress {
        Progress::Case(case) => watching.put(std::slice::from_ref(case)),
        Progress::Done { cases, .. } => watching.put(cases),
        Progress::Host { .. } => {}
    };
    let outcome = engine.run_as_asked(plan, hosts, argv, watcher).await;
    board.put(&outcome.report.cases);
    Ok(outcome)
}

/// Writes what was measured. What was not, and nobody asked for, is left out.
fn write_report(mut outcome: Outcome, asked: &BTreeSet<String>) -> Result<(), String> {
    let report = &mut outcome.report;
    report.cases.retain(|case| case.verdict != Verdict::Broken || asked.contains(&case.name()));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let [json, junit] = REPORT.map(|name| out.join(name));
    json::write(report, &json).map_err(|error| error.to_string())?;
    junit::write(report, &junit).map_err(|error| error.to_string())?;
    outcome.site.map_err(|error| error.to_string())
}
