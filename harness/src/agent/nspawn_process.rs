//! The systemd-nspawn of a machine that runs: its command line, and the unit that it is of.

use std::fs;
use std::path::{Path, PathBuf};

use nspawn_matrix_scenarios::{launch, nspawn_file, nspawn_option};

/// The process that has started a machine, and waits for its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NspawnProcess {
    /// Its name and its arguments.
    pub(super) argv: Vec<String>,
    /// The service that it is the main process of, if that is the machine's own.
    pub(super) unit: Option<String>,
}

impl NspawnProcess {
    /// Finds that of the machine whose first process is `leader`; none if something else has started the machine.
    pub(super) fn of_leader(leader: i32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{leader}/status")).ok()?;
        let parent = parent(&status)?;
        let argv = words(&fs::read(format!("/proc/{parent}/cmdline")).ok()?);
        let groups = fs::read_to_string(format!("/proc/{parent}/cgroup")).ok()?;
        is_nspawn(argv.first()?).then(|| Self { unit: unit(&groups), argv })
    }

    /// What follows its name.
    pub(super) fn arguments(&self) -> &[String] {
        self.argv.get(1..).unwrap_or_default()
    }

    /// The .nspawn file that it has read for `machine`, and whether it trusts it; none if there is none now.
    pub(super) fn file(&self, machine: &str) -> Option<(PathBuf, bool)> {
        let given = nspawn_option::given(self.arguments());
        let root = given.iter().rfind(|option| ["directory", "image"].contains(&option.name.as_str()));
        let root = root.and_then(|option| option.value.clone()).unwrap_or_else(|| launch::root(machine));
        let beside = Path::new(&root).with_file_name(format!("{machine}.nspawn"));
        let trusted = [nspawn_file::path(machine), nspawn_file::passing_path(machine)];
        let places = trusted.into_iter().map(|path| (path.into(), true)).chain([(beside, false)]);
        places.into_iter().find(|(path, _): &(PathBuf, bool)| path.exists())
    }
}

fn parent(status: &str) -> Option<i32> {
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// Arguments end with a NUL each (proc_pid_cmdline(5)).
fn words(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.strip_suffix('\0').unwrap_or(&text).split('\0').map(str::to_owned).collect()
}

fn is_nspawn(program: &str) -> bool {
    program.rsplit('/').next() == Some("systemd-nspawn")
}

/// The unit of a machine in the path of a control group; systemd-nspawn may be in one below that.
fn unit(groups: &str) -> Option<String> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let is_own = |name: &&str| name.starts_with("systemd-nspawn@") && name.ends_with(".service");
    path.split('/').find(is_own).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_shows_is_read() {
        assert_eq!(parent("Name:\tsystemd\nPPid:\t71\n"), Some(71));
        assert_eq!(words(b"systemd-nspawn\0-b\0--setenv=A=\0"), ["systemd-nspawn", "-b", "--setenv=A="]);
        assert!(is_nspawn("/usr/bin/systemd-nspawn") && !is_nspawn("/usr/bin/lxc-start"));
        let of_unit = "0::/machine.slice/systemd-nspawn@web-1.service/supervisor\n";
        assert_eq!(unit(of_unit).as_deref(), Some("systemd-nspawn@web-1.service"));
        assert_eq!(unit("0::/machine.slice/machine-web.scope\n"), None);
    }

    #[test]
    fn a_file_is_looked_for_beside_the_root_that_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let beside = folder.path().join("web.nspawn");
        fs::write(&beside, "").unwrap();
        let root = folder.path().join("tree").display().to_string();
        let argv = ["systemd-nspawn".to_owned(), "-bD".to_owned(), root];
        let process = NspawnProcess { argv: argv.to_vec(), unit: None };
        assert_eq!(process.file("web"), Some((beside, false)));
        assert_eq!(process.file("no-such-machine"), None);
    }
}
