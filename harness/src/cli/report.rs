//! `report`: a report in another form.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nspawn_matrix_reports::json::{self, ReadError};
use nspawn_matrix_reports::{Report, html, junit, markdown, table, write_whole};

use super::{Failure, terminal};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The report.json of a run; - stands for standard input
    #[arg(value_name = "REPORT.json")]
    file: PathBuf,
    /// What it is rendered as
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// File that is written [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
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
    let report = read(&arguments.file)?;
    let text = render(&report, arguments.format, arguments.out.is_some())
        .map_err(|error| Failure::unable(format!("render the report: {error}")))?;
    match &arguments.out {
        Some(out) => write_whole(out, text.as_bytes()).map_err(|error| {
            Failure::unable(format!("write `{}`: {error}", out.display()))
                .hint("name another file with --out")
        })?,
        // A reader that has gone away wants no more.
        None => match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                return Err(Failure::unable(format!("write the report: {error}")));
            }
            Ok(()) | Err(_) => {}
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the report in `file`, or from standard input.
fn read(file: &Path) -> Result<Report, Failure> {
    let is_standard_input = file == Path::new("-");
    let report = if is_standard_input {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map_err(ReadError::from).and_then(|_| json::parse(&bytes))
    } else {
        json::read(file)
    };
    report.map_err(|error| {
        let name =
            if is_standard_input { "standard input".to_owned() } else { format!("`{}`", file.display()) };
        let hint = match &error {
            ReadError::Io(_) if file.is_dir() => {
                Some(format!("name the file in it: {}", file.join("report.json").display()))
            }
            ReadError::Schema { .. } => Some("read it with the version that wrote it".to_owned()),
            ReadError::Io(_) | ReadError::CutOff { .. } | ReadError::NotJson(_) | ReadError::NotReport(_) => {
                None
            }
        };
        Failure::unable(format!("read {name}: {error}")).maybe_hint(hint)
    })
}

fn render(report: &Report, format: Format, is_for_file: bool) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table if is_for_file => table::render(report, terminal::STYLE_OF_FILE),
        Format::Table => table::render(report, terminal::style()),
        Format::Json => json::render(report)?,
        Format::Junit => junit::render(report)?,
        Format::Html => html::render(report),
        Format::Markdown => markdown::render(report),
    })
}
