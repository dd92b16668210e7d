//! `run --host ssh://` on machines with a systemd and an sshd of their own, and what becomes of them when the connection
//! breaks: they are as they were.
//!
//! The machines are sandboxes; what a person has of ssh is made for each trial.

mod support;

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::Arguments;
use nspawn_matrix::command::Command;
use nspawn_matrix_reports::Report;
use support::inside::Inside;
use support::reached::{Person, Reached};
use support::{kills, on_this_thread, texts_in, trial};

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
    let trials = vec![
        trial("leaves-the-machine-as-it-was", || Ok(on_this_thread(leaves_the_machine_as_it_was())?)),
        trial("refuses-what-cannot-be-a-host", || Ok(on_this_thread(refuses_what_cannot_be_a_host())?)),
        trial("measures-several-side-by-side", || Ok(on_this_thread(measures_several_side_by_side())?)),
        trial("is-cleaned-up-by-itself", || Ok(on_this_thread(is_cleaned_up_by_itself())?)),
        trial("is-cleaned-up-after-being-killed", || Ok(on_this_thread(is_cleaned_up_after_being_killed())?)),
        trial("is-cleaned-up-whatever-is-killed-when", || {
            Ok(on_this_thread(is_cleaned_up_whatever_is_killed_when())?)
        }),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

async fn leaves_the_machine_as_it_was() -> Result<(), String> {
    let person = Person::new().await?;
    let web = person.machine("web1").await?;
    // What is left as a place is /root.
    web.succeeds("mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o noexec none /var/tmp").await?;
    let before = web.look().await?;
    let (host, out) = (web.host(), person.out_argument());
    let run =
        person.program(&[&RUN[..], &[&host, &out, "--scenario=nspawn-file-zone", "--check=bind/*"]].concat());
    let ended = run.end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(0), &format!("{}: {}{}", ended.status, ended.stdout, ended.stderr))?;
    web.expect_as(&before).await?;
    for line in ["`ssh://root@web1` itself will be the host.", "web1: bridge on trixie: measuring"] {
        expect(ended.stderr.lines().any(|said| said == line), &ended.stderr)?;
    }
    let report = fs::read(person.out().join("report.json")).map_err(|error| error.to_string())?;
    let report: Report = serde_json::from_slice(&report).map_err(|error| error.to_string())?;
    expect(report.hosts.len() == 2, "each scenario has a host")?;
    let mut texts = texts_in(&person.out()).map_err(|error| error.to_string())?;
    texts.push(ended.stdout);
    expect(!texts.iter().any(|text| text.contains("web1")), "its name is nowhere in what can be posted")?;
    let is_host = |word: &String| word.starts_with("--host=ssh://redacted@host-");
    expect(report.run.argv.iter().any(is_host), &format!("{:?}", report.run.argv))?;
    for host in &report.hosts {
        expect(host.kind == "ssh" && host.facts.is_some() && host.left.is_empty(), &format!("{host:?}"))?;
    }
    web.home.close().await
}

/// Each has a report of its own, and where one cannot be a host nothing is done to any.
async fn measures_several_side_by_side() -> Result<(), String> {
    let person = Person::new().await?;
    let (web, db) = (person.machine("web1").await?, person.machine("db1").await?);
    let before = (web.look().await?, db.look().await?);
    let ini = person
        .write("hosts", "localhost ansible_connection=local\n[web]\nweb1\n[web:vars]\nansible_user=root\n")?;
    let toml = person.write("hosts.toml", "[hosts]\nprovider = 'ssh://root@db1'\n")?;
    let hosts = [format!("--inventory={ini}"), format!("--inventory={toml}"), person.out_argument()];
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let refused = person.program(&[&RUN[..], &hosts, &["--host=ssh://root@nowhere.invalid"]].concat());
    let refused = refused.end().await.map_err(|error| error.to_string())?;
    expect(refused.status.code() == Some(3) && !refused.stderr.contains("measuring"), &refused.stderr)?;
    let ended =
        person.program(&[&RUN[..], &hosts].concat()).end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(0), &format!("{}: {}{}", ended.status, ended.stdout, ended.stderr))?;
    let line = |wanted: &str| ended.stderr.lines().position(|line| line == wanted);
    let [web_begins, db_begins] =
        ["web1", "provider"].map(|host| line(&format!("{host}: bridge on trixie: measuring")));
    let done = ended.stderr.lines().position(|line| line.contains(": done, "));
    expect(
        web_begins.is_some() && web_begins < done && db_begins.is_some() && db_begins < done,
        &ended.stderr,
    )?;
    let reports =
        ["web1", "provider"].map(|host| person.out().join(host).join("report.json").display().to_string());
    let compared = person.program(&["compare", &reports[0], &reports[1]]).end();
    let compared = compared.await.map_err(|error| error.to_string())?;
    expect(
        compared.stdout.contains("0 of 4 cells differ"),
        &format!("{}{}", compared.stdout, compared.stderr),
    )?;
    web.expect_as(&before.0).await?;
    db.expect_as(&before.1).await?;
    db.home.close().await?;
    web.home.close().await
}

