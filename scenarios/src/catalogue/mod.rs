//! The scenarios, one file each, and what several of them share.

mod bind_idmap_no_userns;
mod bind_missing;
mod bind_missing_userns;
mod bind_options;
mod bind_options_unit;
mod bind_options_userns;
mod bind_owneridmap;
mod bind_owneridmap_no_userns;
mod bind_unmappable;
mod bind_unmappable_no_userns;
mod bridge;
mod bridge_dns;
mod bridge_mdns;
mod bridge_netfilter;
mod claims;
mod command_line_over_file;
mod common;
mod default_veth;
mod file_over_unit;
mod host_network;
mod inner_bridge;
mod macvlan;
mod nat;
mod no_masquerade;
mod nspawn_file_bridge;
mod nspawn_file_pick;
mod nspawn_file_port;
mod nspawn_file_untrusted;
mod nspawn_file_veth;
mod nspawn_file_zone;
mod service_dropin;
mod service_override;
mod two_zones;
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
        bridge_dns::scenario(),
        bridge_mdns::scenario(),
        zone::scenario(),
        service_override::scenario(),
        nspawn_file_bridge::scenario(),
        nspawn_file_veth::scenario(),
        no_masquerade::scenario(),
        bridge_netfilter::scenario(),
        two_zones::scenario(),
        inner_bridge::scenario(),
        macvlan::scenario(),
        nspawn_file_port::scenario(),
        service_dropin::scenario(),
        nspawn_file_zone::scenario(),
        nspawn_file_untrusted::scenario(),
        nspawn_file_pick::scenario(),
        command_line_over_file::scenario(),
        file_over_unit::scenario(),
        bind_options::scenario(),
        bind_options_userns::scenario(),
        bind_options_unit::scenario(),
        bind_owneridmap::scenario(),
        bind_owneridmap_no_userns::scenario(),
        bind_missing::scenario(),
        bind_missing_userns::scenario(),
        bind_unmappable::scenario(),
        bind_unmappable_no_userns::scenario(),
        bind_idmap_no_userns::scenario(),
    ]
}

