//! Scenarios: one way of standing up containers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Check, Claim, Condition, Launch, Step, pacman_cache};

/// The machines of every scenario.
pub const MACHINES: [&str; 2] = ["alpha", "beta"];

/// The name of every host.
pub const HOST_NAME: &str = "nspawnhost";

/// A name that only the DNS server beyond the host knows.
pub const OUTSIDE_NAME: &str = "outside.example";

/// Says how to stand up containers and what to expect of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name: `default-veth`.
    pub name: String,
    /// What it is, in half a sentence.
    pub summary: String,
    /// The items of the notes that it performs: `N4`.
    pub notes: Vec<String>,
    /// What prepares the host, in order.
    pub steps: Vec<Step>,
    /// How the machines are started.
    pub launch: Launch,
    /// The machines.
    pub machines: Vec<String>,
    /// What its answers are held against.
    pub claims: Vec<Claim>,
}

impl Scenario {
    /// Makes a scenario whose two machines bind the package cache; `steps` follow those that fill it.
    #[must_use]
    pub fn new(
        name: &str,
        summary: &str,
        notes: &[&str],
        launch: Launch,
        steps: Vec<Step>,
        claims: Vec<Claim>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            summary: summary.to_owned(),
            notes: notes.iter().map(|&note| note.to_owned()).collect(),
            steps: pacman_cache::steps().into_iter().chain(steps).collect(),
            launch,
            machines: MACHINES.map(str::to_owned).to_vec(),
            claims,
        }
    }

    /// The questions that make sense here, in the order of [`Check::ALL`].
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        Check::ALL.into_iter().filter(|check| self.not_asked(*check).is_none()).collect()
    }

    /// Why a question makes no sense here; none if it does.
    #[must_use]
    pub fn not_asked(&self, check: Check) -> Option<&'static str> {
        (check == Check::AutostartAfterReboot && matches!(self.launch, Launch::CommandLine { .. }))
            .then_some("nothing starts a command line again after a reboot")
    }

    /// The claim about `check` on a host with this version of systemd, where these conditions hold; none if nothing is
    /// claimed.
    #[must_use]
    pub fn claim(&self, check: Check, systemd: u32, conditions: &BTreeSet<Condition>) -> Option<&Claim> {
        let holds = |claim: &&Claim| {
            claim.check == check
                && claim.versions.contains(systemd)
                && claim.when.is_none_or(|condition| conditions.contains(&condition))
        };
        self.claims.iter().filter(holds).max_by_key(|claim| claim.when.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn a_claim_with_a_condition_goes_before_one_without() {
        let zone = catalogue::all().into_iter().find(|scenario| scenario.name == "zone").unwrap();
        let is_fault = |conditions: &[Condition]| {
            let conditions = conditions.iter().copied().collect();
            zone.claim(Check::PingGatewayIpv4, 257, &conditions).map(|claim| claim.is_fault)
        };
        assert_eq!(is_fault(&[]), Some(false));
        assert_eq!(is_fault(&[Condition::StrayLease]), Some(true));
        assert_eq!(zone.claim(Check::PingGatewayIpv4, 252, &BTreeSet::new()), None);
    }
}
