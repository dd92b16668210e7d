//! `nspawn-matrix run`.

use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use futures_util::future::join_all;
use nspawn_matrix_reports::{MOST_LOOKUPS, Report, Verdict, table};
use nspawn_matrix_scenarios::Scenario;

use super::faults::FaultArguments;
use super::folder::Folder;
use super::host_choice::{HostChoice, SshArguments};
use super::hosts::{Hosts, Prepared, Wanted};
use super::own::OwnArguments;
use super::profiles::ProfileArguments;
use super::progress::Displays;
use super::{Cache, Failure, image, remote, selection, terminal};
use crate::alias::Alias;
use crate::chain::chain;
use crate::engine::{Engine, Outcome};
use crate::host::{Kind, Roots};
use crate::plan::Plan;
use crate::redact::redact;
use crate::{interruption, run_id};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only these scenarios; * stands for anything, notes for those that `list` says. With files of your own: which
    /// built-in ones are measured beside them
    /// [default beside your own: the one whose machines are linked in the same way]
    #[arg(long, value_name = "GLOB")]
    scenario: Vec<String>,
    #[command(flatten)]
    own: OwnArguments,
    /// Only these questions; * stands for anything
    #[arg(long, value_name = "GLOB")]
    check: Vec<String>,
    /// What the hosts are: sandbox (a system in namespaces of this machine; needs root), vm (a virtual machine, for one
    /// scenario after another), vm+sandbox (a system in namespaces of a virtual machine), local (this machine itself, for
    /// one scenario after another, each taken back; needs root and systemd), or ssh://user@host:port (the same of the
    /// machine there; may be repeated) [default: sandbox]
    #[arg(long, value_name = "KIND")]
    host: Vec<HostChoice>,
    #[command(flatten)]
    ssh: SshArguments,
    /// What hosts and machines are made from: a Debian suite, also as it was (trixie@20251101), arch, a tar file, a
    /// directory, or a configuration of pacman (*.conf); may be repeated, and every scenario then runs on each
    #[arg(long, value_name = "NAME", default_value = "trixie")]
    image: Vec<String>,
    /// What machines are made from, if not from the same as their hosts; may be repeated, and hosts of each --image then
    /// have machines of each [default: what --image says]
    #[arg(long, value_name = "NAME")]
    payload: Vec<String>,
    #[command(flatten)]
    profiles: ProfileArguments,
    #[command(flatten)]
    faults: FaultArguments,
    /// Do on each host what the reasons for its surprises say, and ask everything again; the answers stand beside the first
    #[arg(long)]
    remedy: bool,
    /// Lookups for each question about a name
    #[arg(long, value_name = "N", default_value = "32", value_parser = lookups)]
    samples: NonZeroU32,
    /// Hosts that run at the same time [default: 7 for each core; for each core of an emulated machine 1]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    jobs: Option<NonZeroUsize>,
    /// Folder for report.json, report.html, junit.xml, summary.md and evidence/
    #[arg(long, value_name = "DIR", default_value = "nspawn-matrix-report")]
    out: PathBuf,
    /// How roots are copied [default: btrfs where it can be mounted]
    #[arg(long, value_name = "HOW")]
    roots: Option<Roots>,
    /// Install what is missing on this machine first
    #[arg(long)]
    setup: bool,
    /// Leave addresses, names and secrets in the report and its evidence as they are; else pseudonyms stand for those that
    /// belong to somebody
    #[arg(long)]
    no_redact: bool,
    /// Do not ask whether the machine may be changed, with --host local and ssh://
    #[arg(long)]
    yes: bool,
    /// Take back what was done to each host, as is done on one that is kept
    #[arg(long, hide = true)]
    undo: bool,
    #[command(flatten)]
    cache: Cache,
}

