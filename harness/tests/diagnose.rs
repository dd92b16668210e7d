//! `diagnose` on a machine whose owner has started machines in the ways in which people do: nothing is found wrong where
//! nothing is, a fault is named, and the machine is as it was.
//!
//! The machine is a sandbox (`support/home.rs`). `NSPAWN_MATRIX_IMAGE` names what it and its machines are made from (trixie
//! if it says nothing).

mod support;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::Arguments;
use nspawn_matrix::command::Ended;
use nspawn_matrix_reports::{Case, Report, Verdict};
use support::home::Home;
use support::inside::Inside;
use support::{on_this_thread, trial};
use tokio::io::{AsyncBufReadExt, BufReader};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each leaves the mount namespace of everyone else on its own thread.
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("names-each-fault-and-changes-nothing", || {
            Ok(on_this_thread(names_each_fault_and_changes_nothing())?)
        }),
        trial("takes-machines-as-they-are", || Ok(on_this_thread(takes_machines_as_they_are())?)),
        trial("asks-thirty-machines", || Ok(on_this_thread(asks_thirty_machines())?)),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn suite() -> String {
    std::env::var("NSPAWN_MATRIX_IMAGE").unwrap_or_else(|_| "trixie".to_owned())
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
const FAULTS: [(&str, &str, &str, &str); 5] = [
    (
        "ip link set dev ve-alpha mtu 1300",
        "ip link set dev ve-alpha mtu 1500",
        "mtu",
        "link/host::host->alpha",
    ),
    (
        "systemctl --machine=gamma stop systemd-resolved 'systemd-resolved-*.socket'",
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
    let home = Home::with(&suite(), &MACHINES.map(str::to_owned)).await?;
    let started = home.script(&format!("set -e\n{START}")).await?;
    expect(started.status.success(), &format!("{}{}", started.stdout, started.stderr))?;
    let before = home.look().await?;
    let healthy = home.program(&["diagnose"]).end().await.map_err(|error| error.to_string())?;
    println!("{}{}", healthy.stdout, healthy.stderr);
    let report = diagnose(&home, &[]).await?;
    expect(codes(&report).is_empty() && red(&report).is_empty(), &told(&report))?;
    home.expect_as(&before).await?;
    watches(&home).await?;
    for (fault, cure, code, cell) in FAULTS {
        did(&home.script(fault).await?)?;
        let report = diagnose(&home, &[]).await?;
        let reason =
            of(&report, cell).and_then(|case| case.explanations.iter().find(|reason| reason.code == code));
        expect(codes(&report) == BTreeSet::from([code]), &format!("{code}: {}", told(&report)))?;
        let reason = reason.ok_or_else(|| format!("{cell} has no reason: {}", told(&report)))?;
        let remedy = reason.remedy.as_ref().ok_or_else(|| format!("{code} has no remedy"))?;
        did(&home.script(remedy).await?)?;
        heals(&home, cell).await.map_err(|told| format!("{remedy}: {told}"))?;
        did(&home.script(cure).await?)?;
    }
    let named = diagnose(&home, &["alpha", "gamma"]).await?;
    let subjects: BTreeSet<&str> = named.cases.iter().map(|case| case.subject.as_str()).collect();
    expect(!subjects.iter().any(|subject| subject.contains("beta")), &format!("{subjects:?}"))?;
    home.close().await
}

/// One that runs no systemd, one without a link, one in a user namespace, what says that it is a virtual machine, and one
/// that is about to go.
const ODD: &str = r#"
nspawn() { name=$1; shift; systemd-run --quiet --unit=by-hand-$name systemd-nspawn --quiet --directory=/var/lib/machines/$name "$@"; }
nspawn sleeper --network-zone=lab sleep infinity
nspawn lonely --boot --private-network
nspawn users --boot --network-zone=lab --private-users=pick
nspawn gone --boot --network-zone=lab
systemd-run --quiet --unit=guest sleep infinity
busctl --quiet call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager RegisterMachine     sayssus guest 0 qemu vm $(systemctl show --property=MainPID --value guest) ""
for machine in lonely users gone; do
    timeout 60 sh -c "until systemctl --quiet --machine=$machine is-active multi-user.target; do sleep 0.2; done"
done
timeout 60 sh -c 'until machinectl --quiet show sleeper >/dev/null; do sleep 0.2; done'
"#;

/// Ends the machine as soon as it is entered.
const GOES: &str = "until grep -qs probe /proc/[0-9]*/cmdline; do :; done; machinectl terminate gone";

async fn takes_machines_as_they_are() -> Result<(), String> {
    let home = Home::with(&suite(), &["sleeper", "lonely", "users", "gone"].map(str::to_owned)).await?;
    did(&home.script(&format!("set -e\n{ODD}")).await?)?;
    let (ended, went) = tokio::join!(home.program(&["diagnose", "--json"]).end(), home.script(GOES));
    did(&went?)?;
    let ended = ended.map_err(|error| error.to_string())?;
    let told_of_guest =
        "not looked into: guest, a vm of qemu: what runs in a virtual machine is not seen from its host";
    expect(ended.stderr.lines().any(|line| line == told_of_guest), &ended.stderr)?;
    let report: Report = serde_json::from_str(&ended.stdout).map_err(|error| error.to_string())?;
    let of = |machine: &str, check: &str| {
        let found = report.cases.iter().find(|case| case.subject == machine && case.check == check);
        found.map(|case| (case.verdict, case.reason.clone().unwrap_or_default(), case.scenario.clone()))
    };
    let skipped = |machine: &str, check: &str, reason: &str| {
        let case = of(machine, check);
        let holds = case.as_ref().is_some_and(|(verdict, why, _)| *verdict == Verdict::Skip && why == reason);
        expect(holds, &format!("{machine} {check}: {case:?}"))
    };
    let sleeper = report.cases.iter().filter(|case| case.subject == "sleeper");
    let is_explained = |case: &Case| case.explanations.iter().any(|why| why.code == "machine-networkd-off");
    expect(sleeper.filter(|case| is_explained(case)).count() > 2, &told(&report))?;
    skipped("lonely", "ping/gateway/ipv4", "no link of the machine belongs to one of the host")?;
    expect(of("users", "link/machine").is_some_and(|(.., row)| row == "zone-lab"), "it is in the zone")?;
    let broken: Vec<&Case> = report.cases.iter().filter(|case| case.verdict == Verdict::Broken).collect();
    expect(broken.is_empty(), &told(&report))?;
    let is_gone = |case: &Case| case.reason.as_deref() == Some("machine `gone` has gone meanwhile");
    expect(report.cases.iter().any(is_gone), "something is asked of what has gone")?;

    let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Home::PROGRAM, "diagnose"];
    let ended = home.command(&user).end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(0), &format!("{}{}", ended.stdout, ended.stderr))?;
    let unseen = "not looked into: users, a container of systemd-nspawn: only root may look into a machine";
    expect(ended.stderr.lines().any(|line| line == unseen), &ended.stderr)?;
    let ended = home.program(&["diagnose", "user"]).end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(2) && ended.stderr.contains("the nearest is `users`"), &ended.stderr)?;
    home.close().await
}

