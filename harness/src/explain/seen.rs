//! What the questions of one host saw.

use std::collections::{BTreeMap, BTreeSet};

use nspawn_matrix_reports::{Observation, Properties, Subnet};
use nspawn_matrix_scenarios::{Check, Subject};

use super::Cell;

/// The properties that were seen, by question and subject.
pub(super) struct Seen<'a>(BTreeMap<(Check, &'a Subject), &'a Properties>);

impl<'a> Seen<'a> {
    pub(super) fn of(cells: &[Cell<'a>]) -> Self {
        let properties = |cell: &Cell<'a>| match &cell.case.observed {
            Some(Observation::Properties(seen)) => {
                Some(((cell.question.check, &cell.question.subject), seen))
            }
            Some(
                Observation::Lease(_)
                | Observation::Ping(_)
                | Observation::Names(_)
                | Observation::Wire(_)
                | Observation::BindFiles(_)
                | Observation::Mount(_)
                | Observation::BindWrite(_)
                | Observation::Autostart(_),
            )
            | None => None,
        };
        Self(cells.iter().filter_map(properties).collect())
    }

    fn value(&self, check: Check, subject: &Subject, name: &str) -> Option<&'a str> {
        self.0.get(&(check, subject))?.values.get(name).map(String::as_str)
    }

    /// The machines that anything was asked about.
    pub(super) fn machines(&self) -> Vec<&'a str> {
        let machines: BTreeSet<&str> = self.0.keys().filter_map(|(_, subject)| subject.about()).collect();
        machines.into_iter().collect()
    }

    /// A value that the host has of itself.
    pub(super) fn of_host(&self, check: Check, name: &str) -> Option<&'a str> {
        self.value(check, &Subject::HostItself, name)
    }

    /// A value that the host has of a machine.
    pub(super) fn on_host_of(&self, check: Check, machine: &str, name: &str) -> Option<&'a str> {
        self.value(check, &Subject::Host { machine: machine.to_owned() }, name)
    }

    /// What systemd-nspawn said that did not start a machine, line by line, the last line first.
    pub(super) fn said_of(&self, machine: &str) -> Vec<&'a str> {
        let said = |name| self.on_host_of(Check::StartRefusal, machine, name);
        let lines = |name| said(name).into_iter().flat_map(|lines| lines.split(" / "));
        lines("said").chain(lines("said-before")).collect()
    }

    /// A value that a machine has of itself.
    pub(super) fn of_machine(&self, check: Check, machine: &str, name: &str) -> Option<&'a str> {
        self.value(check, &Subject::Machine { machine: machine.to_owned() }, name)
    }
}

/// Whether one of the host's `addresses` is in `subnet`.
pub(super) fn has_an_address_in(subnet: Subnet, addresses: &str) -> bool {
    let is_in =
        |address: &str| address.parse::<Subnet>().is_ok_and(|address| subnet.contains(address.address()));
    addresses.split(", ").any(is_in)
}