pub(super) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let checks = selection::checks(&arguments.check)?;
    let profiles = arguments.profiles.read()?;
    let recipes = image::pairs(&arguments.image, &arguments.payload)?
        .with_packages(profiles.iter().map(|profile| &*profile.packages))
        .map_err(image::usage)?;
    let own = arguments.own.read(&recipes.systemd_of_hosts())?;
    own.told.iter().for_each(|line| tell!("{line}"));
    let is_named = !own.scenarios.is_empty() || !arguments.scenario.is_empty();
    let scenarios = selection::asked(selection::beside(own, &arguments.scenario)?, &checks)?;
    let choice = arguments.ssh.choice(&arguments.host, Kind::default())?;
    let kind = choice.kind();
    let is_somebodys = matches!(kind, Kind::Local | Kind::Ssh);
    let scenarios = arguments.faults.done_to(scenarios, is_named)?;
    if is_somebodys && !arguments.faults.is_empty() {
        return Err(Failure::usage("a machine that somebody needs is not broken on purpose")
            .hint("use --fault with --host sandbox, vm or vm+sandbox"));
    }
    if is_somebodys && arguments.remedy {
        return Err(Failure::usage(
            "a remedy is not taken back, so a machine that somebody needs is not given one",
        )
        .hint("use --remedy with --host sandbox, vm or vm+sandbox"));
    }
    if is_somebodys && profiles.iter().any(|profile| !profile.is_stock()) {
        return Err(Failure::usage(
            "a profile is not taken back, so a machine that somebody needs cannot be given one",
        )
        .hint("use --profile with --host sandbox, vm or vm+sandbox"));
    }
    let (run_id, cache, jobs) = (run_id::new(), arguments.cache.folder(), arguments.jobs);
    let alias = Alias::on(kind, &run_id);
    let stood_up: Vec<Scenario> = scenarios.iter().map(|one| alias.scenario(kind.stands_up(one))).collect();
    let wanted = Wanted {
        choice: &choice,
        ssh_config: arguments.ssh.ssh_config.as_deref(),
        jobs,
        scenarios: &stood_up,
        cache: &cache,
        is_agreed: arguments.yes,
    };
    let out = Folder::check(arguments.out)?;
    let hosts = Hosts::of(&recipes, wanted).await.inspect_err(|_| out.leave_as_it_was())?;
    let remotes = hosts.remotes();
    let agent = super::this_program()?;
    let mut interrupted =
        interruption::listen().map_err(|error| Failure::unable(format!("listen for signals: {error}")))?;
    let ready = tokio::select! {
        ready = hosts.prepare(&cache, arguments.roots, arguments.setup, &agent) => Some(ready),
        _ = interrupted.wait_for(|interrupted| *interrupted) => None,
    };
    let prepared = match ready {
        Some(Ok(prepared)) => prepared,
        Some(Err(_)) | None => {
            out.leave_as_it_was();
            remote::close(&remotes).await;
            ready.transpose()?;
            return Ok(ExitCode::from(interruption::EXIT_CODE));
        }
    };

    let is_claimed = scenarios.iter().any(|scenario| !scenario.claims.is_empty());
    let (images, samples) = (recipes.names(), arguments.samples.get());
    let displays = Displays::new();
    let runs = prepared.into_iter().map(async |Prepared { name, ground, left_out }| {
        let jobs = jobs.map_or_else(|| ground.default_jobs(), NonZeroUsize::get);
        let plan = Plan::new(kind, &images, &profiles, &scenarios, &checks, samples, jobs).without(&left_out);
        let engine = Engine {
            run_id: run_id.clone(),
            ground,
            agent: agent.clone(),
            undo: arguments.undo || kind.is_kept(),
            remedies: arguments.remedy,
            interrupted: interrupted.clone(),
        };
        tell!("run {}: {}", engine.run_id, plan.summary());
        let mut display = displays.display(name.as_deref());
        let outcome =
            engine.run(plan, std::env::args().collect(), move |progress| display.show(progress)).await;
        (name, outcome)
    });
    let outcomes = join_all(runs).await;
    let is_one = outcomes.len() == 1;
    let mut codes = Vec::new();
    let mut is_closed = true;
    for (name, mut outcome) in outcomes {
        if !arguments.no_redact {
            redact(&mut outcome.report, &mut outcome.evidence);
        }
        let name = name.filter(|_| !is_one);
        let out = name.as_ref().map_or_else(|| out.clone(), |name| out.of(name));
        codes.push(conclude(&outcome, &out, name.as_deref(), is_claimed)?);
        if let Err(error) = outcome.site {
            is_closed = false;
            let _ = Failure::unable(chain(error)).report();
        }
    }
    let differs = codes.contains(&DIFFERS);
    Ok(ExitCode::from(match *interrupted.borrow() {
        true if is_closed => interruption::EXIT_CODE,
        _ if differs => DIFFERS,
        _ if !is_closed || codes.contains(&UNABLE) => UNABLE,
        _ => 0,
    }))
}

/// Writes and prints the report; gives the exit code that it stands for.
fn conclude(outcome: &Outcome, out: &Folder, name: Option<&str>, is_claimed: bool) -> Result<u8, Failure> {
    let written = out.write(&outcome.report, &outcome.evidence);
    // A reader that has gone away has lost nothing: the report is written.
    let _ = print(outcome, out, name);
    written?;
    Ok(exit_code(&outcome.report, is_claimed))
}

fn at_least_one<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "a whole number from 1 up is needed")
}

/// As many lookups as a report may tell of.
fn lookups(text: &str) -> Result<NonZeroU32, String> {
    let number = text.parse().ok().filter(|number: &NonZeroU32| number.get() <= MOST_LOOKUPS);
    number.ok_or_else(|| format!("a whole number from 1 to {MOST_LOOKUPS} is needed"))
}

/// Prints the table, and where all else is; `name` is that of the host, where there are several.
fn print(outcome: &Outcome, out: &Folder, name: Option<&str>) -> io::Result<()> {
    let mut stdout = io::stdout();
    if let Some(name) = name {
        writeln!(stdout, "{name}")?;
    }
    let table = table::render(&outcome.report, terminal::style());
    writeln!(stdout, "{table}\n{}; report in {}", outcome.report.run.took(), out.path().display())?;
    if !outcome.evidence.is_empty() {
        writeln!(stdout, "evidence in {}", out.path().join("evidence").display())?;
    }
    Ok(())
}

/// Something differs from its claim.
const DIFFERS: u8 = 1;

/// Something could not be measured, or nothing could be judged.
const UNABLE: u8 = 3;

/// A difference outweighs what could not be measured: it is an answer. Where something is claimed and nothing at all was
/// judged, nothing is as claimed either.
pub(super) fn exit_code(report: &Report, is_claimed: bool) -> u8 {
    let tally = report.tally();
    let judged = tally.count(Verdict::Pass) + tally.count(Verdict::Known);
    if tally.count(Verdict::Fail) + tally.count(Verdict::Fixed) > 0 {
        DIFFERS
    } else if tally.count(Verdict::Broken) > 0
        || (is_claimed && judged == 0)
        || report.hosts.iter().any(|host| !host.left.is_empty())
    {
        UNABLE
    } else {
        0
    }
}