/// Far sides that are of no use, as sshd has them beside the machine's own: the port of each, and how it is made.
const USELESS: [(&str, u16, &str); 3] = [
    ("bare", 2201, "unshare -m sh -c 'mount -t tmpfs none /run/systemd && /usr/sbin/sshd -p 2201'"),
    (
        "full",
        2202,
        "unshare -m sh -c 'for place in /root /tmp /var/tmp; do mount -t tmpfs -o size=64k none $place; done
        /usr/sbin/sshd -p 2202 -o AuthorizedKeysFile=/etc/ssh/keys'",
    ),
    ("old", 2203, "/usr/sbin/sshd -p 2203 -o 'ForceCommand setarch i686 sh -c \"$SSH_ORIGINAL_COMMAND\"'"),
];

async fn refuses_what_cannot_be_a_host() -> Result<(), String> {
    let person = Person::new().await?;
    let web = person.machine("web1").await?;
    web.succeeds("cp /root/.ssh/authorized_keys /etc/ssh/keys; useradd stranger; usermod --shell /usr/sbin/nologin games; mkdir -p /usr/games/.ssh; cp /etc/ssh/keys /usr/games/.ssh/authorized_keys").await?;
    for (name, port, made) in USELESS {
        web.succeeds(made).await.map_err(|error| format!("{name}: {error}"))?;
        person.know(&web, port, name)?;
    }
    let before = web.look().await?;
    let mut told = Vec::new();
    for host in [
        "guest@web1",
        "stranger@web1",
        "games@web1",
        "root@bare",
        "root@full",
        "root@old",
        "root@nowhere.invalid",
    ] {
        let host = format!("--host=ssh://{host}");
        let run = person.program(&[&RUN[..], &[&host, &person.out_argument()]].concat());
        let ended = run.end().await.map_err(|error| error.to_string())?;
        expect(ended.status.code() == Some(3) && ended.stdout.is_empty(), &ended.status.to_string())?;
        told.push(ended.stderr.replace(std::env::consts::ARCH, "x86_64"));
        web.expect_as(&before).await.map_err(|error| format!("{host}: {error}"))?;
    }
    expect(!person.out().exists(), "there is no report")?;
    insta::assert_snapshot!(told.join("\n"));
    web.home.close().await
}

/// Waits until the machines are about to be started, when all steps are done.
const MACHINES_NOTED: &str = "timeout 120 sh -c 'until grep -qs machine-alpha /var/lib/nspawn-matrix/journal/entries.jsonl; do sleep 0.1; done'";

/// Waits until nothing of this program is left there.
const GONE: &str = "timeout 120 sh -c 'until ! ls -d /var/tmp/nspawn-matrix.* && ! systemctl is-active -q \"nspawn-matrix*\"; do sleep 0.1; done' 2>/dev/null";

/// The run is interrupted, the connection breaks, whoever speaks by it is killed, or nothing comes by it any more.
async fn is_cleaned_up_by_itself() -> Result<(), String> {
    let person = Person::new().await?;
    let web = person.machine("web1").await?;
    let before = web.look().await?;
    for end in [End::Interrupted, End::Broken, End::Killed, End::Silent] {
        let is_as_it_was = ends(end, &person, &web, &before).await;
        is_as_it_was.map_err(|error| format!("{end:?}: {error}"))?;
    }
    web.home.close().await
}

