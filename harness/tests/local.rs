//! `run --host local` on a machine with a systemd of its own, and `clean` after whatever has ended it: the machine is as
//! it was.
//!
//! The machine is a sandbox. Runs are killed in it at random moments (`support/kills.rs`); with `NSPAWN_MATRIX_HOME=vm` they
//! are in a virtual machine.

mod support;

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use nspawn_matrix_reports::{Case, HostRecord, Report, Verdict};
use support::guest::Guest;
use support::home::Home;
use support::inside::{Inside, quiet};
use support::{kills, on_this_thread, trial, vm_trial};

/// A run of one question, which stands everything up all the same.
const RUN: [&str; 8] = [
    "run",
    "--host=local",
    "--yes",
    "--scenario=bridge",
    "--check=ping/gateway/ipv4",
    "--check=ping/outside/ipv4",
    "--samples=1",
    "--out=/root/out",
];

/// What makes another scenario, with a unit and a zone, and more questions of it.
const MORE: [&str; 6] = [
    "--scenario=nspawn-file-zone",
    "--check=ping/*",
    "--check=link/*",
    "--check=bind/*",
    "--check=identity/*",
    "--check=autostart/*",
];

/// A scenario that needs a link which the machine does not have.
const WAN: &str = "name = 'wan'\nmachines = ['web']\ntopics = ['reach']\n\
    [launch]\nby = 'command-line'\noptions = ['--network-macvlan=wan7']\n";

const WAN_FILE: &str = "/root/wan.toml";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each leaves the mount namespace of everyone else on its own thread, and takes the whole machine.
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("leaves-the-machine-as-it-was", || Ok(on_this_thread(leaves_the_machine_as_it_was())?)),
        trial("refuses-what-is-in-the-way", || Ok(on_this_thread(refuses_what_is_in_the_way())?)),
        trial("takes-everything-back-after-ctrl-c", || Ok(on_this_thread(takes_everything_back())?)),
        trial("is-in-no-need-of-a-listener", || Ok(on_this_thread(is_in_no_need_of_a_listener())?)),
        trial("is-cleaned-up-after-a-reboot", || Ok(on_this_thread(is_cleaned_up_after_a_reboot())?)),
        killed("is-cleaned-up-after-being-killed"),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The trial whose machine is where `NSPAWN_MATRIX_HOME` says.
fn killed(name: &str) -> Trial {
    match std::env::var("NSPAWN_MATRIX_HOME").ok().as_deref() {
        Some("vm") => vm_trial(name, || Ok(on_this_thread(is_cleaned_up_in_a_virtual_machine())?)),
        None | Some("sandbox") => trial(name, || Ok(on_this_thread(is_cleaned_up_after_being_killed())?)),
        Some(other) => {
            let wrong = format!("NSPAWN_MATRIX_HOME is sandbox or vm, and not {other}");
            Trial::test(name, || Err(wrong.into()))
        }
    }
}

async fn leaves_the_machine_as_it_was() -> Result<(), String> {
    let home = Home::boot().await?;
    fs::write(home.path(WAN_FILE), WAN).map_err(|error| error.to_string())?;
    let before = home.look().await?;
    let own = format!("--scenario-file={WAN_FILE}");
    let run = [&RUN[..], &MORE, &[&own]].concat();
    let ended = home.program(&run).end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(0), &format!("{}: {}{}", ended.status, ended.stdout, ended.stderr))?;
    home.expect_as(&before).await?;
    let left_out = "left out: wan: there is no link `wan7`";
    expect(ended.stderr.lines().any(|line| line == left_out), &ended.stderr)?;
    let report = fs::read(home.path("/root/out/report.json")).map_err(|error| error.to_string())?;
    let report: Report = serde_json::from_slice(&report).map_err(|error| error.to_string())?;
    let (wan, hosts): (Vec<&HostRecord>, Vec<_>) =
        report.hosts.iter().partition(|host| host.id.ends_with("/wan"));
    expect(wan.len() == 1 && hosts.len() == 2, "each scenario has a host")?;
    let (of_wan, cases): (Vec<&Case>, Vec<_>) = report.cases.iter().partition(|case| case.host == wan[0].id);
    let is_left_out = |case: &&Case| {
        case.verdict == Verdict::Skip && case.reason.as_deref() == Some("there is no link `wan7`")
    };
    expect(!of_wan.is_empty() && of_wan.iter().all(is_left_out), &format!("{of_wan:?}"))?;
    for host in hosts {
        expect(host.kind == "local" && host.facts.is_some() && host.left.is_empty(), &format!("{host:?}"))?;
    }
    let is_skipped = |case: &&Case| ["ping/outside/ipv4", "autostart/after-reboot"].contains(&&*case.check);
    let skipped = cases.into_iter().filter(is_skipped);
    expect(skipped.clone().count() == 8, "both machines have cases")?;
    expect(
        skipped.into_iter().all(|case| case.attempts == 0),
        "no reboot, and nothing for the real internet",
    )?;
    let told =
        serde_json::to_string(&(&report.cases, &report.timeline)).map_err(|error| error.to_string())?;
    expect(!told.contains(&report.run.id), "machines are called as the scenario calls them")?;
    cleaned(&home, "nothing to clean on this machine\n").await?;
    home.close().await
}

