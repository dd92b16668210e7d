//! Starting the machines of a scenario.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_scenarios::{Launch, Scenario, launch};
use tokio::process::Child;

use super::event;
use crate::command::Command;

/// How long systemd-nspawn may take to notice that its machine is gone.
const END: Duration = Duration::from_secs(10);

/// Where the output of a machine that was started on a command line goes.
pub(super) fn console(machine: &str) -> String {
    format!("/run/nspawn-matrix-{machine}.console")
}

/// Machines that have been started. Those of a command line are killed when this is dropped.
#[derive(Default)]
pub(super) struct Launched {
    commands: BTreeMap<String, Child>,
    refused: BTreeMap<String, Ended>,
}

impl Launched {
    /// Waits until the command of `machine` ends, which it does not as long as the machine lives, and says how it did.
    /// Never comes back for a machine that a unit has started.
    pub(super) async fn ended(&mut self, machine: &str) -> Ended {
        if let Some(ended) = self.refused.get(machine) {
            return ended.clone();
        }
        let Some(command) = self.commands.get_mut(machine) else { return std::future::pending().await };
        let status = command.wait().await;
        Ended {
            machine: machine.to_owned(),
            code: status.as_ref().ok().and_then(ExitStatus::code),
            status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            said: said_on_console(machine),
        }
    }
}

impl Launched {
    /// Waits until the commands, whose machines have ended, have ended too.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        for (machine, mut command) in self.commands {
            let ended = tokio::time::timeout(END, command.wait()).await;
            ended.with_context(|| format!("systemd-nspawn of machine `{machine}` does not end"))??;
        }
        Ok(())
    }
}

/// How systemd-nspawn ended whose machine did not start.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "systemd-nspawn of machine `{machine}` ended ({status}); the last it said: {}",
    said.last().map_or("nothing", String::as_str)
)]
pub(super) struct Ended {
    machine: String,
    status: String,
    /// With what status, unless a signal ended it.
    pub(super) code: Option<i32>,
    /// What it said about it.
    pub(super) said: Vec<String>,
}

/// What systemd-nspawn itself said on the console of `machine`: that it complains, and not that it starts.
pub(super) fn said_on_console(machine: &str) -> Vec<String> {
    said(&String::from_utf8_lossy(&fs::read(console(machine)).unwrap_or_default()))
}

/// The part of a console that is systemd-nspawn's own, line by line: up to the first words of the machine's systemd,
/// without what is said on every start.
fn said(console: &str) -> Vec<String> {
    let own = console.lines().map(words).take_while(|line| !is_greeting(line));
    own.filter(|line| is_complaint(line)).map(str::to_owned).collect()
}

/// A line without what decorates it.
fn words(line: &str) -> &str {
    line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end()
}

/// Whether a line is the first that the machine's own systemd says.
pub(super) fn is_greeting(line: &str) -> bool {
    let line = words(line);
    line.starts_with("systemd ") && line.contains(" running in system mode")
}

/// Whether a line is not one of those that systemd-nspawn says on every start.
pub(super) fn is_complaint(line: &str) -> bool {
    const USUAL: [&str; 4] = [
        "Spawning container ",
        "Press ",
        "Selected user namespace base ",
        "Note: in a future version of systemd-nspawn ",
    ];
    let line = words(line);
    !line.is_empty() && !USUAL.iter().any(|usual| line.starts_with(usual))
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
            let commands = scenario.machines.iter().map(start).collect::<anyhow::Result<_>>()?;
            Ok(Launched { commands, ..Launched::default() })
        }
        Launch::Unit if scenario.may_refuse => {
            let mut refused = BTreeMap::new();
            for machine in &scenario.machines {
                if let Some(ended) = start_unit(machine).await? {
                    refused.insert(machine.clone(), ended);
                }
            }
            Ok(Launched { refused, ..Launched::default() })
        }
        Launch::Unit => {
            let units = scenario.machines.iter().map(|machine| launch::unit(machine));
            Command::new("systemctl", ["start".to_owned()].into_iter().chain(units)).output().await?;
            Ok(Launched::default())
        }
    }
}

/// Starts the unit of a machine; gives how that ended if it has not started.
async fn start_unit(machine: &str) -> anyhow::Result<Option<Ended>> {
    let output = Command::new("systemctl", ["start".to_owned(), launch::unit(machine)]).end().await?;
    let ended = || Ended {
        machine: machine.to_owned(),
        code: output.status.code(),
        status: output.status.to_string(),
        said: output.stderr.lines().map(str::to_owned).collect(),
    };
    Ok((!output.status.success()).then(ended))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_itself_and_the_usual_greetings_are_no_complaints() {
        let console = "Spawning container alpha on /var/lib/machines/alpha.\nPress ^] three times within 1s to kill \
                       container.\nIgnoring network settings, file /x is not trusted.\nsystemd 257.13 running in system \
                       mode (+PAM)\nDetected virtualization systemd-nspawn.\n";
        assert_eq!(said(console), ["Ignoring network settings, file /x is not trusted."]);
        assert_eq!(said("Failed to stat /y\n"), ["Failed to stat /y"]);
    }
}
