//! Steps as they are done on a machine that somebody needs: nothing of them outlasts a reboot, and no service is cut off.

use crate::{Scenario, Step};

/// Where systemd reads what an administrator has written, and where it reads the same until the next reboot. Files in the
/// first win over files of the same name in the second, which win over those that systemd ships.
const PLACES: [(&str, &str); 5] = [
    ("/etc/systemd/network/", "/run/systemd/network/"),
    ("/etc/systemd/nspawn/", "/run/systemd/nspawn/"),
    ("/etc/systemd/system/", "/run/systemd/system/"),
    ("/etc/systemd/resolved.conf.d/", "/run/systemd/resolved.conf.d/"),
    ("/etc/sysctl.d/", "/run/sysctl.d/"),
];

impl Scenario {
    /// The same scenario for a machine that somebody needs. Questions, claims and machines stay.
    #[must_use]
    pub fn at_runtime(mut self) -> Self {
        self.steps = self.steps.into_iter().filter_map(Step::at_runtime).collect();
        self
    }
}

impl Step {
    /// The same step below /run, and without a restart where to read files again is enough; none for what only matters
    /// at the next boot.
    fn at_runtime(self) -> Option<Self> {
        match self {
            Self::File { path, content, owner, mode } => {
                Some(Self::File { path: place(path), content, owner, mode })
            }
            Self::EditedCopy { from, to, key, value } => {
                Some(Self::EditedCopy { from, to: place(to), key, value })
            }
            Self::Run { argv } => program(argv).map(|argv| Self::Run { argv }),
            other @ (Self::Directory { .. }
            | Self::MissingDirectory { .. }
            | Self::Symlink { .. }
            | Self::Fifo { .. }
            | Self::Socket { .. }
            | Self::Device { .. }
            | Self::HardLink { .. }
            | Self::Attribute { .. }
            | Self::AwaitLink { .. }) => Some(other),
        }
    }
}

fn place(path: String) -> String {
    let moved = PLACES
        .iter()
        .find_map(|(lasting, passing)| Some(format!("{passing}{}", path.strip_prefix(lasting)?)));
    moved.unwrap_or(path)
}

fn program(argv: Vec<String>) -> Option<Vec<String>> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        // It makes the links of new files, and configures those that a changed file is about.
        ["systemctl", "restart", "systemd-networkd"] => {
            Some(["networkctl", "reload"].map(String::from).into())
        }
        ["systemctl", "enable", ..] => None,
        _ => Some(argv),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Launch, MACHINES, catalogue};

    fn scenario(name: &str) -> Scenario {
        let found = catalogue::all().into_iter().find(|scenario| scenario.name == name);
        found.expect("the catalogue has it").at_runtime()
    }

    fn titles(scenario: &Scenario) -> String {
        let own = scenario.steps.iter().map(Step::title);
        own.filter(|title| !title.contains("pacman")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn files_go_below_run_and_networkd_is_reloaded() {
        insta::assert_snapshot!(titles(&scenario("service-override")), @r"
        write `/run/systemd/network/50-br0.netdev`
        write `/run/systemd/network/50-br0.network`
        run `networkctl reload`
        wait for link `br0`
        copy `/lib/systemd/system/systemd-nspawn@.service` to `/run/systemd/system/systemd-nspawn@alpha.service` and edit it
        copy `/lib/systemd/system/systemd-nspawn@.service` to `/run/systemd/system/systemd-nspawn@beta.service` and edit it
        run `systemctl daemon-reload`
        ");
    }

    #[test]
    fn nothing_of_any_scenario_is_written_below_etc_or_starts_at_boot() {
        for scenario in catalogue::all().into_iter().map(Scenario::at_runtime) {
            let told = titles(&scenario);
            let of_machines =
                told.replace("/var/lib/machines/alpha/etc", "").replace("/var/lib/machines/beta/etc", "");
            assert!(!of_machines.contains("/etc/") && !told.contains("enable"), "{}: {told}", scenario.name);
        }
    }

    #[test]
    fn the_settings_of_a_machine_are_found_in_either_place() {
        let before = catalogue::all().into_iter().filter(|scenario| matches!(scenario.launch, Launch::Unit));
        for scenario in before {
            let settings = scenario.nspawn_settings(MACHINES[0]);
            assert_eq!(
                settings,
                scenario.clone().at_runtime().nspawn_settings(MACHINES[0]),
                "{}",
                scenario.name
            );
        }
    }
}
