//! Two reports side by side, cell by cell.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::Answer;
use crate::{Case, Facts, Report};

/// The name of a value that is not of an observation.
const VERDICT: &str = "verdict";

/// A cell that two reports differ in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The cell: `default-veth::ping/peer/ipv4::alpha->beta`.
    pub cell: String,
    /// The question: `ping/peer/ipv4`.
    pub check: String,
    /// What differs, by name, in the words of both reports; `verdict` is one of them, and so is each value of the answer.
    pub values: BTreeMap<String, [String; 2]>,
    /// What was detected on the hosts and differs, by setting: `stray-lease` is `no` and `yes`.
    pub settings: BTreeMap<String, [String; 2]>,
}

/// The cells that two reports differ in, in the order of the left one; then those of the right one alone.
///
/// Two reports may name their hosts as they like: a cell is known by scenario, question and subject. Times are no part of
/// an answer. What is left to chance on one side is the same as any part of it on the other: few lookups need not meet
/// all that many do.
#[must_use]
pub fn compare(left: &Report, right: &Report) -> Vec<Difference> {
    let (of_left, of_right) = (cells(left), cells(right));
    let only_right = right.cases.iter().filter(|case| !of_left.contains_key(&case.name()));
    let cells = left.cases.iter().chain(only_right).map(Case::name);
    cells.filter_map(|cell| difference(&cell, [of_left.get(&cell), of_right.get(&cell)])).collect()
}

/// A case, and what was detected on its host.
type Cell<'a> = (&'a Case, Option<&'a Facts>);

fn cells(report: &Report) -> BTreeMap<String, Cell<'_>> {
    let facts = |id: &str| report.hosts.iter().find(|host| host.id == id)?.facts.as_ref();
    report.cases.iter().map(|case| (case.name(), (case, facts(&case.host)))).collect()
}

fn difference(cell: &str, sides: [Option<&Cell<'_>>; 2]) -> Option<Difference> {
    let check = sides.iter().flatten().next()?.0.check.clone();
    let values = differing(sides.map(answer));
    let settings = differing(sides.map(settings));
    (!values.is_empty()).then(|| Difference { cell: cell.to_owned(), check, values, settings })
}

/// Values by name, each with the words that it was found to be.
type Values = BTreeMap<String, BTreeSet<String>>;

/// All that is compared of a cell; nothing of one that is not there.
fn answer(side: Option<&Cell<'_>>) -> Values {
    let Some((case, _)) = side else { return BTreeMap::new() };
    let seen = case.observed.as_ref().map(Answer::of).unwrap_or_default();
    let verdict = (VERDICT.to_owned(), BTreeSet::from([case.verdict.to_string()]));
    seen.0.into_iter().chain([verdict]).collect()
}

/// What was detected on the host of a cell.
fn settings(side: Option<&Cell<'_>>) -> Values {
    let facts = side.and_then(|(_, facts)| *facts);
    let each = facts.into_iter().flat_map(|facts| &facts.settings);
    each.map(|(setting, value)| (setting.clone(), BTreeSet::from([value.clone()]))).collect()
}

/// What a value is called that one side has not.
const ABSENT: &str = "absent";

/// The values that are not the same on both sides, in words.
fn differing([left, right]: [Values; 2]) -> BTreeMap<String, [String; 2]> {
    let nothing = BTreeSet::new();
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let both = |name: &String| [&left, &right].map(|side| side.get(name).unwrap_or(&nothing));
    let differ = |name: &&String| {
        let [left, right] = both(name);
        !is_same(left, right)
    };
    names.into_iter().filter(differ).map(|name| (name.clone(), both(name).map(in_words))).collect()
}

/// Whether two values agree: what has several words is left to chance.
fn is_same(left: &BTreeSet<String>, right: &BTreeSet<String>) -> bool {
    let covers = |wide: &BTreeSet<String>, narrow: &BTreeSet<String>| {
        wide.len() > 1 && !narrow.is_empty() && narrow.is_subset(wide)
    };
    left == right || covers(left, right) || covers(right, left)
}

fn in_words(value: &BTreeSet<String>) -> String {
    if value.is_empty() { ABSENT.to_owned() } else { value.iter().cloned().collect::<Vec<_>>().join(" or ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{matrix, one_case};
    use crate::{AddressSpace, Observation, Verdict};

    /// Compares the report of one case, a name that is left to chance, with what `change` makes of it.
    fn with(change: impl Fn(&mut Report)) -> Vec<Difference> {
        let mut other = one_case();
        change(&mut other);
        compare(&one_case(), &other)
    }

    fn resolves_to(report: &mut Report, spaces: &[AddressSpace]) {
        if let Some(Observation::Names(names)) = &mut report.cases[0].observed {
            names.spaces = spaces.iter().map(|space| (*space, 1)).collect();
        }
    }

    #[test]
    fn a_report_does_not_differ_from_itself() {
        assert_eq!(compare(&matrix(&[254, 257]), &matrix(&[254, 257])), []);
    }

    #[test]
    fn neither_the_name_of_the_host_nor_a_time_is_an_answer() {
        let differences = with(|other| {
            other.cases[0].host = "vm/trixie/nat".into();
            other.hosts[0].id = "vm/trixie/nat".into();
            other.cases[0].duration_ms += 1000;
            if let Some(Observation::Names(names)) = &mut other.cases[0].observed {
                names.took.max_us += 1000;
            }
        });
        assert_eq!(differences, []);
    }

    #[test]
    fn what_is_left_to_chance_is_the_same_as_a_part_of_it() {
        use AddressSpace::{Ipv6LinkLocal, Lease, Other};
        assert_eq!(with(|other| resolves_to(other, &[Lease])), []);
        assert_eq!(with(|other| resolves_to(other, &[Ipv6LinkLocal])), []);
        let differences = with(|other| resolves_to(other, &[Other]));
        assert_eq!(differences[0].values["first"], ["ipv6-link-local or lease", "other"]);
    }

    #[test]
    fn what_is_not_left_to_chance_has_to_be_the_same() {
        let (mut left, mut right) = (one_case(), one_case());
        resolves_to(&mut left, &[AddressSpace::Lease]);
        resolves_to(&mut right, &[AddressSpace::Ipv6LinkLocal]);
        assert_eq!(compare(&left, &right)[0].values["first"], ["lease", "ipv6-link-local"]);
    }

    #[test]
    fn a_difference_comes_with_what_differs_between_the_hosts() {
        let differences = with(|other| {
            other.cases[0].verdict = Verdict::Known;
            let facts = other.hosts[0].facts.as_mut().unwrap();
            facts.settings.insert("stray-lease".into(), "yes".into());
        });
        insta::assert_debug_snapshot!(differences, @r#"
        [
            Difference {
                cell: "nat::resolve/peer/any::alpha->beta",
                check: "resolve/peer/any",
                values: {
                    "verdict": [
                        "fail",
                        "known",
                    ],
                },
                settings: {
                    "stray-lease": [
                        "absent",
                        "yes",
                    ],
                },
            },
        ]
        "#);
    }

    #[test]
    fn a_cell_that_one_side_has_not_differs() {
        let empty = Report { cases: Vec::new(), ..one_case() };
        let absent = |differences: Vec<Difference>| differences[0].values[VERDICT].clone();
        assert_eq!(absent(compare(&one_case(), &empty)), ["fail", ABSENT]);
        assert_eq!(absent(compare(&empty, &one_case())), [ABSENT, "fail"]);
    }
}
