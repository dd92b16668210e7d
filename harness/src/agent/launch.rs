//! Starting the machines of a scenario.

use std::fs::File;
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
    _commands: Vec<Child>,
}

/// Starts all machines of the scenario at once.
pub(super) async fn launch(scenario: &Scenario) -> anyhow::Result<Launched> {
    for machine in &scenario.machines {
        event(Some(machine), "started");
    }
    match scenario.launch {
        Launch::CommandLine { .. } => {
            let start = |machine: &String| start_in_foreground(&scenario.launch, machine);
            Ok(Launched { _commands: scenario.machines.iter().map(start).collect::<anyhow::Result<_>>()? })
        }
        Launch::Unit => {
            let units = scenario.machines.iter().map(|machine| launch::unit(machine));
            Command::new("systemctl", ["start".to_owned()].into_iter().chain(units)).output().await?;
            Ok(Launched { _commands: Vec::new() })
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
