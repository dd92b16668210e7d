//! How a run ends: whatever ends it, it says so in one message and with the right exit code, and leaves nothing on the
//! machine, which is looked at before and after.
//!
//! Trials run one after another. They need what live trials need, and are ignored or fail for the same reasons.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitCode, ExitStatus, Stdio};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nspawn_matrix::image::Recipe;
use nspawn_matrix::prepare::prepare;
use support::Settings;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The machine is looked at as a whole, so only one run may be on it.
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("after-success", || ends_by_itself(&["--scenario=nat", "--check=address/lease"], 0)),
        trial("after-a-reboot", || ends_by_itself(&["--scenario=default-veth", "--check=autostart/*"], 0)),
        trial("after-a-host-that-does-not-boot", a_host_that_does_not_boot),
        trial("after-ctrl-c-at-once", || ends_by_signal(Signal::SIGINT, "", Some(130))),
        trial("after-ctrl-c-while-booting", || ends_by_signal(Signal::SIGINT, "bridge: booting", Some(130))),
        trial("after-ctrl-c-while-measuring", || {
            ends_by_signal(Signal::SIGINT, "bridge: measuring", Some(130))
        }),
        trial("after-sigterm", || ends_by_signal(Signal::SIGTERM, "bridge: measuring", Some(130))),
        trial("without-room-for-an-image", || refused(&without_room("image build"), "MB free")),
        trial("without-room-for-a-run", || refused(&without_room("run"), "free")),
        trial("without-network", || refused(WITHOUT_NETWORK, "cannot be reached")),
        trial("without-root", || refused(WITHOUT_ROOT, "only root may make")),
        trial("without-tools", || refused(WITHOUT_TOOLS, "systemd-nspawn, which")),
        trial("after-sigkill", || ends_by_signal(Signal::SIGKILL, "bridge: measuring", None)),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || {
        let Settings { cache, setup, require } = Settings::from_environment();
        let ready = support::on_this_thread(async {
            let recipe = Recipe::parse("trixie").map_err(|error| error.to_string())?;
            prepare(&cache, &recipe, None, setup, |_| {})
                .await
                .map(|_| ())
                .map_err(|unable| unable.to_string())
        });
        match ready {
            Err(reason) if require => Err(reason.into()),
            Err(reason) => Ok(Completion::ignored_with(reason)),
            Ok(()) => run().map(|()| Completion::Completed),
        }
    })
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

/// A report is written however the run ends, and names every case of the plan.
fn expect_report(out: &Path) -> Result<(), Failed> {
    let report: nspawn_matrix_reports::Report =
        serde_json::from_str(&fs::read_to_string(out.join("report.json"))?)?;
    if report.cases.is_empty() {
        return Err("the report has no cases".into());
    }
    let junit = fs::read_to_string(out.join("junit.xml"))?;
    if junit.matches("<testcase ").count() == report.cases.len() {
        Ok(())
    } else {
        Err("junit.xml has other cases than report.json".into())
    }
}

/// What a run could leave on a machine without its id being in the name.
struct Machine(Vec<(&'static str, BTreeSet<String>)>);

impl Machine {
    fn look() -> Self {
        Self(vec![
            ("mount", lines_of("/proc/self/mountinfo")),
            ("link", names_in("/sys/class/net")),
            ("loop device", loop_devices()),
            ("file in /run/systemd", names_in("/run/systemd")),
            ("file in the cache", files_in_cache()),
        ])
    }

    /// Namespaces live by their processes and mounts, which are looked at.
    fn expect_nothing_left_of(&self, run_id: &str) -> Result<(), Failed> {
        let mut left = Vec::new();
        for ((what, before), (_, after)) in self.0.iter().zip(Self::look().0) {
            left.extend(after.difference(before).map(|one| format!("{what} is left: {one}")));
        }
        let of_run = |what: &str, all: BTreeSet<String>| {
            let of_run = all.into_iter().filter(|one| one.contains(run_id));
            of_run.map(|one| format!("{what} is left: {one}")).collect::<Vec<_>>()
        };
        left.extend(of_run("process", processes()));
        left.extend(of_run("control group", control_groups()));
        left.extend(of_run("unix socket", lines_of("/proc/net/unix")));
        // Another run may need the limit still.
        let alone = !control_groups().iter().any(|name| name.starts_with("nspawn-matrix-"));
        let note = Settings::from_environment().cache.join("inotify-limit");
        if alone && fs::read_to_string(note).is_ok_and(|note| !note.is_empty()) {
            left.push("the limit of inotify instances is still raised".to_owned());
        }
        if left.is_empty() { Ok(()) } else { Err(left.join("\n").into()) }
    }
}

fn names_in(folder: impl AsRef<Path>) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn lines_of(path: &str) -> BTreeSet<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Each with its command line and its control groups, either of which has the id of the run. The dead that wait for
/// the first process of the machine to take note of them are not counted.
fn processes() -> BTreeSet<String> {
    let numeric = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let describe = |pid: String| {
        let folder = Path::new("/proc").join(&pid);
        let dead = fs::read_to_string(folder.join("status")).ok()?.contains("\nState:\tZ");
        if dead {
            return None;
        }
        let command = fs::read_to_string(folder.join("cmdline")).ok()?.replace('\0', " ");
        let groups = fs::read_to_string(folder.join("cgroup")).ok()?.replace('\n', " ");
        Some(format!("{pid} {command} {groups}"))
    };
    names_in("/proc").into_iter().filter(numeric).filter_map(describe).collect()
}

/// Those that lie in the cache.
fn loop_devices() -> BTreeSet<String> {
    let cache = Settings::from_environment().cache;
    let describe = |name: String| {
        let file = fs::read_to_string(Path::new("/sys/block").join(&name).join("loop/backing_file")).ok()?;
        file.starts_with(&*cache.to_string_lossy()).then(|| format!("{name} {file}"))
    };
    names_in("/sys/block").into_iter().filter_map(describe).collect()
}

fn control_groups() -> BTreeSet<String> {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].into_iter().flat_map(names_in).collect()
}

/// An empty place for mounts and the note of the limit belong to the cache itself.
fn files_in_cache() -> BTreeSet<String> {
    let mut names = names_in(Settings::from_environment().cache);
    names.extend(["mnt".to_owned(), "inotify-limit".to_owned()]);
    names
}
