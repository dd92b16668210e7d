//! Where hosts of one scenario gave different answers, each question by place: a grid below its block.

use super::grid::{Column, Grid};
use super::style::Style;
use super::wrap::wrap;
use crate::matrix::one_line;
use crate::place::Places;
use crate::scenario::Scenario;

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
        let labels = differing.iter().map(|scenario| vec![scenario.label.clone()]).collect();
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
