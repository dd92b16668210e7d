//! The scenarios, one file each, and what several of them share.

mod bridge;
mod common;
mod default_veth;
mod host_network;
mod nat;
mod nspawn_file_bridge;
mod nspawn_file_veth;
mod service_override;
mod zone;

use crate::Scenario;

/// Every scenario, in the order in which they are reported.
#[must_use]
pub fn all() -> Vec<Scenario> {
    vec![
        host_network::scenario(),
        default_veth::scenario(),
        nat::scenario(),
        bridge::scenario(),
        zone::scenario(),
        service_override::scenario(),
        nspawn_file_bridge::scenario(),
        nspawn_file_veth::scenario(),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Check, Step};

    #[test]
    fn every_question_has_exactly_one_claim_without_condition_for_systemd_257() {
        for scenario in all() {
            for check in scenario.checks() {
                let claims = scenario
                    .claims
                    .iter()
                    .filter(|claim| {
                        claim.check == check && claim.versions.contains(257) && claim.when.is_none()
                    })
                    .count();
                assert_eq!(claims, 1, "{}: {check}", scenario.name);
            }
        }
    }

    #[test]
    fn no_claim_is_about_a_question_that_is_not_asked() {
        for scenario in all() {
            for claim in &scenario.claims {
                assert_eq!(scenario.not_asked(claim.check), None, "{}: {}", scenario.name, claim.check);
            }
        }
    }

    #[test]
    fn every_claim_says_why() {
        for scenario in all() {
            for claim in &scenario.claims {
                assert!(claim.reason.len() > 20, "{}: {}", scenario.name, claim.check);
            }
        }
    }

    #[test]
    fn every_scenario_has_a_file_of_its_own_name() {
        let files: BTreeSet<String> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalogue"))
                .unwrap()
                .map(|entry| {
                    entry.unwrap().file_name().into_string().unwrap().replace(".rs", "").replace('_', "-")
                })
                .filter(|name| name != "mod" && name != "common")
                .collect();
        let names: BTreeSet<String> = all().into_iter().map(|scenario| scenario.name).collect();
        assert_eq!(files, names);
    }

    #[test]
    fn every_path_is_absolute_and_written_once() {
        for scenario in all() {
            let mut seen = BTreeSet::new();
            for step in &scenario.steps {
                let path = match step {
                    Step::Directory { path, .. }
                    | Step::File { path, .. }
                    | Step::Symlink { path, .. }
                    | Step::Fifo { path, .. } => path,
                    Step::EditedCopy { to, .. } => to,
                    Step::AwaitLink { .. } | Step::Run { .. } => continue,
                };
                assert!(path.starts_with('/'), "{}: {path}", scenario.name);
                assert!(seen.insert(path.clone()), "{}: {path} twice", scenario.name);
            }
        }
    }

    #[test]
    fn every_question_is_asked_somewhere() {
        for check in Check::ALL {
            assert!(all().iter().any(|scenario| scenario.checks().contains(&check)), "{check}");
        }
    }
}
