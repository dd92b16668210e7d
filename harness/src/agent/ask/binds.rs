//! What files look like through a bind mount.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use nspawn_matrix_reports::{
    BindFile, BindFiles, BindWrite, FileKind, Mount, Observation, Properties, Written,
};
use nspawn_matrix_scenarios::bind_options::BindOption;
use nspawn_matrix_scenarios::{BindMount, Check, Topic, pacman_cache};

use super::bind_attributes::compare;
use super::bind_options;
use crate::agent::standing::{Standing, call};
use crate::probe::{self, Attributes, Change, NamedFile, Outcome};
use crate::rpc::Client;

/// To whom the machine tries to give a file.
const HEIR: (u32, u32) = (1000, 1000);

/// The mode that the machine tries to give a file.
const NEW_MODE: u32 = 0o600;

impl Standing {
    pub(super) async fn bind_files(&self, machine: &Client) -> anyhow::Result<Observation> {
        let bind = self.bind()?;
        let outside = list(&self.host, &bind.source).await?;
        let mut inside: BTreeMap<String, FileKind> = list(machine, &bind.destination)
            .await?
            .into_iter()
            .map(|named| (named.name, named.file))
            .collect();
        let files = outside
            .into_iter()
            .filter(|named| !made_by_us(&named.name))
            .map(|NamedFile { name, file }| BindFile {
                inside: inside.remove(&name),
                outside: Some(file),
                name,
            })
            .collect::<Vec<_>>();
        let only_inside = inside
            .into_iter()
            .filter(|(name, _)| !made_by_us(name))
            .map(|(name, file)| BindFile { name, outside: None, inside: Some(file) });
        Ok(Observation::BindFiles(BindFiles { files: files.into_iter().chain(only_inside).collect() }))
    }

    pub(super) async fn bind_attributes(&self, machine: &Client) -> anyhow::Result<Observation> {
        let of = |files: Vec<Attributes>| files.into_iter().filter(|file| !made_by_us(&file.name)).collect();
        let bind = self.bind()?;
        let outside: Vec<Attributes> = of(attributes(&self.host, &bind.source).await?);
        let inside: Vec<Attributes> = of(attributes(machine, &bind.destination).await?);
        Ok(Observation::Properties(compare(&outside, &inside)))
    }

    pub(super) async fn bind_write(&self, probe: &Client, machine: &str) -> anyhow::Result<Observation> {
        let ends = self.ends(&pacman_cache::written_by(machine))?;
        // An earlier attempt may have made it.
        match fs::remove_file(&ends.outside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        Ok(Observation::BindWrite(match attempt(probe, &ends.inside, Change::Make).await? {
            Outcome::Done(inside) => {
                let path = Path::new(&ends.outside);
                let outside = path.try_exists()?.then(|| probe::look(path)).transpose()?;
                BindWrite::Written(Written { inside, outside })
            }
            Outcome::Refused(errno) => BindWrite::Refused { errno },
        }))
    }

    pub(super) async fn bind_options(&self, probe: &Client) -> anyhow::Result<Observation> {
        let path = &self.bind()?.destination;
        let mount = mount(probe, path).await?;
        Ok(Observation::Mount(mount.unwrap_or_else(Mount::none)))
    }

    pub(super) fn bind(&self) -> anyhow::Result<&BindMount> {
        self.bind.as_ref().context("the machines have no bind mount to look at")
    }

    /// Where something must be mounted in the machine for there to be an answer to `check`; none if an answer says
    /// itself that nothing is.
    pub(super) fn mount_point(&self, check: Check) -> Option<String> {
        match check.topic() {
            Topic::Binds if check != Check::BindOptions => {
                self.bind.as_ref().map(|bind| bind.destination.clone())
            }
            Topic::BindOptions => bind_options::option(check).map(BindOption::path),
            Topic::Binds
            | Topic::Reach
            | Topic::Ports
            | Topic::Names
            | Topic::MulticastDns
            | Topic::Settings
            | Topic::Refusal
            | Topic::Environment
            | Topic::Life => None,
        }
    }

    /// Where the file of this name lies.
    fn ends(&self, name: &str) -> anyhow::Result<Ends> {
        let BindMount { source, destination } = self.bind()?;
        Ok(Ends { outside: format!("{source}/{name}"), inside: format!("{destination}/{name}") })
    }

    /// Has the machine give a file of the host's away.
    pub(super) async fn bind_chown(&self, probe: &Client, machine: &str) -> anyhow::Result<Observation> {
        let ends = self.ends(&pacman_cache::given_by(machine))?;
        let (uid, gid) = HEIR;
        let outcome = attempt(probe, &ends.inside, Change::Give { uid, gid }).await?;
        changed(&ends.outside, outcome, |file| ("owner", owner(file)))
    }

    /// Has the machine change the mode of a file of the host's.
    pub(super) async fn bind_chmod(&self, probe: &Client, machine: &str) -> anyhow::Result<Observation> {
        let ends = self.ends(&pacman_cache::changed_by(machine))?;
        let outcome = attempt(probe, &ends.inside, Change::Mode(NEW_MODE)).await?;
        changed(&ends.outside, outcome, |file| ("mode", file.mode.clone()))
    }
}

/// One file at both ends of the bind mount.
struct Ends {
    outside: String,
    inside: String,
}

/// Whether a question changes the files that others look at.
pub(super) fn changes(check: Check) -> bool {
    matches!(check, Check::BindWrite | Check::BindChown | Check::BindChmod)
}

/// What the kernel said to a change, and what the file at `path` looks like on the host after it.
fn changed(
    path: &str,
    outcome: Outcome,
    told: impl FnOnce(&FileKind) -> (&'static str, String),
) -> anyhow::Result<Observation> {
    let (name, value) = told(&probe::look(Path::new(path))?);
    let (answer, outcome) = match outcome {
        Outcome::Done(_) => (value.clone(), "done".to_owned()),
        Outcome::Refused(errno) => (errno.clone(), errno),
    };
    Ok(Observation::Properties(Properties::new(answer, [("outcome", outcome), (name, value)])))
}

/// Whether the file was not there when the machines were started.
fn made_by_us(name: &str) -> bool {
    name.starts_with(pacman_cache::WRITTEN)
}

/// `0:0`.
pub(super) fn owner(file: &FileKind) -> String {
    format!("{}:{}", file.uid, file.gid)
}

pub(super) async fn list(probe: &Client, path: &str) -> anyhow::Result<Vec<NamedFile>> {
    call(probe, probe::Request::Files { path: path.to_owned() }).await
}

pub(super) async fn attributes(probe: &Client, path: &str) -> anyhow::Result<Vec<Attributes>> {
    call(probe, probe::Request::Attributes { path: path.to_owned() }).await
}

pub(super) async fn mount(probe: &Client, path: &str) -> anyhow::Result<Option<Mount>> {
    call(probe, probe::Request::Mount { path: path.to_owned() }).await
}

pub(super) async fn attempt(probe: &Client, path: &str, change: Change) -> anyhow::Result<Outcome> {
    call(probe, probe::Request::Change { path: path.to_owned(), change }).await
}
