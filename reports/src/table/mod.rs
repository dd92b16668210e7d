//! The table that a person reads at a glance: scenarios down, questions across, and in each cell the answer.
//!
//! A mark beside an answer tells the verdict, so nothing depends on colour. Below the blocks stand the tally, each
//! case that is not as claimed, the reasons for what was not asked, and what systemd warned of. A scenario that ran on
//! several hosts has one line; where their answers differ, a grid of that question alone has a column for each.

mod by_place;
mod findings;
pub(crate) mod grid;
mod remarks;
mod style;
mod wrap;

use std::collections::BTreeSet;

use crate::cell::{DIFFERS, DIFFERS_MEANS, EMPTY};
use crate::clean::clean;
use crate::headings::{heading, object, title};
use crate::matrix::{Matrix, one_line};
use crate::scenario::Scenario;
use crate::{Report, Verdict};
use by_place::by_place;
use grid::{Column, Grid};
pub use style::Style;
pub use wrap::wrap;

/// Renders the report for a terminal; the text ends with a newline.
///
/// No line is wider than `style.width`, except where a single word is.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let matrix = Matrix::of(report);
    let mut parts = vec![hosts(report, style)];
    parts.extend(blocks(&matrix, style));
    parts.push(legend(report, &matrix, style));
    parts.push(report.tally().to_string());
    parts.extend(findings::findings(report, style));
    parts.extend(findings::notes(report, style));
    parts.extend(remarks::remarks(report, style));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// Names what the answers are about: one line for each kind of host.
fn hosts(report: &Report, style: Style) -> String {
    let mut lines: Vec<String> = report.hosts.iter().map(|host| clean(&host.summary())).collect();
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines.iter().map(|line| wrap(line, style.width, "", "    ")).collect::<Vec<_>>().join("\n")
}

/// One block for each group of questions; as many as it takes where the terminal is narrow.
fn blocks(matrix: &Matrix<'_>, style: Style) -> Vec<String> {
    matrix.titles().into_iter().map(|title| block(matrix, title, style)).collect()
}

/// As many rows as it takes to say of a column once what stands in all of them, or in another column.
const MANY: usize = 4;

/// The grid of one group of questions. Scenarios that are not asked any of them are left out, and so are columns that
/// say the same in many rows, or the same as another about the same object: those stand in lines below.
fn block(matrix: &Matrix<'_>, wanted: &str, style: Style) -> String {
    let checks: Vec<&str> = matrix.checks.iter().copied().filter(|check| title(check) == wanted).collect();
    let is_asked = |scenario: &Scenario<'_, '_>| checks.iter().any(|check| scenario.is_asked(check));
    let scenarios: Vec<Scenario<'_, '_>> = matrix.scenarios().filter(is_asked).collect();
    let column = |check: &str| Column {
        heading: heading(check),
        cells: scenarios.iter().map(|scenario| scenario.cell(check)).collect(),
    };
    let by_place = by_place(&scenarios, &checks, &matrix.places, style);
    let columns = checks.into_iter().map(|check| (check, column(check)));
    let (same, differing): (Vec<_>, Vec<_>) = columns.partition(|(_, column)| column.says_the_same(MANY));
    let alike = alike(differing);
    let below = [everywhere(wanted, &same, style), as_others(wanted, &alike, style)];
    let labels = scenarios.iter().map(|scenario| vec![scenario.label.clone()]).collect();
    let title = one_line(&matrix.places.heading(wanted));
    let columns = alike.into_iter().map(|Alike { column, .. }| column).collect();
    let grid = Grid { title: &title, labels, columns }.render(style);
    [grid]
        .into_iter()
        .chain(below)
        .chain(by_place)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// A column, and the questions whose columns would say the same.
struct Alike<'a> {
    check: &'a str,
    column: Column,
    others: Vec<&'a str>,
}

/// Groups columns that say the same in each row under the first of them, if they are about the same object.
fn alike(columns: Vec<(&str, Column)>) -> Vec<Alike<'_>> {
    let mut groups: Vec<Alike<'_>> = Vec::new();
    for (check, column) in columns {
        let is_alike = |group: &&mut Alike<'_>| {
            object(group.check) == object(check) && column.says_the_same_as(&group.column, MANY)
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.others.push(check),
            None => groups.push(Alike { check, column, others: Vec::new() }),
        }
    }
    groups
}

/// Names the columns that say the same as another.
fn as_others(title: &str, alike: &[Alike<'_>], style: Style) -> String {
    let of_group = |Alike { check, others, .. }: &Alike<'_>| {
        let others = others.join(", ");
        (!others.is_empty()).then(|| wrap(&others, style.width, &format!("{title}, as {check}: "), "    "))
    };
    alike.iter().filter_map(of_group).collect::<Vec<_>>().join("\n")
}

/// Names the columns that say the same in all rows, each with what it says.
fn everywhere(title: &str, same: &[(&str, Column)], style: Style) -> String {
    let said = |(check, column): &(&str, Column)| Some(format!("{check} {}", column.cells.first()?.flat));
    let said: Vec<String> = same.iter().filter_map(said).collect();
    if said.is_empty() {
        return String::new();
    }
    wrap(&said.join(", "), style.width, &format!("{title}, the same everywhere: "), "    ")
}

/// Explains the marks that occur.
fn legend(report: &Report, matrix: &Matrix<'_>, style: Style) -> String {
    let tally = report.tally();
    let marks = Verdict::ALL.into_iter().filter(|verdict| tally.count(*verdict) > 0);
    let mut meanings: Vec<String> =
        marks.filter_map(|verdict| Some(format!("{} {}", verdict.mark()?, verdict.meaning()))).collect();
    if matrix.has_differences() {
        meanings.push(format!("{DIFFERS} {DIFFERS_MEANS}"));
    }
    if has_empty_cell(matrix) {
        meanings.push(format!("{EMPTY} no case"));
    }
    wrap(&meanings.join(", "), style.width, "", "")
}

/// Whether a row that stands in a block lacks a case there.
fn has_empty_cell(matrix: &Matrix<'_>) -> bool {
    matrix.rows.iter().any(|row| {
        let asked = |check: &&&str| !row.cases(check).is_empty();
        let titles: BTreeSet<&str> = matrix.checks.iter().filter(asked).map(|check| title(check)).collect();
        matrix.checks.iter().any(|check| titles.contains(title(check)) && row.cases(check).is_empty())
    })
}

#[cfg(test)]
mod tests;
