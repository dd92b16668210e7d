//! The questions that hosts of one scenario answered differently: a row for each, a column for each version.
//!
//! A cell of the matrix opens to the same, so this is for paper, and for who wants to see all of them at once.

use maud::{Markup, html};

use super::detail;
use crate::cell::{Cell, EMPTY};
use crate::matrix::{Matrix, one_line};
use crate::scenario::Scenario;

/// What stands above them, and names them to a screen reader.
const TITLE: &str = "Where versions differ";

/// The section with all of them; nothing if there are none.
pub(super) fn section(matrix: &Matrix<'_>) -> Markup {
    let scenarios: Vec<Scenario<'_, '_>> = matrix.scenarios().collect();
    let rows: Vec<Differing<'_>> =
        matrix.checks.iter().flat_map(|check| differing(check, &scenarios, matrix.places.all())).collect();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (TITLE) }
                div.scroll tabindex="0" role="region" aria-label=(TITLE) {
                    table {
                        thead {
                            tr {
                                th scope="col" { "question" }
                                @for place in matrix.places.all() { th scope="col" data-check=(one_line(place)) { (one_line(place)) } }
                            }
                        }
                        tbody { @for row in &rows { (of_row(row)) } }
                    }
                }
            }
        }
    }
}

/// Scenarios that answered a question in the same way, which is another on each host.
struct Differing<'a> {
    check: &'a str,
    scenarios: Vec<&'a Scenario<'a, 'a>>,
    cells: Vec<Cell>,
}

fn differing<'a>(check: &'a str, scenarios: &'a [Scenario<'a, 'a>], places: &[String]) -> Vec<Differing<'a>> {
    let mut rows: Vec<Differing<'_>> = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.differs(check)) {
        let cells: Vec<Cell> = places.iter().map(|place| scenario.cell_at(place, check)).collect();
        match rows.iter_mut().find(|row| row.cells == cells) {
            Some(row) => row.scenarios.push(scenario),
            None => rows.push(Differing { check, scenarios: vec![scenario], cells }),
        }
    }
    rows
}

fn of_row(Differing { check, scenarios, cells }: &Differing<'_>) -> Markup {
    let labels: Vec<&str> = scenarios.iter().map(|scenario| scenario.label.as_str()).collect();
    html! {
        tr data-row={ (check) " " (labels.join(" ")) } {
            th scope="row" {
                (check) br;
                @for scenario in scenarios {
                    button type="button" data-cell=(detail::id(scenario, check)) aria-haspopup="dialog" { (scenario.label) }
                }
            }
            @for cell in cells {
                @match cell.verdict {
                    Some(verdict) => td.(verdict.name()) { (cell.flat) span.hidden { ", " (verdict.meaning()) } },
                    None => td { (EMPTY) },
                }
            }
        }
    }
}
