//! Virtual machines as a person has them: each trial types commands, and looks at what is there and what is left.
//!
//! Trials run one after another, with folders of their own for running machines. They need the tools that
//! `nspawn-matrix setup --host vm` installs and no root; where these are missing the trials are ignored, and with
//! `NSPAWN_MATRIX_REQUIRE=1` they fail. The first build needs a Debian mirror.

mod support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nspawn_matrix::command::Command as Program;
use nspawn_matrix_reports::{Case, Report, TimelineEvent, Verdict};
use nspawn_matrix_vm::{Accel, Chosen, Image, Life, Place, Qemu, Start, Vm};
use support::guest::images;
use support::vm_trial;

/// How long killed processes may take to end.
const LAST_BREATH: Duration = Duration::from_secs(20);

/// How long a machine may take to power off.
const POWER_OFF: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // An emulated machine takes all cores.
    arguments.test_threads = Some(1);
    let trials = vec![
        vm_trial("is-reached-and-goes", is_reached_and_goes),
        vm_trial("a-kernel-runs-to-its-first-program", a_kernel_runs_to_its_first_program),
        vm_trial("keeps-its-disk-over-a-reboot-and-ends-when-dropped", keeps_its_disk_over_a_reboot),
        vm_trial("is-the-host-of-one-scenario-after-another", is_the_host_of_one_scenario_after_another),
        vm_trial("has-sandboxes-side-by-side", has_sandboxes_side_by_side),
        vm_trial("ends-with-ctrl-c-while-a-sandbox-stands", ends_with_ctrl_c_while_a_sandbox_stands),
        vm_trial("a-kernel-runs-to-its-first-program", a_kernel_runs_to_its_first_program),
        vm_trial("runs-the-tests-of-cargo", runs_the_tests_of_cargo),
        vm_trial("runs-a-test-program-as-if-it-ran-here", runs_a_test_program_as_if_it_ran_here),
        vm_trial("ends-with-a-killed-parent", ends_with_a_killed_parent),
        vm_trial("ends-with-ctrl-c-while-it-boots", ends_with_ctrl_c_while_it_boots),
        vm_trial("a-killed-build-is-swept-up-by-the-next", a_killed_build_is_swept_up_by_the_next),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The scenarios stand on the machine's own systemd, and the second finds it as it was before the first.
fn is_the_host_of_one_scenario_after_another() -> Result<(), Failed> {
    let run = Run::new()?;
    let checks = ["--check=ping/*", "--check=link/*", "--check=environment/*"];
    let report = run.succeeds(&["--host=vm", "--scenario=nat", "--scenario=host-network"], &checks)?;
    for host in &report.hosts {
        let is_undone = |event: &&TimelineEvent| event.host == host.id && event.event == "undone";
        expect(host.kind == "vm" && host.left.is_empty(), &format!("{}: {:?}", host.id, host.left))?;
        expect(report.timeline.iter().filter(is_undone).count() == 1, &host.id)?;
    }
    expect(report.hosts.len() == 2 && !report.cases.is_empty(), "both scenarios have answers")?;
    run.expect_nothing_left()
}

/// Two hosts at the same time, one of which is rebooted, in a machine whose first process is systemd.
fn has_sandboxes_side_by_side() -> Result<(), Failed> {
    let run = Run::new()?;
    let scenarios = ["--host=vm+sandbox", "--jobs=2", "--scenario=nat", "--scenario=nspawn-file-veth"];
    let checks = ["--check=ping/*", "--check=link/*", "--check=environment/*", "--check=autostart/*"];
    let report = run.succeeds(&scenarios, &checks)?;
    let own_kernel = nix::sys::utsname::uname()?.release().to_string_lossy().into_owned();
    for host in &report.hosts {
        let facts = host.facts.as_ref().ok_or("it has facts")?;
        expect(host.kind == "vm+sandbox" && facts.virtualization == "systemd-nspawn", &host.id)?;
        expect(facts.kernel != own_kernel, "the kernel is the machine's")?;
        let has_passed = |case: &&Case| case.host == host.id && case.verdict == Verdict::Pass;
        expect(report.cases.iter().filter(has_passed).count() > 20, &host.id)?;
    }
    let at = |event: &str| {
        let times = report.timeline.iter().filter(move |one| one.machine.is_none() && one.event == event);
        times.map(|one| one.at_ms).collect::<Vec<_>>()
    };
    let powered_off =
        report.timeline.iter().filter(|one| one.event == "powered-off").map(|one| one.at_ms).min();
    expect(at("booted").len() == 2 && at("booted").iter().max() < powered_off.iter().min(), "side by side")?;
    expect(at("rebooted").len() == 1, "the host with the unit was rebooted")?;
    run.expect_nothing_left()
}

/// Ctrl-C reaches everything that a terminal has started.
fn ends_with_ctrl_c_while_a_sandbox_stands() -> Result<(), Failed> {
    let run = Run::new()?;
    let mut command = run.command(&["--host=vm+sandbox", "--scenario=nat", "--check=ping/*"]);
    let mut child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let said = BufReader::new(child.stderr.take().ok_or("it has no standard error")?);
    let mut lines = said.lines();
    let stands =
        |line: &std::io::Result<String>| line.as_ref().is_ok_and(|line| line == "nat on trixie: measuring");
    lines.find(stands).ok_or("it never measured anything")??;
    nix::sys::signal::killpg(Pid::from_raw(child.id().try_into()?), Signal::SIGINT)?;
    let rest = lines.collect::<Result<Vec<_>, _>>()?.join("\n");
    expect(child.wait()?.code() == Some(130), &rest)?;
    let report = run.report()?;
    let is_told = |case: &Case| case.reason.as_ref().is_some_and(|reason| reason.contains("interrupted"));
    expect(report.cases.iter().any(is_told), "the cases say why there is no answer")?;
    let console = fs::read_to_string(run.out.path().join("evidence/vm+sandbox/trixie/nat/host-console.txt"))?;
    expect(console.contains("Debian"), "what the sandbox wrote on its console is kept")?;
    run.expect_nothing_left()
}

/// A run that somebody types, with folders of its own for its report and for what is not to be left.
struct Run {
    out: tempfile::TempDir,
    temporary: tempfile::TempDir,
}

impl Run {
    fn new() -> Result<Self, Failed> {
        Ok(Self { out: tempfile::tempdir()?, temporary: tempfile::tempdir()? })
    }

    #[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"));
        command.args(["run", "--samples=1"]).args(arguments);
        command.arg(format!("--out={}", self.out.path().display())).env("TMPDIR", self.temporary.path());
        command
    }

    /// Gives the report of a run in which everything is as claimed.
    fn succeeds(&self, arguments: &[&str], checks: &[&str]) -> Result<Report, Failed> {
        let ended = self.command(arguments).args(checks).output()?;
        let told = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        expect(ended.status.success(), &told.concat())?;
        self.report()
    }

    fn report(&self) -> Result<Report, Failed> {
        Ok(serde_json::from_str(&fs::read_to_string(self.out.path().join("report.json"))?)?)
    }

    fn expect_nothing_left(&self) -> Result<(), Failed> {
        expect(fs::read_dir(self.temporary.path())?.next().is_none(), "the folder of the machine is gone")?;
        let folder = self.temporary.path().display().to_string();
        let names_folder = |process: &PathBuf| {
            fs::read(process.join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
        };
        let processes = fs::read_dir("/proc")?.filter_map(|entry| Some(entry.ok()?.path()));
        let left: Vec<PathBuf> = processes.filter(names_folder).collect();
        expect(left.is_empty(), &format!("QEMU and ssh are gone: {left:?}"))
    }
}

/// The documented line, with a workspace of its own: its tests look at the machine that they run in.
fn runs_the_tests_of_cargo() -> Result<(), Failed> {
    let person = Person::new()?;
    let workspace = tempfile::tempdir()?;
    let files = [
        (".cargo/config.toml", include_str!("../../.cargo/config.toml")),
        ("Cargo.toml", include_str!("small/Cargo.toml")),
        ("src/lib.rs", include_str!("small/src/lib.rs")),
        ("tests/outside.rs", include_str!("small/tests/outside.rs")),
    ];
    for (name, text) in files {
        let file = workspace.path().join(name);
        file.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(file, text)?;
    }
    let ended = person.cargo(workspace.path(), &["test"])?.output()?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    // cargo's code for tests that fail; it goes on with none of the other programs.
    expect(ended.status.code() == Some(101) && said.contains("one_fails ... FAILED"), &said)?;
    person.expect_ended()?;
    let ended = person.cargo(workspace.path(), &["test", "--", "--skip=one_fails"])?.output()?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    expect(ended.status.success(), &said)?;
    expect(said.matches("test result: ok. 1 passed").count() == 3, &said)?;
    let come_back = fs::read_to_string(workspace.path().join("come-back"))?;
    expect(come_back == "systemd\n", &come_back)?;
    person.expect_ended()
}

/// Its input, output, folder, variables and end are as they would be, and when nobody listens any more it is told to
/// end. The machine ends with a process that is named.
fn runs_a_test_program_as_if_it_ran_here() -> Result<(), Failed> {
    let person = Person::new()?;
    let mut owner = person.owner()?;
    let id = format!("--owner={}", owner.id());
    let test = |script: &str| {
        let mut command = person.command(&["test", &id, "--env=MINE", "--", "/bin/sh", "-c", script]);
        command.env("MINE", "a b").env("OTHER", "c").env("CARGO_LIKE", "d");
        command
    };
    let mut typed = test("cat; echo \"$MINE,$OTHER,$CARGO_LIKE,$PWD\"; echo wrong >&2; exit 101");
    typed.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut typed = typed.spawn()?;
    typed.stdin.take().ok_or("it has no standard input")?.write_all(b"typed\n")?;
    let ended = typed.wait_with_output()?;
    let folder = std::env::current_dir()?;
    let said = format!("typed\na b,,d,{}\n", folder.display());
    expect(ended.status.code() == Some(101) && ended.stdout == said.as_bytes(), &format!("{ended:?}"))?;
    expect(ended.stderr.ends_with(b"wrong\n"), &format!("{ended:?}"))?;
    let ended = test("exit 0").output()?;
    expect(ended.status.success() && ended.stderr.is_empty(), &format!("{ended:?}"))?;
    let ended = test("kill -s SEGV $$").output()?;
    expect(ended.status.signal() == Some(Signal::SIGSEGV as i32), &format!("{ended:?}"))?;

    let told = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let script = format!(
        "trap 'echo told >{}/told; exit' TERM; echo began; while :; do sleep 1; done",
        told.path().display()
    );
    let mut runner = test(&script).stdout(Stdio::piped()).spawn()?;
    let output = runner.stdout.take().ok_or("it has no standard output")?;
    expect(BufReader::new(output).lines().next().is_some(), "it began")?;
    runner.kill()?;
    runner.wait()?;
    // What is written in the machine is no event here, so the machine itself is asked to wait for it.
    let ended = test(&format!("until [ -e {}/told ]; do sleep 0.1; done", told.path().display())).output()?;
    expect(ended.status.success(), &format!("{ended:?}"))?;
    owner.kill()?;
    owner.wait()?;
    person.expect_ended()
}

/// From `up` to `down`, with everything that a person does in between.
fn is_reached_and_goes() -> Result<(), Failed> {
    let person = Person::new()?;
    let disk = PathBuf::from(person.types(&["build"])?.trim());
    let written = disk.metadata()?.modified()?;
    person.types(&["up"])?;
    let ended = person.output(&["exec", "--", "sh", "-c", "echo \"a b\"; touch /root/mark; exit 7"])?;
    expect(ended.stdout == b"a b\n" && ended.status.code() == Some(7), &format!("{ended:?}"))?;
    let state = person.types(&["exec", "trixie", "--", "systemctl", "is-system-running"])?;
    expect(state == "running\n", &state)?;
    let list = person.types(&["list"])?;
    expect(list.contains("trixie") && list.contains("answers on port"), &list)?;
    let again = person.output(&["up"])?;
    expect(again.status.code() == Some(3), "a second machine of the name is refused")?;
    let known = person.place().join("known_hosts");
    let right = fs::read_to_string(&known)?;
    fs::write(&known, format!("trixie {}", fs::read_to_string(person.place().join("user.pub"))?))?;
    let wrong = person.output(&["exec", "--", "true"])?;
    expect(wrong.status.code() == Some(255), "a machine with another host key is refused")?;
    fs::write(&known, right)?;
    person.types(&["down"])?;
    person.expect_nothing_left()?;
    expect(disk.metadata()?.modified()? == written, "the image is not written")
}

/// What proves KVM proves emulation too, on machines that have no other.
fn a_kernel_runs_to_its_first_program() -> Result<(), Failed> {
    let hindrance = support::on_this_thread(async {
        let chosen = Chosen::named("trixie").map_err(said)?;
        let image = images().build(&chosen, |_| {}).await.map_err(said)?;
        let qemu = Qemu::find().await.map_err(said)?;
        Accel::Tcg.hinders(&qemu, &kernel_of(&image)?).await.map_err(said)
    })?;
    hindrance.map_or(Ok(()), |said| Err(said.into()))
}

/// As a program uses the crate.
fn keeps_its_disk_over_a_reboot() -> Result<(), Failed> {
    let runtime = tempfile::tempdir()?;
    let (before, after, place) = support::on_this_thread(async {
        let place = Place::new(runtime.path(), "trixie").map_err(said)?;
        let chosen = Chosen::named("trixie").map_err(said)?;
        let image = images().build(&chosen, |_| {}).await.map_err(said)?;
        let qemu = Qemu::find().await.map_err(said)?;
        let accel = Accel::choose(&qemu, Some(&kernel_of(&image)?)).await.map_err(said)?.accel;
        let start = Start {
            qemu: &qemu,
            accel,
            spec: &chosen.spec,
            image: &image,
            place: &place,
            extra: &[],
            shares: &[],
        };
        let mut vm = Vm::start(start, Life::Tied).await.map_err(said)?;
        let endpoint = vm.endpoint().clone();
        let ssh = |command: &str| Program::from_argv(endpoint.argv(Some(command))).end();
        let boot_id = "cat /proc/sys/kernel/random/boot_id";
        let before = ssh(&format!("touch /root/mark; sync; {boot_id}")).await.map_err(said)?.stdout;
        let boots = vm.boots();
        // ssh ends with the machine, in whatever way.
        ssh("systemctl reboot").await.map_err(said)?;
        vm.rebooted(boots).await.map_err(said)?;
        let after = ssh(&format!("test -e /root/mark && {boot_id}")).await.map_err(said)?.stdout;
        Ok((before, after, place.clone()))
    })?;
    expect(
        before.len() == 37 && after.len() == 37 && before != after,
        &format!("boot ids: {before} {after}"),
    )?;
    released(&place.folder().join("lock"))?;
    expect(!place.overlay().exists(), "the folder of the overlay is gone")
}

fn kernel_of(image: &Image) -> Result<PathBuf, String> {
    image.kernel().map(|kernel| kernel.image).ok_or_else(|| "it has no kernel".into())
}

fn said(error: impl std::error::Error) -> String {
    error.to_string()
}

fn ends_with_a_killed_parent() -> Result<(), Failed> {
    let person = Person::new()?;
    let mut up = person.starts(&["up", "--foreground"])?;
    person.qemu_runs()?;
    kill(Pid::from_raw(up.id().try_into()?), Signal::SIGKILL)?;
    up.wait()?;
    released(&person.place().join("lock"))?;
    person.types(&["down"])?;
    person.expect_nothing_left()
}

fn ends_with_ctrl_c_while_it_boots() -> Result<(), Failed> {
    let person = Person::new()?;
    let mut up = person.starts(&["up"])?;
    person.qemu_runs()?;
    let lock = File::open(person.place().join("lock"))?;
    kill(Pid::from_raw(up.id().try_into()?), Signal::SIGINT)?;
    expect(up.wait()?.code() == Some(130), "it says that it was ended")?;
    expect(lock.try_lock().is_ok(), "no QEMU holds the lock")?;
    person.expect_nothing_left()
}

/// All that a build starts has its lock, so once that is free nothing of it is left but files.
fn a_killed_build_is_swept_up_by_the_next() -> Result<(), Failed> {
    let cache = tempfile::tempdir()?;
    let person = Person { runtime: tempfile::tempdir()?, cache: Some(cache.path().to_owned()) };
    let mut build = person.starts(&["build"])?;
    let said = BufReader::new(build.stderr.take().ok_or("it has no standard error")?);
    let is_far = |line: &std::io::Result<String>| line.as_ref().is_ok_and(|line| line.contains("installing"));
    said.lines().find(is_far).ok_or("it never installed anything")??;
    kill(Pid::from_raw(build.id().try_into()?), Signal::SIGKILL)?;
    build.wait()?;
    let find = |end: &str| {
        let names =
            fs::read_dir(cache.path()).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        names.filter(|path| path.to_string_lossy().ends_with(end)).collect::<Vec<_>>()
    };
    released(find(".lock").first().ok_or("it had no lock")?)?;
    expect(find(".partial").len() == 1, "there is something to sweep up")?;
    person.types(&["build"])?;
    expect(find(".partial").is_empty(), "the next build swept it up")
}

/// Someone who types commands, in an environment of his own.
struct Person {
    runtime: tempfile::TempDir,
    cache: Option<PathBuf>,
}

impl Person {
    fn new() -> Result<Self, Failed> {
        Ok(Self { runtime: tempfile::tempdir()?, cache: None })
    }

    #[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"));
        command.arg("vm").args(arguments).env("XDG_RUNTIME_DIR", self.runtime.path());
        if let Some(cache) = &self.cache {
            command.env("NSPAWN_MATRIX_VM_CACHE", cache);
        }
        command
    }

    fn output(&self, arguments: &[&str]) -> Result<Output, Failed> {
        Ok(self.command(arguments).output()?)
    }

    /// Gives what a command writes that must succeed.
    fn types(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.output(arguments)?;
        expect(
            output.status.success(),
            &format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)),
        )?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn starts(&self, arguments: &[&str]) -> Result<Child, Failed> {
        Ok(self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
    }

    /// Gives cargo with the machine as its runner, in a workspace; it builds what depends on nothing.
    #[expect(clippy::disallowed_methods, reason = "cargo is used as a person does")]
    fn cargo(&self, workspace: &Path, arguments: &[&str]) -> Result<Command, Failed> {
        let cargo = std::env::var_os("CARGO").ok_or("this is to be run by cargo")?;
        let mut command = Command::new(cargo);
        let runner = format!("{} vm test --", env!("CARGO_BIN_EXE_nspawn-matrix"));
        command.args(arguments).current_dir(workspace);
        // What cargo has told this test is not so for those.
        let is_told = |name: &str| name.starts_with("CARGO") && name != "CARGO_HOME";
        for (name, _) in std::env::vars().filter(|(name, _)| is_told(name)) {
            command.env_remove(name);
        }
        command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
        command.env("XDG_RUNTIME_DIR", self.runtime.path());
        Ok(command)
    }

    /// Starts a process that does nothing.
    #[expect(clippy::disallowed_methods, reason = "a machine is to end with it")]
    fn owner(&self) -> Result<Child, Failed> {
        Ok(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?)
    }

    /// Waits until the folders of all machines are gone.
    fn expect_ended(&self) -> Result<(), Failed> {
        let root = self.runtime.path().join("nspawn-matrix");
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(&root, AddWatchFlags::IN_DELETE)?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            while fs::read_dir(&root).is_ok_and(|mut machines| machines.next().is_some()) {
                if inotify.read_events().is_err() {
                    return;
                }
            }
            let _ = sender.send(());
        });
        receiver.recv_timeout(POWER_OFF).map_err(|_| "the machine has not ended with its owner".into())
    }

    fn place(&self) -> PathBuf {
        self.runtime.path().join("nspawn-matrix/trixie")
    }

    fn expect_nothing_left(&self) -> Result<(), Failed> {
        let root = self.place().parent().map(Path::to_owned).ok_or("it has a root")?;
        let overlay = Place::new(&root, "trixie")?.overlay();
        expect(!self.place().exists() && !overlay.exists(), "the folders of the machine are gone")
    }

    /// Waits until QEMU has made the file of the console.
    fn qemu_runs(&self) -> Result<(), Failed> {
        fs::create_dir_all(self.place())?;
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(&self.place(), AddWatchFlags::IN_CREATE)?;
        while !self.place().join("console.log").exists() {
            inotify.read_events()?;
        }
        Ok(())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // After a trial that failed; otherwise there is nothing.
        drop(self.output(&["down"]));
    }
}

/// Waits until nobody has the file locked.
fn released(path: &Path) -> Result<(), Failed> {
    let file = File::open(path)?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(file.lock_shared()));
    receiver.recv_timeout(LAST_BREATH).map_err(|_| "something is left that was started")??;
    Ok(())
}

fn expect(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}
