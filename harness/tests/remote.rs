//! `run --host ssh://` on machines with a systemd and an sshd of their own, and what becomes of them when the connection
//! breaks: they are as they were.
//!
//! The machines are sandboxes; what a person has of ssh is made for each trial.

mod support;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use nspawn_matrix_reports::Report;
use support::reached::Person;
use support::{on_this_thread, trial};

/// A run of one question, which stands everything up all the same.
const RUN: [&str; 6] = [
    "run",
    "--yes",
    "--scenario=bridge",
    "--check=ping/gateway/ipv4",
    "--check=ping/outside/ipv4",
    "--samples=1",
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each leaves the mount namespace of everyone else on its own thread, and takes the whole machine.
    arguments.test_threads = Some(1);
    let trials =
        vec![trial("leaves-the-machine-as-it-was", || Ok(on_this_thread(leaves_the_machine_as_it_was())?))];
    libtest_mimic::run(&arguments, trials).exit_code()
}

async fn leaves_the_machine_as_it_was() -> Result<(), String> {
    let person = Person::new().await?;
    let web = person.machine("web1").await?;
    let before = web.look().await?;
    let (host, out) = (web.host(), format!("--out={}", person.out().display()));
    let run =
        person.program(&[&RUN[..], &[&host, &out, "--scenario=nspawn-file-zone", "--check=bind/*"]].concat());
    let ended = run.end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(0), &format!("{}: {}{}", ended.status, ended.stdout, ended.stderr))?;
    web.expect_as(&before).await?;
    for line in ["`ssh://root@web1` itself will be the host.", "web1: bridge on trixie: measuring"] {
        expect(ended.stderr.lines().any(|said| said == line), &ended.stderr)?;
    }
    let report = std::fs::read(person.out().join("report.json")).map_err(|error| error.to_string())?;
    let report: Report = serde_json::from_slice(&report).map_err(|error| error.to_string())?;
    expect(report.hosts.len() == 2, "each scenario has a host")?;
    for host in &report.hosts {
        expect(host.kind == "ssh" && host.facts.is_some() && host.left.is_empty(), &format!("{host:?}"))?;
    }
    web.home.close().await
}

fn expect(holds: bool, told: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(told.to_owned()) }
}
