//! Explaining: why cells are not as on a healthy host, from what other questions saw of the same host. Nothing here
//! touches a system.
//!
//! A reason is never a guess: each rests on what a question saw ([`Seen`]), and says it. Where nothing was seen that
//! decides, what would is told ([`UNDECIDED`]).

mod cause;
mod causes;
mod evidence;
mod needs;
mod remedy;
mod seen;
mod settings;
mod shipped;
#[cfg(test)]
mod tests;
mod undecided;

use std::collections::BTreeSet;

use nspawn_matrix_reports::{Case, Explanation, Verdict};
use nspawn_matrix_scenarios::Expectation;

use crate::agent::Question;
use cause::Cause;
pub(crate) use causes::ALL as CAUSES;
use evidence::{Evidence, Surprise};
use remedy::Mending;
use seen::Seen;
pub(crate) use undecided::UNDECIDED;

/// A case, and whether what it saw is not what is seen where nothing special is set.
pub(crate) struct Cell<'a> {
    /// The question.
    pub(crate) question: &'a Question,
    /// What is known of it.
    pub(crate) case: &'a Case,
    /// What is claimed of it.
    pub(crate) expected: Option<&'a Expectation>,
    /// Whether it needs a reason.
    pub(crate) is_surprising: bool,
}

/// What the reasons of `cases` say to be done, each thing once, in the order in which causes are to be removed.
pub(crate) fn remedies(cases: &[Case]) -> Vec<String> {
    let of = |cause: &'static Cause| {
        let all = cases.iter().flat_map(|case| &case.explanations);
        all.filter(move |reason| reason.code == cause.code).filter_map(|reason| reason.remedy.clone())
    };
    let mut told = BTreeSet::new();
    CAUSES.into_iter().flat_map(of).filter(|remedy| told.insert(remedy.clone())).collect()
}

/// The reasons for each of `cells`, which are of one host; the first is the one whose removal changes the answer.
pub(crate) fn explain(cells: &[Cell<'_>]) -> Vec<Vec<Explanation>> {
    let seen = Seen::of(cells);
    let reasons = |cell: &Cell<'_>| {
        if !cell.is_surprising {
            return Vec::new();
        }
        let surprise = Surprise::of(cell, &seen);
        let is_down = surprise.is_of_machine_that_did_not_start();
        let causes = CAUSES.into_iter().filter(|cause| {
            cause.seen_by != Some(cell.question.check) && cause.keeps_from_starting == is_down
        });
        let found = causes.filter_map(|cause| Some((cause, (cause.evidence)(&surprise)?)));
        let mut found: Vec<(&Cause, Evidence<'_>)> = found.collect();
        if found.is_empty() && cell.case.verdict == Verdict::Fail && !is_down {
            found.extend((UNDECIDED.evidence)(&surprise).map(|would| (&UNDECIDED, would)));
        }
        let is_of_its_own = |cause: &Cause| !found.iter().any(|(other, _)| other.leads_to(cause));
        let told = found.iter().filter(|(cause, _)| is_of_its_own(cause));
        told.map(|(cause, evidence)| Explanation {
            code: cause.code.to_owned(),
            text: cause.sentence.to_owned(),
            evidence: evidence.text.clone(),
            remedy: evidence.machine.and_then(|machine| {
                (cause.remedy)(&Mending { question: cell.question, machine, seen: &seen })
            }),
            link: Some(cause.link.to_owned()),
        })
        .collect()
    };
    cells.iter().map(reasons).collect()
}
