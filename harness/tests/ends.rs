//! How a run ends: whatever ends it, it says so in one message and with the right exit code, and leaves nothing on the
//! machine, which is looked at before and after.
//!
//! Trials run one after another. They need what live trials need, and are ignored or fail for the same reasons.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitCode, ExitStatus, Stdio};

use libtest_mimic::{Arguments, Failed};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nspawn_matrix_reports::{Report, TimelineEvent, Verdict};
use support::machine::{Machine, names_in, processes};
use support::{Settings, trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The machine is looked at as a whole, so only one run may be on it.
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("after-success", || ends_by_itself(&["--scenario=nat", "--check=address/lease"], 0)),
        trial("after-a-reboot", || ends_by_itself(&["--scenario=default-veth", "--check=autostart/*"], 0)),
        trial("after-everything-was-taken-back", everything_is_taken_back),
        trial("after-a-host-that-does-not-boot", a_host_that_does_not_boot),
        trial("after-ctrl-c-at-once", || ends_by_signal(Signal::SIGINT, "", Some(130))),
        trial("after-ctrl-c-while-booting", || {
            ends_by_signal(Signal::SIGINT, "bridge on trixie: booting", Some(130))
        }),
        trial("after-ctrl-c-while-measuring", || {
            ends_by_signal(Signal::SIGINT, "bridge on trixie: measuring", Some(130))
        }),
        trial("after-sigterm", || ends_by_signal(Signal::SIGTERM, "bridge on trixie: measuring", Some(130))),
        trial("without-room-for-an-image", || refused(&without_room("image build"), "MB free")),
        trial("without-room-for-a-run", || refused(&without_room("run"), "free")),
        trial("without-network", || refused(WITHOUT_NETWORK, "cannot be reached")),
        trial("without-root", || refused(WITHOUT_ROOT, "only root may make")),
        trial("without-tools", || refused(WITHOUT_TOOLS, "systemd-nspawn, which")),
        trial("after-a-host-that-is-lost", a_host_that_is_lost),
        trial("after-probes-that-are-lost", probes_that_are_lost),
        trial("after-sigkill", || ends_by_signal(Signal::SIGKILL, "bridge on trixie: measuring", None)),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn ends_by_itself(options: &[&str], code: i32) -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let before = Machine::look();
    let mut run = Run::start(out.path(), options)?;
    let (id, status) = (run.id()?, run.end()?);
    before.expect_nothing_left_of(&id)?;
    expect_report(out.path())?;
    expect_code(status, Some(code))
}

/// On a host that is kept, whatever a scenario does is taken back, and the host is as it was.
fn everything_is_taken_back() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let checks = ["--check=link/*", "--check=bind/*", "--check=start/*", "--check=autostart/*"];
    let run = Run::start(out.path(), &[&checks[..], &["--undo"]].concat())?;
    expect_code(run.end()?, Some(0))?;
    let report = expect_report(out.path())?;
    for host in &report.hosts {
        let is_undone = |event: &TimelineEvent| event.host == host.id && event.event == "undone";
        if !host.left.is_empty() || !report.timeline.iter().any(is_undone) {
            return Err(format!("{} is not as it was: {}", host.id, host.left.join("; ")).into());
        }
    }
    Ok(())
}

/// An image without a bootable systemd: `run` must say so in a whole report, and leave nothing.
fn a_host_that_does_not_boot() -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    let systemd = root.path().join("usr/lib/systemd");
    fs::create_dir_all(&systemd)?;
    fs::create_dir_all(root.path().join("etc/systemd/network"))?;
    fs::write(root.path().join("etc/os-release"), "ID=none\n")?;
    fs::write(systemd.join("systemd"), "not a program\n")?;
    let image = format!("--image={}", root.path().display());
    let cache = tempfile::tempdir()?;
    let cache = format!("--cache={}", cache.path().display());
    ends_by_itself(&["--scenario=nat", &image, &cache], 3)
}

/// The host dies while its machines start: it is booted afresh, and everything is asked of that one.
fn a_host_that_is_lost() -> Result<(), Failed> {
    let checks = ["--scenario=bridge", "--check=ping/gateway/ipv4"];
    let report = ends_although_killed(&checks, "bridge on trixie: measuring", is_first_of_host)?;
    for case in &report.cases {
        expect_attempts(&report, &case.check, 2)?;
    }
    Ok(())
}

/// All probes die while lookups wait for their time-out: these are asked again, of the same machines.
fn probes_that_are_lost() -> Result<(), Failed> {
    let checks = ["--scenario=nat", "--check=ping/gateway/ipv4", "--check=resolve/peer/any"];
    let report = ends_although_killed(&checks, "nat on trixie: asking", |process| {
        process.contains(" internal probe ")
    })?;
    expect_attempts(&report, "resolve/peer/any", 2)
}

/// Kills those processes of a run that are `wanted` as soon as it has written `line`. It must end as if nothing had
/// happened.
fn ends_although_killed(
    options: &[&str],
    line: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Report, Failed> {
    let out = tempfile::tempdir()?;
    let before = Machine::look();
    let mut run = Run::start(out.path(), options)?;
    let id = run.id()?;
    run.wait_for(|text| text == line)?;
    let killed: Vec<String> =
        processes().into_iter().filter(|process| process.contains(&id) && wanted(process)).collect();
    if killed.is_empty() {
        return Err("there was nothing to kill".into());
    }
    for process in &killed {
        // One may have ended with another.
        let _ = kill(pid_of(process), Signal::SIGKILL);
    }
    let status = run.end()?;
    before.expect_nothing_left_of(&id)?;
    expect_code(status, Some(0))?;
    expect_report(out.path())
}

/// The first process of a host is number 1 in a process id namespace right below ours; those of machines are deeper.
fn is_first_of_host(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid_of(process))).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    matches!(ids.split_whitespace().collect::<Vec<_>>()[..], [_, "1"])
}

