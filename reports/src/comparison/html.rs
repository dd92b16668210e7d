//! A comparison as a page: the same that `report.html` is, with a column for each report or system.

use maud::{Markup, html};

use super::detail::Details;
use super::layout::Layout;
use super::markdown::AS_BEFORE;
use super::merged::{Merged, merge};
use super::{Column, Comparison, Difference, Excerpt, Fact, Gap, Group, Place, Since, View, table};
use crate::cell::EMPTY;
use crate::clean::clean;
use crate::html::{Page, content, legend};

/// Renders the comparison of `excerpts` as a page of HTML.
#[must_use]
pub fn render(comparison: &Comparison, excerpts: &[Excerpt]) -> String {
    let layout = Layout::of_reports(excerpts);
    let details = Details::of(comparison, &layout);
    let tables = Tables { comparison, merged: merge(comparison) };
    let differences = || comparison.groups.iter().flat_map(|group| &group.differences);
    let page = Page {
        title: table::tally(comparison),
        header: html! {
            p.tally { (table::tally(comparison)) }
            ul { @for column in &comparison.columns { li { (of_column(column)) } } }
        },
        main: html! {
            @for group in &comparison.groups { (tables.group(group)) }
            @if !comparison.groups.is_empty() { (legend(false)) }
            @if !comparison.facts.is_empty() {
                h2 { "Facts that could explain all" }
                (tables.facts(&comparison.facts))
            }
            (not_everywhere(&comparison.gaps, &comparison.columns))
            (details.timelines())
        },
        contents: html! { @for one in differences() { (content(&id(one), &opened(comparison, &details, one))) } },
    };
    page.render()
}

/// Renders the answers that changed as a page of HTML, with a column for each system.
#[must_use]
pub fn render_since(since: &Since) -> String {
    let page = Page {
        title: since.tally(),
        header: html! {
            p.tally { (since.tally()) }
            ul { @for column in &since.columns { li { (of_column(column)) } } }
        },
        main: html! {
            @if !since.changes.is_empty() { (changes(since)) }
            (not_everywhere(&since.gaps, &since.columns))
        },
        contents: html! {},
    };
    page.render()
}

/// What stands above changes, and names them to a screen reader.
const CHANGES: &str = "Answers that changed";

