//! Starting the machines of a scenario.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use nspawn_matrix_scenarios::{Launch, Scenario, launch};
use tokio::process::Child;

use super::main_process::MainProcess;
use super::{event, journal};
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
    /// Those whose unit has failed to start.
    failed: BTreeMap<String, Ended>,
}

impl Launched {
    /// Waits until the systemd-nspawn of `machine` ends, which it does not as long as the machine lives, and says how it
    /// did. Never comes back for a machine whose unit has started.
    pub(super) async fn ended(&mut self, machine: &str) -> Ended {
        if let Some(ended) = self.failed.get(machine) {
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
    /// Starts a machine again that did not start.
    pub(super) async fn start_again(&mut self, scenario: &Scenario, machine: &str) -> anyhow::Result<()> {
        event(Some(machine), "started");
        match scenario.launch {
            Launch::CommandLine { .. } => {
                let command = start_in_foreground(&scenario.launch, machine)?;
                self.commands.insert(machine.to_owned(), command);
            }
            Launch::Unit => {
                self.failed.remove(machine);
                let ended = start_unit(machine).await?;
                self.failed.extend(ended.map(|ended| (machine.to_owned(), ended)));
            }
        }
        Ok(())
    }

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
        Launch::Unit => {
            // Where it matters what a machine said that did not start, nobody else is to speak meanwhile (`journal::said`).
            let at_once = if scenario.may_refuse { 1 } else { scenario.machines.len() };
            let starts = scenario.machines.iter().map(|machine| start_unit(machine));
            let ends: Vec<_> = stream::iter(starts).buffered(at_once).try_collect().await?;
            let failed = scenario.machines.iter().cloned().zip(ends);
            let failed = failed.filter_map(|(machine, ended)| Some((machine, ended?))).collect();
            Ok(Launched { failed, ..Launched::default() })
        }
    }
}

/// Starts the unit of `machine`, and says how it ended if it did not come up.
async fn start_unit(machine: &str) -> anyhow::Result<Option<Ended>> {
    let unit = launch::unit(machine);
    let start = Command::new("systemctl", ["start", &unit]).end().await?;
    if start.status.success() {
        return Ok(None);
    }
    let code = MainProcess::of(&unit).await?.code;
    let journal = journal::said(&unit, "systemd-nspawn").await?;
    let own = journal.into_iter().map(|entry| entry.message).take_while(|line| !is_greeting(line));
    let mut said: Vec<String> = own.filter(|line| is_complaint(line)).collect();
    if said.is_empty() {
        // It was never run.
        said.extend(start.stderr.lines().map(str::to_owned));
    }
    let status = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit status: {code}"));
    Ok(Some(Ended { machine: machine.to_owned(), status, code, said }))
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
    use proptest::prelude::*;

    use super::*;

    /// A line of systemd-nspawn's own, as it writes them to a terminal.
    const COMPLAINT: &str = "[A-Z][a-z]{0,8} [a-z=/ .]{0,20}[a-z]";

    proptest! {
        #[test]
        fn no_complaint_before_the_greeting_is_lost_and_none_after_it_is_taken(
            before in prop::collection::vec(COMPLAINT, 0..6),
            after in prop::collection::vec("\\PC{0,20}", 0..6),
            ending in prop::sample::select(vec!["\n", "\r\n", "\u{1b}[0m\n"]),
        ) {
            let wanted: Vec<String> = before.iter().filter(|line| is_complaint(line)).cloned().collect();
            let greeting = "systemd 257 running in system mode (+PAM)".to_owned();
            let lines: Vec<String> = before.into_iter().chain([greeting]).chain(after).collect();
            let told = said(&lines.iter().map(|line| format!("{line}{ending}")).collect::<String>());
            prop_assert_eq!(told.len(), wanted.len());
            prop_assert!(told.iter().zip(&wanted).all(|(told, wanted)| told.starts_with(wanted.as_str())));
        }

        #[test]
        fn no_console_makes_the_reader_panic(console in "(\\PC|\\n|\\r|\\x1b){0,80}") {
            prop_assert!(said(&console).iter().all(|line| is_complaint(line)));
        }
    }

    #[test]
    fn the_machine_itself_and_the_usual_greetings_are_no_complaints() {
        let console = "Spawning container alpha on /var/lib/machines/alpha.\nPress ^] three times within 1s to kill \
                       container.\nIgnoring network settings, file /x is not trusted.\nsystemd 257.13 running in system \
                       mode (+PAM)\nDetected virtualization systemd-nspawn.\n";
        assert_eq!(said(console), ["Ignoring network settings, file /x is not trusted."]);
        assert_eq!(said("Failed to stat /y\n"), ["Failed to stat /y"]);
    }
}
