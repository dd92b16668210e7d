//! What a cell opens to: every case in it, with all that is known.

use maud::{Markup, html};

use super::{distribution, linked, page};
use crate::cell;
use crate::clean::clean;
use crate::matrix::{Matrix, Row};
use crate::scenario::Scenario;
use crate::{Case, Explanation, Observation, Verdict};

/// The name of a cell in the page, and behind `#` in its address.
pub(super) fn id(scenario: &Scenario<'_, '_>, check: &str) -> String {
    format!("{} {check}", scenario.label).replace(char::is_whitespace, "/")
}

/// The name of the timeline of a host in the page.
pub(super) fn timeline(host: &str) -> String {
    format!("timeline/{host}")
}

/// The contents of all cells.
pub(super) fn contents(matrix: &Matrix<'_>) -> Markup {
    html! {
        @for scenario in matrix.scenarios() {
            @for check in matrix.checks.iter().filter(|check| scenario.is_asked(check)) {
                (page::content(&id(&scenario, check), &content(&scenario, check)))
            }
        }
    }
}

fn content(scenario: &Scenario<'_, '_>, check: &str) -> Markup {
    let asked: Vec<&Row<'_>> = scenario.rows.iter().filter(|row| !row.cases(check).is_empty()).collect();
    html! {
        h2 #opened { (scenario.label) ": " (check) }
        @if let [only] = *asked { (of_row(only, check)) } @else { (by_place(&asked, check)) }
    }
}

/// What each host answered, unfolded where it is not what the one before it did.
fn by_place(rows: &[&Row<'_>], check: &str) -> Markup {
    let cells: Vec<cell::Cell> = rows.iter().map(|row| cell::of(row.cases(check))).collect();
    html! {
        @for (at, (row, cell)) in rows.iter().zip(&cells).enumerate() {
            details.place open[at == 0 || cells[at - 1] != *cell] {
                summary.(cell.verdict.map_or("", Verdict::name)) { (row.place) ": " (cell.flat) }
                (of_row(row, check))
            }
        }
    }
}

fn of_row(row: &Row<'_>, check: &str) -> Markup {
    html! {
        @for case in row.cases(check) { (of_case(case, &row.place)) }
        // The timeline of a host stands in the page once; a script puts a copy here.
        div data-timeline=(timeline(row.host)) {}
    }
}

/// `place` says which systemd it ran on.
fn of_case(case: &Case, place: &str) -> Markup {
    let observed = case.observed.as_ref().map(|seen| seen.sentence(&case.check));
    html! {
        article.(case.verdict.name()) {
            h3 { (clean(&case.subject)) ": " (case.verdict.meaning()) }
            dl {
                dt { "observed" } dd { (clean(observed.as_deref().unwrap_or("nothing"))) }
                dt { "claimed" } dd { (clean(&case.expected)) }
                @if let Some(reason) = &case.reason { dt { "reason" } dd { (linked(reason)) } }
                @if let Some(link) = &case.link { dt { "see" } dd { (linked(link)) } }
                (because(&case.explanations))
                @if case.attempts > 1 { dt { "attempts" } dd { (case.attempts) } }
                dt { "took" } dd { (case.duration_ms) " ms" }
                dt { "systemd" } dd { (place) }
                dt { "host" } dd { (clean(&case.host)) }
                @if !case.verdict.is_green() { dt { "evidence" } dd { "evidence/" (clean(&case.host)) "/ beside the report" } }
            }
            @if let Some(Observation::Names(names)) = &case.observed { (distribution::picture(&names.spaces, &names.times_us)) }
            @if let Some(observed) = &case.observed {
                details { summary { "All that was seen" } pre { (whole(observed)) } }
            }
        }
    }
}

/// Reasons, as rows of a list.
pub(crate) fn because(explanations: &[Explanation]) -> Markup {
    html! {
        @for Explanation { text, evidence, remedy, link, .. } in explanations {
            dt { "because" } dd { (clean(text)) " (" (clean(evidence)) ")" }
            @if let Some(remedy) = remedy { dt { "remedy" } dd { code { (clean(remedy)) } } }
            @if let Some(link) = link { dt { "see" } dd { (linked(link)) } }
        }
    }
}

fn whole(observed: &Observation) -> String {
    serde_json::to_string(observed).map(|text| clean(&text)).unwrap_or_default()
}
