//! Findings and notes as paragraphs.

use super::style::{Style, Tone};
use super::wrap::wrap;
use crate::clean::clean;
use crate::findings::{self, Finding, Note, REMEDY};
use crate::{Report, Verdict};

const INDENT: &str = "    ";
const LABEL_WIDTH: usize = 10;

/// One paragraph for each finding.
pub(super) fn findings(report: &Report, style: Style) -> Vec<String> {
    findings::findings(report).iter().map(|finding| paragraph(finding, style)).collect()
}

fn paragraph(finding: &Finding, style: Style) -> String {
    let title = wrap(&clean(&finding.title), style.width, &mark(finding.verdict), INDENT);
    let said = finding.said.iter().map(|(label, text)| labelled(label, text, style));
    [style.paint(&title, Tone::of(finding.verdict))].into_iter().chain(said).collect::<Vec<_>>().join("\n")
}

fn labelled(label: &str, text: &str, style: Style) -> String {
    // A command that is pasted must not have line breaks of ours in it; the terminal makes its own.
    let width = if label == REMEDY { u16::MAX } else { style.width };
    let first = format!("{INDENT}{:LABEL_WIDTH$}", format!("{label}:"));
    wrap(&clean(text), width, &first, &" ".repeat(INDENT.len() + LABEL_WIDTH))
}

/// All notes, one below the other.
pub(super) fn notes(report: &Report, style: Style) -> Option<String> {
    let line = |note: &Note<'_>| wrap(&clean(&note.text()), style.width, &mark(note.verdict), INDENT);
    let lines: Vec<String> = findings::notes(report).iter().map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn mark(verdict: Verdict) -> String {
    verdict.mark().map_or(String::new(), |mark| format!("{mark} "))
}
