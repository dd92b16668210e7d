//! `compare`: reports side by side.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use nspawn_matrix_reports::comparison::{NothingToCompare, Since, html, json, junit, markdown, table};
use nspawn_matrix_reports::{Comparison, Excerpt};

use super::Failure;
use super::input::{STANDARD_INPUT, is_standard_input, unreadable};
use super::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// The report.json of each run, or of one run on several images; - stands for standard input
    #[arg(value_name = "REPORT.json", required = true)]
    files: Vec<PathBuf>,
    /// Tell only in which version of systemd each answer changed first, and what not all were asked
    #[arg(long)]
    since: bool,
    /// What the comparison is rendered as
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    output: Output,
}

const EXIT_CODES: &str = "Exit codes:
  0    the same, but for how long answers took
  1    different, or not asked of all
  2    the command line is wrong, or there is nothing to lay beside another
  3    a report cannot be read";

/// The forms of a comparison.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// What differs, and the facts that could explain it
    Table,
    /// As docs/comparison.schema.json describes it, and with --since docs/since.schema.json
    Json,
    /// The page that report.html is
    Html,
    /// A test for each difference, for what reads JUnit
    Junit,
    /// A page of a CI job
    Markdown,
}

pub(super) fn compare(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { files, since, format, output } = arguments;
    if files.iter().filter(|file| is_standard_input(file)).count() > 1 {
        return Err(Failure::usage("standard input can be read once, and `-` is given more than once"));
    }
    let of_series = since.then(|| writer_of_series(*format)).transpose()?;
    let excerpts = read(files)?;
    let (is_same, text) = if let Some(render) = of_series {
        let since = Since::of(&excerpts).map_err(nothing)?;
        (since.is_same(), render(&since, output))
    } else {
        let comparison = Comparison::of(&excerpts).map_err(nothing)?;
        (comparison.is_same(), render(&comparison, &excerpts, *format, output))
    };
    output.write(&text.map_err(|error| Failure::unable(format!("render the comparison: {error}")))?)?;
    Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn nothing(why: NothingToCompare) -> Failure {
    let hint = match why {
        NothingToCompare::OneSystem => "name another report, or one of a run with several --image",
        NothingToCompare::NoCases => "name reports of runs that asked something",
    };
    Failure::usage(why.to_string()).hint(hint)
}

/// Reads all reports, that on standard input among them where it stands.
fn read(files: &[PathBuf]) -> Result<Vec<Excerpt>, Failure> {
    let in_files: Vec<&PathBuf> = files.iter().filter(|file| !is_standard_input(file)).collect();
    let read = Excerpt::read(&in_files).map_err(|(at, error)| unreadable(in_files[at], &error))?;
    let mut read = read.into_iter();
    let next = |file: &PathBuf| {
        if is_standard_input(file) {
            let excerpt = Excerpt::read_from(STANDARD_INPUT, io::stdin());
            return Some(excerpt.map_err(|error| unreadable(file, &error)));
        }
        read.next().map(Ok)
    };
    files.iter().filter_map(next).collect()
}

fn render(
    comparison: &Comparison,
    excerpts: &[Excerpt],
    format: Format,
    output: &Output,
) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table => table::render(comparison, output.style()),
        Format::Json => json::render(comparison)?,
        Format::Html => html::render(comparison, excerpts),
        Format::Junit => junit::render(comparison)?,
        Format::Markdown => markdown::render(comparison),
    })
}

/// Renders the changes of a series.
type WriterOfSeries = fn(&Since, &Output) -> anyhow::Result<String>;

/// The writer of this form, if a series has one.
fn writer_of_series(format: Format) -> Result<WriterOfSeries, Failure> {
    match format {
        Format::Table => Ok(|since, output| Ok(table::render_since(since, output.style()))),
        Format::Json => Ok(|since, _| Ok(json::render_since(since)?)),
        Format::Html => Ok(|since, _| Ok(html::render_since(since))),
        Format::Markdown => Ok(|since, _| Ok(markdown::render_since(since))),
        // A test is as it should be or is not, and a change may be either.
        Format::Junit => Err(Failure::usage(
            "`--since` has no form for JUnit, since a change is neither passed nor failed",
        )
        .hint("name another --format, or leave out --since")),
    }
}
