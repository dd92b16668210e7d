//! `nspawn-matrix diagnose`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use nspawn_matrix_reports::{Report, changes, table};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::watch;

use super::folder::Folder;
use super::run::exit_code;
use super::{Failure, terminal};
use crate::agent::Found;
use crate::diagnose::{self, Diagnosis, Undiagnosed};
use crate::interruption;
use crate::redact::redact;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Machines that are asked, about themselves and each other [default: all that systemd-machined knows]
    machines: Vec<String>,
    /// Write the report as JSON to standard output, as report.json of a run has it; with --watch a line for each round
    #[arg(long)]
    json: bool,
    /// Folder for report.json, report.html, junit.xml and summary.md, redacted as those of a run [default: none is written]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Ask again and again, with so many seconds between, and tell what changed, until Ctrl-C
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    watch: Option<u64>,
}

pub(super) async fn diagnose(arguments: Arguments) -> Result<ExitCode, Failure> {
    let out = arguments.out.clone().map(Folder::check).transpose()?;
    let mut interrupted =
        interruption::listen().map_err(|error| Failure::unable(format!("listen for signals: {error}")))?;
    let Some(first) = once(&arguments, out.as_ref(), &mut interrupted).await? else {
        return Ok(ExitCode::from(interruption::EXIT_CODE));
    };
    show(&first, arguments.json)?;
    let Some(seconds) = arguments.watch else {
        return Ok(ExitCode::from(exit_code(&first.report, first.is_claimed)));
    };
    let mut last = first;
    while !is_over(Duration::from_secs(seconds), &mut interrupted).await {
        let next = match once(&arguments, out.as_ref(), &mut interrupted).await {
            Ok(Some(next)) => next,
            Ok(None) => break,
            // Machines that have gone may come back.
            Err(failure) => {
                let _ = failure.report();
                continue;
            }
        };
        if arguments.json {
            show(&next, true)?;
        } else {
            let _ = tell_changes(&last.report, &next.report);
        }
        last = next;
    }
    Ok(ExitCode::from(interruption::EXIT_CODE))
}

/// One round, written to the folder if there is one; none if Ctrl-C was typed meanwhile.
async fn once(
    arguments: &Arguments,
    out: Option<&Folder>,
    interrupted: &mut watch::Receiver<bool>,
) -> Result<Option<Diagnosis>, Failure> {
    let diagnosis = tokio::select! {
        diagnosis = diagnose::diagnose(&arguments.machines) => diagnosis?,
        _ = interrupted.wait_for(|interrupted| *interrupted) => return Ok(None),
    };
    if let Some(out) = out {
        // What is shown here is for whoever owns the machines, what is written may be for others.
        let mut report = diagnosis.report.clone();
        redact(&mut report, &mut []);
        out.write(&report, &[])?;
    }
    Ok(Some(diagnosis))
}

/// Whether Ctrl-C is typed within `pause`.
async fn is_over(pause: Duration, interrupted: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(pause, interrupted.wait_for(|interrupted| *interrupted)).await.is_ok()
}

fn show(Diagnosis { report, unseen, .. }: &Diagnosis, as_json: bool) -> Result<(), Failure> {
    let text = if as_json {
        json(report)?
    } else {
        format!("{}\n{}\n", table::render(report, terminal::style()), report.run.took())
    };
    // A reader that has gone away wants no more.
    let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
    unseen.iter().for_each(tell_unseen);
    Ok(())
}

fn json(report: &Report) -> Result<String, Failure> {
    let text = serde_json::to_string(report);
    text.map(|text| text + "\n").map_err(|error| Failure::unable(format!("write the report: {error}")))
}

/// A line for each change, after the time of day in UTC.
fn tell_changes(before: &Report, after: &Report) -> io::Result<()> {
    let at: OffsetDateTime = after.run.finished;
    let at = at.format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default();
    let mut out = io::stdout().lock();
    for change in changes(before, after) {
        writeln!(out, "{at} {change}")?;
    }
    out.flush()
}

fn tell_unseen(Found { name, class, service, seen }: &Found) {
    if let Err(reason) = seen {
        tell!("not looked into: {name}, a {class} of {service}: {reason}");
    }
}

impl From<Undiagnosed> for Failure {
    fn from(undiagnosed: Undiagnosed) -> Self {
        let message = undiagnosed.to_string();
        match undiagnosed {
            Undiagnosed::Unknown(unknown) => Self::usage(message).hint(unknown.nearest.map_or_else(
                || "`machinectl list` lists those that are".to_owned(),
                |nearest| format!("the nearest is `{nearest}`"),
            )),
            Undiagnosed::Nobody => Self::unable(message).hint("start a machine, and see `machinectl list`"),
            Undiagnosed::Unable(_) => Self::unable(message),
        }
    }
}
