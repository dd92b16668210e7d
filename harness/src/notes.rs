//! Notes: what is known of one host so far.
//!
//! The agent's notices are written here as they come, so that nothing is lost if it ends. A question that gave no
//! answer is open until it was tried [`ATTEMPTS`] times; one that was judged is never tried again.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use nspawn_matrix_reports::{Case, Facts, Observation, TimelineEvent, Verdict};
use nspawn_matrix_scenarios::{Check, Claim, Scenario, Setting, Settings};

use crate::agent::{EvidenceFile, Notice, Question};
use crate::ends::Ends;
use crate::engine::{Progress, Watcher};
use crate::explain::{self, explain};
use crate::judge::judge;
use crate::plan::{self, HostPlan};
use crate::systemd;

/// How often an answer is tried for.
pub(crate) const ATTEMPTS: u32 = 2;

/// What is known so far.
pub(crate) struct Notes {
    /// Its part of the plan.
    pub host: HostPlan,
    cases: Vec<(Question, Case)>,
    settings: Settings,
    ends: Ends,
    clock: Instant,
    heard: Instant,
    watcher: Watcher,
    /// Major version of the systemd of the machines, once they stand.
    pub payload: Option<u32>,
    /// What is known of the host; none before it was asked.
    pub facts: Option<Facts>,
    /// What systemd said about settings that it does not take.
    pub warnings: Vec<String>,
    /// What is not as it was before, when everything was taken back; none as long as it was not.
    pub left: Option<Vec<String>>,
    /// What happened when.
    pub timeline: Vec<TimelineEvent>,
    /// What may explain why something is not as claimed.
    pub evidence: Vec<EvidenceFile>,
    /// What was known before the remedies were done; none if none were.
    pub before: Option<Box<Self>>,
}

/// Notes that the agent's notices go to while the host is worked on.
pub(crate) type SharedNotes = Rc<RefCell<Notes>>;

impl Notes {
    /// Empty notes of `host`; times are counted from `clock`.
    pub(crate) fn new(host: HostPlan, clock: Instant, watcher: Watcher) -> Self {
        let (cases, settings, ends, payload) = (Vec::new(), Settings::new(), Ends::default(), None);
        let (warnings, timeline, evidence) = (Vec::new(), Vec::new(), Vec::new());
        let (facts, left, before) = (None, None, None);
        let heard = Instant::now();
        Self {
            host,
            cases,
            settings,
            ends,
            clock,
            heard,
            watcher,
            payload,
            facts,
            warnings,
            left,
            timeline,
            evidence,
            before,
        }
    }

    /// Begins afresh what is known, as the same host once remedies were done. What was known is kept beside it.
    pub(crate) fn turn_over(&mut self) {
        let after = Self::new(self.host.remedied(), self.clock, Rc::clone(&self.watcher));
        let mut before = std::mem::replace(self, after);
        before.host = before.host.while_standing_alone("it is asked once the remedies were done");
        (self.facts, self.payload) = (before.facts.clone(), before.payload);
        self.before = Some(Box::new(before));
    }

    /// Notes that the host boots from the start: what held on an earlier one need not hold on this one.
    pub(crate) fn booted(&mut self) {
        self.settings.clear();
        self.ends = Ends::default();
        self.warnings.clear();
        self.left = None;
        self.happened(None, "booted", None);
    }

    /// Whether everything was taken back, and the host is as it was.
    pub(crate) fn is_undone(&self) -> bool {
        self.left.as_ref().is_some_and(Vec::is_empty)
    }

    /// When something was last heard of the host.
    pub(crate) const fn heard(&self) -> Instant {
        self.heard
    }

    /// Takes a notice of the agent down.
    pub(crate) fn take(&mut self, notice: Notice) {
        self.heard = Instant::now();
        match notice {
            Notice::Event { machine, event, detail } => self.happened(machine, &event, detail),
            Notice::Settings(settings) => self.settings.extend(settings),
            Notice::Ends(ends) => self.ends = ends,
            Notice::Payload(version) => self.payload = Some(version),
            Notice::Warnings(warnings) => self.warnings.extend(warnings),
            Notice::Case { question, outcome, duration_ms } => {
                if self.cases.is_empty() {
                    (self.watcher.borrow_mut())(&Progress::Host { host: &self.host, now: "asking" });
                }
                if let Err(error) = &outcome {
                    let asked = format!("{} of {}: {error}", question.check, question.subject);
                    self.happened(None, "no-answer", Some(asked));
                }
                let case = self.judged(&question, outcome, duration_ms);
                self.put(question, case);
            }
        }
    }

