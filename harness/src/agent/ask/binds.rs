//! What files look like through a bind mount.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use nspawn_matrix_reports::{BindFile, BindFiles, BindWrite, FileKind, Mount, Observation, Written};
use nspawn_matrix_scenarios::{BindMount, pacman_cache};

use crate::agent::standing::{Standing, call};
use crate::probe::{self, NamedFile, WriteOutcome};
use crate::rpc::Client;

impl Standing {
    pub(super) async fn bind_files(&self, machine: &Client) -> anyhow::Result<Observation> {
        let bind = self.bind()?;
        let list = |path: &str| probe::Request::Files { path: path.to_owned() };
        let outside: Vec<NamedFile> = call(&self.host, list(&bind.source)).await?;
        let mut inside: BTreeMap<String, FileKind> = call::<Vec<NamedFile>>(machine, list(&bind.destination))
            .await?
            .into_iter()
            .map(|named| (named.name, named.file))
            .collect();
        let made_by_us = |name: &str| name.starts_with(pacman_cache::WRITTEN);
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

    pub(super) async fn bind_write(&self, probe: &Client, machine: &str) -> anyhow::Result<Observation> {
        let bind = self.bind()?;
        let written = |folder: &str| format!("{folder}/{}", pacman_cache::written_by(machine));
        let path = written(&bind.destination);
        let outcome: WriteOutcome = call(probe, probe::Request::Write { path }).await?;
        Ok(Observation::BindWrite(match outcome {
            WriteOutcome::Made(inside) => {
                let path = written(&bind.source);
                let path = Path::new(&path);
                let outside = path.try_exists()?.then(|| probe::look(path)).transpose()?;
                BindWrite::Written(Written { inside, outside })
            }
            WriteOutcome::Refused(errno) => BindWrite::Refused { errno },
        }))
    }

    pub(super) async fn bind_options(&self, probe: &Client) -> anyhow::Result<Observation> {
        let path = &self.bind()?.destination;
        let mount: Option<Mount> = call(probe, probe::Request::Mount { path: path.clone() }).await?;
        mount.map(Observation::Mount).with_context(|| format!("nothing is mounted at `{path}`"))
    }

    fn bind(&self) -> anyhow::Result<&BindMount> {
        self.bind.as_ref().context("the machines have no bind mount to look at")
    }
}
