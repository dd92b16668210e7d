//! `nspawn-matrix explain`.

use std::process::ExitCode;

use nspawn_matrix_reports::table::wrap;
use nspawn_matrix_scenarios::nearest::nearest;

use super::Failure;
use crate::explain::{CAUSES, UNDECIDED};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Code of the reason, as reports have it; without one, all are listed
    code: Option<String>,
}

pub(super) fn explain(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let all = || CAUSES.into_iter().chain([&UNDECIDED]);
    let Some(code) = &arguments.code else {
        let width = all().map(|cause| cause.code.len()).max().unwrap_or_default();
        for cause in all() {
            say!("{:width$}  {}", cause.code, cause.sentence);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(cause) = all().find(|cause| cause.code == code) else {
        let near = nearest(code, all().map(|cause| cause.code));
        let hint = near.map_or_else(
            || "run `nspawn-matrix explain` for all of them".to_owned(),
            |near| format!("the nearest is `{near}`"),
        );
        return Err(Failure::usage(format!("there is no reason `{code}`")).hint(hint));
    };
    let width = super::terminal::style().width;
    let paragraph = |text: &str| wrap(text, width, "", "");
    say!("{}\n\n{}\n\nsee {}", paragraph(cause.sentence), paragraph(cause.long), cause.link);
    Ok(ExitCode::SUCCESS)
}
