//! Findings: a paragraph for each case that differs from its claim, and a note for each reason behind other cases.

use super::cell::mark;
use super::meaning;
use super::style::{Style, Tone};
use super::wrap::wrap;
use crate::clean::clean;
use crate::{Case, Explanation, Report, Verdict};

const INDENT: &str = "    ";
const LABEL_WIDTH: usize = 10;

/// One paragraph for each case that differs from its claim; cases that differ only in their subject share one.
pub(super) fn findings(report: &Report, style: Style) -> Vec<String> {
    let has_hosts = report.hosts.len() > 1;
    let told: Vec<&Case> = report.cases.iter().filter(|case| needs_paragraph(case)).collect();
    let is_same = |left: &&Case, right: &&Case| {
        let about =
            |case: &Case| (case.verdict, case.host.clone(), case.scenario.clone(), case.check.clone());
        about(left) == about(right) && left.expected == right.expected && left.reason == right.reason
    };
    told.chunk_by(is_same).map(|cases| paragraph(cases, has_hosts, style)).collect()
}

/// What could not be measured has its reason and nothing else, and that is often the same for a whole host.
fn needs_paragraph(case: &Case) -> bool {
    match case.verdict {
        Verdict::Fail | Verdict::Fixed => true,
        Verdict::Broken => case.observed.is_some(),
        Verdict::Pass | Verdict::Known | Verdict::Skip => false,
    }
}

/// `cases` share verdict, host, scenario, question, claim and reason.
fn paragraph(cases: &[&Case], has_hosts: bool, style: Style) -> String {
    let Some(case) = cases.first() else { return String::new() };
    let mut lines = vec![headline(cases, has_hosts, style)];
    lines.push(labelled("claimed:", &case.expected, style));
    lines.extend(observations(cases).iter().map(|observed| labelled("observed:", observed, style)));
    lines.extend(case.reason.iter().map(|reason| labelled("reason:", reason, style)));
    lines.extend((case.attempts > 1).then(|| labelled("attempts:", &case.attempts.to_string(), style)));
    lines.extend(case.link.iter().map(|link| labelled("see:", link, style)));
    let mut explanations: Vec<&Explanation> = Vec::new();
    for explanation in cases.iter().flat_map(|case| &case.explanations) {
        if !explanations.contains(&explanation) {
            explanations.push(explanation);
        }
    }
    for explanation in explanations {
        lines.push(labelled("because:", &format!("{} ({})", explanation.text, explanation.evidence), style));
        lines.extend(explanation.remedy.iter().map(|remedy| labelled("remedy:", remedy, style)));
        lines.extend(explanation.link.iter().map(|link| labelled("see:", link, style)));
    }
    lines.join("\n")
}

/// What was seen, once where all saw the same.
fn observations(cases: &[&Case]) -> Vec<String> {
    let sentence =
        |case: &&Case| case.observed.as_ref().map_or("nothing".to_owned(), |seen| seen.sentence(&case.check));
    let mut sentences: Vec<String> = cases.iter().map(sentence).collect();
    sentences.dedup();
    sentences
}

/// `! zone::ping/gateway/ipv4::alpha, beta on sandbox/trixie/zone`.
fn headline(cases: &[&Case], has_hosts: bool, style: Style) -> String {
    let Some((case, others)) = cases.split_first() else { return String::new() };
    let subjects: String = others.iter().map(|other| format!(", {}", other.subject)).collect();
    let host = if has_hosts { format!(" on {}", case.host) } else { String::new() };
    let text = clean(&format!("{}{subjects}{host}", case.name()));
    let mark = mark(case.verdict).map_or(String::new(), |mark| format!("{mark} "));
    style.paint(&wrap(&text, style.width, &mark, INDENT), Tone::of(case.verdict))
}

fn labelled(label: &str, text: &str, style: Style) -> String {
    let first = format!("{INDENT}{label:LABEL_WIDTH$}");
    wrap(&clean(text), style.width, &first, &" ".repeat(INDENT.len() + LABEL_WIDTH))
}

/// Cases that share a verdict, a reason, and a number of attempts.
struct Note<'a> {
    verdict: Verdict,
    reason: &'a str,
    link: Option<&'a str>,
    attempts: u32,
    first: String,
    scenarios: Vec<&'a str>,
    count: usize,
}

/// One note for each reason behind what is known, was not asked, could not be measured, or not at the first attempt.
pub(super) fn notes(report: &Report, style: Style) -> Option<String> {
    let mut notes: Vec<Note<'_>> = Vec::new();
    for case in report.cases.iter().filter(|case| needs_note(case)) {
        let (verdict, attempts) = (case.verdict, case.attempts);
        let reason = case.reason.as_deref().unwrap_or("no reason is given");
        let link = case.link.as_deref().filter(|_| verdict == Verdict::Known);
        let key = (verdict, reason, attempts);
        let at = notes.iter().position(|note| (note.verdict, note.reason, note.attempts) == key);
        let at = at.unwrap_or_else(|| {
            let (first, scenarios) = (case.name(), Vec::new());
            notes.push(Note { verdict, reason, link, attempts, first, scenarios, count: 0 });
            notes.len() - 1
        });
        notes[at].count += 1;
        if !notes[at].scenarios.contains(&case.scenario.as_str()) {
            notes[at].scenarios.push(&case.scenario);
        }
    }
    let lines: Vec<String> = notes.iter().map(|note| note_line(note, style)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What passed at once needs no word.
fn needs_note(case: &Case) -> bool {
    !needs_paragraph(case) && (case.verdict != Verdict::Pass || case.attempts > 1)
}

fn note_line(note: &Note<'_>, style: Style) -> String {
    let subject = match note.count {
        1 => note.first.clone(),
        count => format!("{count} cases of {}", note.scenarios.join(", ")),
    };
    let attempts = if note.attempts > 1 { format!(", {} attempts", note.attempts) } else { String::new() };
    let meaning = format!("{}{attempts}", meaning(note.verdict));
    let mark = mark(note.verdict).map_or(String::new(), |mark| format!("{mark} "));
    let link = note.link.map_or(String::new(), |link| format!(" ({link})"));
    wrap(&clean(&format!("{meaning}, {subject}: {}{link}", note.reason)), style.width, &mark, INDENT)
}
