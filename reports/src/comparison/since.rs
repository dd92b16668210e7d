//! In which version of systemd each answer changed.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::{Layout, NothingToCompare, Row};
use super::place::Asked;
use super::{Column, Excerpt, Gap, Place, agreement, columns, gap, view};
use crate::Verdict;

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
    /// How many cells there are in any column.
    pub cells: usize,
    /// How many of them have an answer that changed.
    pub changed: usize,
    /// The changes, in the order of the cells.
    pub changes: Vec<Change>,
    /// Cells that not all columns have.
    pub gaps: Vec<Gap>,
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

impl Change {
    /// The answer that was first given in this column; none if it is as in the one before, or not asked there.
    pub(super) fn at(&self, column: usize) -> Option<&Step> {
        self.steps.iter().find(|step| step.column == column)
    }

    /// Where, in words: `nat, zone (alpha)`.
    pub(super) fn places(&self) -> String {
        self.places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// An answer, and where it was first given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Step {
    /// The number of the column, from 0.
    pub column: usize,
    /// The answer in a few characters.
    pub answer: String,
    /// How it stands to its claim there.
    pub verdict: Verdict,
}

impl Step {
    /// The answer and the mark of the verdict: `no !`.
    #[must_use]
    pub fn text(&self) -> String {
        view::marked(&self.answer, self.verdict)
    }
}

impl Since {
    /// Takes the systems of all reports as a series.
    ///
    /// # Errors
    /// If there is nothing to lay side by side.
    pub fn of(excerpts: &[Excerpt]) -> Result<Self, NothingToCompare> {
        let layout = Layout::of_systems(excerpts).comparable()?.by_version();
        let asked = Asked::of(&layout);
        let mut changes: Vec<Change> = Vec::new();
        let mut known: HashMap<(&str, Vec<Step>), usize> = HashMap::new();
        let mut changed = 0;
        for row in &layout.rows {
            let steps = steps(row);
            if steps.len() < 2 {
                continue;
            }
            changed += 1;
            let at = *known.entry((row.check, steps.clone())).or_insert_with(|| {
                changes.push(Change { check: row.check.to_owned(), places: Vec::new(), steps });
                changes.len() - 1
            });
            asked.add(row, &mut changes[at].places);
        }
        Ok(Self {
            schema: SCHEMA.to_owned(),
            columns: columns::columns(&layout.sides),
            cells: layout.rows.len(),
            changed,
            changes,
            gaps: gap::gaps(&layout),
        })
    }

    /// Tells whether no answer changed, and no column lacks a cell.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.changes.is_empty() && self.gaps.is_empty()
    }

    /// `2 of 34 answers changed`, and how many cells are not in all columns.
    pub(super) fn tally(&self) -> String {
        let Self { cells, changed, gaps, .. } = self;
        let lacking: usize = gaps.iter().map(|gap| gap.cells).sum();
        let s = if *cells == 1 { "" } else { "s" };
        let not_everywhere =
            if lacking > 0 { format!(", {lacking} not asked everywhere") } else { String::new() };
        format!("{changed} of {cells} answer{s} changed{not_everywhere}")
    }
}

/// Goes through the columns and tells each time that the answer is another than just before.
fn steps(row: &Row<'_>) -> Vec<Step> {
    let classes = agreement::answers(&row.cells);
    if classes.len() < 2 {
        return Vec::new();
    }
    let answers = view::views(super::Kind::Answer, &classes);
    let mut by_column: Vec<(usize, usize)> = classes
        .iter()
        .enumerate()
        .flat_map(|(class, of_class)| of_class.columns.iter().map(move |column| (*column, class)))
        .collect();
    by_column.sort_unstable();
    by_column.dedup_by_key(|(_, class)| *class);
    let step = |(column, class): (usize, usize)| {
        let verdict = row.cells[column].map_or(answers[class].verdict, |cell| cell.verdict);
        Step { column, answer: answers[class].answer.clone(), verdict }
    };
    by_column.into_iter().map(step).collect()
}
