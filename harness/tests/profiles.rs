//! What a provider changes, for real: the profiles that decide why the shipped unit has no network where a bridge has.
//! docs/providers.md tells the whole.
//!
//! It needs what live trials need, and is ignored or fails for the same reasons.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::{Observation, Report, STOCK};
use support::trial;

/// What a machine has: a lease, and an answer from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Outside,
    LeaseOnly,
    Nothing,
}
use Reach::{LeaseOnly, Nothing, Outside};

/// By profile: what machines have with the shipped unit, and what on br0.
const DECISIVE: [(&str, Reach, Reach); 9] = [
    (STOCK, Outside, Outside),
    // The answers to the question.
    ("networkd-off", Nothing, Outside),
    ("greedy-network-file", Nothing, Outside),
    ("no-ve-network-file", Nothing, Outside),
    ("interface-firewall", Nothing, Outside),
    ("pool-taken", Nothing, Outside),
    ("forwarding-taken-back", LeaseOnly, Outside),
    // No answers: what keeps the one from working keeps the other from it too.
    ("early-greedy-network-file", Nothing, Nothing),
    ("forward-drop", LeaseOnly, LeaseOnly),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![trial("the-shipped-unit-fails-where-a-bridge-works", decisive)];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn decisive() -> Result<(), Failed> {
    let report = run(&DECISIVE.map(|(profile, _, _)| format!("--profile={profile}")))?;
    let mut wrong = Vec::new();
    for (profile, shipped, bridge) in DECISIVE {
        for (scenario, wanted) in [("default-veth", shipped), ("bridge", bridge)] {
            let seen = reach(&report, profile, scenario)?;
            if seen.values().any(|reach| *reach != wanted) {
                wrong.push(format!("{scenario} as {profile}: {seen:?}, not {wanted:?}"));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// What each machine of a scenario has on the host of a profile.
fn reach(report: &Report, profile: &str, scenario: &str) -> Result<BTreeMap<String, Reach>, Failed> {
    let is_of = |host: &str| report.hosts.iter().any(|record| record.id == host && record.profile == profile);
    let seen = |check: &str| -> Result<BTreeMap<String, bool>, Failed> {
        let cases = report.cases.iter().filter(|case| case.scenario == scenario && case.check == check);
        let seen = cases.filter(|case| is_of(&case.host)).map(|case| match &case.observed {
            Some(Observation::Lease(lease)) => Ok((case.subject.clone(), lease.address.is_some())),
            Some(Observation::Ping(ping)) => Ok((case.subject.clone(), ping.received > 0)),
            _ => Err(Failed::from(format!("{} as {profile} is broken: {:?}", case.name(), case.reason))),
        });
        seen.collect()
    };
    let (leases, outside) = (seen("address/lease")?, seen("ping/outside/ipv4")?);
    if leases.is_empty() || leases.keys().ne(outside.keys()) {
        return Err(format!("{scenario} as {profile}: not everybody was asked").into());
    }
    let reach = |(machine, has_lease)| {
        let reach = match (has_lease, outside[&machine]) {
            (_, true) => Outside,
            (true, false) => LeaseOnly,
            (false, false) => Nothing,
        };
        (machine, reach)
    };
    Ok(leases.into_iter().map(reach).collect())
}

#[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
fn run(profiles: &[String]) -> Result<Report, Failed> {
    let out = tempfile::tempdir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"))
        .args(["run", "--scenario=default-veth", "--scenario=bridge"])
        .args(["--check=address/lease", "--check=ping/outside/ipv4"])
        .arg(format!("--out={}", out.path().display()))
        .args(profiles)
        .output()?;
    let report = fs::read_to_string(out.path().join("report.json"))
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(serde_json::from_str(&report)?)
}
