//! Which faults the command line has done to scenarios.

use nspawn_matrix_scenarios::{Fault, Scenario, catalogue, fault};

use super::Failure;
use super::selection::unknown;

/// What stands between faults that are done to one host.
const TOGETHER: char = '+';

#[derive(Debug, clap::Args)]
pub(super) struct FaultArguments {
    /// Break each scenario on purpose, as `list` says, to see what is said of it: NAME, or NAME+NAME for two at once; may
    /// be repeated [default scenario: the one that the first fault is meant for]
    #[arg(long, value_name = "NAME")]
    fault: Vec<String>,
}

impl FaultArguments {
    /// Whether nothing is broken.
    pub(super) fn is_empty(&self) -> bool {
        self.fault.is_empty()
    }

    /// The scenarios with each of the faults done to them, or as they are if there is none. If none `is_named`, each fault
    /// has that which it is meant for.
    ///
    /// # Errors
    /// A usage error for a name that no fault has.
    pub(super) fn done_to(&self, scenarios: Vec<Scenario>, is_named: bool) -> Result<Vec<Scenario>, Failure> {
        if self.is_empty() {
            return Ok(scenarios);
        }
        let mut faulty = Vec::new();
        for names in &self.fault {
            let faults = names.split(TOGETHER).map(named).collect::<Result<Vec<_>, _>>()?;
            let meant =
                |scenario: &&Scenario| faults.first().is_some_and(|first| first.scenario == scenario.name);
            let all = catalogue::all();
            let healthy = all.iter().filter(meant).filter(|_| !is_named);
            let healthy = healthy.chain(scenarios.iter().filter(|_| is_named));
            faulty.extend(healthy.cloned().map(|scenario| fault::done_to(scenario, &faults)));
        }
        Ok(faulty)
    }
}

fn named(name: &str) -> Result<Fault, Failure> {
    let all = fault::all();
    match all.iter().find(|fault| fault.name == name) {
        Some(fault) => Ok(fault.clone()),
        None => Err(unknown("fault", name, all.iter().map(|fault| fault.name.as_str()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::CAUSES;

    fn names(faults: &[&str], scenarios: &[&str]) -> Result<Vec<String>, Failure> {
        let arguments = FaultArguments { fault: faults.iter().map(|&name| name.to_owned()).collect() };
        let all = catalogue::all().into_iter();
        let named = all.filter(|scenario| scenarios.contains(&scenario.name.as_str())).collect();
        let faulty = arguments.done_to(named, !scenarios.is_empty())?;
        Ok(faulty.into_iter().map(|scenario| scenario.name).collect())
    }

    #[test]
    fn faults_are_done_to_what_is_named_or_to_what_they_are_meant_for() {
        let alone = names(&["llmnr-off", "machine-llmnr-off"], &[]);
        assert_eq!(alone.unwrap(), ["default-veth+llmnr-off", "bridge+machine-llmnr-off"]);
        let together = names(&["llmnr-off+forward-dropped"], &["nat", "zone"]);
        assert_eq!(together.unwrap(), ["nat+llmnr-off+forward-dropped", "zone+llmnr-off+forward-dropped"]);
        let failure = format!("{:?}", names(&["lmnr-off"], &[]).unwrap_err());
        assert!(failure.contains("the nearest is `llmnr-off`"), "{failure}");
    }

    #[test]
    fn each_fault_is_an_example_of_a_cause() {
        for fault in fault::all() {
            assert!(CAUSES.iter().any(|cause| cause.code == fault.cause), "{}", fault.name);
        }
    }
}
