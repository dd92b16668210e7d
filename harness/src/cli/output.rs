//! Where what is rendered goes: to a file, or to standard output.

use std::io::{self, Write};
use std::path::PathBuf;

use nspawn_matrix_reports::table::Style;
use nspawn_matrix_reports::write_whole;

use super::{Failure, terminal};

#[derive(Debug, clap::Args)]
pub(super) struct Output {
    /// File that is written [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Output {
    /// How a table is drawn there.
    pub(super) fn style(&self) -> Style {
        if self.out.is_some() { terminal::STYLE_OF_FILE } else { terminal::style() }
    }

    /// Writes `text` there.
    pub(super) fn write(&self, text: &str) -> Result<(), Failure> {
        match &self.out {
            Some(out) => write_whole(out, text.as_bytes()).map_err(|error| {
                Failure::unable(format!("write `{}`: {error}", out.display()))
                    .hint("name another file with --out")
            }),
            // A reader that has gone away wants no more.
            None => match io::stdout().write_all(text.as_bytes()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Failure::unable(format!("write standard output: {error}")))
                }
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }
}
