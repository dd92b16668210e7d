//! A machine elsewhere as the host, reached by ssh: what `--host local` is here, it is there.
//!
//! [`connection`] is the one way there and [`foothold`] how this program gets onto the machine, where it then is a service
//! ([`serve`]). That looks at the machine, has hold of it, and takes back what was done to it: when it is told to, and when
//! nothing is heard from here any more. So nothing that happens to the connection leaves the machine changed. The agent is
//! reached by the same connection, past it.

mod connection;
mod destination;
mod error;
mod foothold;
mod requests;
mod serve;

use std::cell::{OnceCell, RefCell};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::rc::Rc;

use anyhow::Context;
use nspawn_matrix_scenarios::Scenario;
use nspawn_matrix_scenarios::shell::command_line;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::task::{JoinHandle, spawn_local};

use super::local::{Naming, agent_argv};
use crate::agent;
use crate::rpc::{self, RpcError};
use crate::tell::printable;
use error::Why;
use foothold::{Folder, PROGRAM};
use requests::{BEAT, Notice, Request};

pub use connection::Connection;
pub use destination::{Destination, NoDestination};
pub use error::SshError;
pub use requests::Survey as SshSurvey;
pub use serve::serve;

impl Destination {
    /// The command that takes back there what a run did.
    #[must_use]
    pub fn clean(&self) -> String {
        format!("nspawn-matrix clean --host {self}")
    }
}

/// A machine elsewhere, with this program on it.
#[derive(Debug)]
pub struct Remote {
    destination: Destination,
    connection: RefCell<Option<Rc<Connection>>>,
    /// The program there; none when it was told to end.
    server: RefCell<Option<Rc<rpc::Client>>>,
    folder: Folder,
    /// The image of the machines there.
    payload: OnceCell<String>,
    beats: RefCell<Option<JoinHandle<()>>>,
}

/// The machine while it is the host of one scenario.
#[derive(Debug)]
pub struct RemoteHost {
    remote: Rc<Remote>,
}

impl Remote {
    /// Puts `program`, which is this one, onto the machine at the end of `connection`; `told` hears what is done there.
    ///
    /// # Errors
    /// [`SshError`]; nothing is left there then.
    pub async fn board(
        connection: Connection,
        program: &Path,
        told: impl FnMut(&str) + 'static,
    ) -> Result<Rc<Self>, SshError> {
        let destination = connection.destination().clone();
        let (server, folder) = match start(&connection, program, told).await {
            Ok(started) => started,
            Err(why) => {
                // The first error is the one that matters; the shell there removes its folder when it is gone.
                drop(connection.close().await);
                return Err(SshError { destination, why });
            }
        };
        let server = Rc::new(server);
        let beats = spawn_local(beat(Rc::downgrade(&server)));
        Ok(Rc::new(Self {
            destination,
            connection: RefCell::new(Some(Rc::new(connection))),
            server: RefCell::new(Some(server)),
            folder,
            payload: OnceCell::new(),
            beats: RefCell::new(Some(beats)),
        }))
    }

    /// Where it is.
    #[must_use]
    pub const fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Has it take hold of the machine and look at it, on which `scenarios` are to be stood up, as they will be. `root` is
    /// how many bytes the root of a machine takes, if that is known.
    ///
    /// # Errors
    /// [`SshError`].
    pub async fn survey(&self, scenarios: Vec<Scenario>, root: Option<u64>) -> Result<SshSurvey, SshError> {
        let naming = Naming { machine: format!("`{}`", self.destination), clean: self.destination.clean() };
        let surveyed = self.call(&Request::Survey { scenarios, root, naming }).await;
        let surveyed: Result<SshSurvey, _> = surveyed.map_err(|why| self.failed(Why::Other(why)))?;
        let SshSurvey { left_out, refusals, preview } =
            surveyed.map_err(|obstacle| self.failed(Why::Obstacle(obstacle)))?;
        let left_out = left_out.iter().map(|(scenario, lack)| (printable(scenario), printable(lack)));
        let preview: Vec<String> = preview.lines().map(printable).collect();
        Ok(SshSurvey {
            left_out: left_out.collect(),
            refusals: printables(&refusals),
            preview: preview.join("\n"),
        })
    }

    /// Has the machine use `image`, a tar file; it is copied there unless the machine has the same in its own cache.
    ///
    /// # Errors
    /// [`SshError`].
    pub async fn use_image(&self, image: &Path, told: impl FnOnce(&str)) -> Result<(), SshError> {
        let there = self.image(image, told).await.map_err(|why| self.failed(Why::Other(why)))?;
        // It is the same image whenever this is called.
        let _ = self.payload.set(there);
        Ok(())
    }

    async fn image(&self, image: &Path, told: impl FnOnce(&str)) -> anyhow::Result<String> {
        let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = image.metadata().with_context(|| format!("look at `{}`", image.display()))?.len();
        let there: Option<(String, String)> = self.call(&Request::Image { name, bytes }).await?;
        if let Some((path, digest)) = there
            && digest == digest_of(image).with_context(|| format!("read `{}`", image.display()))?
        {
            return Ok(path);
        }
        told(&format!("copying the image ({} MiB) to {}", bytes >> 20, self.destination));
        self.connection()?.copy(image, &self.folder, "image.tar", false).await
    }

