//! The only place of this crate that starts processes.
//!
//! Each is an argument vector, never a shell string, and dies with the thread that started it, unless it is told to
//! outlive it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use tokio::process::{Child, Command};

use crate::VmError;

/// Makes a command that ends with this thread, and when nobody waits for it any more. Standard input is empty.
pub(crate) fn tied(argv: &[String]) -> Command {
    let mut command = plain(argv);
    command.kill_on_drop(true);
    // SAFETY: prctl(2) is async-signal-safe.
    unsafe { command.pre_exec(|| prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from)) };
    command
}

/// Makes a command that outlives this process. Standard input is empty.
pub(crate) fn plain(argv: &[String]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this is the place that starts processes")]
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).stdin(Stdio::null());
    command
}

/// Keeps the signals of our terminal from the program: Ctrl-C is for us.
pub(crate) fn set_apart(command: &mut Command) {
    // SAFETY: setsid(2) is async-signal-safe.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(io::Error::from)) };
}

/// Lets the program inherit an open file: a lock on it is then held until the program ends.
pub(crate) fn inherit(command: &mut Command, file: &impl AsRawFd) {
    let file = file.as_raw_fd();
    // SAFETY: fcntl(2) is async-signal-safe, and the caller keeps the file open until the program has started.
    unsafe {
        command.pre_exec(move || {
            fcntl(BorrowedFd::borrow_raw(file), FcntlArg::F_SETFD(FdFlag::empty()))?;
            Ok(())
        })
    };
}

/// Starts it.
pub(crate) fn spawn(mut command: Command, argv: &[String]) -> Result<Child, VmError> {
    command.spawn().map_err(|source| VmError::Start { program: argv[0].clone(), source })
}

/// Runs a program to its end and gives what it wrote on standard output.
///
/// # Errors
/// [`VmError::Start`], or [`VmError::Failed`] if it ends with anything but 0.
pub(crate) async fn output(argv: &[String]) -> Result<String, VmError> {
    let mut command = tied(argv);
    let failed = |source| VmError::Start { program: argv[0].clone(), source };
    let output = command.output().await.map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(VmError::Failed { program: argv[0].clone(), status: output.status, said })
}

/// Becomes another program; comes back only if that cannot be.
#[must_use]
pub fn become_program(argv: &[String]) -> VmError {
    #[expect(clippy::disallowed_methods, reason = "this is the place that starts processes")]
    let source = std::process::Command::new(&argv[0]).args(&argv[1..]).exec();
    VmError::Start { program: argv[0].clone(), source }
}

/// Finds a program in PATH.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
