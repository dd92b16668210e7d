//! Reading a fault: what is done to a healthy scenario on purpose.

use super::fields::{Fields, Placed};
use super::problem::Problem;
use super::read::{Reader, whole};
use crate::{Check, Fault};

/// Reads a fault of the catalogue.
///
/// # Errors
/// All that is wrong, in the order of the file.
pub(crate) fn read_fault(text: &str) -> Result<Fault, Vec<Problem>> {
    whole(text, |reader, fields| reader.fault(fields))
}

impl Reader {
    fn fault(&mut self, mut fields: Fields<'_>) -> Fault {
        let [name, cause, scenario, breaks, summary] =
            ["name", "cause", "scenario", "breaks", "summary"].map(|key| self.keep(fields.required(key)));
        let until = self.keep(fields.number("until")).flatten();
        let steps = self.keep(fields.tables("step")).unwrap_or_default();
        self.problems.extend(fields.left_over());
        let text = |placed: Option<Placed<String>>| placed.map(|(text, _)| text).unwrap_or_default();
        Fault {
            name: text(name),
            cause: text(cause),
            scenario: text(scenario),
            breaks: breaks.and_then(|breaks| self.question(breaks)).unwrap_or(Check::AddressLease),
            until,
            summary: text(summary),
            steps: steps.into_iter().filter_map(|step| self.step(step)).collect(),
        }
    }

    fn question(&mut self, (name, at): Placed<String>) -> Option<Check> {
        let check = name.parse().ok();
        if check.is_none() {
            self.wrong(at, format!("no question is named `{name}`"));
        }
        check
    }
}