#[derive(Clone, Copy, Debug)]
enum End {
    Interrupted,
    Broken,
    Killed,
    Silent,
}

async fn ends(end: End, person: &Person, web: &Reached, before: &[String]) -> Result<(), String> {
    let mut run = person.noted_program(&[&RUN[..], &[&web.host(), &person.out_argument()]].concat())?;
    web.succeeds(MACHINES_NOTED).await?;
    let code = match end {
        End::Interrupted => {
            let id = run.id().ok_or("the run has ended")?.to_string();
            Command::new("kill", ["-INT", &id]).output().await.map_err(|error| error.to_string())?;
            Some(130)
        }
        End::Broken => {
            web.succeeds(&signalled("sshd-session", "KILL")).await?;
            Some(3)
        }
        End::Killed => {
            run.kill().await.map_err(|error| error.to_string())?;
            None
        }
        End::Silent => {
            web.succeeds(DEAF).await?;
            Some(3)
        }
    };
    let (ended, told) = (run.wait().await.map_err(|error| error.to_string())?, person.noted()?);
    expect(ended.code() == code, &format!("the run ended with {ended}: {told}"))?;
    let is_lost = matches!(end, End::Broken | End::Silent);
    let next = "error: the connection to `ssh://root@web1` is broken; it takes back by itself what was done, and \
                `nspawn-matrix clean --host ssh://root@web1` tells when it has";
    expect(told.contains(next) == is_lost, &told)?;
    expect(person.out().join("report.json").exists() != matches!(end, End::Killed), &told)?;
    web.succeeds(GONE).await.map_err(|error| format!("it stays: {error}"))?;
    if matches!(end, End::Silent) {
        web.succeeds(HEARING).await?;
    }
    web.expect_as(before).await?;
    let ended = person.program(&["clean", &web.host()]).end().await.map_err(|error| error.to_string())?;
    let is_clean = ended.stdout == "nothing to clean on `ssh://root@web1`\n";
    expect(ended.status.success() && is_clean, &format!("{}{}", ended.stdout, ended.stderr))?;
    web.expect_as(before).await?;
    fs::remove_dir_all(person.out()).map_err(|error| error.to_string())
}

/// Sends a signal to all processes of this name that sshd has started for somebody; fails if there are none.
fn signalled(name: &str, signal: &str) -> String {
    format!(
        "found=1; for process in $(cat /sys/fs/cgroup/system.slice/ssh.service/cgroup.procs); do \
         if [ \"$(cat /proc/$process/comm)\" = {name} ]; then kill -{signal} $process && found=0; fi; done; \
         [ $found = 0 ]"
    )
}

/// Packets of the connection are dropped.
const DEAF: &str = "nft 'add table inet deaf; add chain inet deaf input { type filter hook input priority 0; }; \
    add rule inet deaf input iif lo tcp dport 22 drop; add rule inet deaf input iif lo tcp sport 22 drop'";

/// They are not any more.
const HEARING: &str = "nft delete table inet deaf";

/// Nobody is left there to take anything back, until `clean` does.
async fn is_cleaned_up_after_being_killed() -> Result<(), String> {
    let person = Person::new().await?;
    let web = person.machine("web1").await?;
    let before = web.look().await?;
    let (host, out) = (web.host(), person.out_argument());
    let run = [&RUN[..], &[&host, &out]].concat();
    let mut running = person.noted_program(&run)?;
    web.succeeds(MACHINES_NOTED).await?;
    // Neither may do anything when it sees that the other is gone.
    let units = "'nspawn-matrix-remote-*' nspawn-matrix-agent";
    let stop = format!("{}; systemctl kill --signal=STOP {units}", signalled("sh", "STOP"));
    let kill = format!("systemctl kill --signal=KILL {units}; {}", signalled("sh", "KILL"));
    web.succeeds(&format!("{stop}; {kill}")).await?;
    running.kill().await.map_err(|error| error.to_string())?;
    let refused = person.program(&run).end().await.map_err(|error| error.to_string())?;
    let says_why =
        refused.stderr.contains("`nspawn-matrix clean --host ssh://root@web1` takes back what it did");
    expect(refused.status.code() == Some(3) && says_why, &refused.stderr)?;
    let clean = person.program(&["clean", &web.host()]).end().await.map_err(|error| error.to_string())?;
    let said = "`ssh://root@web1` is as it was before the run";
    let is_clean = clean.status.success() && clean.stdout.lines().last() == Some(said);
    expect(is_clean, &format!("{}: {}{}", clean.status, clean.stdout, clean.stderr))?;
    web.expect_as(&before).await?;
    web.home.close().await
}

