//! The session: the process that has the machine, from the first test program to the end of cargo.
//!
//! It belongs to no test program: it has a session of its own, so that Ctrl-C does not reach it, and none of the
//! streams of the one that started it, for whose end nextest waits. When cargo has ended, however it did, it ends the
//! machine; if it is killed itself, the kernel ends QEMU.

use std::fs;
use std::fs::File;
use std::time::Duration;

use anyhow::{Context, bail};
use nspawn_matrix_vm::{self as vm, Connection, Endpoint, Place, Vm};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Child;

use super::{Owner, PROGRAM_FILE, Shared};
use crate::command::Command;
use crate::wait;

/// The word that stand-in and session say when they are ready.
pub(super) const READY: &str = "ready";

/// The file, among those of the machine, for what its preparation says.
const ERRORS: &str = "preparation.log";

/// How long a machine that answers may take to mount its folders: a few seconds, emulated.
const PREPARED: Duration = Duration::from_secs(300);

/// A machine that is ready for errands.
#[derive(Debug)]
pub struct Session {
    vm: Vm,
    /// The ssh that errands go along with; it runs the stand-in.
    connection: Child,
}

impl Session {
    /// Makes a machine that answers ready.
    ///
    /// # Errors
    /// If the folders cannot be mounted there.
    pub async fn prepare(vm: Vm, shared: &Shared) -> anyhow::Result<Self> {
        let place = vm.place().clone();
        let program = std::env::current_exe().context("find this program")?;
        fs::copy(program, place.exchange().join(PROGRAM_FILE)).context("copy this program")?;
        let argv = vm.endpoint().argv_by(Connection::Shared, Some(&shared.preparation(&place)));
        // Whoever started this process waits for the end of its standard error.
        let errors = place.folder().join(ERRORS);
        let file = File::create(&errors).context("make a file for what goes wrong")?;
        let mut connection = Command::from_argv(argv).errors_to(file).spawn_piped()?;
        let output = connection.stdout.take().context("ssh has no standard output")?;
        match BufReader::new(output).lines().next_line().await? {
            Some(line) if line == READY => {}
            Some(_) | None => {
                let said = fs::read_to_string(errors).unwrap_or_default();
                bail!("mount folders in the virtual machine: {}", said.trim_end());
            }
        }
        shared.tell(&place)?;
        Ok(Self { vm, connection })
    }

    /// Tells whoever started this process that the machine is ready, and lets go of his streams.
    ///
    /// # Errors
    /// If there is no /dev/null.
    pub fn tell(&self) -> anyhow::Result<()> {
        say!("{READY}");
        let null = File::options().read(true).write(true).open("/dev/null")?;
        nix::unistd::dup2_stdout(&null)?;
        Ok(nix::unistd::dup2_stderr(&null)?)
    }

    /// Waits until the owner has ended, or the machine, and leaves nothing of it. What the tests have started there
    /// learns of it from the end of the stand-in.
    ///
    /// # Errors
    /// If something of the machine is left.
    pub async fn serve(mut self, owner: &Owner) -> anyhow::Result<()> {
        tokio::select! {
            () = owner.ended() => {}
            ended = self.vm.ended() => ended?,
        }
        drop(self.connection.stdin.take());
        Ok(self.vm.down().await?)
    }
}

/// Gives the way to the machine at this place, and what it is shown. `session` is the command that makes one.
///
/// # Errors
/// If it cannot be started; the session has said why on standard error.
pub async fn reach(place: &Place, session: Command) -> anyhow::Result<(Endpoint, Shared)> {
    if !place.is_running() {
        let mut session = session.outliving().spawn_piped()?;
        let mut said = String::new();
        let output = session.stdout.as_mut().context("the session has no standard output")?;
        output.read_to_string(&mut said).await?;
        // One that another runner has started meanwhile is as good.
        if said.trim_end() != READY && !place.is_running() {
            bail!("there is no virtual machine to run the tests in");
        }
    }
    let endpoint = vm::find(place).await?;
    wait::for_path(&Shared::file(place), PREPARED).await?;
    let shared = Shared::of(place)?.context("the virtual machine has ended")?;
    Ok((endpoint, shared))
}
