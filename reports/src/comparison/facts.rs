//! Facts of the hosts that could explain a difference.
//!
//! What is known of a host is in its record, and in the answers about its surroundings: which .network file matched, what
//! is forwarded, what the firewall does, whether LLMNR is on. A fact could explain a difference if it is known
//! in all columns that say something, and those that say different things never have the same value of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::agreement::Class;
use super::layout::{Layout, Row};
use super::view::ABSENT;
use crate::facts_words::of_host;

/// Something that is known of the hosts and differs between columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Fact {
    /// What is known: `kernel`, `llmnr`, `environment/forwarding IPv4`.
    pub name: String,
    /// Its value in each column; none where it is not known.
    pub values: Vec<Option<String>>,
}

/// What stands for a value that was looked for in vain.
const UNKNOWN: &str = "unknown";

/// Facts by scenario, found once for all rows of it that differ in the same way.
pub(super) struct Known<'l, 'a> {
    layout: &'l Layout<'a>,
    /// The rows about what surrounds the machines, by system and scenario.
    surroundings: HashMap<Place<'l>, Vec<&'l Row<'a>>>,
    found: HashMap<Question<'l>, Vec<Fact>>,
}

/// What explains a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum By {
    /// The record of the host.
    Record,
    /// That, and what surrounds the machines.
    All,
}

/// What facts were looked for: of where, by what, and the columns of each class.
type Question<'l> = (Place<'l>, By, Vec<Vec<usize>>);

/// System and scenario.
type Place<'l> = (Option<&'l str>, &'l str);

fn place<'l>(row: &'l Row<'_>) -> Place<'l> {
    (row.system.as_deref(), row.scenario)
}

/// Whether a question is about what surrounds the machines: its answer explains others, but none of its own sort.
fn is_about_surroundings(check: &str) -> bool {
    let is_of = |topic: &str| check.strip_prefix(topic).is_some_and(|rest| rest.starts_with('/'));
    ["environment", "firewall", "link"].into_iter().any(is_of)
}

/// Whether an answer tells nothing new: the record of the host says which systemd there is, and what is left of a
/// machine in the end explains nothing before.
fn is_no_fact(check: &str) -> bool {
    ["environment/systemd", "environment/leftovers"].contains(&check)
}

impl<'l, 'a> Known<'l, 'a> {
    pub(super) fn of(layout: &'l Layout<'a>) -> Self {
        let mut surroundings: HashMap<Place<'l>, Vec<&Row<'a>>> = HashMap::new();
        for row in layout.rows.iter().filter(|row| is_about_surroundings(row.check) && !is_no_fact(row.check))
        {
            surroundings.entry(place(row)).or_default().push(row);
        }
        Self { layout, surroundings, found: HashMap::new() }
    }

    /// The facts that could explain why the columns of `row` fall into these classes.
    pub(super) fn explaining(&mut self, row: &'l Row<'a>, classes: &[Class<'_>]) -> Vec<Fact> {
        let columns: Vec<Vec<usize>> = classes.iter().map(|class| class.columns.clone()).collect();
        let is_explained_by = if is_about_surroundings(row.check) { By::Record } else { By::All };
        let key = (place(row), is_explained_by, columns);
        if !self.found.contains_key(&key) {
            let facts = self.find(row, is_explained_by, &key.2);
            self.found.insert(key.clone(), facts);
        }
        self.found[&key].clone()
    }

    fn find(&self, row: &Row<'_>, by: By, classes: &[Vec<usize>]) -> Vec<Fact> {
        let mut facts: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
        let width = self.layout.sides.len();
        let mut add = |name: String, column: usize, value: String| {
            if value == UNKNOWN {
                return;
            }
            facts.entry(name).or_insert_with(|| vec![BTreeSet::new(); width])[column].insert(value);
        };
        for (column, cell) in row.cells.iter().enumerate() {
            let host = cell.and_then(|cell| self.layout.sides[column].host(cell));
            for (name, value) in host.into_iter().flat_map(of_host) {
                add(name, column, value);
            }
        }
        let surroundings = self.surroundings.get(&place(row)).filter(|_| by == By::All);
        for row in surroundings.into_iter().flatten() {
            let answers: Vec<_> =
                row.cells.iter().map(|cell| cell.and_then(|cell| cell.answer.as_ref())).collect();
            let values = answers.iter().flatten().flat_map(|answer| &answer.values);
            let names: BTreeSet<&str> = values.map(|(name, _)| &**name).collect();
            for (column, answer) in answers.iter().enumerate() {
                for name in names.iter().filter(|_| answer.is_some()) {
                    let value = answer.and_then(|answer| answer.value(name)).unwrap_or(ABSENT);
                    add(format!("{} {name}", row.check), column, value.to_owned());
                }
            }
        }
        let joined = |values: BTreeSet<String>| {
            (!values.is_empty()).then(|| values.into_iter().collect::<Vec<_>>().join(" / "))
        };
        let fact = |(name, values): (String, Vec<BTreeSet<String>>)| Fact {
            name,
            values: values.into_iter().map(joined).collect(),
        };
        facts.into_iter().map(fact).filter(|fact| could_explain(fact, classes)).collect()
    }
}

/// Tells whether all columns have a value, and those of different classes never the same.
fn could_explain(fact: &Fact, classes: &[Vec<usize>]) -> bool {
    let mut class_of: HashMap<&str, usize> = HashMap::new();
    let mut fits = |class: usize, column: &usize| {
        let value = fact.values[*column].as_deref();
        value.is_some_and(|value| *class_of.entry(value).or_insert(class) == class)
    };
    classes.iter().enumerate().all(|(class, columns)| columns.iter().all(|column| fits(class, column)))
}
