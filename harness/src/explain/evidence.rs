//! How a cause is recognised: what was seen that it rests on.

use nspawn_matrix_reports::Observation;
use nspawn_matrix_scenarios::{Check, Expectation, Subject};

use super::Cell;
use super::needs::Needs;
use super::seen::Seen;
use crate::agent::Question;

/// What a cause rests on.
pub(super) struct Evidence<'a> {
    /// The machine that it is about, or the first that the host's own fault concerns; none where there are no machines.
    pub(super) machine: Option<&'a str>,
    /// It, in words.
    pub(super) text: String,
}

/// A question whose answer is not as it would be where nothing special is set, and what was seen of the host.
pub(super) struct Surprise<'a> {
    pub(super) question: &'a Question,
    /// What was seen.
    pub(super) observed: Option<&'a Observation>,
    /// What was claimed instead.
    pub(super) expected: Option<&'a Expectation>,
    /// What there must be for the usual answer.
    pub(super) needs: Needs,
    /// The machines that it concerns: all of them, if it is about the host itself.
    pub(super) machines: Vec<&'a str>,
    pub(super) seen: &'a Seen<'a>,
}

impl<'a> Surprise<'a> {
    pub(super) fn of(cell: &Cell<'a>, seen: &'a Seen<'a>) -> Self {
        let Cell { question, case, expected, .. } = *cell;
        let machines: Vec<&str> = match &question.subject {
            Subject::Machine { machine } | Subject::Host { machine } => vec![machine],
            Subject::Pair { machine, peer } => vec![machine, peer],
            Subject::HostItself => seen.machines(),
        };
        let observed = case.observed.as_ref();
        Self { question, observed, expected, needs: Needs::of(question), machines, seen }
    }

    /// Whether it is about a machine that systemd-nspawn did not start.
    pub(super) fn is_of_machine_that_did_not_start(&self) -> bool {
        let started = |machine: &&str| self.seen.on_host_of(Check::StartRefusal, machine, "started");
        self.machines.iter().any(|machine| started(machine) == Some("no"))
    }

    /// What `of` tells of the first machine of which it tells anything.
    pub(super) fn of_any(&self, of: impl Fn(&'a str) -> Option<String>) -> Option<Evidence<'a>> {
        let told = |&machine: &&'a str| Some(Evidence { machine: Some(machine), text: of(machine)? });
        self.machines.iter().find_map(told)
    }

    /// What is the host's own fault.
    pub(super) fn of_host(&self, text: Option<String>) -> Option<Evidence<'a>> {
        Some(Evidence { machine: self.machines.first().copied(), text: text? })
    }

    /// That a service of the host does not run.
    pub(super) fn off_on_host(&self, service: &str) -> Option<Evidence<'a>> {
        let state = self.seen.of_host(Check::EnvironmentHostServices, service)?;
        self.of_host(off(state, service, "the host"))
    }

    /// That a service of one of the machines does not run.
    pub(super) fn off_in_machine(&self, service: &str) -> Option<Evidence<'a>> {
        let state = |machine| self.seen.of_machine(Check::EnvironmentServices, machine, service);
        self.of_any(|machine| off(state(machine)?, service, machine))
    }

    /// Whether the host has to forward what is sent.
    pub(super) fn leaves_link(&self) -> bool {
        let link = |machine: &&str| self.seen.on_host_of(Check::LinkHost, machine, "name");
        let is_separate = || self.machines.iter().filter_map(link).any(|link| link.starts_with("ve-"));
        self.needs.outside || self.needs.peer && (is_separate() || self.links_of_both().is_some())
    }

    /// The links of the host that two machines are on, if they are not one.
    pub(super) fn links_of_both(&self) -> Option<(&'a str, &'a str)> {
        let [one, other] = self.machines[..] else { return None };
        let link = |machine| self.seen.on_host_of(Check::LinkHost, machine, "name");
        let both = (link(one)?, link(other)?);
        (both.0 != both.1).then_some(both)
    }

    /// The machine whose programs look something up; none if it is the host.
    pub(super) fn who_asks(&self) -> Option<&'a str> {
        match &self.question.subject {
            Subject::Machine { machine } | Subject::Pair { machine, .. } => Some(machine),
            Subject::Host { .. } | Subject::HostItself => None,
        }
    }
}

fn off(state: &str, service: &str, whose: &str) -> Option<String> {
    (state != "active").then(|| format!("{service} is {state} in {whose}"))
}
