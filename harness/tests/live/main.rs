//! The live suite: one trial for each case of the matrix, with its claim as the assertion.
//!
//! A trial asks a [`broker`] for its case. `cargo test` is one process: its broker is a thread, and boots at once all
//! hosts that the selected trials need. `cargo nextest run` starts a process for each trial: the first starts the
//! broker as a process of its own, and a host is booted when the first trial asks for a case of it ([`nextest`]).
//!
//! Where this machine cannot host them the trials are ignored, each with the reason; with `NSPAWN_MATRIX_REQUIRE=1`
//! they fail instead. `NSPAWN_MATRIX_SETUP=1` installs what is missing first.

mod broker;
mod nextest;
#[path = "../support/mod.rs"]
mod support;

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

use broker::{Asked, Over, Reply};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nspawn_matrix::host::Kind;
use nspawn_matrix::plan::{Cell, Plan};
use nspawn_matrix::run_id;
use nspawn_matrix_reports::Verdict;
use nspawn_matrix_scenarios::{Check, Profile, catalogue};
use support::Settings;
use tokio::sync::oneshot;

/// The image that the claims are about.
const IMAGE: &str = "trixie";

fn main() -> ExitCode {
    let plan = Plan::new(
        Kind::Sandbox,
        &[IMAGE.into()],
        &[Profile::stock()],
        &catalogue::all(),
        Check::all(),
        32,
        support::jobs(),
    );
    if let Some(process) = nextest::watched() {
        return nextest::broker(process, plan);
    }
    let arguments = Arguments::from_args();
    match nextest::Run::from_environment() {
        Some(run) => {
            let trials = trials(&plan, &connection(move || run.connect()));
            libtest_mimic::run(&arguments, trials).exit_code()
        }
        None => all_in_one(plan, &arguments),
    }
}

/// Runs the selected trials with a broker of their own.
fn all_in_one(plan: Plan, arguments: &Arguments) -> ExitCode {
    let address = match SocketAddr::from_abstract_name(format!("nspawn-matrix-{}", run_id::new())) {
        Ok(address) => address,
        Err(error) => return fail(&error),
    };
    let connect = address.clone();
    let trials = trials(&plan, &connection(move || UnixStream::connect_addr(&connect)));
    let selected = selected(plan, arguments, &trials);
    if arguments.list || selected.hosts.is_empty() {
        return libtest_mimic::run(arguments, trials).exit_code();
    }
    // The broker ends when this is dropped.
    let (trials_run, over) = oneshot::channel();
    let broker = match UnixListener::bind_addr(&address) {
        Ok(listener) => start(listener, selected, over),
        Err(error) => return fail(&error),
    };
    let conclusion = libtest_mimic::run(arguments, trials);
    drop(trials_run);
    match broker.join() {
        Ok(Ok(())) => conclusion.exit_code(),
        Ok(Err(error)) => fail(&error),
        Err(_) => fail(&"the broker panicked"),
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// Is a broker on a thread of its own, which leaves the mount namespace of the others.
fn start(listener: UnixListener, plan: Plan, over: oneshot::Receiver<()>) -> JoinHandle<Result<(), String>> {
    std::thread::spawn(move || {
        let over = async { drop(over.await) };
        let argv = std::env::args().collect();
        support::on_this_thread(broker::serve(listener, plan, Asked::AtOnce, argv, over))
    })
}

/// How a trial reaches the broker.
type Connect = Arc<dyn Fn() -> io::Result<UnixStream> + Send + Sync>;

fn connection(connect: impl Fn() -> io::Result<UnixStream> + Send + Sync + 'static) -> Connect {
    Arc::new(connect)
}

/// The trials of all cells.
fn trials(plan: &Plan, connect: &Connect) -> Vec<Trial> {
    let ignored = |cell: &Cell| cell.not_asked.is_some() || support::all_will_be_ignored();
    let cells = plan.hosts.iter().flat_map(|host| host.cells.iter().map(|cell| (&host.scenario.name, cell)));
    let trial = |(scenario, cell): (&String, &Cell)| {
        let name = support::case_name(scenario, &cell.question);
        let (connect, not_asked) = (Arc::clone(connect), cell.not_asked.clone());
        let run = {
            let name = name.clone();
            move || match not_asked {
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => {
                    let broker = connect().map_err(|error| format!("reach the broker: {error}"))?;
                    judge(&name, broker::ask(broker, &name)?)
                }
            }
        };
        Trial::ignorable_test(name, run).with_ignored_flag(support::is_nextest() && ignored(cell))
    };
    cells.map(trial).collect()
}

fn judge(name: &str, reply: Reply) -> Result<Completion, Failed> {
    let case = match reply {
        Ok(case) => case,
        Err(Over::Unable(reason)) if Settings::from_environment().require => return Err(reason.into()),
        Err(Over::Unable(reason)) => return Ok(Completion::ignored_with(reason)),
        Err(Over::Finished) => return Err(format!("{name}: the run ended without this case").into()),
    };
    let reason = case.reason.unwrap_or_default();
    match case.verdict {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Known => {
            // Whoever runs the trials is to know what stands behind this `ok`.
            eprintln!("{name}: known: {reason}");
            Ok(Completion::Completed)
        }
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
