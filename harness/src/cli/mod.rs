//! The command line.
//!
//! Exit codes: 0 as claimed, 1 something differs, 2 usage, 3 could not measure.

mod clean;
mod compare;
mod diagnose;
mod explain;
mod failure;
mod faults;
mod folder;
mod host_choice;
mod hosts;
mod image;
mod input;
mod list;
mod local;
mod output;
mod own;
mod profiles;
mod progress;
mod remote;
mod report;
mod run;
mod selection;
mod show;
mod terminal;
mod vm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::task::LocalSet;

pub use failure::Failure;
pub use selection::{checks, scenarios};

use crate::agent::Kept;
use crate::chain::chain;
use crate::host::{self, Charge, Kind};
use crate::{agent, enter, probe, runner, setup};

/// Measure what systemd-nspawn containers can reach, resolve and see of bind mounts, however they are started.
#[derive(Debug, Parser)]
#[command(name = "nspawn-matrix", version, about, after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0    everything is as claimed
  1    something differs from its claim
  2    the command line is wrong
  3    something could not be measured, or nothing could be judged
  130  ended by Ctrl-C or SIGTERM";

#[derive(Debug, Subcommand)]
enum Command {
    /// Boot a host for each scenario, ask the questions, and write the report.
    Run(Box<run::Arguments>),
    /// Take back what a run on this machine itself (--host local), or on one elsewhere (ssh://), could not; needs root there.
    Clean(clean::Arguments),
    /// Render the report of a run again, in any form; needs no root.
    Report(report::Arguments),
    /// Lay reports side by side: what differs, and which facts of the hosts could explain it; needs no root.
    Compare(compare::Arguments),
    /// Ask the machines that run here what they reach and resolve, and say why not; changes nothing, needs no image.
    Diagnose(diagnose::Arguments),
    /// Tell what a reason in a report means, and how it comes about.
    Explain(explain::Arguments),
    /// List the scenarios, the profiles, the faults and the questions, with the claims if asked to.
    List(list::Arguments),
    /// Print a scenario as a shell script that can be followed by hand.
    Show(show::Arguments),
    /// Build, list and remove the images that hosts and machines are made from.
    Image(image::Arguments),
    /// Boot virtual machines without root, and look around in them.
    Vm(vm::Arguments),
    /// Install what is missing on this machine.
    Setup {
        /// What is to run on it
        #[arg(long, value_enum, default_value_t)]
        host: Kind,
        /// What the tests of reports and CI files need, too
        #[arg(long)]
        tests: bool,
    },
    /// How parts of this program start each other.
    #[command(hide = true, subcommand)]
    Internal(Internal),
}

#[derive(Debug, Subcommand)]
enum Internal {
    /// Serve as the agent of the host that this runs on.
    Agent {
        /// Where the journal is, on a host that is kept.
        #[arg(long, value_name = "DIR")]
        journal: Option<PathBuf>,
        /// What the roots of machines are made from, on a host that is kept: a folder, or a tar file.
        #[arg(long, value_name = "PATH", requires = "journal")]
        base: Option<PathBuf>,
    },
    /// Serve as the probe in the machine with this leader.
    Probe {
        /// Process id.
        leader: i32,
    },
    /// Give sandboxes to whoever asks on standard input.
    Sandboxes,
    /// Serve somebody elsewhere, whose host this machine is.
    Remote {
        /// The folder that this program is in, and that goes with it.
        folder: PathBuf,
    },
    /// Take away what a run would leave.
    Keeper(Charge),
    /// Play the internet for the host that this runs on.
    Internet {
        /// The machines that there are to be domains for.
        machines: Vec<String>,
    },
    /// Run a test program in the virtual machine that this runs in.
    Errand {
        /// The number of its files.
        id: u32,
    },
    /// Stand in for the process that the virtual machine belongs to.
    StandIn,
    /// Run a program in the namespaces of a process.
    Enter {
        /// Process id.
        leader: i32,
        /// The program and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        argv: Vec<String>,
    },
}

/// Where images are kept.
#[derive(Clone, Debug, clap::Args)]
struct Cache {
    /// Folder in which images are kept [default: /var/cache/nspawn-matrix, or nspawn-matrix below ~/.cache for a user]
    #[arg(long = "cache", global = true, value_name = "DIR", env = "NSPAWN_MATRIX_CACHE")]
    folder: Option<PathBuf>,
}

impl Cache {
    fn folder(self) -> PathBuf {
        self.folder.unwrap_or_else(crate::image::default_folder)
    }
}

/// This program, as a file.
fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::unable(format!("find this program: {error}")))
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(arguments) => on_one_thread(run::run(*arguments)),
        Command::Clean(arguments) => on_one_thread(clean::clean(arguments)),
        Command::Report(arguments) => report::report(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Diagnose(arguments) => on_one_thread(diagnose::diagnose(arguments)),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Show(arguments) => show::show(&arguments),
        Command::Image(arguments) => on_one_thread(image::image(arguments)),
        Command::Vm(arguments) => on_one_thread(vm::vm(arguments)),
        Command::Setup { host, tests } => on_one_thread(set_up(host, tests)),
        Command::Internal(internal) => serve(internal),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}

/// Everything runs on the first thread: children are tied to the life of the thread that starts them.
fn on_one_thread<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unable(format!("start the runtime: {error}")))?;
    LocalSet::new().block_on(&runtime, work)
}

fn serve(internal: Internal) -> Result<ExitCode, Failure> {
    let outcome = match internal {
        Internal::Agent { journal, base } => agent::run(journal.map(|journal| Kept { journal, base })),
        Internal::Probe { leader } => enter::fork_into(leader).and_then(|()| probe::run()),
        Internal::Internet { machines } => host::internet::play(&machines),
        Internal::Sandboxes => host::give_sandboxes(),
        Internal::Remote { folder } => host::serve_remotely(&folder),
        Internal::Keeper(charge) => host::keep(&charge),
        Internal::Errand { id } => runner::carry_out(id),
        Internal::StandIn => runner::stand_in(),
        Internal::Enter { leader, argv } => enter::fork_into(leader).and_then(|()| Err(enter::exec(&argv))),
    };
    outcome.map(|()| ExitCode::SUCCESS).map_err(|error| Failure::unable(error.to_string()))
}

async fn set_up(host: Kind, tests: bool) -> Result<ExitCode, Failure> {
    let mut missing = setup::missing(host);
    if tests {
        missing.extend(setup::missing_for_tests());
    }
    let manager = setup::PackageManager::detect();
    say!("{}", setup::describe(&missing, manager).trim_end());
    if missing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let Some(manager) = manager else {
        return Ok(Failure::unable("no package manager that is known here").report());
    };
    if !nix::unistd::geteuid().is_root() {
        return Err(
            Failure::unable("only root may install packages").hint("run `nspawn-matrix setup` as root")
        );
    }
    setup::install(&missing, manager, |line| say!("{line}"))
        .await
        .map_err(|error| Failure::unable(chain(error)))?;
    Ok(ExitCode::SUCCESS)
}
