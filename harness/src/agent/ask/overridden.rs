//! Which settings of a machine have no effect, as its `.nspawn` file and the command line of its systemd-nspawn both say
//! something about the same.

use std::fs;

use nspawn_matrix_reports::{Observation, Properties};
use nspawn_matrix_scenarios::nspawn_file::{self, Group, Overridden, overridden};
use nspawn_matrix_scenarios::shell;

use crate::agent::nspawn_process::NspawnProcess;
use crate::agent::standing::Standing;

impl Standing {
    /// What of `machine` has no effect, by what it is about.
    pub(super) fn overridden(&self, machine: &str) -> anyhow::Result<Observation> {
        let process = NspawnProcess::of_leader(self.machine(machine)?.leader.get());
        let file = process.as_ref().and_then(|process| process.file(machine));
        // A file that has gone meanwhile says nothing.
        let lines = file.as_ref().and_then(|(path, _)| fs::read(path).ok()).unwrap_or_default();
        let is_trusted = file.as_ref().is_some_and(|(_, is_trusted)| *is_trusted);
        let path = file.map_or_else(|| "none".to_owned(), |(path, _)| path.display().to_string());
        let arguments = process.as_ref().map(NspawnProcess::arguments).unwrap_or_default();
        let lost = overridden(arguments, &nspawn_file::parse(&lines), is_trusted);
        let (argv, unit) = match process {
            Some(NspawnProcess { argv, unit }) => (shell::command_line(&argv), unit),
            None => ("none".to_owned(), None),
        };
        let around =
            [("file", path), ("command line", argv), ("unit", unit.unwrap_or_else(|| "none".to_owned()))];
        let groups = Group::ALL.map(|group| (group.name(), of_group(group, &lost)));
        let names: Vec<&str> = lost.iter().map(|one| one.group.name()).collect();
        let answer = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        Ok(Observation::Properties(Properties::new(answer, groups.into_iter().chain(around))))
    }
}

/// What is lost of a group, and for what.
fn of_group(group: Group, lost: &[Overridden]) -> String {
    let of_it = lost.iter().find(|one| one.group == group);
    let told = |Overridden { lost, by, .. }: &Overridden| {
        format!("{}, as there is {}", lost.join(" "), by.join(" "))
    };
    of_it.map_or_else(|| "nothing".to_owned(), told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_told_with_what_counts_instead() {
        let arguments = ["--bind=/b".to_owned()];
        let lines = nspawn_file::parse(b"[Files]\nBind=/a\n");
        let told = |arguments: &[String]| of_group(Group::Mounts, &overridden(arguments, &lines, true));
        assert_eq!(told(&arguments), "Bind=/a, as there is --bind=/b");
        let reversed = [arguments[0].clone(), "--settings=override".to_owned()];
        assert_eq!(told(&reversed), "--bind=/b, as there is Bind=/a");
        assert_eq!(told(&[]), "nothing");
    }
}
