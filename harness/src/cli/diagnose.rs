//! `nspawn-matrix diagnose`.

use std::io::{self, Write};
use std::process::ExitCode;

use nspawn_matrix_reports::{Report, table};

use super::run::exit_code;
use super::{Failure, terminal};
use crate::agent::Found;
use crate::diagnose::{self, Diagnosis, Undiagnosed};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Machines that are asked, about themselves and each other [default: all that systemd-machined knows]
    machines: Vec<String>,
    /// Write the report as JSON to standard output, as report.json of a run has it
    #[arg(long)]
    json: bool,
}

pub(super) async fn diagnose(arguments: Arguments) -> Result<ExitCode, Failure> {
    let diagnosis = diagnose::diagnose(&arguments.machines).await?;
    let Diagnosis { report, unseen, is_claimed } = &diagnosis;
    let text = if arguments.json { json(report)? } else { table::render(report, terminal::style()) };
    // A reader that has gone away wants no more.
    let _ = io::stdout().write_all(text.as_bytes());
    if !arguments.json {
        say!("{}", report.run.took());
    }
    unseen.iter().for_each(tell_unseen);
    Ok(ExitCode::from(exit_code(report, *is_claimed)))
}

fn json(report: &Report) -> Result<String, Failure> {
    let text = serde_json::to_string(report);
    text.map(|text| text + "\n").map_err(|error| Failure::unable(format!("write the report: {error}")))
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
