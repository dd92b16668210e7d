//! The guest: a virtual machine that is the host of all scenarios of a run, one after another.
//!
//! It is a whole machine with a kernel of its own, and needs no root here. What a scenario does to it is taken back
//! before the next one; where that does not succeed, the next one gets a machine that was booted afresh.

mod roots;
mod steps;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use nspawn_matrix_scenarios::HOST_NAME;
use nspawn_matrix_scenarios::shell::command_line;
use nspawn_matrix_vm::{Accel, Endpoint, Extra, Image, Life, Place, Qemu, Spec, Start, Vm};
use tempfile::TempDir;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::agent::{self, Request};
use crate::command::Command;
use crate::rpc;

/// Where the guest has this program.
const AGENT: &str = "/usr/local/bin/nspawn-matrix";

/// Where it has its journal.
const JOURNAL: &str = "/var/lib/nspawn-matrix/journal";

/// What a guest is made from.
#[derive(Clone, Debug)]
pub struct Blank {
    /// The QEMU to use.
    pub qemu: Qemu,
    /// How its instructions are run.
    pub accel: Accel,
    /// Its size.
    pub spec: Spec,
    /// Its disk and kernel.
    pub image: Image,
    /// The image of the machines, a tar file.
    pub payload: PathBuf,
    /// This program, as a file.
    pub agent: PathBuf,
}

/// The machine that the hosts of a run are, one after another. It is booted when the first one is asked for.
#[derive(Debug)]
pub struct Guests {
    blank: Blank,
    /// The machines of all scenarios.
    machines: Vec<String>,
    folder: TempDir,
    vm: Arc<Mutex<Option<Vm>>>,
}

/// The machine while it is the host of one scenario.
#[derive(Debug)]
pub struct Guest(OwnedMutexGuard<Option<Vm>>);

impl Guests {
    /// Makes the folder for the files of the machine; `machines` are those of all scenarios.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(blank: Blank, machines: Vec<String>) -> anyhow::Result<Self> {
        let folder = roots::folder().context("make a folder")?;
        Ok(Self { blank, machines, folder, vm: Arc::default() })
    }

    /// Waits until no other scenario has the machine, and boots it unless it runs.
    ///
    /// # Errors
    /// If it does not boot, or cannot be prepared.
    pub async fn boot(&self) -> anyhow::Result<Guest> {
        let mut vm = Arc::clone(&self.vm).lock_owned().await;
        if vm.is_none() {
            let booted = self.boot_afresh().await?;
            self.prepare(booted.endpoint()).await.context("prepare the virtual machine")?;
            *vm = Some(booted);
        }
        Ok(Guest(vm))
    }

    async fn boot_afresh(&self) -> anyhow::Result<Vm> {
        let Blank { qemu, accel, spec, image, payload, agent } = &self.blank;
        let place = Place::new(self.folder.path(), HOST_NAME)?;
        let roots = self.folder.path().join("roots");
        if !roots.exists() {
            roots::make(payload, &roots).await.context("make the disk with the roots of machines")?;
        }
        let disk = |path: &Path, serial: &str| Extra { path: path.to_owned(), serial: serial.to_owned() };
        let extra = [disk(&roots, steps::ROOTS), disk(agent, steps::AGENT)];
        let start = Start { qemu, accel: *accel, spec, image, place: &place, extra: &extra };
        Ok(Vm::start(start, Life::Tied).await?)
    }

    /// Copies this program from its disk, and does in the machine what makes it a host like any other.
    async fn prepare(&self, endpoint: &Endpoint) -> anyhow::Result<()> {
        let copy = format!("cp {} {AGENT} && chmod 0755 {AGENT}", steps::disk(steps::AGENT));
        Command::from_argv(endpoint.argv(Some(&copy)))
            .output()
            .await
            .context("copy this program into the virtual machine")?;
        let agent = start_agent(endpoint, &[], |_| ())?;
        Ok(agent.call(&Request::Prepare(steps::steps(&self.machines))).await?)
    }

    /// What the machine wrote on its console since it was booted afresh.
    #[must_use]
    pub fn console(&self) -> String {
        let place = Place::new(self.folder.path(), HOST_NAME);
        let console = place.ok().and_then(|place| std::fs::read(place.console()).ok()).unwrap_or_default();
        String::from_utf8_lossy(&console).into_owned()
    }

    /// Ends the machine. No scenario must have it any more.
    ///
    /// # Errors
    /// If something of it is left.
    pub async fn close(self) -> anyhow::Result<()> {
        if let Some(vm) = self.vm.lock().await.take() {
            vm.down().await?;
        }
        self.folder.close().context("remove the folder of the virtual machine")
    }
}

impl Guest {
    fn vm(&self) -> anyhow::Result<&Vm> {
        self.0.as_ref().context("the virtual machine is gone")
    }

    /// Starts the agent as a service of the machine.
    ///
    /// # Errors
    /// If ssh cannot be started.
    pub fn agent(&self, on_notice: impl FnMut(agent::Notice) + 'static) -> anyhow::Result<rpc::Client> {
        let words = ["--journal", JOURNAL, "--base", steps::BASE];
        start_agent(self.vm()?.endpoint(), &words, on_notice)
    }

    /// Reboots the machine, as `systemctl reboot` on it does.
    ///
    /// # Errors
    /// If it does not come back.
    pub async fn reboot(&mut self) -> anyhow::Result<()> {
        let vm = self.0.as_mut().context("the virtual machine is gone")?;
        let boots = vm.boots();
        // The connection may be cut by the reboot before the command has ended.
        let _ = Command::from_argv(vm.endpoint().argv(Some("systemctl reboot"))).end().await?;
        Ok(vm.rebooted(boots).await?)
    }

    /// Gives the machine back. If it is not as it was, it is thrown away.
    ///
    /// # Errors
    /// If something of a machine that is thrown away is left.
    pub async fn end(mut self, is_as_it_was: bool) -> anyhow::Result<()> {
        if !is_as_it_was && let Some(vm) = self.0.take() {
            vm.down().await?;
        }
        Ok(())
    }
}

fn start_agent(
    endpoint: &Endpoint,
    words: &[&str],
    on_notice: impl FnMut(agent::Notice) + 'static,
) -> anyhow::Result<rpc::Client> {
    let service = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=nspawn-matrix-agent"];
    let agent = [AGENT, "internal", "agent"];
    let argv: Vec<String> =
        service.into_iter().chain(agent).chain(words.iter().copied()).map(str::to_owned).collect();
    let child = Command::from_argv(endpoint.argv(Some(&command_line(&argv)))).spawn_piped()?;
    Ok(rpc::Client::new("agent", child, on_notice))
}
