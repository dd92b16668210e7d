//! Sandboxes in a virtual machine: hosts as on a machine of one's own whose first process is systemd, without root here.
//!
//! In the machine this program gives the sandboxes (`serve`). It is told when to boot, reboot and end one; the agent of
//! each is reached past it, by a connection of its own, and tells what it sees as on any other host.

mod serve;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_vm::{Accel, Endpoint, Extra, Place, Root, Vm};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::blank::{self, Blank, PROGRAM};
use super::{Blueprint, Roots, sandbox};
use crate::agent::Notice;
use crate::image::{Images, Pair};
use crate::rpc;

pub use serve::serve;

/// The name of the machine.
const NAME: &str = "vm";

/// What the program in the machine can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Request {
    /// Makes the place that the sandboxes are in; comes once, and first.
    Open(Opening),
    /// Boots one; answers with the process id of its first process.
    Boot { name: String, images: Pair<String>, machines: Vec<String> },
    /// Reboots one; answers with the process id of its first process then.
    Reboot { name: String },
    /// Ends one.
    End { name: String },
    /// What one wrote on its console; answers with a `String`.
    Console { name: String },
}

/// What the place is made from, as the machine has it.
#[derive(Debug, Serialize, Deserialize)]
struct Opening {
    run_id: String,
    images: Images,
    roots: Roots,
    hosts: usize,
    of_hosts: Vec<Pair<String>>,
    patience: Duration,
}

/// What is to be in the machine.
#[derive(Debug)]
pub struct Contents {
    /// Id of the run.
    pub run_id: String,
    /// The images of hosts and machines, tar files.
    pub images: Images,
    /// How roots are copied.
    pub roots: Roots,
    /// How many hosts there will be at a time.
    pub hosts: usize,
    /// The images of all hosts that there will be, one pair for each.
    pub of_hosts: Vec<Pair<String>>,
}

/// The machine with its sandboxes. It is booted when the first one is asked for.
#[derive(Debug)]
pub struct Nested {
    blank: Blank,
    contents: Contents,
    root: Root,
    place: Place,
    inside: OnceCell<Inside>,
}

/// The machine, and the program in it that gives the sandboxes.
#[derive(Debug)]
struct Inside {
    vm: Vm,
    sandboxes: Rc<rpc::Client>,
}

/// A sandbox in the machine.
pub struct NestedSandbox {
    name: String,
    leader: i32,
    endpoint: Endpoint,
    sandboxes: Rc<rpc::Client>,
}

impl Nested {
    /// Makes the folder for the files of the machine.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(blank: Blank, contents: Contents) -> anyhow::Result<Self> {
        let (root, place) = blank::place(NAME)?;
        Ok(Self { blank, contents, root, place, inside: OnceCell::new() })
    }

    /// Boots a sandbox. If nobody waits for it any more, it stays until the machine goes.
    ///
    /// # Errors
    /// If the machine or the sandbox does not boot.
    pub async fn boot(&self, blueprint: Blueprint<'_>) -> anyhow::Result<NestedSandbox> {
        let Inside { vm, sandboxes } = self.inside.get_or_try_init(|| self.open()).await?;
        let (name, machines) = (blueprint.name.to_owned(), blueprint.machines.to_vec());
        let images = blueprint.images.clone();
        let leader = sandboxes.call(&Request::Boot { name: name.clone(), images, machines }).await?;
        Ok(NestedSandbox { name, leader, endpoint: vm.endpoint().clone(), sandboxes: Rc::clone(sandboxes) })
    }

    async fn open(&self) -> anyhow::Result<Inside> {
        let images = self.contents.images.values().zip(serials());
        let disks = images.map(|(path, serial)| Extra { path: path.clone(), serial });
        let vm = self.blank.boot(&self.place, &disks.collect::<Vec<_>>()).await?;
        match self.open_in(vm.endpoint()).await {
            Ok(sandboxes) => Ok(Inside { vm, sandboxes: Rc::new(sandboxes) }),
            Err(error) => {
                // The first error is the one that matters; but the next attempt must not find a machine that is ending.
                drop(vm.down().await);
                Err(error)
            }
        }
    }

    async fn open_in(&self, endpoint: &Endpoint) -> anyhow::Result<rpc::Client> {
        let Contents { run_id, images, roots, hosts, of_hosts } = &self.contents;
        let child = blank::start(endpoint, &format!("{PROGRAM} internal sandboxes"))?;
        let sandboxes = rpc::Client::new("virtual machine", child, |()| ());
        let disks = serials().map(|serial| PathBuf::from(blank::disk(&serial)));
        let opening = Opening {
            run_id: run_id.clone(),
            images: images.keys().cloned().zip(disks).collect(),
            roots: *roots,
            hosts: *hosts,
            of_hosts: of_hosts.clone(),
            patience: sandbox::BOOT * slowness(self.blank.accel),
        };
        let opened = sandboxes.call::<_, ()>(&Request::Open(opening)).await;
        opened.context("make a place for sandboxes in the virtual machine")?;
        Ok(sandboxes)
    }

    /// What a sandbox wrote on its console; nothing if the machine cannot tell any more.
    pub async fn console(&self, name: &str) -> String {
        let Some(Inside { sandboxes, .. }) = self.inside.get() else { return String::new() };
        sandboxes.call(&Request::Console { name: name.to_owned() }).await.unwrap_or_default()
    }

    /// Ends the machine, once what was made for the sandboxes is taken away in it.
    ///
    /// # Errors
    /// If something of the sandboxes or of the machine is left.
    pub async fn close(self) -> anyhow::Result<()> {
        let Some(Inside { vm, sandboxes }) = self.inside.into_inner() else {
            return Ok(self.root.close()?);
        };
        let emptied = match Rc::into_inner(sandboxes) {
            Some(sandboxes) => {
                sandboxes.finish().await.context("take the sandboxes in the virtual machine away")
            }
            None => Err(anyhow::anyhow!("a sandbox is still there")),
        };
        vm.down().await?;
        self.root.close().context("remove the folder of the virtual machine")?;
        emptied
    }
}

impl NestedSandbox {
    /// Starts the agent as a service of the host; one that is kept has a journal.
    ///
    /// # Errors
    /// If ssh cannot be started.
    pub fn agent(
        &self,
        is_kept: bool,
        on_notice: impl FnMut(Notice) + 'static,
    ) -> anyhow::Result<rpc::Client> {
        let command = sandbox::start_agent(PROGRAM, self.leader, is_kept).to_string();
        Ok(rpc::Client::new("agent", blank::start(&self.endpoint, &command)?, on_notice))
    }

    /// Reboots the host.
    ///
    /// # Errors
    /// If it does not come back.
    pub async fn reboot(&mut self) -> anyhow::Result<()> {
        self.leader = self.sandboxes.call(&Request::Reboot { name: self.name.clone() }).await?;
        Ok(())
    }

    /// Ends the host.
    ///
    /// # Errors
    /// If something of it could not be taken away.
    pub async fn end(self) -> anyhow::Result<()> {
        Ok(self.sandboxes.call(&Request::End { name: self.name }).await?)
    }
}

/// The serial numbers of the disks with the images, in the order of these.
fn serials() -> impl Iterator<Item = String> {
    (1..).map(|number: u32| format!("image-{number}"))
}

/// How many times as long an emulated machine takes.
const fn slowness(accel: Accel) -> u32 {
    match accel {
        Accel::Tcg => 10,
        Accel::Kvm => 1,
    }
}
