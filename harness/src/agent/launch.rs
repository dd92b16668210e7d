//! Starting the machines of a scenario.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;

use anyhow::Context;
use nspawn_matrix_scenarios::{Launch, Scenario, launch};
use tokio::process::Child;

use super::event;
use crate::command::Command;

/// Where the output of a machine that was started on a command line goes.
pub(super) fn console(machine: &str) -> String {
    format!("/run/nspawn-matrix-{machine}.console")
}

/// Machines that have been started. Those of a command line are killed when this is dropped.
pub(super) struct Launched {
    commands: BTreeMap<String, Child>,
}

impl Launched {
    /// Waits until the command of `machine` ends, which it does not as long as the machine lives, and says how it did.
    /// Never comes back for a machine that was not started on a command line.
    pub(super) async fn ended(&mut self, machine: &str) -> anyhow::Error {
        let Some(command) = self.commands.get_mut(machine) else { return std::future::pending().await };
        let status = command.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
        let said = fs::read_to_string(console(machine)).unwrap_or_default();
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
        anyhow::anyhow!("systemd-nspawn of machine `{machine}` ended ({status}); the last it said: {last}")
    }
}

/// Starts all machines of the scenario at once.
pub(super) async fn launch(scenario: &Scenario) -> anyhow::Result<Launched> {
    for machine in &scenario.machines {
        event(Some(machine), "started");
    }
    match scenario.launch {
        Launch::CommandLine { .. } => {
            let start =
                |machine: &String| Ok((machine.clone(), start_in_foreground(&scenario.launch, machine)?));
            Ok(Launched { commands: scenario.machines.iter().map(start).collect::<anyhow::Result<_>>()? })
        }
        Launch::Unit => {
            let units = scenario.machines.iter().map(|machine| launch::unit(machine));
            Command::new("systemctl", ["start".to_owned()].into_iter().chain(units)).output().await?;
            Ok(Launched { commands: BTreeMap::new() })
        }
    }
}

fn start_in_foreground(launch: &Launch, machine: &str) -> anyhow::Result<Child> {
    let path = console(machine);
    let console: OwnedFd = File::create(&path).with_context(|| format!("create `{path}`"))?.into();
    Command::from_argv(launch.argv(machine))
        .output_to(&console)
        .with_context(|| format!("write to `{path}`"))?
        .spawn()
        .with_context(|| format!("start machine `{machine}`"))
}
