//! The guest: a virtual machine that is the host of all scenarios of a run, one after another.
//!
//! It is a whole machine with a kernel of its own, and needs no root here. What a scenario does to it is taken back
//! before the next one; where that does not succeed, the next one gets a machine that was booted afresh.

mod roots;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use nspawn_matrix_scenarios::HOST_NAME;
use nspawn_matrix_scenarios::shell::command_line;
use nspawn_matrix_vm::{Endpoint, Extra, Place, Root, Vm};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::agent_service;
use super::blank::{self, Blank, PROGRAM};
use super::workspace::console_of;
use crate::agent::{self, Request};
use crate::command::Command;
use crate::rpc;

/// The disk with the roots of machines, among the folders of virtual machines: none of those is called so.
const ROOTS: &str = ".roots";

/// Where it has its journal.
const JOURNAL: &str = "/var/lib/nspawn-matrix/journal";

/// The machine that the hosts of a run are, one after another. It is booted when the first one is asked for.
#[derive(Debug)]
pub struct Guests {
    blank: Blank,
    /// The image of the machines, a tar file.
    payload: PathBuf,
    /// The machines of all scenarios.
    machines: Vec<String>,
    root: Root,
    place: Place,
    vm: Arc<Mutex<Option<Vm>>>,
}

/// The machine while it is the host of one scenario.
#[derive(Debug)]
pub struct Guest(OwnedMutexGuard<Option<Vm>>);

impl Guests {
    /// Makes the folder for the files of the machine; `payload` is the image of the machines, a tar file, and
    /// `machines` are those of all scenarios.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(blank: Blank, payload: PathBuf, machines: Vec<String>) -> anyhow::Result<Self> {
        let (root, place) = blank::place(HOST_NAME)?;
        Ok(Self { blank, payload, machines, root, place, vm: Arc::default() })
    }

    /// Waits until no other scenario has the machine, and boots it unless it runs.
    ///
    /// # Errors
    /// If it does not boot, or cannot be prepared.
    pub async fn boot(&self) -> anyhow::Result<Guest> {
        let mut vm = Arc::clone(&self.vm).lock_owned().await;
        if vm.is_none() {
            *vm = Some(self.boot_afresh().await?);
        }
        Ok(Guest(vm))
    }

    async fn boot_afresh(&self) -> anyhow::Result<Vm> {
        let roots = self.root.folder().join(ROOTS);
        if !roots.exists() {
            roots::make(&self.payload, &roots).await.context("make the disk with the roots of machines")?;
        }
        let roots = Extra { path: roots, serial: steps::ROOTS.to_owned() };
        let vm = self.blank.boot(&self.place, &[roots]).await?;
        self.prepare(vm.endpoint()).await.context("prepare the virtual machine")?;
        Ok(vm)
    }

    /// Does in the machine what makes it a host like any other.
    async fn prepare(&self, endpoint: &Endpoint) -> anyhow::Result<()> {
        let agent = start_agent(endpoint, &[], |_| ())?;
        Ok(agent.call(&Request::Prepare(steps::steps(&self.machines))).await?)
    }

    /// What the machine wrote on its console since it was booted afresh.
    #[must_use]
    pub fn console(&self) -> String {
        console_of(&self.place.console())
    }

    /// Ends the machine. No scenario must have it any more.
    ///
    /// # Errors
    /// If something of it is left.
    pub async fn close(self) -> anyhow::Result<()> {
        if let Some(vm) = self.vm.lock().await.take() {
            vm.down().await?;
        }
        Ok(self.root.close()?)
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
    let child = blank::start(endpoint, &command_line(&agent_service::argv(PROGRAM, words)))?;
    Ok(rpc::Client::new("agent", child, on_notice))
}
