//! `report.html`: the report as one page that needs nothing else: no network, no file beside it.
//!
//! The matrix comes first. A cell opens to all that is known of it, which waits in a `script` that costs a browser
//! next to nothing until then. Without scripts the matrix and everything below it can still be read, and printed.

mod by_place;
mod detail;
pub(crate) mod distribution;
mod facts;
mod page;
pub(crate) mod timeline;

use std::io;
use std::path::Path;

use maud::{Markup, html};
use time::macros::format_description;

use crate::cell::{DIFFERS, DIFFERS_MEANS, EMPTY};
use crate::clean::clean;
use crate::findings::{self, Finding};
use crate::headings::{heading, title};
use crate::matrix::Matrix;
use crate::remarks::{self, Remark};
use crate::scenario::Scenario;
use crate::{HostRecord, Report, Verdict, write_whole};
pub(crate) use detail::because;
pub(crate) use page::{Page, content};
use timeline::Timeline;

/// Renders the report as a page of HTML.
#[must_use]
pub fn render(report: &Report) -> String {
    let matrix = Matrix::of(report);
    let tally = report.tally();
    let page = Page {
        title: tally.to_string(),
        header: html! {
            p.tally { @for verdict in Verdict::ALL { @if tally.count(verdict) > 0 { (chip(verdict, tally.count(verdict))) } } }
            details { summary { (run(report)) } code { (clean(&report.run.argv.join(" "))) } }
            ul { @for host in kinds_of_hosts(report) { li { (clean(&host)) } } }
        },
        main: html! {
            @for title in matrix.titles() { (block(&matrix, title)) }
            (by_place::section(&matrix))
            (legend(matrix.has_differences()))
            (below(report))
            (facts::section(report))
            (timeline::section(timelines(report, &matrix)))
        },
        contents: detail::contents(&matrix),
    };
    page.render()
}

/// Writes the report to `path` as a page of HTML, whole or not at all.
///
/// # Errors
/// Whatever the file system says.
pub fn write(report: &Report, path: &Path) -> io::Result<()> {
    write_whole(path, render(report).as_bytes())
}

/// The timelines of all hosts.
fn timelines<'a>(report: &'a Report, matrix: &Matrix<'a>) -> impl Iterator<Item = Timeline<'a>> {
    report.hosts.iter().map(|host| Timeline {
        id: detail::timeline(&host.id),
        title: format!("{} ({})", host.id, matrix.places.of_host(&host.id)),
        events: report.timeline.iter().filter(|event| event.host == host.id).collect(),
    })
}

/// How many cases have a verdict.
fn chip(verdict: Verdict, count: usize) -> Markup {
    html! { span.chip.(verdict.name()) { (count) " " (verdict.meaning()) } " " }
}

fn run(report: &Report) -> String {
    let run = &report.run;
    let started = run.started.format(&format_description!("[year]-[month]-[day] [hour]:[minute] UTC"));
    clean(&format!(
        "Run {} of {}, {}, by nspawn-matrix {}",
        run.id,
        started.unwrap_or_default(),
        run.took(),
        run.tool_version
    ))
}

fn kinds_of_hosts(report: &Report) -> Vec<String> {
    let mut kinds: Vec<String> = report.hosts.iter().map(HostRecord::summary).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// The answers to one group of questions.
fn block(matrix: &Matrix<'_>, wanted: &str) -> Markup {
    let checks: Vec<&str> = matrix.checks.iter().copied().filter(|check| title(check) == wanted).collect();
    let is_asked = |scenario: &Scenario<'_, '_>| checks.iter().any(|check| scenario.is_asked(check));
    html! {
        section {
            h2 { (clean(&matrix.places.heading(wanted))) }
            div.scroll tabindex="0" role="region" aria-label=(wanted) {
                table {
                    thead {
                        tr {
                            th scope="col" { "scenario" }
                            @for check in &checks {
                                th scope="col" title=(check) data-check=(check) {
                                    @for line in heading(check) { (line) @if line.ends_with('-') { wbr; } @else { " " } }
                                }
                            }
                        }
                    }
                    tbody {
                        @for scenario in matrix.scenarios().filter(is_asked) {
                            tr data-row=(scenario.label) {
                                th scope="row" { (scenario.label) }
                                @for check in &checks { (answer(&scenario, check)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One cell, which opens where there is something to be told.
fn answer(scenario: &Scenario<'_, '_>, check: &str) -> Markup {
    let cell = scenario.cell(check);
    let Some(verdict) = cell.verdict else {
        return html! { td { (EMPTY) } };
    };
    html! {
        td.(verdict.name()) {
            button type="button" data-cell=(detail::id(scenario, check)) aria-haspopup="dialog" {
                (cell.flat)
                span.hidden { ", " (verdict.meaning()) }
            }
        }
    }
}

/// Explains the marks; `has_differences` says whether [`DIFFERS`] is one of them.
pub(crate) fn legend(has_differences: bool) -> Markup {
    let marked = |verdict: &Verdict| Some((*verdict, verdict.mark()?));
    html! {
        p.legend {
            @for (verdict, mark) in Verdict::ALL.iter().filter_map(marked) {
                span.chip.(verdict.name()) { (mark) " " (verdict.meaning()) } " "
            }
            @if has_differences { (DIFFERS) " " (DIFFERS_MEANS) ", " }
            (EMPTY) " no case"
        }
    }
}

/// What is to be said beside the answers.
fn below(report: &Report) -> Markup {
    let (findings, notes) = (findings::findings(report), findings::notes(report));
    html! {
        @if !findings.is_empty() {
            section { h2 { "Not as claimed" } @for finding in &findings { (paragraph(finding)) } }
        }
        @for remark in remarks::remarks(report) { (of_hosts(&remark)) }
        @if !notes.is_empty() {
            section { h2 { "Reasons" } ul { @for note in notes { li.(note.verdict.name()) { (linked(&note.text())) } } } }
        }
    }
}

fn paragraph(finding: &Finding) -> Markup {
    html! {
        article.(finding.verdict.name()) {
            h3 { (finding.verdict.meaning()) ": " (clean(&finding.title)) }
            dl { @for (label, said) in &finding.said { dt { (label) } dd { (linked(said)) } } }
        }
    }
}

fn of_hosts(remark: &Remark<'_>) -> Markup {
    html! { section { h2 { (clean(&remark.title)) } ul { @for line in remark.lines { li { (clean(line)) } } } } }
}

/// Text from outside, in which addresses of the web can be followed.
pub(crate) fn linked(text: &str) -> Markup {
    let text = clean(text);
    html! {
        @for word in text.split_inclusive([' ', '\n']) {
            @let address = word.trim_matches(['(', ')', ' ', '\n', ',', '.', ':', ';']);
            @if address.starts_with("https://") && word.matches(address).count() == 1 {
                @let (before, after) = word.split_once(address).unwrap_or((word, ""));
                (before) a href=(address) { (address) } (after)
            } @else { (word) }
        }
    }
}

#[cfg(test)]
mod tests;
