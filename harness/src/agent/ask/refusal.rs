//! Machines that do not start: why, and what is left of them.

use std::path::Path;

use nspawn_matrix_reports::{Observation, Properties};
use nspawn_matrix_scenarios::launch;
use nspawn_matrix_scenarios::nspawn_file::Source;

use crate::agent::id_mapping;
use crate::agent::launch::Ended;
use crate::agent::machined::Machined;
use crate::agent::standing::Standing;
use crate::agent::{leftovers, links};
use crate::command::Command;
use crate::probe;

impl Standing {
    /// Whether `machine` has started, and if not, what systemd-nspawn said and what it left behind.
    pub(super) async fn start(&self, machine: &str) -> anyhow::Result<Observation> {
        let registered = Machined::subscribe().await?.knows(machine).await?;
        let registered = ("registered", if registered { "yes" } else { "no" }.to_owned());
        let Some(Ended { code, said, .. }) = self.refused.get(machine) else {
            let started = ("started", "yes".to_owned());
            return Ok(Observation::Properties(Properties::new("starts", [started, registered])));
        };
        let last = said.last().map_or_else(String::new, |line| in_machine(line, machine));
        let source = self.unmapped_source(machine, &last);
        let values = [
            ("started", "no".to_owned()),
            ("status", code.map_or_else(|| "a signal".to_owned(), |code| code.to_string())),
            ("said", last),
            ("said-before", said.split_last().map_or_else(String::new, |(_, before)| before.join(" / "))),
            registered,
            ("left", left_of(machine).await?),
        ];
        let source = match source {
            Some(source) => of_source(source).await?.to_vec(),
            None => Vec::new(),
        };
        Ok(Observation::Properties(Properties::new("refused", values.into_iter().chain(source))))
    }

    /// The source of the bind mount that systemd-nspawn could not map the ids of, by what it `said`.
    fn unmapped_source(&self, machine: &str, said: &str) -> Option<String> {
        let path = unmapped(said)?;
        let binds = self.binds.get(machine).into_iter().flatten();
        let mut sources = binds.filter_map(|bind| match &bind.source {
            Source::Host(source) if source == path || bind.destination == path => Some(source.clone()),
            Source::Host(_) | Source::Machine(_) | Source::Temporary => None,
        });
        sources.next()
    }
}

/// The path that systemd-nspawn names where it cannot map ids: up to systemd 257 the mount point, and then the source.
fn unmapped(said: &str) -> Option<&str> {
    let rest = ["Failed to map ids for bind mount ", "Failed to clone "]
        .iter()
        .find_map(|words| said.strip_prefix(words));
    rest?.strip_suffix(": Invalid argument")
}

/// What the file system is that the source of a bind mount lies on, and whether it can map ids.
async fn of_source(source: String) -> anyhow::Result<[(&'static str, String); 3]> {
    let maps = id_mapping::is_supported(Path::new(&source)).await?;
    let file_system = probe::file_system(&source)?.unwrap_or_else(|| "unknown".to_owned());
    Ok([
        ("source", source),
        ("file system", file_system),
        ("maps ids", if maps { "yes" } else { "no" }.to_owned()),
    ])
}

/// What systemd-nspawn said, with paths as the machine has them. It mounts the root of the machine at a place of its own
/// from some version on, whose name differs each time.
fn in_machine(line: &str, machine: &str) -> String {
    let word = |word: &str| {
        let below_root = word.strip_prefix(&launch::root(machine)).or_else(|| {
            let rest = word.strip_prefix("/tmp/nspawn-root-")?;
            Some(rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()))
        });
        match below_root {
            Some(path) if path.starts_with('/') => path.to_owned(),
            Some(rest) if rest.is_empty() || rest.starts_with([':', ',']) => format!("/{rest}"),
            Some(_) | None => word.to_owned(),
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The links, mounts and units of a machine that does not stand.
async fn left_of(machine: &str) -> anyhow::Result<String> {
    let mut left = links::named_after(machine).await?;
    left.extend(leftovers::mounts(machine)?);
    for scope in scopes(machine) {
        // It tells by its output; its exit status says the same again.
        let state = Command::new("systemctl", ["is-active", &scope]).end().await?.stdout;
        if state.trim() != "inactive" {
            left.push(scope);
        }
    }
    Ok(if left.is_empty() { "nothing".to_owned() } else { left.join(" ") })
}

/// The scope that a machine of a command line is put into (unit names: systemd.unit(5)); the second is its name from
/// systemd 262 on.
fn scopes(machine: &str) -> [String; 2] {
    [format!("machine-{}.scope", machine.replace('-', r"\x2d")), format!("{machine}.scope")]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hyphen_in_the_name_of_a_machine_is_escaped_in_that_of_its_scope() {
        assert_eq!(scopes("web-1.lan"), [r"machine-web\x2d1.lan.scope", "web-1.lan.scope"]);
    }

    #[test]
    fn paths_are_told_as_the_machine_has_them() {
        for line in ["mount /var/lib/machines/alpha/srv/x: no", "mount /tmp/nspawn-root-z3iqZm/srv/x: no"] {
            assert_eq!(in_machine(line, "alpha"), "mount /srv/x: no");
        }
        assert_eq!(in_machine("stat /srv/x: no", "alpha"), "stat /srv/x: no");
    }

    #[test]
    fn another_machine_whose_name_begins_so_is_another() {
        let line = "mount /var/lib/machines/alpha-2/srv: no";
        assert_eq!(in_machine(line, "alpha"), line);
        assert_eq!(in_machine("open /var/lib/machines/alpha: no", "alpha"), "open /: no");
    }

    proptest! {
        #[test]
        fn a_path_is_told_alike_wherever_the_root_of_the_machine_was(
            machine in "[a-z][a-z0-9-]{0,9}", path in "(/[a-z]{1,6}){1,3}", unique in "[A-Za-z0-9]{6}",
            words in "[A-Za-z ]{0,12}",
        ) {
            let told = |root: &str| in_machine(&format!("{words}{root}{path}: {words}"), &machine);
            let roots = [format!(" {}", launch::root(&machine)), format!(" /tmp/nspawn-root-{unique}")];
            for root in roots {
                prop_assert_eq!(told(&root), format!("{words} {path}: {words}"));
            }
        }

        #[test]
        fn no_line_makes_the_reader_panic(line in "(/tmp/nspawn-root-|/var/lib/machines/a|/| |\\PC){0,20}") {
            let _ = in_machine(&line, "a");
        }
    }
}
