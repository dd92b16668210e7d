//! A person's own set-ups, measured for real: the claims of their scenario files are what these trials assert.
//!
//! They need what live trials need, and are ignored or fail for the same reasons.

mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::{Report, Verdict};
use support::{program, trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("long-names", || as_claimed("long-names")),
        trial("long-names-zone", || as_claimed("long-names-zone")),
        trial("ports", || as_claimed("ports")),
        trial("longest-name", || as_claimed("longest-name")),
        trial("ipv6-prefix", || as_claimed("ipv6-prefix")),
        trial("ignored-bind", || as_claimed("ignored-bind")),
        trial("linked-bind", || as_claimed("linked-bind")),
        trial("a-machine-that-does-not-start", a_machine_that_does_not_start),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The file of this name among those of a person's own.
fn own(name: &str) -> String {
    format!("{}/tests/own/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// It fails, with what systemd-nspawn said, and the other machine is asked all the same; nothing is broken.
fn a_machine_that_does_not_start() -> Result<(), Failed> {
    let files = ["--nspawn", &own("refused.nspawn"), &own("odd.nspawn")];
    let report = run(&[&files[..], &["--scenario=refused+odd.nspawn"]].concat())?;
    let of = |subject: &str, check: &str| {
        let found = report.cases.iter().find(|case| case.subject == subject && case.check == check);
        found.ok_or_else(|| format!("{check} was not put to {subject}"))
    };
    let refused = of("host->refused", "start/refusal")?;
    let said = refused.observed.as_ref().map(|seen| seen.sentence(&refused.check)).unwrap_or_default();
    if refused.verdict != Verdict::Fail || !said.contains("said Invalid bind mount option: idmpa") {
        return Err(format!("start/refusal of the one is {}: {said}", refused.verdict).into());
    }
    for (subject, check) in [("host->odd", "start/refusal"), ("odd", "address/lease")] {
        let case = of(subject, check)?;
        let seen = case.observed.as_ref().map(|seen| seen.short(check)).unwrap_or_default();
        if !["starts", "/28"].contains(&seen.as_str()) {
            return Err(format!("{} is {}: {seen}", case.name(), case.verdict).into());
        }
    }
    match report.cases.iter().find(|case| case.verdict == Verdict::Broken) {
        Some(case) => Err(format!("{} is broken: {:?}", case.name(), case.reason).into()),
        None => Ok(()),
    }
}

/// Runs the scenario of the file of this name: each of its claims must be met, and every question have an answer.
fn as_claimed(name: &str) -> Result<(), Failed> {
    let file = own(&format!("{name}.toml"));
    let report = run(&[&format!("--scenario-file={file}"), &format!("--scenario={name}")])?;
    let differ: Vec<String> = report
        .cases
        .iter()
        .filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skip))
        .map(|case| format!("{} is {}: {:?}", case.name(), case.verdict, case.reason))
        .collect();
    let passed = report.cases.iter().filter(|case| case.verdict == Verdict::Pass).count();
    match (passed, differ.as_slice()) {
        (0, []) => Err("nothing was claimed".into()),
        (_, []) => Ok(()),
        (_, differ) => Err(differ.join("\n").into()),
    }
}

fn run(options: &[&str]) -> Result<Report, Failed> {
    Ok(program::run(["--samples=2"].iter().chain(options))?.report)
}
