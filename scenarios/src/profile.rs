//! Profiles: what a provider, or a person, has made of a host before anybody sets up containers on it.

use nspawn_matrix_reports::STOCK;
use serde::{Deserialize, Serialize};

use crate::{Step, scenario_file};

/// The files of the catalogue, in the order in which they are listed.
const FILES: [&str; 23] = [
    include_str!("../profiles/stock.toml"),
    include_str!("../profiles/linode.toml"),
    include_str!("../profiles/greedy-network-file.toml"),
    include_str!("../profiles/early-greedy-network-file.toml"),
    include_str!("../profiles/no-ve-network-file.toml"),
    include_str!("../profiles/networkd-off.toml"),
    include_str!("../profiles/ifupdown.toml"),
    include_str!("../profiles/network-manager.toml"),
    include_str!("../profiles/forward-drop.toml"),
    include_str!("../profiles/dhcp-blocked.toml"),
    include_str!("../profiles/interface-firewall.toml"),
    include_str!("../profiles/ufw.toml"),
    include_str!("../profiles/firewalld.toml"),
    include_str!("../profiles/no-forwarding.toml"),
    include_str!("../profiles/forwarding-taken-back.toml"),
    include_str!("../profiles/forwarding-read-only.toml"),
    include_str!("../profiles/no-nat.toml"),
    include_str!("../profiles/pool-overlap.toml"),
    include_str!("../profiles/pool-taken.toml"),
    include_str!("../profiles/llmnr-off.toml"),
    include_str!("../profiles/resolved-off.toml"),
    include_str!("../profiles/ipv6-off.toml"),
    include_str!("../profiles/small-mtu.toml"),
];

/// What is done to a host before a scenario is stood up on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name: `forward-drop`.
    pub name: String,
    /// What it plays, in a sentence.
    pub summary: String,
    /// Where that is written down; empty for one of a person's own.
    pub link: String,
    /// Debian packages that it needs beside those of every host.
    pub packages: Vec<String>,
    /// What makes the host so, in order.
    pub steps: Vec<Step>,
    /// Whether the host is rebooted after the steps.
    pub reboot: bool,
}

impl Profile {
    /// The profile that changes nothing.
    #[must_use]
    pub fn stock() -> Self {
        all().swap_remove(0)
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_stock(&self) -> bool {
        self.name == STOCK
    }
}

/// Every profile of the catalogue; the first changes nothing.
///
/// # Panics
/// If a file that is compiled in is no profile, which a test finds out.
#[must_use]
pub fn all() -> Vec<Profile> {
    let profile =
        |text: &&str| scenario_file::read_built_in_profile(text).expect("a test reads each of them");
    FILES.iter().map(profile).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_a_profile_of_its_name_and_in_the_catalogue() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let profile = scenario_file::read_built_in_profile(&fs::read_to_string(&path).unwrap());
            let profile = profile.unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()));
            assert_eq!(path.file_stem().unwrap(), profile.name.as_str());
            names.insert(profile.name);
        }
        let all = all();
        assert_eq!(all.len(), names.len(), "a file is listed twice, or not at all");
        assert_eq!(all.into_iter().map(|profile| profile.name).collect::<BTreeSet<_>>(), names);
    }

    #[test]
    fn each_has_steps_but_the_first_and_says_what_it_plays_and_where_that_is_known_from() {
        for (at, profile) in all().iter().enumerate() {
            assert_eq!(
                (profile.is_stock(), profile.steps.is_empty()),
                (at == 0, at == 0),
                "{}",
                profile.name
            );
            assert!(profile.summary.len() > 20, "{}", profile.name);
            assert!(
                profile.link.starts_with("https://") || profile.link.starts_with("docs/"),
                "{}",
                profile.name
            );
        }
        assert_eq!(Profile::stock().name, STOCK);
    }

    #[test]
    fn packages_have_names_of_packages() {
        let read = |packages: &str| {
            scenario_file::read_profile(&format!("name = \"mine\"\npackages = [{packages}]\n"))
        };
        assert_eq!(read("\"ufw\", \"g++\"").unwrap().packages, ["ufw", "g++"]);
        let told = read("\"ufw\", \"../x\"").unwrap_err()[0].to_string();
        assert_eq!(told, "2:20: `../x` cannot be the name of a Debian package");
    }

    #[test]
    fn one_of_a_persons_own_is_read_with_what_is_wrong_told_by_its_place() {
        let text = "name = \"mine\"\nreboot = true\n[[step]]\nstep = \"run\"\nargv = [\"true\"]\n";
        let profile = scenario_file::read_profile(text).unwrap();
        assert_eq!(
            (profile.steps.len(), profile.reboot, profile.summary.as_str()),
            (1, true, "your own profile")
        );
        let wrong = "name = \"stock\"\nrebot = true\n[[step]]\nstep = \"rnu\"\n";
        let told: Vec<String> =
            scenario_file::read_profile(wrong).unwrap_err().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        1:8: a built-in profile is named `stock` already
        2:1: unknown key `rebot` (the nearest is `reboot`)
        4:8: `step`: there is no `rnu`, only directory, missing-directory, file, symlink, fifo, socket, device, hard-link, attribute, edited-copy, await-link, run
        ");
    }
}
