//! Files as people write them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde::Deserialize;
use toml::Table;

use super::*;
use crate::{Check, Expectation, Launch, Scenario, Step, catalogue};

/// What is told about a file that is no scenario, a line for each problem.
fn told(text: &str) -> String {
    let problems = read(text).unwrap_err();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn the_shortest_file_is_two_machines_by_the_unit() {
    let scenario = read("name = \"mine\"").unwrap();
    assert_eq!(scenario.machines, ["alpha", "beta"]);
    assert_eq!(scenario.launch, Launch::Unit);
    assert_eq!((scenario.steps.len(), scenario.claims.len(), scenario.bind), (0, 0, None));
}

#[test]
fn the_example_of_the_documentation_is_read_whole() {
    let text = include_str!("mod.rs");
    let example: String = text
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
        .collect();
    let scenario = read(&example).unwrap();
    assert_eq!(scenario.bind.unwrap().destination, "/data");
    assert!(matches!(scenario.steps.last(), Some(Step::File { mode: 0o640, .. })));
    assert_eq!(scenario.claims[0].expectation, Expectation::Lease { prefix: 28 });
    assert_eq!(scenario.claims[0].host.to_string(), "252-257");
}

#[test]
fn the_example_file_is_a_scenario() {
    let text = include_str!("../../../docs/scenario.toml");
    let scenario = read(text).unwrap();
    assert!(scenario.checks().any(|check| check == Check::BindOwner));
    insta::assert_snapshot!(crate::shell::script(&scenario));
}

/// Every kind of step, with its keys. A step of the catalogue is written with all that its type has.
fn steps_by_kind() -> BTreeMap<String, BTreeSet<String>> {
    let steps = catalogue::all().into_iter().flat_map(|scenario| scenario.steps);
    // The catalogue has no use for it.
    let steps = steps.chain([Step::MissingDirectory { path: "/srv".to_owned() }]);
    steps.map(|step| Table::try_from(step).unwrap()).map(|step| (kind(&step), keys(&step))).collect()
}

fn kind(step: &Table) -> String {
    step["step"].as_str().unwrap().to_owned()
}

fn keys(table: &Table) -> BTreeSet<String> {
    table.keys().cloned().collect()
}

#[test]
fn the_example_file_shows_every_step_with_every_key() {
    let types = steps_by_kind();
    let unknown = Step::deserialize(Table::from_iter([("step".to_owned(), "?".into())])).unwrap_err();
    let listed: BTreeSet<String> =
        unknown.message().split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert_eq!(types.keys().cloned().collect::<BTreeSet<_>>(), listed, "a step of each kind is known");

    let example: Table = include_str!("../../../docs/scenario.toml").parse().unwrap();
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for step in example["step"].as_array().unwrap() {
        let step = step.as_table().unwrap();
        shown.entry(kind(step)).or_default().extend(keys(step));
    }
    assert_eq!(shown, types);
}

#[test]
fn the_example_file_shows_every_key_that_is_written() {
    let text = include_str!("../../../docs/scenario.toml");
    let example: Table = text.parse().unwrap();
    let written = || catalogue::all().into_iter().map(|scenario| write(&scenario).parse::<Table>().unwrap());
    let missing =
        |table: &Table, shown: &BTreeSet<String>| keys(table).difference(shown).cloned().collect::<Vec<_>>();
    for scenario in written() {
        assert_eq!(missing(&scenario, &keys(&example)), [""; 0]);
    }
    for list in ["claim", "left-out"] {
        let tables = |scenario: &Table| {
            let tables = scenario.get(list).and_then(|list| list.as_array()).cloned().unwrap_or_default();
            tables.into_iter().map(|table| table.as_table().unwrap().clone()).collect::<Vec<_>>()
        };
        let shown: BTreeSet<String> = tables(&example).iter().flat_map(keys).collect();
        // What is seen has keys of its own for each way of being right.
        let of_expectation: BTreeSet<String> = catalogue::all()
            .iter()
            .flat_map(|scenario| &scenario.claims)
            .flat_map(|claim| keys(&Table::try_from(&claim.expectation).unwrap()))
            .filter(|key| key != "expect")
            .collect();
        let shown = &shown | &of_expectation;
        for table in written().flat_map(|scenario| tables(&scenario)) {
            assert_eq!(missing(&table, &shown), [""; 0]);
        }
    }
    for launch in written().map(|scenario| scenario["launch"].as_table().unwrap().clone()) {
        assert!(keys(&launch).iter().all(|key| text.contains(&format!("{key} = "))), "{launch}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let text = r#"
name = "bridge"
sumary = "x"
machines = ["alpha", "Alpha", "a_b", "nspawnhost"]
bind = "data"
topics = ["reach", "naems"]

[launch]
by = "command-lin"

[[step]]
step = "flie"
path = "/a"

[[step]]
step = "file"
pth = "/a"
content = ""

[[step]]
step = "file"
path = "a"
content = 3

[[step]]
step = "file"
path = "a"
content = "x"
mode = 644
mod = "0644"

[[step]]
step = "directory"
path = "/b"
owner = { uid = 0, gid = 0, id = 0 }
mode = "0999"

[[step]]
step = "run"
argv = []

[[step]]
step = "await-link"
name = "a name of a link"

[[claim]]
check = "ping/per/ipv4"
expect = "answers"
reason = "because"

[[claim]]
check = "address/lease"
expect = "leese"
versions = "257-252"

[[claim]]
check = "address/lease"
expect = "lease"
prefix = "28"
when = { stray-leese = "yes", llmnr = "maybe" }
known = 'luck'
reason = "because"

[[claim]]
check = "bind/owner"
expect = "same-owner"
resaon = "because"
reason = "because"

[[claim]]
check = "bind/owner"
expect = "same-owner"
versions = 257
reason = "because"
"#;
    insta::assert_snapshot!(told(text));
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    insta::assert_snapshot!(told("name = \"a\"\nname = \"b\""));
    insta::assert_snapshot!(told("name = \"a\"\n[[step]\n"));
    insta::assert_snapshot!(told(""), @"1:1: `name` is missing");
    insta::assert_snapshot!(told("name = \"ä/b\"\nstep = 1\nlaunch = []\nmachines = [1]"));
    insta::assert_snapshot!(told("name = \"mine\"\nmachines = []"), @"1:1: `machines` needs one name at least");
}

#[test]
fn a_question_that_is_not_asked_cannot_be_claimed_about() {
    let text = "name = \"mine\"\n[launch]\nby = \"command-line\"\n[[claim]]\ncheck = \"autostart/after-reboot\"\n\
                expect = \"back-after-reboot\"\nreason = \"why not\"\n";
    insta::assert_snapshot!(told(text), @"5:9: `autostart/after-reboot` is not asked here: nothing starts a command line again after a reboot");
}

#[test]
fn a_question_of_another_topic_cannot_be_claimed_about() {
    let text = "name = \"mine\"\ntopics = [\"names\"]\n[[claim]]\ncheck = \"address/lease\"\nexpect = \"no-link\"\nreason = \"why not\"\n";
    insta::assert_snapshot!(told(text), @"4:9: `address/lease` belongs to none of the `topics`");
}

#[test]
fn every_scenario_of_the_catalogue_comes_back_as_it_was() {
    for scenario in catalogue::all() {
        let mine = Scenario { name: format!("my-{}", scenario.name), notes: Vec::new(), ..scenario };
        let text = write(&mine);
        assert_eq!(read(&text).as_ref(), Ok(&mine), "{text}");
    }
}

#[test]
fn what_is_written_is_pleasant_to_read() {
    let zone = catalogue::all().into_iter().find(|scenario| scenario.name == "nspawn-file-bridge").unwrap();
    let text = write(&zone);
    let (head, _) = text.split_once("[[claim]]").unwrap();
    insta::assert_snapshot!(head);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = (read(&text), read_profile(&text), read_fault(&text));
    }

    #[test]
    fn no_file_of_right_keys_and_wrong_values_does_either(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "name", "machines", "bind", "step", "path", "mode", "owner", "content", "argv", "check",
                    "expect", "prefix", "to", "versions", "payload", "when", "known", "topics", "link", "reason", "by", "options",
                    "summary", "packages", "reboot", "cause", "scenario", "breaks", "attribute", "device", "[launch]", "[[step]]", "[[claim]]",
                ]),
                prop::sample::select(vec![
                    "\"a\"", "\"/a:b\"", "[]", "[\"a\"]", "[1, {}]", "{}", "{uid = 1}", "0", "-1", "0o7", "1.5",
                    "9223372036854775807", "true", "2026-11-20", "\"file\"", "\"run\"", "\"lease\"",
                    "\"257-\"", "\"address/lease\"", "\"ä\"",
                ]),
            ),
            0..12,
        )
    ) {
        let line = |(key, value): &(&str, &str)| if key.starts_with('[') { format!("{key}\n") } else { format!("{key} = {value}\n") };
        let text: String = lines.iter().map(line).collect();
        for problems in [read(&text).err(), read_profile(&text).err(), read_fault(&text).err()].into_iter().flatten() {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.line <= text.lines().count() + 1));
        }
    }

    #[test]
    fn any_content_comes_back_as_it_was(content in any::<String>(), mode in 0u32..0o10000) {
        let mine = Scenario {
            name: "mine".to_owned(),
            steps: vec![Step::File { path: "/f".to_owned(), content, owner: crate::Owner { uid: 1, gid: 0 }, mode }],
            bind: None,
            claims: Vec::new(),
            notes: Vec::new(),
            ..catalogue::all().remove(0)
        };
        prop_assert_eq!(read(&write(&mine)), Ok(mine));
    }
}
