//! The live suite: one trial for each case of the matrix, with its claim as the assertion.
//!
//! All hosts that the selected trials need are booted once, in the background; a trial waits for its own case. Where
//! this machine cannot host them the trials are ignored, each with the reason; with `NSPAWN_MATRIX_REQUIRE=1` they
//! fail instead. `NSPAWN_MATRIX_SETUP=1` installs what is missing first.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nspawn_matrix::engine::{Engine, Progress};
use nspawn_matrix::image::Recipe;
use nspawn_matrix::plan::{HostPlan, Plan};
use nspawn_matrix::prepare::{Ready, prepare};
use nspawn_matrix::{interruption, run_id};
use nspawn_matrix_reports::{Case, Verdict, json, junit};
use nspawn_matrix_scenarios::{Check, catalogue};
use support::Settings;

/// The image that the claims are about.
const IMAGE: &str = "trixie";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let plan = Plan::new(IMAGE, catalogue::all(), Check::ALL, 32, support::jobs());
    let board = Arc::new(Board::default());
    let trials: Vec<Trial> = plan.hosts.iter().flat_map(|host| trials(host, &board)).collect();
    let selected = selected(plan, &arguments, &trials);
    let runner = (!arguments.list && !selected.hosts.is_empty()).then(|| start(selected, Arc::clone(&board)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(runner) = runner
        && runner.join().is_err()
    {
        eprintln!("the engine panicked");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// Where cases are put up as they are settled, and where trials wait for theirs.
#[derive(Default)]
struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cases: BTreeMap<String, Case>,
    /// Why no further case will come, once none will.
    over: Option<Over>,
}

#[derive(Clone)]
enum Over {
    Finished,
    Unable(String),
}

impl Board {
    fn put(&self, case: &Case) {
        if let Ok(mut state) = self.state.lock() {
            state.cases.insert(case.name(), case.clone());
        }
        self.changed.notify_all();
    }

    fn end(&self, over: Over) {
        if let Ok(mut state) = self.state.lock() {
            state.over = Some(over);
        }
        self.changed.notify_all();
    }

    /// Waits for the case of this name.
    fn wait(&self, name: &str) -> Result<Case, Over> {
        let state = self.state.lock().expect("no trial panics while it holds the board");
        let state = self
            .changed
            .wait_while(state, |state| !state.cases.contains_key(name) && state.over.is_none())
            .expect("no trial panics while it holds the board");
        match (state.cases.get(name), &state.over) {
            (Some(case), _) => Ok(case.clone()),
            (None, over) => Err(over.clone().unwrap_or(Over::Finished)),
        }
    }
}

fn trials(host: &HostPlan, board: &Arc<Board>) -> Vec<Trial> {
    host.cells
        .iter()
        .map(|cell| {
            let name = support::case_name(&host.scenario.name, &cell.question);
            let board = Arc::clone(board);
            Trial::ignorable_test(name.clone(), move || judge(&name, board.wait(&name)))
        })
        .collect()
}

fn judge(name: &str, case: Result<Case, Over>) -> Result<Completion, Failed> {
    let case = match case {
        Ok(case) => case,
        Err(Over::Unable(reason)) if Settings::from_environment().require => return Err(reason.into()),
        Err(Over::Unable(reason)) => return Ok(Completion::ignored_with(reason)),
        Err(Over::Finished) => return Err(format!("{name}: the run ended without this case").into()),
    };
    let reason = case.reason.unwrap_or_default();
    match case.verdict {
        Verdict::Pass | Verdict::Known => Ok(Completion::Completed),
        Verdict::Skip => Ok(Completion::ignored_with(reason)),
        Verdict::Fail | Verdict::Fixed | Verdict::Broken => {
            let seen = case.observed.map_or_else(|| "nothing".to_owned(), |seen| seen.sentence(&case.check));
            Err(format!("{}: {reason}\nclaimed: {}\nobserved: {seen}", case.verdict, case.expected).into())
        }
    }
}

/// The part of the plan that the selected trials are about.
fn selected(mut plan: Plan, arguments: &Arguments, trials: &[Trial]) -> Plan {
    let mut wanted = trials.iter().map(|trial| !arguments.is_filtered_out(trial));
    for host in &mut plan.hosts {
        host.cells.retain(|_| wanted.next().unwrap_or(false));
    }
    plan.hosts.retain(|host| !host.cells.is_empty());
    plan
}

/// Runs the plan on a thread of its own, which leaves the mount namespace of the others.
fn start(plan: Plan, board: Arc<Board>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let over = support::on_this_thread(run(plan, Arc::clone(&board)));
        board.end(over.map_or_else(Over::Unable, |()| Over::Finished));
    })
}

async fn run(plan: Plan, board: Arc<Board>) -> Result<(), String> {
    let Settings { cache, setup, .. } = Settings::from_environment();
    let recipe = Recipe::parse(IMAGE).map_err(|error| error.to_string())?;
    let Ready { image, roots } = prepare(&cache, &recipe, None, setup, |line| eprintln!("{line}"))
        .await
        .map_err(|unable| unable.to_string())?;
    let engine = Engine {
        run_id: run_id::new(),
        image: image.path,
        cache,
        agent: PathBuf::from(env!("CARGO_BIN_EXE_nspawn-matrix")),
        roots,
        interrupted: interruption::listen().map_err(|error| error.to_string())?,
    };
    let watcher = {
        let board = Arc::clone(&board);
        move |progress: &Progress<'_>| {
            if let Progress::Case(case) = progress {
                board.put(case);
            }
        }
    };
    let outcome = engine.run(plan, std::env::args().collect(), watcher).await;
    outcome.report.cases.iter().for_each(|case| board.put(case));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    json::write(&outcome.report, &out.join("report.json")).map_err(|error| error.to_string())?;
    junit::write(&outcome.report, &out.join("junit.xml")).map_err(|error| error.to_string())?;
    outcome.workspace.map_err(|error| error.to_string())
}
