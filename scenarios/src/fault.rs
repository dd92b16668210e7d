//! Faults: what keeps a healthy scenario from working, done to it on purpose. Each is an example of a cause that reports
//! name.

use serde::{Deserialize, Serialize};

use crate::{Check, Claim, Expectation, Scenario, Step, Topic, links, scenario_file};

/// The files of the catalogue, in the order in which they are listed.
const FILES: [&str; 37] = [
    include_str!("../faults/option-too-new.toml"),
    include_str!("../faults/misnamed-netdev.toml"),
    include_str!("../faults/bind-unmappable.toml"),
    include_str!("../faults/link-name-taken.toml"),
    include_str!("../faults/settings-untrusted.toml"),
    include_str!("../faults/setting-misspelt.toml"),
    include_str!("../faults/settings-overridden.toml"),
    include_str!("../faults/bind-not-mapped.toml"),
    include_str!("../faults/host-networkd-off.toml"),
    include_str!("../faults/machine-networkd-off.toml"),
    include_str!("../faults/foreign-network-file.toml"),
    include_str!("../faults/misnamed-file.toml"),
    include_str!("../faults/link-unmanaged.toml"),
    include_str!("../faults/separate-links.toml"),
    include_str!("../faults/machine-id-shared.toml"),
    include_str!("../faults/same-mac.toml"),
    include_str!("../faults/dhcp-dropped.toml"),
    include_str!("../faults/pool-used-up.toml"),
    include_str!("../faults/stray-lease.toml"),
    include_str!("../faults/other-way-back.toml"),
    include_str!("../faults/port-isolated.toml"),
    include_str!("../faults/no-fe80.toml"),
    include_str!("../faults/mtu.toml"),
    include_str!("../faults/forwarding-off.toml"),
    include_str!("../faults/forward-dropped.toml"),
    include_str!("../faults/not-masqueraded.toml"),
    include_str!("../faults/host-resolved-off.toml"),
    include_str!("../faults/machine-resolved-off.toml"),
    include_str!("../faults/nsswitch-without-resolver.toml"),
    include_str!("../faults/resolv-conf-dangling.toml"),
    include_str!("../faults/resolv-conf-of-builder.toml"),
    include_str!("../faults/other-hostname.toml"),
    include_str!("../faults/llmnr-off.toml"),
    include_str!("../faults/machine-llmnr-off.toml"),
    include_str!("../faults/machine-llmnr-resolve.toml"),
    include_str!("../faults/resolve-before-mymachines.toml"),
    include_str!("../faults/no-name-server.toml"),
];

/// Something that is wrong with a host or a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its name: `machine-llmnr-off`.
    pub name: String,
    /// The code of the cause that it is an example of: `llmnr-off`.
    pub cause: String,
    /// The scenario that it is done to if no other is named.
    pub scenario: String,
    /// A question of that scenario that it keeps from its usual answer.
    pub breaks: Check,
    /// The last major version of the host's systemd on which it is one; none if it is one on all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u32>,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// What makes it so, in order, after the steps of the scenario and before its machines start.
    pub steps: Vec<Step>,
}

/// Every fault of the catalogue.
///
/// # Panics
/// If a file that is compiled in is no fault, which a test finds out.
#[must_use]
pub fn all() -> Vec<Fault> {
    FILES.iter().map(|text| scenario_file::read_fault(text).expect("a test reads each of them")).collect()
}

/// Does `faults` to a scenario, which is then called `default-veth+llmnr-off`. Its claims stay: what is red is what the
/// faults break.
#[must_use]
pub fn done_to(scenario: Scenario, faults: &[Fault]) -> Scenario {
    let with = |text: &str, of: fn(&Fault) -> &String, between: &str| {
        faults.iter().fold(text.to_owned(), |text, fault| text + between + of(fault))
    };
    let keeps_from_starting = faults.iter().any(|fault| fault.breaks == Check::StartRefusal);
    let scenario = if keeps_from_starting { that_may_refuse(scenario) } else { scenario };
    Scenario {
        name: with(&scenario.name, |fault| &fault.name, "+"),
        summary: with(&scenario.summary, |fault| &fault.summary, "; "),
        steps: scenario
            .steps
            .into_iter()
            .chain(faults.iter().flat_map(|fault| fault.steps.clone()))
            .collect(),
        ..scenario
    }
}

/// A scenario of which it is asked whether its machines start, which is claimed if nothing else is.
fn that_may_refuse(mut scenario: Scenario) -> Scenario {
    if !scenario.topics.contains(&Topic::Refusal) {
        scenario.topics.push(Topic::Refusal);
        scenario.claims.push(Claim::new(
            Check::StartRefusal,
            Expectation::properties(&[("started", "yes")]),
            "without the fault nothing keeps the machines from starting",
            links::SYSTEMD_NSPAWN,
        ));
    }
    scenario.may_refuse()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::catalogue;

    #[test]
    fn every_file_is_a_fault_of_its_name_and_in_the_catalogue() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/faults");
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let fault = scenario_file::read_fault(&fs::read_to_string(&path).unwrap());
            let fault = fault.unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()));
            assert_eq!(path.file_stem().unwrap(), fault.name.as_str());
            names.insert(fault.name);
        }
        assert_eq!(all().len(), names.len(), "a file is listed twice, or not at all");
        assert_eq!(all().into_iter().map(|fault| fault.name).collect::<BTreeSet<_>>(), names);
    }

    #[test]
    fn each_is_done_to_a_scenario_that_asks_what_it_breaks() {
        for fault in all() {
            let scenario = catalogue::all().into_iter().find(|scenario| scenario.name == fault.scenario);
            let scenario = scenario.unwrap_or_else(|| panic!("{}: no such scenario", fault.name));
            assert!(!fault.steps.is_empty() && fault.summary.len() > 20, "{}", fault.name);
            let faulty = done_to(scenario.clone(), std::slice::from_ref(&fault));
            assert_eq!(faulty.name, format!("{}+{}", scenario.name, fault.name));
            assert!(faulty.checks().any(|check| check == fault.breaks), "{}", fault.name);
            assert!(faulty.steps.ends_with(&fault.steps) && faulty.claims.starts_with(&scenario.claims));
        }
    }

    #[test]
    fn the_table_for_people_has_a_row_for_each() {
        let table = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
        for Fault { name, cause, scenario, breaks, summary, .. } in all() {
            let row = format!("| `{name}` | {summary} | `{cause}` | `{breaks}` of `{scenario}` |");
            assert!(table.lines().any(|line| line == row), "README.md lacks: {row}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_by_its_place() {
        let text =
            "name = \"x\"\ncause = \"y\"\nscenario = \"nat\"\nbreaks = \"ping/per/ipv4\"\nsumary = \"z\"\n";
        let told: Vec<String> =
            scenario_file::read_fault(text).unwrap_err().iter().map(ToString::to_string).collect();
        let wrong = [
            "1:1: `summary` is missing",
            "4:10: no question is named `ping/per/ipv4`",
            "5:1: unknown key `sumary` (the nearest is `summary`)",
        ];
        assert_eq!(told, wrong);
    }
}