/// A row for each change.
fn changes(since: &Since) -> Markup {
    let columns = || 0..since.columns.len();
    html! {
        section {
            h2 { (CHANGES) }
            p { (AS_BEFORE) }
            div.scroll tabindex="0" role="region" aria-label=(CHANGES) {
                table {
                    thead {
                        tr {
                            th scope="col" { "question" }
                            @for Column { heading, .. } in &since.columns { th scope="col" data-check=(clean(heading)) { (clean(heading)) } }
                        }
                    }
                    tbody {
                        @for change in &since.changes {
                            tr data-row={ (clean(&change.check)) " " (change.places()) } {
                                th scope="row" { (clean(&change.check)) br; span.where { (change.places()) } }
                                @for step in columns().map(|column| change.at(column)) {
                                    @match step {
                                        Some(step) => td.(step.verdict.name()) { (step.text()) span.hidden { ", " (step.verdict.meaning()) } },
                                        None => td {},
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        (legend(false))
    }
}

/// The cells that some columns lack.
fn not_everywhere(gaps: &[Gap], columns: &[Column]) -> Markup {
    html! {
        @if !gaps.is_empty() {
            section { h2 { "Not everywhere" } ul { @for gap in gaps { li { (gap.told(columns)) } } } }
        }
    }
}

/// What was measured there.
fn of_column(column: &Column) -> String {
    let hosts = if column.hosts.is_empty() { "no host".to_owned() } else { column.hosts.join("; ") };
    clean(&format!("{} ({}): {hosts}", column.heading, column.source))
}

/// The name of a difference in the page, and behind `#` in its address.
fn id(difference: &Difference) -> String {
    let place = difference.places.first().map_or_else(String::new, Place::to_string);
    clean(&format!("{place} {}", difference.check)).replace(char::is_whitespace, "/")
}

fn places(difference: &Difference) -> String {
    difference.places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ")
}

struct Tables<'c> {
    comparison: &'c Comparison,
    /// Columns that nothing tells apart stand once.
    merged: Vec<Merged>,
}

impl Tables<'_> {
    fn group(&self, group: &Group) -> Markup {
        let title = table::title(group.kind);
        html! {
            section {
                h2 { (title) }
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table {
                        (self.headings("question"))
                        tbody { @for difference in &group.differences { (self.row(difference)) } }
                    }
                }
            }
            @if !group.facts.is_empty() {
                h3 { "Facts that could explain it" }
                (self.facts(&group.facts))
            }
        }
    }

    fn headings(&self, label: &str) -> Markup {
        html! {
            thead {
                tr {
                    th scope="col" { (label) }
                    @for column in &self.merged {
                        @let heading = clean(&column.heading(self.comparison).join(" "));
                        th scope="col" data-check=(heading) { (heading) }
                    }
                }
            }
        }
    }

    fn row(&self, difference: &Difference) -> Markup {
        let (check, places) = (clean(&difference.check), places(difference));
        html! {
            tr data-row={ (check) " " (places) } {
                th scope="row" { (check) br; span.where { (places) } }
                @for column in &self.merged {
                    (answer(difference, difference.views.iter().find(|view| view.columns.contains(&column.first()))))
                }
            }
        }
    }

    fn facts(&self, facts: &[Fact]) -> Markup {
        let value = |fact: &Fact, column: &Merged| match fact.values[column.first()].as_deref() {
            None => "not known".to_owned(),
            Some("") => "empty".to_owned(),
            Some(value) => clean(value),
        };
        html! {
            div.scroll.facts tabindex="0" role="region" aria-label="Facts" {
                table {
                    (self.headings("fact"))
                    tbody {
                        @for fact in facts {
                            tr {
                                th scope="row" { (clean(&fact.name)) }
                                @for column in &self.merged { td { (value(fact, column)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn answer(difference: &Difference, view: Option<&View>) -> Markup {
    let Some(view) = view else { return html! { td { (EMPTY) } } };
    html! {
        td.(view.verdict.name()) {
            button type="button" data-cell=(id(difference)) aria-haspopup="dialog" {
                (view.text())
                span.hidden { ", " (view.verdict.meaning()) }
            }
        }
    }
}

/// All that was seen of it, by those who saw the same.
fn opened(comparison: &Comparison, details: &Details<'_, '_>, difference: &Difference) -> Markup {
    let headings = |view: &View| {
        let headings = view.columns.iter().map(|column| comparison.columns[*column].heading.as_str());
        clean(&headings.collect::<Vec<_>>().join(", "))
    };
    html! {
        h2 #opened { (clean(&difference.check)) ": " (places(difference)) }
        @for view in &difference.views {
            article.(view.verdict.name()) {
                h3 { (headings(view)) ": " (view.verdict.meaning()) }
                dl {
                    dt { "answer" } dd { (view.answer) }
                    @for (name, value) in &view.values { dt { (clean(name)) } dd { (clean(value)) } }
                }
                (details.of_view(difference, view))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::{excerpts, two_with_a_change_of_each_kind};
    use crate::fixture::{host, one_case, report};

    #[test]
    fn every_difference_opens_to_what_each_column_saw() {
        let excerpts = excerpts(&two_with_a_change_of_each_kind());
        let comparison = Comparison::of(&excerpts).unwrap();
        let page = render(&comparison, &excerpts);
        let differences: usize = comparison.groups.iter().map(|group| group.differences.len()).sum();
        assert_eq!(page.matches("<script type=\"text/html\" id=").count(), differences);
        assert_eq!(page.matches("data-cell=").count(), differences * 2);
        assert!(page.contains("id=\"nat/ping/peer/ipv4\"") && page.contains("Facts that could explain all"));
    }

    #[test]
    fn a_difference_opens_to_claim_reasons_lookups_and_timeline_of_both_sides() {
        let mut other = one_case();
        let case = &mut other.cases[0];
        case.expected = "fe80".to_owned();
        case.verdict = crate::Verdict::Pass;
        let Some(crate::Observation::Names(names)) = &mut case.observed else { unreachable!() };
        names.times_us = [(crate::AddressSpace::Ipv6LinkLocal, vec![410; 7])].into();
        let excerpts = excerpts(&[one_case(), other]);
        let page = render(&Comparison::of(&excerpts).unwrap(), &excerpts);
        let opened =
            page.split("<script type=\"text/html\"").nth(1).unwrap().split("</script>").next().unwrap();
        let row = |term: &str, said: &str| format!("<dt>{term}</dt><dd>{said}</dd>");
        for row in [
            row("observed", "fe80 20, lease 12 of 32"),
            row("claimed", "lease"),
            row("claimed", "fe80"),
            row("reason", "fe80 was answered"),
            row("because", "LLMNR answers with every address of the link (resolvectl: +LLMNR on host0)"),
            row("remedy", "<code>resolvectl llmnr host0 no</code>"),
            row("evidence", "evidence/sandbox/trixie/nat/ if it lies beside the report"),
            row("systemd", "257"),
        ] {
            assert!(opened.contains(&row), "{row} is not in {opened}");
        }
        let strokes: Vec<usize> = opened
            .split("class=\"lookups\" d=\"")
            .skip(1)
            .map(|path| path.split('"').next().unwrap().matches('v').count())
            .collect();
        assert_eq!(strokes, [0, 0, 7, 0]);
        for column in [0, 1] {
            let timeline = format!("timeline/{column}/sandbox/trixie/nat");
            assert!(opened.contains(&format!("data-timeline=\"{timeline}\"")));
            assert!(page.contains(&format!("<details id=\"{timeline}\">")));
        }
    }

    #[test]
    fn what_comes_from_outside_makes_no_markup() {
        let mut hostile = one_case();
        hostile.cases[0].scenario = "</script><b>".to_owned();
        let excerpts = excerpts(&[hostile, report(vec![host("a", 257)])]);
        let page = render(&Comparison::of(&excerpts).unwrap(), &excerpts);
        assert!(page.contains("&lt;/script&gt;") && !page.contains("</script><b>"), "{page}");
    }
}
