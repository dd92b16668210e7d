//! What the program says, run from outside.

#![expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
#![allow(dead_code, reason = "each test program uses a part")]

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program with the caches that there are for anybody.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"))
        .args(arguments)
        .env_remove("NSPAWN_MATRIX_CACHE")
        .env_remove("NSPAWN_MATRIX_VM_CACHE")
        .output()
        .expect("the program was built for this test")
}

/// Runs the program in a folder.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"));
    command.args(arguments).current_dir(folder).output().expect("the program was built for this test")
}

/// Exit code, then what was written on standard error, where the program runs in a folder with these files in it.
pub(crate) fn run_beside(files: &[(&str, &str)], arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("a file can be written there");
    }
    let output = run_in(folder.path(), arguments);
    let code = output.status.code().expect("no signal");
    format!("{code}\n{}", String::from_utf8_lossy(&output.stderr))
}

/// Exit code, then what was written on standard error.
pub(crate) fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.stdout.is_empty());
    format!("{}\n{}", output.status.code().expect("no signal"), String::from_utf8_lossy(&output.stderr))
}

/// What was written on standard output, where all went well.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