/// What the notes do, one scenario for each way in which they start machines; every other one varies one of these.
pub const NOTES: [&str; 9] = [
    "host-network",
    "default-veth",
    "nat",
    "bridge",
    "zone",
    "service-override",
    "nspawn-file-bridge",
    "nspawn-file-veth",
    "nspawn-file-zone",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Check, Known, Setting, Settings, Step, Versions};

    /// Every version of systemd that is known here, as that of a host and of its machines.
    fn versions() -> impl Iterator<Item = (u32, u32)> {
        let known = || Versions::KNOWN.first..=Versions::KNOWN.last;
        known().flat_map(move |host| known().map(move |payload| (host, payload)))
    }

    #[test]
    fn every_question_has_exactly_one_claim_for_every_version_where_nothing_unusual_was_detected() {
        for scenario in all() {
            for check in scenario.checks().filter(|check| scenario.never_asked(*check).is_none()) {
                for (host, payload) in versions() {
                    let claims = scenario.claims.iter().filter(|claim| {
                        claim.check == check
                            && !claim.is_fault()
                            && claim.is_about(host, payload, &Settings::new())
                    });
                    assert_eq!(
                        claims.count(),
                        1,
                        "{}: {check}, systemd {host} with {payload}",
                        scenario.name
                    );
                }
            }
        }
    }

    #[test]
    fn no_claim_is_about_a_question_that_is_not_asked() {
        for scenario in all() {
            for claim in &scenario.claims {
                let asked = scenario.checks().any(|check| check == claim.check);
                assert!(
                    asked && scenario.never_asked(claim.check).is_none(),
                    "{}: {}",
                    scenario.name,
                    claim.check
                );
            }
        }
    }

    #[test]
    fn every_claim_can_be_the_one_that_counts() {
        for scenario in all() {
            for claim in &scenario.claims {
                let reached = versions().any(|(host, payload)| {
                    scenario.claim(claim.check, host, payload, &claim.when) == Some(claim)
                });
                assert!(reached, "{}: {}: {}", scenario.name, claim.check, claim.expectation);
            }
        }
    }

    #[test]
    fn beside_every_fault_stands_what_would_be_right() {
        for scenario in all() {
            for fault in scenario.claims.iter().filter(|claim| claim.is_fault()) {
                let counts = |(host, payload): &(u32, u32)| {
                    scenario.claim(fault.check, *host, *payload, &fault.when) == Some(fault)
                };
                for (host, payload) in versions().filter(counts) {
                    let right = scenario.claim_without_fault(fault.check, host, payload, &fault.when);
                    let right = right.unwrap_or_else(|| panic!("{}: {}", scenario.name, fault.check));
                    assert_ne!(right.expectation, fault.expectation, "{}: {}", scenario.name, fault.check);
                }
            }
        }
    }

    #[test]
    fn only_what_a_fault_changes_is_left_to_chance() {
        for scenario in all() {
            for claim in scenario.claims.iter().filter(|claim| claim.known == Some(Known::Chance)) {
                let elsewhere: Vec<(&Setting, &str)> = claim
                    .when
                    .keys()
                    .flat_map(|setting| setting.values().iter().map(move |value| (setting, *value)))
                    .collect();
                let is_fault_of = |(setting, value): &(&Setting, &str)| {
                    let mut settings = claim.when.clone();
                    settings.insert(**setting, (*value).to_owned());
                    let mut found =
                        versions().filter(|(host, payload)| claim.is_about(*host, *payload, &claim.when));
                    found.all(|(host, payload)| {
                        let there = scenario.claim(claim.check, host, payload, &settings);
                        there.is_some_and(|there| there.is_fault() && there.expectation != claim.expectation)
                    })
                };
                assert!(elsewhere.iter().any(is_fault_of), "{}: {}", scenario.name, claim.check);
            }
        }
    }

    #[test]
    fn no_two_claims_demand_equally_much_of_what_can_be_detected_at_once() {
        let values = |left: &Settings, right: &Settings| {
            left.iter().all(|(setting, value)| right.get(setting).is_none_or(|other| other == value))
        };
        for scenario in all() {
            for (at, left) in scenario.claims.iter().enumerate() {
                for right in &scenario.claims[at + 1..] {
                    let both = left.check == right.check
                        && left.host.meets(right.host)
                        && left.payload.meets(right.payload)
                        && left.when.len() == right.when.len()
                        && left.is_fault() == right.is_fault()
                        && values(&left.when, &right.when);
                    assert!(!both, "{}: {}", scenario.name, left.check);
                }
            }
        }
    }

    #[test]
    fn every_claim_is_about_values_that_can_be_detected() {
        for scenario in all() {
            for (setting, value) in scenario.claims.iter().flat_map(|claim| &claim.when) {
                assert!(setting.values().contains(&value.as_str()), "{}: {setting} {value}", scenario.name);
            }
        }
    }

    #[test]
    fn every_claim_says_why() {
        for scenario in all() {
            for claim in &scenario.claims {
                assert!(claim.reason.len() > 20, "{}: {}", scenario.name, claim.check);
                assert!(
                    claim.link.starts_with("https://") || claim.link.starts_with("docs/"),
                    "{}: {}",
                    scenario.name,
                    claim.check
                );
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
                .filter(|name| name != "mod" && name != "common" && name != "claims")
                .collect();
        let names: BTreeSet<String> = all().into_iter().map(|scenario| scenario.name).collect();
        assert_eq!(files, names);
    }

    #[test]
    fn the_scenarios_of_the_notes_start_machines_in_every_way_that_the_notes_do() {
        let all = all();
        let of_notes = NOTES.map(|name| all.iter().find(|scenario| scenario.name == name).unwrap());
        let done: BTreeSet<&str> =
            of_notes.iter().flat_map(|scenario| scenario.notes.iter().map(String::as_str)).collect();
        // From N3, the first boot, to N11; N12 is what is asked, and N13 the zone.
        let ways: BTreeSet<String> = (3..=11).chain([13]).map(|item| format!("N{item}")).collect();
        assert_eq!(done, ways.iter().map(String::as_str).collect());
    }

    #[test]
    fn every_path_is_absolute_and_written_once() {
        for scenario in all() {
            let mut seen = BTreeSet::new();
            for step in &scenario.steps {
                let path = match step {
                    Step::Directory { path, .. }
                    | Step::MissingDirectory { path }
                    | Step::File { path, .. }
                    | Step::Symlink { path, .. }
                    | Step::Fifo { path, .. }
                    | Step::Socket { path, .. }
                    | Step::Device { path, .. }
                    | Step::HardLink { path, .. } => path,
                    Step::EditedCopy { to, .. } => to,
                    Step::Attribute { .. } | Step::AwaitLink { .. } | Step::Run { .. } => continue,
                };
                assert!(path.starts_with('/'), "{}: {path}", scenario.name);
                assert!(seen.insert(path.clone()), "{}: {path} twice", scenario.name);
            }
        }
    }

    #[test]
    fn every_question_is_asked_somewhere() {
        for check in Check::all() {
            assert!(all().iter().any(|scenario| scenario.checks().any(|asked| asked == *check)), "{check}");
        }
    }
}