/// What is killed, at random moments of a run.
#[derive(Clone, Copy, Debug)]
enum Victim {
    /// The run, here.
    Controller,
    /// What it goes by.
    Connection,
    /// What has hold of the machine there.
    Service,
    /// What stands the scenario up there.
    Agent,
}

impl Victim {
    /// A script that ends with 0 if there was something to be killed there; none if it is not there.
    fn script(self) -> Option<String> {
        let unit = |name: &str| {
            format!(
                "unit=$(systemctl list-units --plain --no-legend '{name}' | cut -d' ' -f1); \
                 systemctl kill --signal=KILL --kill-whom=main \"$unit\""
            )
        };
        match self {
            Self::Controller => None,
            Self::Connection => Some(signalled("sshd-session", "KILL")),
            Self::Service => Some(unit("nspawn-matrix-remote-*")),
            Self::Agent => Some(unit("nspawn-matrix-agent.service")),
        }
    }
}

/// What the machine does by itself is enough, or `clean` does the rest.
async fn is_cleaned_up_whatever_is_killed_when() -> Result<(), String> {
    let person = Person::new().await?;
    let web = person.machine("web1").await?;
    let before = web.look().await?;
    let (host, out) = (web.host(), person.out_argument());
    let run = [&RUN[..], &[&host, &out]].concat();
    let began = Instant::now();
    let whole = person.program(&run).end().await.map_err(|error| error.to_string())?;
    expect(whole.status.code() == Some(0), &format!("{}{}", whole.stdout, whole.stderr))?;
    let whole = began.elapsed();
    web.expect_as(&before).await?;
    let victims = [Victim::Controller, Victim::Connection, Victim::Service, Victim::Agent];
    let kill = async |victim, moment| kill(victim, moment, &person, &web, &run).await;
    let expect_clean = async || expect_clean(&person, &web, &before).await;
    kills::at_random_moments(&victims, whole, kill, expect_clean).await?;
    web.home.close().await
}

/// Starts a run, and tells whether there was something to be killed at that moment. The run goes on without its agent, which
/// it starts anew, and says that it has lost the machine when it has.
async fn kill(
    victim: Victim,
    moment: Duration,
    person: &Person,
    web: &Reached,
    run: &[&str],
) -> Result<bool, String> {
    let mut running = person.noted_program(run)?;
    let goes_on = kills::goes_on(&mut running, moment).await;
    let is_hit = goes_on
        && match victim.script() {
            Some(script) => web.home.script(&script).await?.status.success(),
            None => running.start_kill().is_ok(),
        };
    let (ended, told) = (running.wait().await.map_err(|error| error.to_string())?, person.noted()?);
    let may_end = match victim {
        _ if !is_hit => ended.code() == Some(0),
        Victim::Agent => ended.code() == Some(0),
        Victim::Controller => ended.code().is_none(),
        // At the very end nothing is lost with it.
        Victim::Connection | Victim::Service => matches!(ended.code(), Some(0 | 3)),
    };
    expect(may_end, &format!("the run ended with {ended}: {told}"))?;
    Ok(is_hit)
}

async fn expect_clean(person: &Person, web: &Reached, before: &[String]) -> Result<(), String> {
    let clean = || person.program(&["clean", &web.host()]).end();
    let ended = clean().await.map_err(|error| error.to_string())?;
    expect(ended.status.success(), &format!("{}: {}{}", ended.status, ended.stdout, ended.stderr))?;
    web.succeeds(GONE).await.map_err(|error| format!("it stays: {error}"))?;
    web.expect_as(before).await?;
    let ended = clean().await.map_err(|error| error.to_string())?;
    let is_clean = ended.status.success() && ended.stdout == "nothing to clean on `ssh://root@web1`\n";
    expect(is_clean, &format!("{}{}", ended.stdout, ended.stderr))
}

fn expect(holds: bool, told: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(told.to_owned()) }
}