fn pid_of(process: &str) -> Pid {
    let pid = process.split(' ').next().and_then(|pid| pid.parse().ok());
    Pid::from_raw(pid.expect("the description of a process begins with its id"))
}

fn expect_attempts(report: &Report, check: &str, attempts: u32) -> Result<(), Failed> {
    let mut cases = report.cases.iter().filter(|case| case.check == check);
    match cases.find(|case| (case.verdict, case.attempts) != (Verdict::Pass, attempts)) {
        Some(case) => Err(format!(
            "{} is {} at attempt {}: {:?}",
            case.name(),
            case.verdict,
            case.attempts,
            case.reason
        )
        .into()),
        None => Ok(()),
    }
}

/// Sends `signal` as soon as the run has written `line`; at once, if that is empty.
fn ends_by_signal(signal: Signal, line: &str, code: Option<i32>) -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let before = Machine::look();
    let mut run = Run::start(out.path(), &["--scenario=bridge"])?;
    let id = run.id()?;
    if !line.is_empty() {
        run.wait_for(|text| text == line)?;
    }
    kill(Pid::from_raw(i32::try_from(run.process.id())?), signal)?;
    let status = run.end()?;
    before.expect_nothing_left_of(&id)?;
    if code.is_some() {
        expect_report(out.path())?;
    }
    expect_code(status, code)
}

/// An empty cache, and a proxy that nobody listens at.
const WITHOUT_NETWORK: &str = "http_proxy=http://127.0.0.1:9 exec \"$0\" image build --cache \"$1\"";

const WITHOUT_ROOT: &str =
    "chmod 777 \"$1\"; exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" run --out \"$1/out\"";

const WITHOUT_TOOLS: &str = "PATH=/nonexistent exec \"$0\" run --out \"$1/out\"";

/// A cache on a disk that is nearly full.
fn without_room(command: &str) -> String {
    let image = "cp \"$2\"/trixie-*.tar \"$1\"";
    let (size, image) = if command == "run" { ("400m", image) } else { ("64m", "true") };
    format!(
        "mount -t tmpfs -o size={size} tmpfs \"$1\"; cd \"$1\"; {image}; exec \"$0\" {command} --cache \"$1\""
    )
}

/// Runs a shell script with the program as `$0`, an empty folder as `$1` and the cache as `$2`: it must end with exit
/// code 3, say `words` and a next step, and leave the folder empty. The mounts of the script are its own.
#[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
fn refused(script: &str, words: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = Command::new("unshare")
        .args(["--mount", "--propagation=private", "sh", "-c", script, env!("CARGO_BIN_EXE_nspawn-matrix")])
        .arg(folder.path())
        .arg(Settings::from_environment().cache)
        .current_dir(folder.path())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let left = names_in(folder.path());
    expect_code(output.status, Some(3)).map_err(|_| format!("{}: {said}", output.status))?;
    let has_next_step = ["hint: ", "--cache", "install these"].iter().any(|step| said.contains(step));
    if !said.contains(words) || !has_next_step {
        return Err(format!("it said: {said}").into());
    }
    if left.is_empty() { Ok(()) } else { Err(format!("left behind: {left:?}").into()) }
}

/// A run that is watched by what it writes on standard error.
struct Run {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Run {
    #[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
    fn start(out: &Path, options: &[&str]) -> Result<Self, Failed> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"))
            .arg("run")
            .arg("--samples=2")
            .arg(format!("--out={}", out.display()))
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().ok_or("standard error is a pipe")?;
        Ok(Self { process, lines: BufReader::new(stderr).lines() })
    }

    fn wait_for(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String, Failed> {
        let mut said = String::new();
        loop {
            let Some(line) = self.lines.next() else {
                return Err(format!("the run ended early: {said}").into());
            };
            let line = line?;
            said.push_str(&format!("{line} / "));
            if wanted(&line) {
                return Ok(line);
            }
        }
    }

    /// The run says its id first: `run 0123abcd: ...`.
    fn id(&mut self) -> Result<String, Failed> {
        let line = self.wait_for(|line| line.starts_with("run "))?;
        Ok(line.split([' ', ':']).nth(1).ok_or("no id")?.to_owned())
    }

    /// Whoever cleans up has the other end of the pipe open until that is done.
    fn end(mut self) -> Result<ExitStatus, Failed> {
        self.lines.by_ref().for_each(drop);
        Ok(self.process.wait()?)
    }
}

fn expect_code(status: ExitStatus, code: Option<i32>) -> Result<(), Failed> {
    if status.code() == code { Ok(()) } else { Err(format!("ended with {status}, not {code:?}").into()) }
}

/// What others know of the form of a report.
const REPORT_SCHEMA: &str = include_str!("../../docs/report.schema.json");

/// A report is written however the run ends, and names every case of the plan.
fn expect_report(out: &Path) -> Result<Report, Failed> {
    let written: serde_json::Value = serde_json::from_str(&fs::read_to_string(out.join("report.json"))?)?;
    jsonschema::validate(&serde_json::from_str(REPORT_SCHEMA)?, &written)
        .map_err(|error| error.to_string())?;
    let report: Report = serde_json::from_value(written)?;
    if report.cases.is_empty() {
        return Err("the report has no cases".into());
    }
    let junit = fs::read_to_string(out.join("junit.xml"))?;
    if junit.matches("<testcase ").count() == report.cases.len() {
        Ok(report)
    } else {
        Err("junit.xml has other cases than report.json".into())
    }
}
