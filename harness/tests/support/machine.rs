//! The machine that tests run on: what is on it before a run, and what is left after.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use libtest_mimic::Failed;

use super::Settings;

/// What a run could leave on a machine without its id being in the name.
pub(crate) struct Machine(Vec<(&'static str, BTreeSet<String>)>);

impl Machine {
    /// Looks at the machine.
    pub(crate) fn look() -> Self {
        Self(vec![
            ("mount", lines_of("/proc/self/mountinfo")),
            ("link", names_in("/sys/class/net")),
            ("loop device", loop_devices()),
            ("file in /run/systemd", names_in("/run/systemd")),
            ("file in the cache", files_in_cache()),
        ])
    }

    /// Compares with how the machine is now. Namespaces live by their processes and mounts, which are looked at.
    pub(crate) fn expect_nothing_left_of(&self, run_id: &str) -> Result<(), Failed> {
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

/// The names of what is in a folder; nothing if it is not there.
pub(crate) fn names_in(folder: impl AsRef<Path>) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn lines_of(path: &str) -> BTreeSet<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Each with its command line and its control groups, either of which has the id of the run. The dead that wait for
/// the first process of the machine to take note of them are not counted.
pub(crate) fn processes() -> BTreeSet<String> {
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

/// An empty place for mounts and the note of the limit, with its lock, belong to the cache itself.
fn files_in_cache() -> BTreeSet<String> {
    let mut names = names_in(Settings::from_environment().cache);
    names.extend(["mnt", "inotify-limit", "inotify-limit.lock"].map(str::to_owned));
    names
}
