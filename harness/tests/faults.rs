//! Faults: what keeps a healthy scenario from working is done to its host on purpose, and every reason that the report
//! then gives must name that, and nothing else.
//!
//! They need what live trials need, and are ignored or fail for the same reasons. Each file in `faults/` is a list of
//! steps, and its name is the code of the cause.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::Report;
use support::trial;

/// The scenario that the faults are done to.
const HEALTHY: &str = "default-veth";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![trial("each-fault-is-named-and-nothing-else", each_fault_is_named)];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The faults, by the code of the cause, and the question that at least it keeps from its usual answer.
const FAULTS: [(&str, &str); 6] = [
    ("foreign-network-file", "ping/outside/ipv4"),
    ("link-unmanaged", "ping/outside/ipv4"),
    ("forward-dropped", "ping/outside/ipv4"),
    ("dhcp-dropped", "address/lease"),
    ("host-networkd-off", "ping/outside/ipv4"),
    ("llmnr-off", "resolve/host/any"),
];

fn each_fault_is_named() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let scenario = output(&["show", "--toml", HEALTHY])?;
    let claims = scenario.find("[[claim]]").ok_or("the scenario has no claims")?;
    let mut options = vec![format!("--scenario={HEALTHY}")];
    for (code, _) in FAULTS {
        let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/faults/{code}.toml"));
        let steps = fs::read_to_string(steps)?;
        let named =
            scenario[..claims].replace(&format!("name = \"{HEALTHY}\""), &format!("name = \"{code}\""));
        let file = folder.path().join(format!("{code}.toml"));
        fs::write(&file, format!("{named}\n{steps}\n{}", &scenario[claims..]))?;
        options.push(format!("--scenario-file={}", file.display()));
        options.push(format!("--scenario={code}"));
    }
    let report = run(&options)?;
    let mut wrong = Vec::new();
    for (scenario, check) in FAULTS.into_iter().chain([(HEALTHY, "")]) {
        let cases = || report.cases.iter().filter(|case| case.scenario == scenario);
        let named: BTreeSet<&str> =
            cases().flat_map(|case| &case.explanations).map(|reason| reason.code.as_str()).collect();
        let is_explained =
            |check: &str| cases().any(|case| case.check == check && !case.explanations.is_empty());
        let expected = BTreeSet::from_iter((scenario != HEALTHY).then_some(scenario));
        if named != expected {
            wrong.push(format!("{scenario}: the reasons are {named:?}"));
        }
        if scenario != HEALTHY && !is_explained(check) {
            wrong.push(format!("{scenario}: {check} has no reason"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn run(options: &[String]) -> Result<Report, Failed> {
    let out = tempfile::tempdir()?;
    let folder = format!("--out={}", out.path().display());
    let options: Vec<&str> =
        ["run", "--samples=2", &folder].into_iter().chain(options.iter().map(String::as_str)).collect();
    // What is red is what is looked at.
    let _ = output(&options);
    Ok(serde_json::from_str(&fs::read_to_string(out.path().join("report.json"))?)?)
}

#[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
fn output(arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix")).args(arguments).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}
