//! What machines are called on a host where somebody may have machines of the same names: theirs, and the id of the run.
//!
//! Plan, claims and report know the names of the scenario; the agent and all behind it know the others. This is where one
//! becomes the other.

use nspawn_matrix_scenarios::{Scenario, Subject};

use crate::agent::{Job, Notice, Question};
use crate::host::Kind;

/// What comes after the names of machines; none where they have their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias(Option<String>);

impl Alias {
    /// What machines are called on hosts of this kind in the run of this id.
    pub(crate) fn on(kind: Kind, run_id: &str) -> Self {
        match kind {
            Kind::Local | Kind::Ssh => Self(Some(format!("-{run_id}"))),
            Kind::Sandbox | Kind::Vm | Kind::VmSandbox => Self(None),
        }
    }

    /// The scenario with machines as they are called there.
    pub(crate) fn scenario(&self, scenario: Scenario) -> Scenario {
        match &self.0 {
            Some(after) => scenario.renamed(|machine| format!("{machine}{after}")),
            None => scenario,
        }
    }

    /// What is to be done, as the agent is told it.
    pub(crate) fn job(&self, job: Job) -> Job {
        let question = |Question { check, subject }| Question { check, subject: self.subject(subject) };
        let questions = job.questions.into_iter().map(question).collect();
        Job { scenario: self.scenario(job.scenario), questions, samples: job.samples }
    }

    fn subject(&self, subject: Subject) -> Subject {
        match &self.0 {
            Some(after) => subject.renamed(|machine| format!("{machine}{after}")),
            None => subject,
        }
    }

    /// What the agent tells, with machines as the scenario calls them, wherever they are named. Nobody else has the id of
    /// the run in a name.
    pub(crate) fn notice(&self, notice: Notice) -> Notice {
        let Some(after) = &self.0 else { return notice };
        // In the name of a unit a hyphen stands as \x2d (systemd-escape(1)), whose backslash JSON doubles.
        let in_units = after.replace('-', r"\\x2d");
        let plain = |text: String| text.replace(after, "").replace(&in_units, "");
        let renamed = serde_json::to_string(&notice).ok().map(plain);
        renamed.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(notice)
    }
}

#[cfg(test)]
mod tests {
    use nspawn_matrix_scenarios::{Check, catalogue};

    use super::*;

    fn subject() -> Subject {
        Subject::Pair { machine: "alpha".to_owned(), peer: "beta".to_owned() }
    }

    fn job() -> Job {
        let question = Question { check: Check::PingPeerIpv4, subject: subject() };
        Job { scenario: catalogue::all().remove(0), questions: vec![question], samples: 1 }
    }

    #[test]
    fn a_question_goes_out_under_one_name_and_comes_back_under_the_other() {
        let alias = Alias::on(Kind::Local, "3fa90c11");
        let job = alias.job(job());
        assert_eq!(job.scenario.machines, ["alpha-3fa90c11", "beta-3fa90c11"]);
        let [question] = <[Question; 1]>::try_from(job.questions).unwrap();
        assert_eq!(question.subject.to_string(), "alpha-3fa90c11->beta-3fa90c11");
        let outcome = Err(r"machine-beta\x2d3fa90c11.scope of `beta-3fa90c11`".to_owned());
        let notice = alias.notice(Notice::Case { question, outcome, duration_ms: 1 });
        let Notice::Case { question, outcome, .. } = notice else { panic!("{notice:?}") };
        assert_eq!(question.subject, subject());
        assert_eq!(outcome.unwrap_err(), "machine-beta.scope of `beta`");
    }

    #[test]
    fn elsewhere_machines_have_their_own_names() {
        assert_eq!(Alias::on(Kind::Sandbox, "3fa90c11").job(job()).scenario.machines, ["alpha", "beta"]);
    }
}