async fn refuses_what_is_in_the_way() -> Result<(), String> {
    let home = Home::boot().await?;
    fs::write(home.path(WAN_FILE), WAN).map_err(|error| error.to_string())?;
    let made = home
        .script(
            "mkdir -p /etc/systemd/network && \
             printf '[NetDev]\\nName=br0\\nKind=bridge\\n' >/etc/systemd/network/60-mine.netdev && \
             printf '[Match]\\nName=br0\\n[Network]\\nAddress=10.0.1.1/16\\nConfigureWithoutCarrier=yes\\n' >/etc/systemd/network/60-mine.network && \
             mkdir -p /var/cache/pacman/pkg && touch /var/cache/pacman/pkg/setuid-4755 && networkctl reload && \
             timeout 20 sh -c 'until grep -q 10.0.1.1 /proc/net/fib_trie; do sleep 0.1; done'",
        )
        .await?;
    expect(made.status.success(), &made.stderr)?;
    let before = home.look().await?;
    let ended = home.program(&RUN).end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(3), &ended.stderr)?;
    for line in [
        "in the way: bridge: link `br0` is there already",
        "in the way: bridge: `/var/cache/pacman/pkg/setuid-4755` is there already",
        "in the way: bridge: 10.0.55.1/24 overlaps 10.0.1.1/16, an address of link `br0`",
    ] {
        expect(ended.stderr.lines().any(|said| said == line), &ended.stderr)?;
    }
    let own = format!("--scenario-file={WAN_FILE}");
    let alone = ["run", "--host=local", "--yes", &own, "--scenario=wan"];
    let ended = home.program(&alone).end().await.map_err(|error| error.to_string())?;
    let line = "in the way: wan: there is no link `wan7`";
    expect(ended.status.code() == Some(3) && ended.stderr.lines().any(|said| said == line), &ended.stderr)?;
    let unasked: Vec<&str> = RUN.into_iter().filter(|word| *word != "--yes").collect();
    let ended = home.program(&unasked).end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(2) && ended.stderr.contains("no terminal to ask at"), &ended.stderr)?;
    home.expect_as(&before).await?;
    home.close().await
}

/// Waits until the machines are about to be started, when all steps are done.
const MACHINES_NOTED: &str = "timeout 60 sh -c 'until grep -qs machine-alpha /var/lib/nspawn-matrix/journal/entries.jsonl; do sleep 0.1; done'";

async fn takes_everything_back() -> Result<(), String> {
    let home = Home::boot().await?;
    let before = home.look().await?;
    // A unit is what a signal can be sent to in there.
    let unit = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=run-home", Home::PROGRAM];
    let mut run =
        home.command(&[&unit[..], &RUN].concat()).spawn_piped().map_err(|error| error.to_string())?;
    let sent = home
        .script(&format!("{MACHINES_NOTED} && systemctl kill --signal=INT --kill-whom=main run-home.service"))
        .await?;
    expect(sent.status.success(), &sent.stderr)?;
    let status = run.wait().await.map_err(|error| error.to_string())?;
    expect(status.code() == Some(130), &status.to_string())?;
    cleaned(&home, "nothing to clean on this machine\n").await?;
    home.expect_as(&before).await?;
    home.close().await
}

/// A sandbox goes on when its systemd tells more than a socket holds, as with each reload: nobody reads that any more.
async fn is_in_no_need_of_a_listener() -> Result<(), String> {
    let home = Home::boot().await?;
    let reloads = "for reload in $(seq 40); do timeout 30 systemctl daemon-reload || exit; done";
    let reloaded = home.script(reloads).await?;
    expect(reloaded.status.success(), &format!("{}: {}", reloaded.status, reloaded.stderr))?;
    home.close().await
}