    /// Takes back what an earlier run on the machine did, and gives what differs from before; none if there is nothing to
    /// be taken back.
    ///
    /// # Errors
    /// [`SshError`].
    pub async fn clean(&self) -> Result<Option<Vec<String>>, SshError> {
        let cleaned = self.call(&Request::Clean).await.map_err(|why| self.failed(Why::Other(why)))?;
        let cleaned: Result<Option<Vec<String>>, _> = cleaned;
        let left = cleaned.map_err(|obstacle| self.failed(Why::Obstacle(obstacle)))?;
        Ok(left.map(|left| printables(&left)))
    }

    /// There is nothing to boot.
    ///
    /// # Errors
    /// If it cannot be reached any more.
    pub(super) async fn host(self: &Rc<Self>) -> anyhow::Result<RemoteHost> {
        self.call::<()>(&Request::Beat).await?;
        Ok(RemoteHost { remote: Rc::clone(self) })
    }

    /// Has the program end there, which removes itself, and closes the connection. Can be called again.
    ///
    /// # Errors
    /// If something may be left there.
    pub async fn close(&self) -> anyhow::Result<()> {
        if let Some(beats) = self.beats.take() {
            beats.abort();
            // It has gone then, with what it may have been asking.
            drop(beats.await);
        }
        let is_there = self.call::<()>(&Request::Beat).await;
        let (server, connection) = (self.server.take(), self.connection.take());
        let ended = match server.map(Rc::into_inner) {
            Some(Some(server)) => is_there.and(server.finish().await.map_err(anyhow::Error::from)),
            Some(None) => Err(anyhow::anyhow!("something is still asked of `{}`", self.destination)),
            None => Ok(()),
        };
        if let Some(connection) = connection.and_then(Rc::into_inner) {
            connection.close().await?;
        }
        ended.map_err(|error| {
            let clean = self.destination.clean();
            anyhow::anyhow!("{error}; it takes back by itself what was done, and `{clean}` tells when it has")
        })
    }

    fn connection(&self) -> anyhow::Result<Rc<Connection>> {
        self.connection.borrow().clone().context("the connection is closed")
    }

    async fn call<A: DeserializeOwned>(&self, request: &impl Serialize) -> anyhow::Result<A> {
        let server = self.server.borrow().clone().context("the connection is closed")?;
        match server.call(request).await {
            Err(RpcError::Gone(_)) => anyhow::bail!("the connection to `{}` is broken", self.destination),
            Err(RpcError::Refused(why)) => anyhow::bail!("{}", printable(&why)),
            answered => Ok(answered?),
        }
    }

    fn failed(&self, why: Why) -> SshError {
        SshError { destination: self.destination.clone(), why }
    }
}

impl RemoteHost {
    /// Starts the agent as a service of the machine.
    ///
    /// # Errors
    /// If ssh cannot be started.
    pub(super) fn agent(
        &self,
        on_notice: impl FnMut(agent::Notice) + 'static,
    ) -> anyhow::Result<rpc::Client> {
        let payload = self.remote.payload.get().context("the machine has no image")?;
        let argv = agent_argv(&self.remote.folder.path(PROGRAM), payload);
        let child = self.remote.connection()?.start(&command_line(&argv))?;
        Ok(rpc::Client::new("agent", child, on_notice))
    }

    /// Gives the machine up; what was not taken back is, now. Gives what is not as it was then; none if there was nothing
    /// to be taken back.
    ///
    /// # Errors
    /// If something could not be taken back, or nothing can be heard from there.
    pub(super) async fn end(self) -> anyhow::Result<Option<Vec<String>>> {
        self.remote.call(&Request::TakeBack).await
    }
}

/// Has this program run there.
async fn start(
    connection: &Connection,
    program: &Path,
    mut told: impl FnMut(&str) + 'static,
) -> Result<(rpc::Client, Folder), Why> {
    let size = program.metadata().context("look at this program").map_err(Why::Other)?.len();
    let mut shell = connection.start(&foothold::command(size)).map_err(Why::Other)?;
    let folder = foothold::hear(&mut shell).await?;
    connection.copy(program, &folder, PROGRAM, true).await.map_err(Why::Other)?;
    foothold::go_on(&mut shell).await.map_err(Why::Other)?;
    let server = rpc::Client::new("program there", shell, move |Notice::Told(line)| told(&printable(&line)));
    server.call::<_, ()>(&Request::Beat).await.map_err(|error| Why::Other(error.into()))?;
    Ok((server, folder))
}

/// Has something heard from here there as long as there is something to be asked.
async fn beat(server: std::rc::Weak<rpc::Client>) {
    loop {
        let _ = tokio::time::timeout(BEAT, std::future::pending::<()>()).await;
        let Some(server) = server.upgrade() else { return };
        if server.call::<_, ()>(&Request::Beat).await.is_err() {
            return;
        }
    }
}

fn printables(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| printable(line)).collect()
}

/// How much of a file is read at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// The SHA-256 of a file, in hexadecimal digits.
fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = BufReader::with_capacity(CHUNK, File::open(path)?);
    let mut digest = Sha256::new();
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        digest.update(chunk);
        let read = chunk.len();
        file.consume(read);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
