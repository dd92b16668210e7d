//! Gaps: cells that some columns have and others do not.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::Column;
use super::layout::Layout;
use crate::clean::clean;

/// Cells of a scenario that the same columns lack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// The images of host and machines, where a report has several.
    pub system: Option<String>,
    /// The scenario.
    pub scenario: String,
    /// The numbers of the columns that lack the cells, from 0.
    pub columns: Vec<usize>,
    /// The questions, with the number of cells; none if the columns lack the scenario as a whole.
    pub checks: BTreeMap<String, usize>,
    /// How many cells.
    pub cells: usize,
}

impl Gap {
    /// Tells it in a line: `Not in 252: zone, 225 cells: all of it`.
    pub(super) fn told(&self, columns: &[Column]) -> String {
        let columns = self.columns.iter().map(|column| columns[*column].heading.as_str());
        let columns = columns.collect::<Vec<_>>().join(", ");
        let system = self.system.as_ref().map_or_else(String::new, |system| format!(" on {system}"));
        let checks = self.checks.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let checks = if checks.is_empty() { "all of it".to_owned() } else { checks };
        let cells = if self.cells == 1 { "1 cell".to_owned() } else { format!("{} cells", self.cells) };
        clean(&format!("Not in {columns}: {}{system}, {cells}: {checks}", self.scenario))
    }
}

/// All gaps, in the order of the rows.
pub(super) fn gaps(layout: &Layout<'_>) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    let mut known: HashMap<(Option<&str>, &str, Vec<usize>), usize> = HashMap::new();
    let mut totals: HashMap<(Option<&str>, &str), usize> = HashMap::new();
    for row in &layout.rows {
        let (system, scenario) = (row.system.as_deref(), row.scenario);
        *totals.entry((system, scenario)).or_default() += 1;
        if row.cells.iter().all(Option::is_some) {
            continue;
        }
        let lacking = row.cells.iter().enumerate().filter(|(_, cell)| cell.is_none());
        let columns: Vec<usize> = lacking.map(|(column, _)| column).collect();
        let at = *known.entry((system, scenario, columns.clone())).or_insert_with(|| {
            let (system, scenario) = (row.system.clone(), scenario.to_owned());
            gaps.push(Gap { system, scenario, columns, checks: BTreeMap::new(), cells: 0 });
            gaps.len() - 1
        });
        gaps[at].cells += 1;
        *gaps[at].checks.entry(row.check.to_owned()).or_default() += 1;
    }
    for gap in &mut gaps {
        if totals.get(&(gap.system.as_deref(), gap.scenario.as_str())) == Some(&gap.cells) {
            gap.checks.clear();
        }
    }
    gaps
}