/// Half of them have a veth link each, and the others are in a zone.
async fn asks_thirty_machines() -> Result<(), String> {
    let machines: Vec<String> = (1..=30).map(|number| format!("m{number}")).collect();
    let home = Home::with(&suite(), &machines).await?;
    // Else it is left to chance whether a zone keeps its subnet: docs/findings.md.
    let script = r#"set -ex
        mkdir -p /etc/systemd/network/80-container-vz.network.d
        printf '[Network]\nConfigureWithoutCarrier=yes\n' >/etc/systemd/network/80-container-vz.network.d/carrier.conf
        networkctl reload
        for number in $(seq 30); do
            if [ $number -le 15 ]; then how=--network-veth; else how=--network-zone=lab; fi
            systemd-run --quiet --unit=by-hand-$number systemd-nspawn --quiet --boot --directory=/var/lib/machines/m$number $how
        done
        for number in $(seq 30); do
            timeout 300 sh -c "until systemctl --quiet --machine=m$number is-active multi-user.target; do sleep 1; done"
            systemd-run --quiet --machine=m$number --wait --collect                 /usr/lib/systemd/systemd-networkd-wait-online --interface=host0:routable --timeout=60
        done"#;
    did(&home.script(script).await?)?;
    for machines in [&[][..], &["m1", "m2"]] {
        let report = diagnose(&home, machines).await?;
        println!("{} cases in {}\n{}", report.cases.len(), report.run.took(), told(&report));
        expect(red(&report).is_empty(), "all is well")?;
    }
    home.close().await
}

/// How often it is asked whether a remedy has helped: a name that is new is established within a second or two.
const ATTEMPTS: u32 = 10;

/// Whether `cell` is as claimed again.
async fn heals(home: &Home, cell: &str) -> Result<(), String> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let report = diagnose(home, &[]).await?;
        if of(&report, cell).is_some_and(|case| case.verdict == Verdict::Pass) {
            return Ok(());
        }
        last = told(&report);
    }
    Err(last)
}

fn of<'a>(report: &'a Report, cell: &str) -> Option<&'a Case> {
    report.cases.iter().find(|case| format!("{}::{}", case.check, case.subject) == cell)
}

/// How long it may be silent while something changes.
const WATCHED: Duration = Duration::from_secs(30);

/// What changes while it watches is told, and nothing else.
async fn watches(home: &Home) -> Result<(), String> {
    let watch = home.program(&["diagnose", "--watch=1", "alpha"]).spawn_piped();
    let mut watch = watch.map_err(|error| error.to_string())?;
    let mut lines = BufReader::new(watch.stdout.take().ok_or("it writes")?).lines();
    let mut until = async |wanted: &[&str]| {
        let (mut missing, mut heard): (Vec<&str>, _) = (wanted.to_vec(), Vec::new());
        while !missing.is_empty() {
            let line = tokio::time::timeout(WATCHED, lines.next_line()).await;
            let line = line.map_err(|_| format!("nothing is told of {missing:?}, but {heard:#?}"))?;
            let line = line.map_err(|error| error.to_string())?.ok_or("it has ended")?;
            missing.retain(|wanted| !line.contains(wanted));
            heard.push(line);
        }
        Ok::<_, String>(())
    };
    until(&["% of it"]).await?;
    did(&home.script("systemctl --machine=alpha stop systemd-resolved 'systemd-resolved-*.socket'").await?)?;
    let names = "resolve/host/any alpha: resolved -> none !, systemd-resolved does not run in the machine";
    until(&[names, "environment/services alpha: networkd, resolved -> networkd"]).await?;
    did(&home.script("systemctl --machine=alpha start systemd-resolved").await?)?;
    until(&["resolve/host/any alpha: none ! -> resolved"]).await?;
    watch.kill().await.map_err(|error| error.to_string())
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
