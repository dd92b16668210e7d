//! `summary.md`: the report as the page of a CI job shows it, in the Markdown that GitHub and GitLab have in common.
//!
//! What differs comes first, then what each scenario gave, then the table with every answer, folded away.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::clean::clean;
use crate::findings::{self, Finding};
use crate::place::Places;
use crate::remarks::{self, Remark};
use crate::{Case, HostRecord, Report, Tally, Verdict, table, write_whole};

/// Columns of the table with every answer. A page scrolls sideways, and does not wrap.
const WIDTH: u16 = 160;

/// Renders the report as Markdown; the text ends with a newline.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut parts = vec![heading(report), hosts(report)];
    parts.extend(findings::findings(report).iter().map(finding));
    parts.extend(remarks::remarks(report).iter().map(remark));
    parts.push(scenarios(report));
    parts.push(notes(report));
    parts.push(folded("Every answer", &table::render(report, table::Style { colour: false, width: WIDTH })));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// Writes the report to `path` as Markdown, whole or not at all.
///
/// # Errors
/// Whatever the file system says.
pub fn write(report: &Report, path: &Path) -> io::Result<()> {
    write_whole(path, render(report).as_bytes())
}

fn heading(report: &Report) -> String {
    format!(
        "# nspawn-matrix: {}\n\nRun {} took {}.",
        report.tally(),
        inline(&report.run.id),
        report.run.took()
    )
}

/// One item for each kind of host, with how many there are.
fn hosts(report: &Report) -> String {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for host in report.hosts.iter().map(HostRecord::summary) {
        match kinds.iter_mut().find(|(known, _)| *known == host) {
            Some((_, count)) => *count += 1,
            None => kinds.push((host, 1)),
        }
    }
    let item = |(host, count): &(String, usize)| {
        let times = if *count > 1 { format!(" ({count} hosts)") } else { String::new() };
        format!("- {}{times}", inline(host))
    };
    kinds.iter().map(item).collect::<Vec<_>>().join("\n")
}

fn finding(finding: &Finding) -> String {
    let mut text = format!("### {}: {}\n", finding.verdict.meaning(), inline(&finding.title));
    for (label, said) in &finding.said {
        let _ = write!(text, "\n- {label}: {}", inline(said));
    }
    text
}

fn remark(remark: &Remark<'_>) -> String {
    let items: String = remark.lines.iter().map(|line| format!("\n- {}", inline(line))).collect();
    format!("### {}\n{items}", inline(&remark.title))
}

/// A row for each scenario on each host, with the systemd that it ran on, and a column for each verdict that occurs.
fn scenarios(report: &Report) -> String {
    let all = report.tally();
    let verdicts: Vec<Verdict> = Verdict::ALL.into_iter().filter(|verdict| all.count(*verdict) > 0).collect();
    if verdicts.is_empty() {
        return String::new();
    }
    let places = Places::of(report);
    let headings: String = verdicts.iter().map(|verdict| format!(" {verdict} |")).collect();
    let mut text =
        format!("| scenario | systemd | host |{headings}\n|---|---|---|{}", "--:|".repeat(verdicts.len()));
    let is_same = |left: &Case, right: &Case| (&left.host, &left.scenario) == (&right.host, &right.scenario);
    for cases in report.cases.chunk_by(is_same) {
        let tally: Tally = cases.iter().map(|case| case.verdict).collect();
        let counts: String = verdicts.iter().map(|verdict| format!(" {} |", tally.count(*verdict))).collect();
        let Case { scenario, host, .. } = &cases[0];
        let [scenario, systemd, host] = [&**scenario, places.of_host(host), host].map(inline);
        let _ = write!(text, "\n| {scenario} | {systemd} | {host} |{counts}");
    }
    text
}

fn notes(report: &Report) -> String {
    let notes = findings::notes(report);
    notes.iter().map(|note| format!("- {}", inline(&note.text()))).collect::<Vec<_>>().join("\n")
}

/// Text that is shown as it is, once it is asked for.
fn folded(title: &str, text: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n<pre>{}</pre>\n</details>", html(&clean(text)))
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text from outside in one line that means nothing to Markdown.
pub(crate) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in html(&clean(text)).chars() {
        match character {
            '\n' | '\t' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' | '@' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{case, host, matrix, report};

    #[test]
    fn a_job_page_says_first_what_differs() {
        let text = render(&matrix(&[257]));
        let (before, after) = text.split_once("<details>").unwrap();
        insta::assert_snapshot!(before);
        assert!(after.ends_with("</pre>\n</details>\n"));
    }

    #[test]
    fn what_comes_from_outside_makes_no_markup() {
        let mut hostile = report(vec![host("a", 257)]);
        let mut one = case("a", "na|t", "<script>", "`x`");
        one.verdict = Verdict::Fail;
        one.reason = Some("[click](http://x)\n# big\u{1b}[31m".to_owned());
        hostile.cases.push(one);
        let text = render(&hostile);
        assert!(
            !text.contains("<script>") && !text.contains("\n# big") && !text.contains('\u{1b}'),
            "{text}"
        );
        assert!(
            text.contains("| na\\|t |") && text.contains("reason: \\[click\\](http://x) \\# big"),
            "{text}"
        );
    }

    #[test]
    fn a_run_without_cases_has_no_empty_table() {
        let text = render(&report(vec![host("a", 257)]));
        assert!(text.starts_with("# nspawn-matrix: no cases\n") && !text.contains("| scenario"), "{text}");
    }
}
