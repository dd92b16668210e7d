//! Programs from PyPI that read junit.xml and CI files, in an environment of their own that is made once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;
use sha2::{Digest, Sha256};

/// What they are, with hashes.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/requirements.txt");

/// Our own scripts for them, and the schema of Jenkins.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers");

/// Makes a command of a program in the environment.
#[expect(clippy::disallowed_methods, reason = "readers are other programs, which are waited for")]
pub(crate) fn reader(program: &str) -> Result<Command, Failed> {
    Ok(Command::new(environment()?.join("bin").join(program)))
}

/// Runs a command to its end, and gives what it printed.
pub(crate) fn printed(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(refused(command, &output))
}

/// How a command has failed, with all that it said.
fn refused(command: &Command, output: &Output) -> Failed {
    let [out, err] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
    format!("{command:?}: {}\n{out}{err}", output.status).into()
}

/// Makes the environment if nobody has done so for these requirements; whoever comes meanwhile waits.
#[expect(clippy::disallowed_methods, reason = "virtualenv and pip are other programs, which are waited for")]
fn environment() -> Result<PathBuf, Failed> {
    let digest = Sha256::digest(fs::read(REQUIREMENTS)?);
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readers-{name}"));
    let whole = folder.join("whole");
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    if !whole.exists() {
        printed(Command::new("virtualenv").args(["--quiet", "--clear"]).arg(&folder))?;
        let hashed = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
        // What has to be built first would bring what has no hash.
        let only_wheels = ["--only-binary", ":all:", "--requirement", REQUIREMENTS];
        printed(Command::new(folder.join("bin/pip")).args(hashed).args(only_wheels))?;
        fs::write(whole, "")?;
    }
    Ok(folder)
}
