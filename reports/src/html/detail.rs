//! What a cell opens to: every case in it, with all that is known.

use maud::{Markup, html};

use super::{distribution, linked, page, timeline};
use crate::clean::clean;
use crate::matrix::{Matrix, Row};
use crate::{Case, Observation};

/// The name of a cell in the page, and behind `#` in its address.
pub(super) fn id(row: &Row<'_>, check: &str) -> String {
    format!("{} {check}", row.label).replace(char::is_whitespace, "/")
}

/// The contents of all cells.
pub(super) fn contents(matrix: &Matrix<'_>) -> Markup {
    html! {
        @for row in &matrix.rows {
            @for check in matrix.checks.iter().filter(|check| !row.cases(check).is_empty()) {
                (page::content(&id(row, check), &content(row, check)))
            }
        }
    }
}

fn content(row: &Row<'_>, check: &str) -> Markup {
    let cases = row.cases(check);
    html! {
        h2 #opened { (row.label) ": " (check) }
        @for case in cases { (of_case(case, &row.place)) }
        // The timeline of a host stands in the page once; a script puts a copy here.
        @if let Some(case) = cases.first() { div data-timeline=(timeline::id(&case.host)) {} }
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
                @for explanation in &case.explanations {
                    dt { "because" } dd { (clean(&explanation.text)) " (" (clean(&explanation.evidence)) ")" }
                    @if let Some(remedy) = &explanation.remedy { dt { "remedy" } dd { code { (clean(remedy)) } } }
                    @if let Some(link) = &explanation.link { dt { "see" } dd { (linked(link)) } }
                }
                @if case.attempts > 1 { dt { "attempts" } dd { (case.attempts) } }
                dt { "took" } dd { (case.duration_ms) " ms" }
                dt { "systemd" } dd { (place) }
                dt { "host" } dd { (clean(&case.host)) }
                @if !case.verdict.is_green() { dt { "evidence" } dd { "evidence/" (clean(&case.host)) "/ beside the report" } }
            }
            @if let Some(Observation::Names(names)) = &case.observed { (distribution::picture(names)) }
            @if let Some(observed) = &case.observed {
                details { summary { "All that was seen" } pre { (whole(observed)) } }
            }
        }
    }
}

fn whole(observed: &Observation) -> String {
    serde_json::to_string(observed).map(|text| clean(&text)).unwrap_or_default()
}