/// Until then, another run says why it is refused.
async fn is_cleaned_up_after_a_reboot() -> Result<(), String> {
    let mut home = Home::boot().await?;
    let before = home.look().await?;
    let mut run = home.program(&RUN).spawn_piped().map_err(|error| error.to_string())?;
    let noted = home.script(MACHINES_NOTED).await?;
    expect(noted.status.success(), "the steps are not done")?;
    run.kill().await.map_err(|error| error.to_string())?;
    home.reboot().await?;
    let refused = home.program(&RUN).end().await.map_err(|error| error.to_string())?;
    let says_why = refused.stderr.contains("has ended before it could take everything back");
    expect(refused.status.code() == Some(3) && says_why, &refused.stderr)?;
    expect_clean(&home, &before).await?;
    home.close().await
}

async fn is_cleaned_up_after_being_killed() -> Result<(), String> {
    let home = Home::boot().await?;
    is_cleaned_up_each_time(&home).await?;
    home.close().await
}

async fn is_cleaned_up_in_a_virtual_machine() -> Result<(), String> {
    let guest = Guest::boot().await?;
    is_cleaned_up_each_time(&guest).await?;
    guest.close().await
}

async fn is_cleaned_up_each_time(home: &impl Inside) -> Result<(), String> {
    let before = home.look().await?;
    let began = Instant::now();
    let whole = home.program(&RUN).end().await.map_err(|error| error.to_string())?;
    expect(whole.status.code() == Some(0), &format!("{}: {}{}", whole.status, whole.stdout, whole.stderr))?;
    let whole = began.elapsed();
    home.expect_as(&before).await?;
    let victims = [Victim::Controller, Victim::Agent, Victim::Both];
    let kill = async |victim, moment| kill(home, victim, moment).await;
    kills::at_random_moments(&victims, whole, kill, async || expect_clean(home, &before).await).await
}

#[derive(Clone, Copy, Debug)]
enum Victim {
    Controller,
    Agent,
    Both,
}

/// The controller tells its process id before it is one.
const CONTROLLER: &str = "echo $$ >/tmp/controller; exec \"$0\" \"$@\"";

const KILL_CONTROLLER: &str = "kill -KILL \"$(cat /tmp/controller)\"";

const KILL_AGENT: &str = "systemctl kill --signal=KILL --kill-whom=main nspawn-matrix-agent.service";

impl Victim {
    /// A script that ends with 0 if there was something to be killed.
    fn script(self) -> String {
        match self {
            Self::Controller => KILL_CONTROLLER.to_owned(),
            Self::Agent => KILL_AGENT.to_owned(),
            Self::Both => format!("{KILL_AGENT}; agent=$?; {KILL_CONTROLLER} || exit $agent"),
        }
    }
}

/// Starts a run, and tells whether there was something to be killed at that moment. A run that nobody has killed, or whose
/// agent alone was, ends as if nothing had happened.
async fn kill<H: Inside>(home: &H, victim: Victim, moment: Duration) -> Result<bool, String> {
    let argv = [&["sh", "-c", CONTROLLER, H::PROGRAM], &RUN[..]].concat();
    let mut run = quiet(home.command(&argv))?.spawn_piped().map_err(|error| error.to_string())?;
    let goes_on = kills::goes_on(&mut run, moment).await;
    let hit = goes_on && home.script(&victim.script()).await?.status.success();
    let status = run.wait().await.map_err(|error| error.to_string())?;
    let is_unharmed = !hit || matches!(victim, Victim::Agent);
    expect(!is_unharmed || status.code() == Some(0), &format!("the run ended with {status}"))?;
    Ok(hit)
}

async fn expect_clean(home: &impl Inside, before: &[String]) -> Result<(), String> {
    let clean = home.program(&["clean"]).end().await.map_err(|error| error.to_string())?;
    expect(clean.status.code() == Some(0), &format!("{}: {}{}", clean.status, clean.stdout, clean.stderr))?;
    home.expect_as(before).await?;
    cleaned(home, "nothing to clean on this machine\n").await
}

async fn cleaned(home: &impl Inside, said: &str) -> Result<(), String> {
    let ended = home.program(&["clean"]).end().await.map_err(|error| error.to_string())?;
    expect(ended.status.success() && ended.stdout == said, &format!("{}{}", ended.stdout, ended.stderr))
}

fn expect(holds: bool, told: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(told.to_owned()) }
}
