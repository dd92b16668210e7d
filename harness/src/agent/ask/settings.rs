//! Which of the settings that were asked for came into effect, and what systemd-nspawn warns of.

use anyhow::Context;
use nspawn_matrix_reports::{Observation, Properties};
use nspawn_matrix_scenarios::bind_options::{FROM_COMMAND_LINE, FROM_FILE};
use nspawn_matrix_scenarios::{Attachment, BindMount, Launch, launch, pacman_cache};

use super::binds::mount;
use crate::agent::journal::{self, Entry, PRIORITIES, WARNING};
use crate::agent::launch::{is_complaint, is_greeting, said_on_console};
use crate::agent::standing::{Machine, Standing, call};
use crate::enter;
use crate::probe::{self, End, Which};
use crate::rpc::Client;

/// The bind mounts that a scenario may ask for.
const BINDS: [(&str, &str); 3] = [
    ("from-command-line", FROM_COMMAND_LINE),
    ("from-file", FROM_FILE),
    ("package-cache", pacman_cache::PATH),
];

impl Standing {
    /// What systemd-nspawn warned of when it started `machine`.
    pub(super) async fn warnings(&self, machine: &str) -> anyhow::Result<Observation> {
        let warnings = match self.launch {
            Launch::CommandLine { .. } => {
                let said = said_on_console(machine).into_iter();
                said.map(|words| Warning { words, priority: None }).collect()
            }
            Launch::Unit => in_journal(&journal::said(&launch::unit(machine), "systemd-nspawn").await?),
        };
        Ok(Observation::Properties(sorted(&warnings)))
    }
}

/// Something that systemd-nspawn warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Warning {
    words: String,
    /// The priority in the journal; a console has none.
    priority: Option<u8>,
}

/// Picks the warnings out of a journal that has the machine's console in it too. What has the priority of a warning is
/// one; and what systemd-nspawn complains of before the machine says its first word, whatever its priority.
fn in_journal(entries: &[Entry]) -> Vec<Warning> {
    let greeting = entries.iter().position(|entry| is_greeting(&entry.message)).unwrap_or(entries.len());
    let is_warning = |(at, entry): &(usize, &Entry)| {
        entry.priority <= WARNING || (*at < greeting && is_complaint(&entry.message))
    };
    let warning = |(_, Entry { message, priority, .. }): (usize, &Entry)| Warning {
        words: message.clone(),
        priority: Some(*priority),
    };
    entries.iter().enumerate().filter(is_warning).map(warning).collect()
}

/// Which bind mounts are there: those that the catalogue asks for, and the one that the scenario is about.
pub(super) async fn binds(probe: &Client, own: Option<&BindMount>) -> anyhow::Result<Observation> {
    let own = own.map(|bind| ("bind", bind.destination.as_str()));
    let own = own.filter(|(_, path)| BINDS.iter().all(|(_, known)| known != path));
    let mut values = Vec::new();
    for (name, path) in BINDS.into_iter().chain(own) {
        values.push((name, if mount(probe, path).await?.is_some() { "present" } else { "absent" }));
    }
    let present: Vec<&str> =
        values.iter().filter(|(_, value)| *value == "present").map(|(name, _)| *name).collect();
    let answer = if present.is_empty() { "none".to_owned() } else { present.join(", ") };
    let values = values.into_iter().map(|(name, value)| (name, value.to_owned()));
    Ok(Observation::Properties(Properties::new(answer, values)))
}

/// Whether the machine has a network of its own, and in it the link that `--network-veth` asks for.
pub(super) async fn network(asked: &Machine) -> anyhow::Result<Observation> {
    let is_shared = enter::same_namespace("net", asked.leader.get())?;
    let which = Which::Name(Attachment::Host.link().context("it has a name")?.to_owned());
    let end: Option<End> = call(&asked.probe, probe::Request::End { which, settled: false }).await?;
    let network = if is_shared { "of the host" } else { "own" };
    let host0 = if end.is_some() { "present" } else { "absent" };
    let answer = if is_shared { network } else { host0 };
    let values = [("network", network.to_owned()), ("host0", host0.to_owned())];
    Ok(Observation::Properties(Properties::new(answer, values)))
}

/// The warnings by what they are about: `silent`, that it was `ignored, not trusted`, or the words themselves.
fn sorted(warnings: &[Warning]) -> Properties {
    let is_bind = |line: &str| line.contains(" Bind= ");
    let is_network = |line: &str| line.contains("network settings");
    // It depends on what the host itself is allowed, which no claim can be about.
    let is_capabilities = |line: &str| line.contains("not in the current bounding set");
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&str> {
        warnings.iter().map(|warning| warning.words.as_str()).filter(|line| wanted(line)).collect()
    };
    let mut priorities: Vec<&str> = warnings
        .iter()
        .filter_map(|warning| PRIORITIES.get(usize::from(warning.priority?)).copied())
        .collect();
    priorities.dedup();
    let values = [
        ("bind", in_words(&of(&is_bind))),
        ("network", in_words(&of(&is_network))),
        ("capabilities", in_words(&of(&is_capabilities))),
        ("other", in_words(&of(&|line| !is_bind(line) && !is_network(line) && !is_capabilities(line)))),
        ("priority", if priorities.is_empty() { "none".to_owned() } else { priorities.join(" ") }),
        ("lines", of(&|_| true).join(" / ")),
    ];
    let of_settings = of(&|line| !is_capabilities(line)).len();
    let answer = if of_settings == 0 { "none".to_owned() } else { of_settings.to_string() };
    Properties::new(answer, values)
}

fn in_words(lines: &[&str]) -> String {
    match lines {
        [] => "silent".to_owned(),
        [line] if line.starts_with("Ignoring ") && line.ends_with(" is not trusted.") => {
            "ignored, not trusted".to_owned()
        }
        lines => lines.join(" / "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_sorted_by_what_they_are_about() {
        let warnings = [
            "Ignoring TemporaryFileSystem=, Bind= and BindReadOnly= settings, file /x is not trusted.",
            "Ignoring network settings, file /x is not trusted.",
        ];
        let warning = |words: &str| Warning { words: words.to_owned(), priority: Some(WARNING) };
        let seen = sorted(&warnings.map(warning));
        assert_eq!(seen.answer, "2");
        assert_eq!([&seen.values["bind"], &seen.values["network"]], ["ignored, not trusted"; 2]);
        assert_eq!(seen.values["other"], "silent");
        assert_eq!(seen.values["priority"], "warning");
        let other = sorted(&[warning("Something else.")]);
        assert_eq!([&other.values["bind"], &other.values["other"]], ["silent", "Something else."]);
    }

    #[test]
    fn a_complaint_of_no_priority_is_told_from_what_the_machine_says() {
        let entry = Entry::new;
        let entries = [
            entry(6, "Ignoring network settings, file /x is not trusted."),
            entry(6, "systemd 252.39 running in system mode (+PAM)"),
            entry(6, "Ignoring what the machine says."),
            entry(4, "Something late."),
        ];
        let words: Vec<String> = in_journal(&entries).into_iter().map(|warning| warning.words).collect();
        assert_eq!(words, ["Ignoring network settings, file /x is not trusted.", "Something late."]);
    }
}
