//! `diagnose` on a machine whose owner has started machines in the ways in which people do: nothing is found wrong where
//! nothing is, a fault is named, and the machine is as it was.
//!
//! The machine is a sandbox (`support/home.rs`).

mod support;

use std::collections::BTreeSet;
use std::process::ExitCode;

use libtest_mimic::Arguments;
use nspawn_matrix::command::Ended;
use nspawn_matrix_reports::{Case, Report, Verdict};
use support::home::Home;
use support::{on_this_thread, trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each leaves the mount namespace of everyone else on its own thread.
    arguments.test_threads = Some(1);
    let trials = vec![trial("names-each-fault-and-changes-nothing", || {
        Ok(on_this_thread(names_each_fault_and_changes_nothing())?)
    })];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Two machines of the shipped unit, two on a bridge made by hand, and one that uses the host's network.
const MACHINES: [&str; 5] = ["alpha", "beta", "gamma", "delta", "shared"];

const START: &str = r#"
mkdir -p /etc/systemd/network
printf '[NetDev]\nName=lan0\nKind=bridge\n' >/etc/systemd/network/60-lan.netdev
printf '[Match]\nName=lan0\n[Network]\nAddress=10.7.0.1/24\nDHCPServer=yes\nIPMasquerade=ipv4\nConfigureWithoutCarrier=yes\n' \
    >/etc/systemd/network/60-lan.network
networkctl reload
systemctl start systemd-nspawn@alpha systemd-nspawn@beta
timeout 20 sh -c 'until grep -q 10.7.0.1 /proc/net/fib_trie; do sleep 0.1; done'
for machine in gamma delta; do
    systemd-run --quiet --unit=by-hand-$machine systemd-nspawn --quiet -b -D /var/lib/machines/$machine --network-bridge=lan0
done
systemd-run --quiet --unit=by-hand-shared systemd-nspawn --quiet -b -D /var/lib/machines/shared
for machine in alpha beta gamma delta; do
    timeout 60 sh -c "until systemctl --quiet --machine=$machine is-active multi-user.target; do sleep 0.2; done"
    systemd-run --quiet --machine=$machine --wait --collect \
        /usr/lib/systemd/systemd-networkd-wait-online --interface=host0:routable --timeout=60
    timeout 30 sh -c "until systemd-run --quiet --machine=$machine --wait --collect getent ahosts nspawnhost; do sleep 0.2; done"
done
timeout 60 sh -c "until systemctl --quiet --machine=shared is-active multi-user.target; do sleep 0.2; done"
# The last that comes are the addresses of 169.254/16 at the host's ends (RFC 3927), in two tables each.
timeout 60 sh -c 'until [ $(grep -c "/16 link UNICAST" /proc/net/fib_trie) -ge 4 ]; do sleep 0.2; done'
"#;

/// A fault, what takes it back, the code of the cause, and a question with the subject of which it is told.
const FAULTS: [(&str, &str, &str, &str); 4] = [
    (
        "systemctl --machine=gamma stop systemd-resolved",
        "systemctl --machine=gamma start systemd-resolved",
        "machine-resolved-off",
        "resolve/peer/any::gamma->delta",
    ),
    (
        "nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'",
        "nft delete table ip filter",
        "forward-dropped",
        "ping/peer/ipv4::alpha->beta",
    ),
    (
        "echo 0 >/proc/sys/net/ipv4/conf/all/forwarding",
        "echo 1 >/proc/sys/net/ipv4/conf/all/forwarding",
        "forwarding-off",
        "ping/outside/ipv4::alpha",
    ),
    (
        "mkdir -p /var/lib/machines/gamma/etc/systemd/network/80-container-host0.network.d && \
         printf '[Network]\\nLLMNR=no\\n' >/var/lib/machines/gamma/etc/systemd/network/80-container-host0.network.d/llmnr.conf && \
         systemd-run --quiet --machine=gamma --wait --collect networkctl reload",
        "rm -r /var/lib/machines/gamma/etc/systemd/network/80-container-host0.network.d && \
         systemd-run --quiet --machine=gamma --wait --collect networkctl reload",
        "llmnr-off",
        "resolve/host/any::gamma",
    ),
];

async fn names_each_fault_and_changes_nothing() -> Result<(), String> {
    let home = Home::with("trixie", &MACHINES.map(str::to_owned)).await?;
    let started = home.script(&format!("set -e\n{START}")).await?;
    expect(started.status.success(), &format!("{}{}", started.stdout, started.stderr))?;
    let before = home.look().await?;
    let healthy = home.program(&["diagnose"]).end().await.map_err(|error| error.to_string())?;
    println!("{}{}", healthy.stdout, healthy.stderr);
    let report = diagnose(&home, &[]).await?;
    expect(codes(&report).is_empty() && red(&report).is_empty(), &told(&report))?;
    home.expect_as(&before).await?;
    for (fault, cure, code, cell) in FAULTS {
        did(&home.script(fault).await?)?;
        let report = diagnose(&home, &[]).await?;
        did(&home.script(cure).await?)?;
        let explained = report.cases.iter().find(|case| format!("{}::{}", case.check, case.subject) == cell);
        let names = explained.is_some_and(|case| case.explanations.iter().any(|reason| reason.code == code));
        expect(names && codes(&report) == BTreeSet::from([code]), &format!("{code}: {}", told(&report)))?;
    }
    let named = diagnose(&home, &["alpha", "gamma"]).await?;
    let subjects: BTreeSet<&str> = named.cases.iter().map(|case| case.subject.as_str()).collect();
    expect(!subjects.iter().any(|subject| subject.contains("beta")), &format!("{subjects:?}"))?;
    home.close().await
}

async fn diagnose(home: &Home, machines: &[&str]) -> Result<Report, String> {
    let arguments = [&["diagnose", "--json"], machines].concat();
    let ended = home.program(&arguments).end().await.map_err(|error| error.to_string())?;
    serde_json::from_str(&ended.stdout).map_err(|error| format!("{error}: {}{}", ended.stdout, ended.stderr))
}

fn did(ended: &Ended) -> Result<(), String> {
    expect(ended.status.success(), &ended.stderr)
}

/// The causes that are named.
fn codes(report: &Report) -> BTreeSet<&str> {
    report.cases.iter().flat_map(|case| &case.explanations).map(|reason| reason.code.as_str()).collect()
}

fn red(report: &Report) -> Vec<&Case> {
    report.cases.iter().filter(|case| !case.verdict.is_green()).collect()
}

/// What is not as claimed, and why.
fn told(report: &Report) -> String {
    let line = |case: &Case| {
        let codes: Vec<&str> = case.explanations.iter().map(|reason| reason.code.as_str()).collect();
        let reason = case.reason.as_deref().unwrap_or_default();
        format!("{} {}::{}: {reason}; {codes:?}", case.verdict, case.check, case.subject)
    };
    let wanted = |case: &&Case| {
        !case.verdict.is_green() && case.verdict != Verdict::Skip || !case.explanations.is_empty()
    };
    report.cases.iter().filter(wanted).map(line).collect::<Vec<_>>().join("\n")
}

fn expect(holds: bool, told: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(told.to_owned()) }
}
