//! Machines by other names, where somebody else may have machines of the same ones.

use crate::{Scenario, Step, Subject, pacman_cache};

/// What stands before and after the name of a machine in the name of a file that is its own.
const BEFORE: [&str; 5] =
    ["", "systemd-nspawn@", pacman_cache::WRITTEN, pacman_cache::GIVEN, pacman_cache::CHANGED];
const AFTER: [&str; 5] = ["", ".nspawn", ".raw", ".service", ".service.d"];

/// Where a file that is called just as a machine is its root.
const ROOTS: &str = "/var/lib/machines/";

impl Scenario {
    /// The same scenario with machines of other names: `called` gives the new one. Claims stay, since no name is in them.
    #[must_use]
    pub fn renamed(mut self, called: impl Fn(&str) -> String) -> Self {
        let names: Vec<(String, String)> =
            self.machines.iter().map(|machine| (machine.clone(), called(machine))).collect();
        self.steps.iter_mut().filter_map(path_of).for_each(|path| *path = renamed_path(path, &names));
        self.machines = names.into_iter().map(|(_, new)| new).collect();
        self
    }
}

impl Subject {
    /// The same with machines of other names.
    #[must_use]
    pub fn renamed(self, called: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Machine { machine } => Self::Machine { machine: called(&machine) },
            Self::Pair { machine, peer } => Self::Pair { machine: called(&machine), peer: called(&peer) },
            Self::Host { machine } => Self::Host { machine: called(&machine) },
            Self::HostItself => Self::HostItself,
        }
    }
}

/// The path that a step makes something at.
fn path_of(step: &mut Step) -> Option<&mut String> {
    match step {
        Step::Directory { path, .. }
        | Step::MissingDirectory { path }
        | Step::File { path, .. }
        | Step::Symlink { path, .. }
        | Step::Fifo { path, .. }
        | Step::Socket { path, .. }
        | Step::Device { path, .. }
        | Step::HardLink { path, .. }
        | Step::Attribute { path, .. }
        | Step::EditedCopy { to: path, .. } => Some(path),
        Step::AwaitLink { .. } | Step::Run { .. } => None,
    }
}

fn renamed_path(path: &str, names: &[(String, String)]) -> String {
    let mut renamed = String::new();
    for part in path.split_inclusive('/') {
        let name = part.trim_end_matches('/');
        let new = names.iter().find_map(|(old, new)| renamed_part(name, renamed == ROOTS, old, new));
        renamed.push_str(new.as_deref().unwrap_or(name));
        renamed.push_str(&part[name.len()..]);
    }
    renamed
}

/// The new name of a file, if it has the `old` name of the machine in it. A file with nothing before and after it is only
/// the machine's where its root is.
fn renamed_part(name: &str, is_root: bool, old: &str, new: &str) -> Option<String> {
    BEFORE.into_iter().flat_map(|before| AFTER.map(|after| (before, after))).find_map(|(before, after)| {
        let is_its = is_root || !(before.is_empty() && after.is_empty());
        let found = name.strip_prefix(before)?.strip_suffix(after)?;
        (is_its && found == old).then(|| format!("{before}{new}{after}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue, launch};

    fn renamed(scenario: Scenario) -> Scenario {
        scenario.renamed(|machine| format!("{machine}-3fa90c11"))
    }

    #[test]
    fn all_that_belongs_to_a_machine_has_its_new_name() {
        for scenario in catalogue::all().into_iter().map(Scenario::at_runtime) {
            let (before, after) = (scenario.clone(), renamed(scenario));
            let machines = before.machines.clone();
            for (mut before, mut after) in before.steps.into_iter().zip(after.steps) {
                let [Some(before), Some(after)] = [path_of(&mut before), path_of(&mut after)] else {
                    continue;
                };
                let wanted = machines.iter().fold(before.clone(), |path, machine| {
                    path.replace(machine, &format!("{machine}-3fa90c11"))
                });
                assert_eq!(*after, wanted);
            }
        }
    }

    #[test]
    fn what_is_only_called_alike_stays() {
        let names = [("web".to_owned(), "web-1".to_owned())];
        let path = |path: &str| renamed_path(path, &names);
        assert_eq!(path("/srv/web/data"), "/srv/web/data");
        assert_eq!(path("/srv/web-data"), "/srv/web-data");
        assert_eq!(path("/var/lib/machines/web/web/x"), "/var/lib/machines/web-1/web/x");
        assert_eq!(path("/run/systemd/nspawn/web.nspawn"), "/run/systemd/nspawn/web-1.nspawn");
        assert_eq!(
            path(&format!("/etc/systemd/system/{}.d/x.conf", launch::unit("web"))),
            "/etc/systemd/system/systemd-nspawn@web-1.service.d/x.conf"
        );
    }

    #[test]
    fn the_settings_of_a_machine_follow_it() {
        for scenario in catalogue::all().into_iter().map(Scenario::at_runtime) {
            let before = scenario.nspawn_settings("alpha");
            assert_eq!(before, renamed(scenario).nspawn_settings("alpha-3fa90c11"));
        }
    }
}
