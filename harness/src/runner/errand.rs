//! What a test program is given in the machine, and how it ended there.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf, absolute};
use std::process::ExitStatus;

use anyhow::{Context, bail, ensure};
use nspawn_matrix_vm::{Connection, Endpoint, Place};
use serde::{Deserialize, Serialize};

use super::{PROGRAM, Shared, in_machine};
use crate::command::Command;

/// The variables that a test program is given: what these begin with. The others are about this machine.
const PASSED: [&str; 11] = [
    "CARGO",
    "CI",
    "CLICOLOR",
    "INSTA_",
    "NEXTEST",
    "NO_COLOR",
    "NSPAWN_MATRIX_",
    "PROPTEST_",
    "RUST",
    "TERM",
    "TZ",
];

/// Those that are about this machine all the same, or secret.
fn is_kept(name: &str) -> bool {
    ["NSPAWN_MATRIX_CACHE", "NSPAWN_MATRIX_VM_CACHE"].contains(&name) || name.ends_with("_TOKEN")
}

/// The variable by which insta is told where a workspace is; it would ask cargo, which the machine has not.
const INSTA_WORKSPACE: &str = "INSTA_WORKSPACE_ROOT";

/// One program to be run in the machine.
#[derive(Debug, Serialize, Deserialize)]
pub struct Errand {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The folder that it starts in.
    pub folder: PathBuf,
    /// What is set in its environment beside what the machine has.
    pub environment: Vec<(OsString, OsString)>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl Outcome {
    /// Reads how a process ended.
    #[must_use]
    pub fn of(status: ExitStatus) -> Self {
        status.signal().map_or_else(|| Self::Exited(status.code().unwrap_or(1)), Self::Killed)
    }
}

/// Chooses from the variables of this process; `more` are names that are passed on too.
#[must_use]
pub fn environment(more: &[String]) -> Vec<(OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| is_passed(name, more)).collect()
}

fn is_passed(name: &OsStr, more: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_ours = PASSED.iter().any(|begin| name.starts_with(begin));
    is_ours && !is_kept(name) || more.iter().any(|other| other == name)
}

/// The names of an errand's files in the exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files(u32);

impl Files {
    pub(super) const fn of(id: u32) -> Self {
        Self(id)
    }

    pub(super) fn errand(self) -> String {
        format!("{}.errand", self.0)
    }

    pub(super) fn outcome(self) -> String {
        format!("{}.outcome", self.0)
    }

    fn program(self) -> String {
        format!("{}.program", self.0)
    }
}

/// The files of an errand while it is run; they go with it.
struct Posted {
    exchange: PathBuf,
    files: Files,
}

impl Errand {
    /// Runs it in the machine that answers at `endpoint`, with our standard input, output and error.
    ///
    /// # Errors
    /// If the program is in a folder that the machine has not, or the connection ends before the program does.
    pub async fn run(self, endpoint: &Endpoint, place: &Place, shared: &Shared) -> anyhow::Result<Outcome> {
        ensure!(
            shared.has(&self.folder),
            "the virtual machine `{}` has {} and not {}",
            place.name(),
            shared.workspace_root.display(),
            self.folder.display()
        );
        let id = std::process::id();
        let posted = Posted { exchange: place.exchange(), files: Files::of(id) };
        posted.post(self, shared)?;
        let line = format!("exec {PROGRAM} internal errand {id}");
        let ssh = Command::from_argv(endpoint.argv_by(Connection::Joined, Some(&line)));
        let status = ssh.our_input().spawn()?.wait().await.context("wait for ssh")?;
        match fs::read(posted.path(&posted.files.outcome())) {
            Ok(outcome) => serde_json::from_slice(&outcome).context("read how the program ended"),
            Err(_) => {
                bail!("the connection to `{}` ended before the program did: ssh: {status}", place.name())
            }
        }
    }
}

impl Posted {
    fn path(&self, name: &str) -> PathBuf {
        self.exchange.join(name)
    }

    /// Writes the errand down. A program that the machine has not goes with it, such as rustdoc's.
    fn post(&self, mut errand: Errand, shared: &Shared) -> anyhow::Result<()> {
        if let Some(program) = errand.argv.first_mut() {
            let file = absolute(Path::new(program))?;
            if shared.has(&file) {
                *program = file.into();
            } else {
                let name = self.files.program();
                fs::copy(&file, self.path(&name)).with_context(|| format!("copy {}", file.display()))?;
                *program = in_machine(&name).into();
            }
        }
        let is_said = errand.environment.iter().any(|(name, _)| name == INSTA_WORKSPACE);
        if !is_said {
            errand.environment.push((INSTA_WORKSPACE.into(), shared.workspace_root.clone().into()));
        }
        let text = serde_json::to_vec(&errand).context("write down what is to be run")?;
        fs::write(self.path(&self.files.errand()), text).context("write down what is to be run")
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        let Self { files, .. } = *self;
        // Not all of them are there always.
        [files.errand(), files.outcome(), files.program()]
            .iter()
            .for_each(|name| drop(fs::remove_file(self.path(name))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_given_what_is_about_tests() {
        let passed = |name: &str| is_passed(OsStr::new(name), &["MINE".to_owned()]);
        let tests =
            ["CARGO_MANIFEST_DIR", "RUST_BACKTRACE", "NEXTEST_RUN_ID", "NSPAWN_MATRIX_REQUIRE", "MINE"];
        assert!(tests.iter().all(|name| passed(name)));
        let machine = ["PATH", "HOME", "TMPDIR", "NSPAWN_MATRIX_CACHE", "CARGO_REGISTRY_TOKEN", "MINE2"];
        assert!(!machine.iter().any(|name| passed(name)));
    }

    #[test]
    fn an_errand_comes_through_as_it_is() {
        use std::os::unix::ffi::OsStringExt;
        let word = OsString::from_vec(vec![b'a', 0xff]);
        let errand =
            Errand { argv: vec![word.clone()], folder: "/w".into(), environment: vec![("A".into(), word)] };
        let read: Errand = serde_json::from_slice(&serde_json::to_vec(&errand).unwrap()).unwrap();
        assert_eq!((read.argv, read.environment), (errand.argv, errand.environment));
    }

    #[test]
    fn a_signal_is_no_exit_code() {
        assert_eq!(Outcome::of(ExitStatus::from_raw(9)), Outcome::Killed(9));
        assert_eq!(Outcome::of(ExitStatus::from_raw(101 << 8)), Outcome::Exited(101));
    }
}
