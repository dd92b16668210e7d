//! What is to be said of cases beside their answers, in the words of every writer that people read.
//!
//! A [`Finding`] is about cases that differ from their claim, a [`Note`] gives the reason behind others. Texts from
//! outside are as they came: each writer makes them safe for where it prints them.

use crate::place::Places;
use crate::{Case, Explanation, Report, Verdict};

/// Cases that share verdict, host, scenario, question, claim and reason, and so differ only in their subject.
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    /// Names the cases: `zone::ping/gateway/ipv4::alpha, beta on sandbox/trixie/zone (257)`.
    pub(crate) title: String,
    /// What is to be said of them, each with its label: `claimed`, `observed`.
    pub(crate) said: Vec<(&'static str, String)>,
}

/// One finding for all cases that differ from their claim in the same way.
pub(crate) fn findings(report: &Report) -> Vec<Finding> {
    let places = Places::of(report);
    let told: Vec<&Case> = report.cases.iter().filter(|case| is_finding(case)).collect();
    let is_same = |left: &&Case, right: &&Case| {
        let about =
            |case: &Case| (case.verdict, case.host.clone(), case.scenario.clone(), case.check.clone());
        about(left) == about(right) && left.expected == right.expected && left.reason == right.reason
    };
    told.chunk_by(is_same).filter_map(|cases| Finding::of(cases, &places)).collect()
}

/// What could not be measured has its reason and nothing else, and that is often the same for a whole host.
fn is_finding(case: &Case) -> bool {
    match case.verdict {
        Verdict::Fail | Verdict::Fixed => true,
        Verdict::Broken => case.observed.is_some(),
        Verdict::Pass | Verdict::Known | Verdict::Skip => false,
    }
}

/// What stands before a command that a person can paste.
pub(crate) const REMEDY: &str = "remedy";

impl Finding {
    fn of(cases: &[&Case], places: &Places<'_>) -> Option<Self> {
        let (case, others) = cases.split_first()?;
        let subjects: String = others.iter().map(|other| format!(", {}", other.subject)).collect();
        let title = format!("{}{subjects} on {} ({})", case.name(), case.host, places.of_host(&case.host));
        let mut said = vec![("claimed", case.expected.clone())];
        said.extend(observations(cases).into_iter().map(|observed| ("observed", observed)));
        said.extend(case.reason.iter().map(|reason| ("reason", reason.clone())));
        said.extend((case.attempts > 1).then(|| ("attempts", case.attempts.to_string())));
        said.extend(case.link.iter().map(|link| ("see", link.clone())));
        let mut explanations: Vec<&Explanation> = Vec::new();
        for explanation in cases.iter().flat_map(|case| &case.explanations) {
            if !explanations.contains(&explanation) {
                explanations.push(explanation);
            }
        }
        for explanation in explanations {
            said.push(("because", format!("{} ({})", explanation.text, explanation.evidence)));
            said.extend(explanation.remedy.iter().map(|remedy| (REMEDY, remedy.clone())));
            said.extend(explanation.link.iter().map(|link| ("see", link.clone())));
        }
        Some(Self { verdict: case.verdict, title, said })
    }
}

/// What was seen, once where all saw the same.
fn observations(cases: &[&Case]) -> Vec<String> {
    let sentence =
        |case: &&Case| case.observed.as_ref().map_or("nothing".to_owned(), |seen| seen.sentence(&case.check));
    let mut sentences: Vec<String> = cases.iter().map(sentence).collect();
    sentences.dedup();
    sentences
}

/// Cases that share a verdict, a reason, and a number of attempts.
pub(crate) struct Note<'a> {
    pub(crate) verdict: Verdict,
    reason: &'a str,
    link: Option<&'a str>,
    attempts: u32,
    first: String,
    /// The scenarios, and where they ran: `nat, zone (257)`.
    scenarios: String,
    count: usize,
}

/// One note for each reason behind what is known, was not asked, could not be measured, or not at the first attempt.
pub(crate) fn notes(report: &Report) -> Vec<Note<'_>> {
    let places = Places::of(report);
    let mut groups: Vec<Vec<&Case>> = Vec::new();
    for case in report.cases.iter().filter(|case| needs_note(case)) {
        let is_same = |first: &&Case| {
            (first.verdict, reason(first), first.attempts) == (case.verdict, reason(case), case.attempts)
        };
        match groups.iter_mut().find(|group| group.first().is_some_and(is_same)) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    groups.iter().filter_map(|cases| Note::of(cases, &places)).collect()
}

fn reason(case: &Case) -> &str {
    case.reason.as_deref().unwrap_or("no reason is given")
}

/// What passed at once needs no word.
fn needs_note(case: &Case) -> bool {
    !is_finding(case) && (case.verdict != Verdict::Pass || case.attempts > 1)
}

impl<'a> Note<'a> {
    fn of(cases: &[&'a Case], places: &Places<'_>) -> Option<Self> {
        let case = cases.first()?;
        let mut hosts: Vec<(&str, Vec<&str>)> = Vec::new();
        for case in cases {
            match hosts.iter_mut().find(|(scenario, _)| *scenario == case.scenario) {
                Some((_, hosts)) => hosts.push(&case.host),
                None => hosts.push((&case.scenario, vec![&case.host])),
            }
        }
        Some(Self {
            verdict: case.verdict,
            reason: reason(case),
            link: case.link.as_deref().filter(|_| case.verdict == Verdict::Known),
            attempts: case.attempts,
            first: format!("{} ({})", case.name(), places.of_host(&case.host)),
            scenarios: places.of_scenarios(&hosts),
            count: cases.len(),
        })
    }

    /// The note in one line: `skipped, 3 cases of nat, zone (257): there is no link`.
    pub(crate) fn text(&self) -> String {
        let subject = match self.count {
            1 => self.first.clone(),
            count => format!("{count} cases of {}", self.scenarios),
        };
        let attempts =
            if self.attempts > 1 { format!(", {} attempts", self.attempts) } else { String::new() };
        let link = self.link.map_or(String::new(), |link| format!(" ({link})"));
        format!("{}{attempts}, {subject}: {}{link}", self.verdict.meaning(), self.reason)
    }
}
