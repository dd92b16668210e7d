//! The runner's part in the machine: it carries out errands, and stands in for the process that they come from.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;

use super::errand::Files;
use super::session::READY;
use super::{Errand, Outcome, in_machine};
use crate::chain::chain;
use crate::command::Command;

/// Where the stand-in writes its process id.
const STAND_IN: &str = "/run/nspawn-matrix/stand-in";

/// The variable that names it to a test program.
const VARIABLE: &str = "NSPAWN_MATRIX_STAND_IN";

/// How long a program may take to end once it was told to.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Is there as long as the process that the machine belongs to is: its standard input ends with that.
///
/// # Errors
/// If its process id cannot be written down.
pub fn stand_in() -> io::Result<()> {
    fs::write(STAND_IN, std::process::id().to_string())?;
    say!("{READY}");
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// Runs the program of an errand, and writes down how it ended. When nobody listens any more, the program is ended.
///
/// # Errors
/// If it cannot be started, or what came of it cannot be written down.
pub fn carry_out(id: u32) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(id)).map_err(|error| io::Error::other(chain(error)))
}

async fn run(id: u32) -> anyhow::Result<()> {
    let files = Files::of(id);
    let text = fs::read(in_machine(&files.errand())).context("read what is to be run")?;
    let Errand { argv, folder, environment } =
        serde_json::from_slice(&text).context("read what is to be run")?;
    let mut command = Command::from_argv(argv).current_dir(folder).our_input().apart();
    for (name, value) in environment {
        command = command.env(name, value);
    }
    if let Ok(stand_in) = fs::read_to_string(STAND_IN) {
        command = command.env(VARIABLE, stand_in);
    }
    let mut child = command.spawn()?;
    let status = tokio::select! {
        status = child.wait() => status,
        lost = nobody_listens() => {
            lost.context("watch standard output")?;
            end(&mut child).await
        }
    };
    let outcome = Outcome::of(status.context("wait for the program")?);
    write_whole(&in_machine(&files.outcome()), &serde_json::to_vec(&outcome)?).context("say how it ended")
}

/// Waits until whoever reads our standard output has gone. sshd closes its end when the connection ends.
async fn nobody_listens() -> io::Result<()> {
    // SAFETY: standard output stays open as long as this process runs.
    let output = unsafe { AsyncFd::register_with_interest(io::stdout(), Interest::WRITABLE) }?;
    loop {
        let mut ready = output.writable().await?;
        if ready.ready().is_write_closed() {
            return Ok(());
        }
        ready.clear_ready();
    }
}

/// Ends the program and those that it has started and kept in its group: first by asking.
async fn end(child: &mut Child) -> io::Result<std::process::ExitStatus> {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let signal = |signal| group.map_or(Ok(()), |group| killpg(group, signal));
    // It may have ended meanwhile.
    let _ = signal(Signal::SIGTERM);
    if let Ok(status) = tokio::time::timeout(LAST_WORDS, child.wait()).await {
        return status;
    }
    let _ = signal(Signal::SIGKILL);
    child.wait().await
}

/// Writes a file that is there only when it is whole.
fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, text)?;
    fs::rename(partial, path)
}
