//! A comparison as the page of a CI job shows it: what differs, and the facts that could explain it.

use super::merged::{Merged, merge};
use super::{Change, Column, Comparison, Difference, Fact, Group, Place, Since, Step, View, table as words};
use crate::markdown::inline;

/// Renders the comparison as Markdown; the text ends with a newline.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let page = Page { comparison, merged: merge(comparison) };
    let mut parts = vec![format!("# {}", words::tally(comparison)), items(&comparison.columns)];
    parts.extend(comparison.groups.iter().map(|group| page.group(group)));
    if !comparison.facts.is_empty() {
        parts.push(format!("## Facts that could explain all\n\n{}", page.facts(&comparison.facts)));
    }
    let gaps: Vec<String> =
        comparison.gaps.iter().map(|gap| format!("- {}", inline(&gap.told(&comparison.columns)))).collect();
    parts.push(gaps.join("\n"));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// Renders the answers that changed as Markdown, with a column for each system; the text ends with a newline.
#[must_use]
pub fn render_since(since: &Since) -> String {
    let columns = || 0..since.columns.len();
    let row = |change: &Change| {
        let answers = columns().map(|column| change.at(column).map_or_else(String::new, Step::text));
        [change.check.clone(), change.places()].into_iter().chain(answers).collect()
    };
    let headings = since.columns.iter().map(|column| column.heading.clone());
    let headings = ["question", "where"].map(str::to_owned).into_iter().chain(headings).collect();
    let rows: Vec<Vec<String>> = since.changes.iter().map(row).collect();
    let changes =
        if rows.is_empty() { String::new() } else { format!("{AS_BEFORE}\n\n{}", table(&headings, &rows)) };
    let gaps = since.gaps.iter().map(|gap| format!("- {}", inline(&gap.told(&since.columns))));
    let gaps = gaps.collect::<Vec<_>>().join("\n");
    let mut parts = vec![format!("# {}", since.tally()), items(&since.columns), changes, gaps];
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// What no answer in a column means.
pub(super) const AS_BEFORE: &str =
    "Where nothing stands, the answer is the one to the left, or it was not asked.";

/// One item for each column, with what was measured there.
fn items(columns: &[Column]) -> String {
    let item = |Column { heading, source, hosts, .. }: &Column| {
        let hosts = if hosts.is_empty() { "no host".to_owned() } else { hosts.join("; ") };
        format!("- **{}** ({}): {}", inline(heading), inline(source), inline(&hosts))
    };
    columns.iter().map(item).collect::<Vec<_>>().join("\n")
}

fn table(headings: &Vec<String>, rows: &[Vec<String>]) -> String {
    let rule = format!("|{}", "---|".repeat(headings.len()));
    let line = |cells: &Vec<String>| {
        format!("| {} |", cells.iter().map(|cell| inline(cell)).collect::<Vec<_>>().join(" | "))
    };
    [line(headings), rule].into_iter().chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}

struct Page<'c> {
    comparison: &'c Comparison,
    /// Columns that nothing tells apart stand once.
    merged: Vec<Merged>,
}

impl Page<'_> {
    fn group(&self, group: &Group) -> String {
        let row = |Difference { check, places, views }: &Difference| {
            let places = places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ");
            let text = |column: &Merged| {
                let view = views.iter().find(|view| view.columns.contains(&column.first()));
                view.map_or_else(String::new, View::text)
            };
            [check.clone(), places].into_iter().chain(self.merged.iter().map(text)).collect()
        };
        let rows: Vec<_> = group.differences.iter().map(row).collect();
        let differences =
            format!("## {}\n\n{}", words::title(group.kind), self.table(&["question", "where"], &rows));
        if group.facts.is_empty() {
            return differences;
        }
        format!("{differences}\n\nFacts that could explain it:\n\n{}", self.facts(&group.facts))
    }

    fn facts(&self, facts: &[Fact]) -> String {
        let row = |fact: &Fact| {
            let value = |column: &Merged| match fact.values[column.first()].as_deref() {
                None => "not known".to_owned(),
                Some("") => "empty".to_owned(),
                Some(value) => value.to_owned(),
            };
            [fact.name.clone()].into_iter().chain(self.merged.iter().map(value)).collect()
        };
        self.table(&["fact"], &facts.iter().map(row).collect::<Vec<_>>())
    }

    /// A table with a column for each of `labels` and each of what is compared.
    fn table(&self, labels: &[&str], rows: &[Vec<String>]) -> String {
        let headings = self.merged.iter().map(|column| column.heading(self.comparison).join(" "));
        let headings = labels.iter().map(|label| (*label).to_owned()).chain(headings).collect();
        table(&headings, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::{a_change_of_each_kind, compare};
    use crate::fixture::{host, one_case, report};

    #[test]
    fn a_job_page_shows_what_differs_beside_the_facts() {
        insta::assert_snapshot!(render(&a_change_of_each_kind()));
        let same = render(&compare(&[one_case(), one_case()]));
        assert!(same.starts_with("# 0 of 1 cells differ\n\n- **0.json** "), "{same}");
    }

    #[test]
    fn what_comes_from_outside_makes_no_markup() {
        let mut hostile = one_case();
        hostile.cases[0].scenario = "<script>|`x`".to_owned();
        let text = render(&compare(&[hostile, report(vec![host("a", 257)])]));
        assert!(text.contains("&lt;script&gt;") && !text.contains("<script>"), "{text}");
    }
}
