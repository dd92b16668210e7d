//! In which version of systemd each answer changed.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::Layout;
use super::place::Asked;
use super::{Column, Excerpt, Place, agreement, columns, view};

/// Names the form of a series; it changes with every incompatible change of these types.
const SCHEMA: &str = "nspawn-matrix/since/1";

/// The answers that changed in a series of versions.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Since {
    /// The form of all this.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The systems, by version of systemd; those of which no version is known come last.
    pub columns: Vec<Column>,
    /// The changes, in the order of the cells.
    pub changes: Vec<Change>,
}

/// Cells of one question whose answer changed in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// The question.
    pub check: String,
    /// Where.
    pub places: Vec<Place>,
    /// The answer in the first column that has one, then each other one with the column it was first seen in.
    pub steps: Vec<Step>,
}

/// An answer, and where it was first given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Step {
    /// The number of the column, from 0.
    pub column: usize,
    /// The answer in a few characters.
    pub answer: String,
}

impl Since {
    /// Takes the systems of all reports as a series; none if there are fewer than two.
    #[must_use]
    pub fn of(excerpts: &[Excerpt]) -> Option<Self> {
        let layout = Layout::of_systems(excerpts).by_version();
        if layout.sides.len() < 2 {
            return None;
        }
        let asked = Asked::of(&layout);
        let mut changes: Vec<Change> = Vec::new();
        let mut known: HashMap<(&str, Vec<Step>), usize> = HashMap::new();
        for row in &layout.rows {
            let steps = steps(&agreement::answers(&row.cells));
            if steps.len() < 2 {
                continue;
            }
            let at = *known.entry((row.check, steps.clone())).or_insert_with(|| {
                changes.push(Change { check: row.check.to_owned(), places: Vec::new(), steps });
                changes.len() - 1
            });
            asked.add(row, &mut changes[at].places);
        }
        Some(Self { schema: SCHEMA.to_owned(), columns: columns::columns(&layout.sides), changes })
    }
}

/// Goes through the columns and tells each time that the answer is another than just before.
fn steps(classes: &[agreement::Class<'_>]) -> Vec<Step> {
    if classes.len() < 2 {
        return Vec::new();
    }
    let answers = view::views(super::Kind::Answer, classes);
    let mut by_column: Vec<(usize, usize)> = classes
        .iter()
        .enumerate()
        .flat_map(|(class, of_class)| of_class.columns.iter().map(move |column| (*column, class)))
        .collect();
    by_column.sort_unstable();
    by_column.dedup_by_key(|(_, class)| *class);
    let step = |(column, class): (usize, usize)| Step { column, answer: answers[class].answer.clone() };
    by_column.into_iter().map(step).collect()
}
