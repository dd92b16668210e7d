//! `report`: a report in another form.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nspawn_matrix_reports::json::{self, ReadError};
use nspawn_matrix_reports::{Redaction, Report, html, junit, markdown, table};

use super::Failure;
use super::input::{is_standard_input, unreadable};
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The report.json of a run; - stands for standard input
    #[arg(value_name = "REPORT.json")]
    file: PathBuf,
    /// What it is rendered as
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Leave addresses, names and secrets as they are in the file
    #[arg(long)]
    no_redact: bool,
    #[command(flatten)]
    output: Output,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// The table, as after a run
    Table,
    /// report.json
    Json,
    /// junit.xml
    Junit,
    /// report.html
    Html,
    /// summary.md
    Markdown,
}

pub(super) fn report(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { file, format, no_redact, output } = arguments;
    let mut report = read(file).map_err(|error| unreadable(file, &error))?;
    // To redact what is redacted changes nothing.
    if !no_redact {
        report = Redaction::new(&report, []).report(&report);
    }
    let text = render(&report, *format, output)
        .map_err(|error| Failure::unable(format!("render the report: {error}")))?;
    output.write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the report in `file`, or from standard input.
fn read(file: &Path) -> Result<Report, ReadError> {
    if is_standard_input(file) { json::read_from(io::stdin()) } else { json::read(file) }
}

fn render(report: &Report, format: Format, output: &Output) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table => table::render(report, output.style()),
        Format::Json => json::render(report)?,
        Format::Junit => junit::render(report)?,
        Format::Html => html::render(report),
        Format::Markdown => markdown::render(report),
    })
}