    /// Notes that something happened to `machine`, or to the host.
    pub(crate) fn happened(&mut self, machine: Option<String>, event: &str, detail: Option<String>) {
        self.heard = Instant::now();
        self.timeline.push(TimelineEvent {
            host: self.host.id.clone(),
            scenario: self.host.scenario.name.clone(),
            machine,
            event: event.to_owned(),
            detail,
            at_ms: u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }

    /// Notes that boot number `boot` of the host failed, and with it everything that it was to answer and did not.
    pub(crate) fn failed(&mut self, boot: u32, reason: &str) {
        self.happened(None, "given-up", Some(reason.to_owned()));
        let tried = |case: &Case| case.attempts >= boot;
        for question in self.open(self.host.asked()) {
            if !self.case(&question).is_some_and(tried) {
                let case = self.blank(&question, Verdict::Broken, reason.to_owned());
                self.put(question, case);
            }
        }
    }

    /// Those of `questions` that gave no answer yet, and may be tried.
    pub(crate) fn open(&self, questions: Vec<Question>) -> Vec<Question> {
        questions.into_iter().filter(|question| self.case(question).is_none_or(is_open)).collect()
    }

    /// A case for each cell of the plan; for what was to be answered and was not, `failure` is the reason.
    pub(crate) fn conclude(&self, failure: Option<&str>) -> Vec<Case> {
        conclude_together(&[self], failure)
    }

    fn case_of(&self, cell: &plan::Cell, failure: Option<&str>) -> Case {
        match (self.case(&cell.question), &cell.not_asked) {
            (Some(case), _) => case.clone(),
            (None, Some(reason)) => {
                Case { attempts: 0, ..self.blank(&cell.question, Verdict::Skip, reason.clone()) }
            }
            (None, None) => {
                let reason = failure.unwrap_or("the agent gave no answer").to_owned();
                self.blank(&cell.question, Verdict::Broken, reason)
            }
        }
    }

    /// Whether a case is not as it would be on a host on which nothing special is set, be it claimed for this one or not.
    fn is_surprising(&self, question: &Question, case: &Case) -> bool {
        let Some(observation) = &case.observed else { return false };
        let Some(host) = self.systemd() else { return false };
        let usual = |(setting, value): (Setting, String)| {
            (setting, setting.values().first().map_or(value, |usual| (*usual).to_owned()))
        };
        let usual: Settings = self.settings_of(question).into_iter().map(usual).collect();
        let claim = self.host.scenario.claim(question.check, host, self.payload.unwrap_or(host), &usual);
        matches!(case.verdict, Verdict::Fail | Verdict::Fixed)
            || claim.is_some_and(|claim| judge(Some(claim), None, observation).verdict == Verdict::Fail)
    }

    /// Whether all is as claimed so far.
    pub(crate) fn is_green(&self) -> bool {
        self.red() == 0
    }

    /// How many cases are not as they should be.
    pub(crate) fn red(&self) -> usize {
        self.cases.iter().filter(|(_, case)| !case.verdict.is_green()).count()
    }

    /// Major version of the host's systemd.
    pub(crate) fn systemd(&self) -> Option<u32> {
        systemd::major(&self.facts.as_ref()?.systemd)
    }

    /// The facts, with what was found to hold on the host.
    pub(crate) fn take_facts(&mut self) -> Option<Facts> {
        let named = |(setting, value): (&Setting, &String)| (setting.to_string(), value.clone());
        let settings = self.settings.iter().map(named).chain(self.ends.facts()).collect();
        self.facts.take().map(|facts| Facts { settings, ..facts })
    }

    fn case(&self, question: &Question) -> Option<&Case> {
        self.cases.iter().find(|(known, _)| known == question).map(|(_, case)| case)
    }

    /// Puts a case in the place of the earlier one, and tells it if it is settled.
    fn put(&mut self, question: Question, case: Case) {
        let at = self.cases.iter().position(|(known, _)| *known == question);
        let earlier = at.map(|at| self.cases.remove(at).1);
        let case = earlier.map_or(case.clone(), |earlier| after(&earlier, case));
        if !is_open(&case) {
            (self.watcher.borrow_mut())(&Progress::Case(&case));
        }
        self.cases.push((question, case));
    }

    fn judged(&self, question: &Question, outcome: Result<Observation, String>, duration_ms: u64) -> Case {
        let (verdict, reason, observed) = match (outcome, self.systemd()) {
            (Ok(observation), Some(_)) => {
                let right = self.of_scenario(question, Scenario::claim_without_fault);
                let judgement = judge(self.claim(question), right, &observation);
                (judgement.verdict, judgement.reason, Some(observation))
            }
            (Ok(observation), None) => (
                Verdict::Broken,
                "the version of the host's systemd is not known".to_owned(),
                Some(observation),
            ),
            (Err(error), _) => (Verdict::Broken, error, None),
        };
        Case { observed, duration_ms, ..self.blank(question, verdict, reason) }
    }

    fn claim(&self, question: &Question) -> Option<&Claim> {
        self.of_scenario(question, Scenario::claim)
    }

    /// What `which` gives where this host is.
    fn of_scenario<'a>(
        &'a self,
        question: &Question,
        which: fn(&'a Scenario, Check, u32, u32, &Settings) -> Option<&'a Claim>,
    ) -> Option<&'a Claim> {
        // Before the machines stand the version of theirs is not known; they are most likely of the host's image.
        let host = self.systemd()?;
        let settings = self.settings_of(question);
        which(&self.host.scenario, question.check, host, self.payload.unwrap_or(host), &settings)
    }

    /// What was detected that holds for a question.
    fn settings_of(&self, question: &Question) -> Settings {
        self.settings.clone().into_iter().chain(self.ends.settings(question)).collect()
    }

    fn blank(&self, question: &Question, verdict: Verdict, reason: String) -> Case {
        let claim = self.claim(question);
        Case {
            host: self.host.id.clone(),
            scenario: self.host.scenario.name.clone(),
            check: question.check.to_string(),
            subject: question.subject.to_string(),
            verdict,
            expected: claim.map_or_else(|| "nothing".to_owned(), |claim| claim.expectation.to_string()),
            observed: None,
            reason: Some(reason),
            link: claim.map(|claim| claim.link.clone()).filter(|link| !link.is_empty()),
            attempts: 1,
            explanations: Vec::new(),
            duration_ms: 0,
        }
    }
}

/// A case for each cell of several plans for one host: what one of them asks can explain what another has seen.
pub(crate) fn conclude_together(all: &[&Notes], failure: Option<&str>) -> Vec<Case> {
    let cells = || all.iter().flat_map(|notes| notes.host.cells.iter().map(move |cell| (notes, cell)));
    let mut cases: Vec<Case> = cells().map(|(notes, cell)| notes.case_of(cell, failure)).collect();
    let told: Vec<explain::Cell<'_>> = cells()
        .zip(&cases)
        .map(|((notes, plan::Cell { question, .. }), case)| {
            let is_surprising = notes.is_surprising(question, case);
            let expected = notes.claim(question).map(|claim| &claim.expectation);
            explain::Cell { question, case, expected, is_surprising }
        })
        .collect();
    let explained = explain(&told);
    for (case, explanations) in cases.iter_mut().zip(explained) {
        case.explanations = explanations;
    }
    cases
}

/// Whether a question may be tried again: nothing was seen, so nothing could be judged.
fn is_open(case: &Case) -> bool {
    case.verdict == Verdict::Broken && case.observed.is_none() && case.attempts < ATTEMPTS
}

/// The case that comes after an earlier one, of which it keeps the reason if that is another.
fn after(earlier: &Case, case: Case) -> Case {
    let attempts = earlier.attempts + 1;
    if case.reason == earlier.reason {
        return Case { attempts, ..case };
    }
    let reason = |case: &Case| case.reason.clone().unwrap_or_default();
    let reason =
        format!("{}; attempt {} gave no answer: {}", reason(&case), earlier.attempts, reason(earlier));
    Case { attempts, reason: Some(reason), ..case }
}

#[cfg(test)]
mod tests;
