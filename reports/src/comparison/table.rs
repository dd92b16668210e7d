//! A comparison for a terminal: what differs, what matters most first, and the facts that could explain it.

use crate::cell::{Cell, EMPTY};
use crate::clean::clean;
use crate::comparison::merged::{Merged, merge};
use crate::table::grid::{Column, Grid};
use crate::table::{Style, wrap};

use super::{Comparison, Fact, Gap, Group, Kind, Since, View};

/// The widest cell that is kept on one line where not all fit.
const CELL_WIDTH: u16 = 22;

/// The widest list of places beside cells.
const LABEL_WIDTH: u16 = 34;

/// Renders the comparison for a terminal; the text ends with a newline.
#[must_use]
pub fn render(comparison: &Comparison, style: Style) -> String {
    let merged = merge(comparison);
    let mut parts = vec![columns(comparison, &merged, style), tally(comparison)];
    parts.extend(comparison.groups.iter().map(|group| of_group(comparison, group, &merged, style)));
    if !comparison.facts.is_empty() {
        let title = if comparison.groups.len() > 1 { "Facts that could explain all" } else { FACTS };
        parts.push(facts(title, &comparison.facts, comparison, &merged, style));
    }
    parts.extend(comparison.gaps.iter().map(|gap| self::gap(gap, &comparison.columns, style)));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// What stands above facts.
const FACTS: &str = "Facts that could explain it";

/// Renders the answers that changed for a terminal, one paragraph each, then what is not asked everywhere, and how much that
/// is; the text ends with a newline.
#[must_use]
pub fn render_since(since: &Since, style: Style) -> String {
    let heading = |column: usize| since.columns[column].heading.as_str();
    let change = |change: &super::Change| {
        let steps = change.steps.iter().enumerate().map(|(at, step)| {
            let from = if at == 0 { "" } else { "from " };
            format!("{from}{}: {}", heading(step.column), step.text())
        });
        let steps = steps.collect::<Vec<_>>().join(", ");
        wrap(&format!("{} {}: {steps}", clean(&change.check), change.places()), style.width, "", "    ")
    };
    let changes = since.changes.iter().map(change).collect::<Vec<_>>().join("\n");
    let gaps = since.gaps.iter().map(|gap| self::gap(gap, &since.columns, style)).collect::<Vec<_>>();
    let mut parts = vec![changes, gaps.join("\n"), since.tally()];
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// Names the columns, each with what was measured there.
fn columns(comparison: &Comparison, merged: &[Merged], style: Style) -> String {
    let of_column = |column: &super::Column| {
        let source =
            if column.heading == column.source { String::new() } else { format!("{}: ", column.source) };
        let hosts = if column.hosts.is_empty() { "no host".to_owned() } else { column.hosts.join("; ") };
        wrap(&format!("{source}{hosts}"), style.width, &format!("{}  ", column.heading), "    ")
    };
    let with_others = |merged: &Merged| {
        let alike = merged.others().iter().map(|column| comparison.columns[*column].heading.as_str());
        let alike = alike.collect::<Vec<_>>().join(", ");
        let first = of_column(&comparison.columns[merged.first()]);
        if alike.is_empty() {
            return first;
        }
        format!("{first}\n{}", wrap(&alike, style.width, "    as is ", "    "))
    };
    merged.iter().map(with_others).collect::<Vec<_>>().join("\n")
}

/// `12 of 268 cells differ: 2 in verdict, 9 in answer, 1 in timing (does not count)`.
pub(super) fn tally(comparison: &Comparison) -> String {
    let total: usize = comparison.differing.values().sum();
    if total == 0 {
        return format!("0 of {} cells differ", comparison.cells);
    }
    let each = comparison.differing.iter().map(|(kind, count)| {
        let note = if kind.counts() { "" } else { " (does not count)" };
        format!("{count} in {}{note}", kind.name())
    });
    format!("{total} of {} cells differ: {}", comparison.cells, each.collect::<Vec<_>>().join(", "))
}

/// What stands above differences of a kind.
pub(super) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Verdict => "Verdicts",
        Kind::Answer => "Answers",
        Kind::Distribution => "Distributions",
        Kind::Timing => "Timing",
    }
}

fn of_group(comparison: &Comparison, group: &Group, merged: &[Merged], style: Style) -> String {
    let label = |difference: &super::Difference| {
        let places = difference.places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let places = wrap(&places, LABEL_WIDTH, "  ", "  ");
        [clean(&difference.check)].into_iter().chain(places.lines().map(str::to_owned)).collect()
    };
    let column = |merged: &Merged| Column {
        heading: merged.heading(comparison),
        cells: group
            .differences
            .iter()
            .map(|difference| {
                cell(difference.views.iter().find(|view| view.columns.contains(&merged.first())))
            })
            .collect(),
    };
    let grid = Grid {
        title: title(group.kind),
        labels: group.differences.iter().map(label).collect(),
        columns: merged.iter().map(column).collect(),
    };
    let below = if !group.facts.is_empty() {
        facts(FACTS, &group.facts, comparison, merged, style)
    } else if comparison.facts.is_empty() {
        "Nothing that is known of the hosts could explain it.".to_owned()
    } else {
        String::new()
    };
    let grid = grid.render(style);
    if below.is_empty() { grid } else { format!("{grid}\n\n{below}") }
}

fn cell(view: Option<&View>) -> Cell {
    let Some(view) = view else { return plain(&EMPTY.to_string()) };
    Cell { verdict: Some(view.verdict), ..plain(&view.text()) }
}

fn plain(text: &str) -> Cell {
    let lines = wrap(text, CELL_WIDTH, "", "").lines().map(str::to_owned).collect();
    Cell { lines, flat: text.to_owned(), verdict: None }
}

fn facts(title: &str, facts: &[Fact], comparison: &Comparison, merged: &[Merged], style: Style) -> String {
    let value = |fact: &Fact, merged: &Merged| {
        let value = fact.values[merged.first()].as_deref().unwrap_or("not known");
        plain(&clean(if value.is_empty() { "empty" } else { value }))
    };
    let column = |merged: &Merged| Column {
        heading: merged.heading(comparison),
        cells: facts.iter().map(|fact| value(fact, merged)).collect(),
    };
    let name =
        |fact: &Fact| wrap(&clean(&fact.name), LABEL_WIDTH, "", "  ").lines().map(str::to_owned).collect();
    Grid { title, labels: facts.iter().map(name).collect(), columns: merged.iter().map(column).collect() }
        .render(style)
}

/// `Not in 252: zone, all 225 cells`.
fn gap(gap: &Gap, columns: &[super::Column], style: Style) -> String {
    wrap(&gap.told(columns), style.width, "", "    ")
}
