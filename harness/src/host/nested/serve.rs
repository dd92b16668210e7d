//! The program in the machine that gives the sandboxes: it serves on its standard streams until they end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::rc::Rc;

use anyhow::Context;
use serde_json::Value;

use super::{Opening, PROGRAM, Request};
use crate::chain::chain;
use crate::host::{Blueprint, Needs, Sandbox, Workspace};
use crate::image::{self, Pair};
use crate::rpc;

#[derive(Default)]
struct Sandboxes {
    place: RefCell<Option<Rc<Opened>>>,
    standing: RefCell<HashMap<String, Sandbox>>,
}

/// The place that sandboxes are in.
struct Opened {
    run_id: String,
    workspace: Workspace,
}

/// Gives sandboxes as it is told on the standard streams. When they end, it takes everything away.
///
/// # Errors
/// If no runtime can be had, or something is left.
pub fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sandboxes = Rc::new(Sandboxes::default());
    // What is still asked when the streams end goes with the tasks.
    tokio::task::LocalSet::new().block_on(&runtime, rpc::serve(Rc::clone(&sandboxes)));
    let opened = sandboxes.place.take().and_then(Rc::into_inner);
    runtime.block_on(async {
        match opened {
            Some(opened) => opened.workspace.close().await.map_err(|error| io::Error::other(chain(error))),
            None => Ok(()),
        }
    })
}

impl rpc::Service<Request> for Sandboxes {
    async fn answer(&self, request: Request) -> Result<Value, String> {
        match request {
            Request::Open(opening) => rpc::reply(self.open(opening).await),
            Request::Boot { name, images, machines } => rpc::reply(self.boot(name, &images, &machines).await),
            Request::Reboot { name } => rpc::reply(self.reboot(name).await),
            Request::End { name } => rpc::reply(self.end(&name).await),
            Request::Console { name } => rpc::reply(self.place().map(|place| place.workspace.console(&name))),
        }
    }
}

impl Sandboxes {
    async fn open(&self, opening: Opening) -> anyhow::Result<()> {
        let Opening { run_id, images, roots, hosts, of_hosts, patience } = opening;
        let cache = image::default_folder();
        std::fs::create_dir_all(&cache).with_context(|| format!("create `{}`", cache.display()))?;
        let needs = Needs {
            cache: &cache,
            run_id: &run_id,
            images: &images,
            roots,
            hosts,
            of_hosts: &of_hosts,
            patience,
            program: Path::new(PROGRAM),
        };
        let workspace = Workspace::open(needs).await?;
        self.place.replace(Some(Rc::new(Opened { run_id, workspace })));
        Ok(())
    }

    fn place(&self) -> anyhow::Result<Rc<Opened>> {
        self.place.borrow().clone().context("there is no place for sandboxes yet")
    }

    async fn boot(&self, name: String, images: &Pair<String>, machines: &[String]) -> anyhow::Result<i32> {
        let place = self.place()?;
        let Opened { run_id, workspace } = &*place;
        let blueprint = Blueprint { name: &name, run_id, images, machines, agent: Path::new(PROGRAM) };
        let sandbox = Sandbox::boot(workspace, blueprint).await?;
        let leader = sandbox.leader()?;
        self.standing.borrow_mut().insert(name, sandbox);
        Ok(leader)
    }

    async fn reboot(&self, name: String) -> anyhow::Result<i32> {
        let mut sandbox = self.take(&name)?;
        let rebooted = sandbox.reboot().await;
        let leader = sandbox.leader();
        // It is ended by whoever asks for that, whatever became of it.
        self.standing.borrow_mut().insert(name, sandbox);
        rebooted?;
        Ok(leader?)
    }

    async fn end(&self, name: &str) -> anyhow::Result<()> {
        Ok(self.take(name)?.end().await?)
    }

    fn take(&self, name: &str) -> anyhow::Result<Sandbox> {
        self.standing.borrow_mut().remove(name).with_context(|| format!("there is no sandbox `{name}`"))
    }
}
