//! The program, run from outside.

#![expect(clippy::disallowed_methods, reason = "the program is tested from outside")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use nspawn_matrix_reports::{Report, json};

/// What `nspawn-matrix run` reports, and how it ends.
pub(crate) struct Ran {
    pub(crate) report: Report,
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
}

/// Runs `nspawn-matrix run` with `options`. That something is red is no error here.
pub(crate) fn run(options: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Ran, Failed> {
    let out = tempfile::tempdir()?;
    run_into(out.path(), options)
}

/// The same with what it writes in the folder `out`.
pub(crate) fn run_into(out: &Path, options: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Ran, Failed> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"));
    let output = program.arg("run").arg("--out").arg(out).args(options).output()?;
    let Ok(report) = fs::read(out.join("report.json")) else {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    };
    Ok(Ran { report: json::parse(&report)?, code: output.status.code() })
}
