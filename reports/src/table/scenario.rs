//! A scenario as a line of the table, whichever hosts it ran on; and, where these differ, each question by host.

use super::grid::{Column, Grid};
use super::style::Style;
use super::wrap::wrap;
use crate::cell::{self, Cell};
use crate::matrix::{Row, one_line};
use crate::place::Places;

/// A scenario on all of its hosts.
pub(super) struct Scenario<'m, 'a> {
    rows: &'m [Row<'a>],
    label: String,
}

impl<'m, 'a> Scenario<'m, 'a> {
    /// The scenario that all of `rows` are of.
    pub(super) fn of(rows: &'m [Row<'a>], places: &Places<'_>) -> Self {
        let scenario = rows.first().map_or("", |row| row.scenario);
        let hosts: Vec<&str> = rows.iter().map(|row| row.host).collect();
        Self { rows, label: one_line(&places.label(scenario, &hosts)) }
    }

    /// Whether any of the questions was asked.
    pub(super) fn is_asked(&self, checks: &[&str]) -> bool {
        self.rows.iter().any(|row| checks.iter().any(|check| !row.cases(check).is_empty()))
    }

    /// Its name, and where it ran if not on all hosts that others ran on: `zone (252, 254)`.
    pub(super) fn label(&self) -> Vec<String> {
        vec![self.label.clone()]
    }

    /// The answer that all hosts gave, or the sign that they did not give the same.
    pub(super) fn cell(&self, check: &str) -> Cell {
        let hosts: Vec<_> = self.rows.iter().map(|row| row.cases(check)).collect();
        cell::common(&hosts).unwrap_or_else(|| cell::differing(&hosts))
    }

    /// Whether hosts gave different answers.
    pub(super) fn differs(&self, check: &str) -> bool {
        let hosts: Vec<_> = self.rows.iter().map(|row| row.cases(check)).collect();
        cell::common(&hosts).is_none()
    }

    fn cell_at(&self, place: &str, check: &str) -> Cell {
        let row = self.rows.iter().find(|row| row.place == one_line(place));
        cell::of(row.map_or(&[], |row| row.cases(check)))
    }
}

/// A grid for each question that hosts of some scenario answered differently: these scenarios down, places across.
/// Questions whose grids would say the same share one.
pub(super) fn by_place(
    scenarios: &[Scenario<'_, '_>],
    checks: &[&str],
    places: &Places<'_>,
    style: Style,
) -> Vec<String> {
    let mut grids: Vec<ByPlace<'_>> = Vec::new();
    for check in checks {
        let Some(new) = ByPlace::of(check, scenarios, places) else { continue };
        match grids.iter_mut().find(|grid| (&grid.labels, &grid.columns) == (&new.labels, &new.columns)) {
            Some(grid) => grid.checks.extend(new.checks),
            None => grids.push(new),
        }
    }
    grids.into_iter().map(|grid| grid.render(style)).collect()
}

/// Questions and what was answered where, by the scenarios in which that differs.
struct ByPlace<'a> {
    checks: Vec<&'a str>,
    labels: Vec<Vec<String>>,
    columns: Vec<Column>,
}

impl<'a> ByPlace<'a> {
    fn of(check: &'a str, scenarios: &'a [Scenario<'_, '_>], places: &Places<'_>) -> Option<Self> {
        let differing: Vec<_> = scenarios.iter().filter(|scenario| scenario.differs(check)).collect();
        let column = |place: &String| Column {
            heading: vec![one_line(place)],
            cells: differing.iter().map(|scenario| scenario.cell_at(place, check)).collect(),
        };
        let labels = differing.iter().map(|scenario| scenario.label()).collect();
        let columns = places.all().iter().map(column).collect();
        (!differing.is_empty()).then_some(Self { checks: vec![check], labels, columns })
    }

    fn render(self, style: Style) -> String {
        let Self { checks, labels, columns } = self;
        let (first, others) = checks.split_first().expect("it was made of one");
        let grid = Grid { title: first, labels, columns }.render(style);
        if others.is_empty() {
            return grid;
        }
        let others = wrap(&others.join(", "), style.width, &format!("As {first}: "), "    ");
        format!("{grid}\n\n{others}")
    }
}
