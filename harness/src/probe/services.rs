//! What the system's own systemd says of services.

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::systemd::{self, ManagerProxy};

/// A service as systemd has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Name of the unit: `systemd-networkd.service`.
    pub unit: String,
    /// `active`, `inactive`, `failed`, or `absent` if there is no such unit.
    pub state: String,
}

/// Asks for the state of each of `units`; where the first process is not systemd, there are none.
pub(crate) async fn states(units: &[String]) -> anyhow::Result<Vec<Service>> {
    if !systemd::is_first_process() {
        let absent = |unit: &String| Service { unit: unit.clone(), state: "absent".to_owned() };
        return Ok(units.iter().map(absent).collect());
    }
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let systemd = ManagerProxy::new(&bus).await.context("find systemd on the bus")?;
    let names: Vec<&str> = units.iter().map(String::as_str).collect();
    let listed = systemd.list_units_by_names(&names).await.context("ask systemd for its services")?;
    Ok(listed.into_iter().map(|unit| Service { state: state(&unit.2, &unit.3), unit: unit.0 }).collect())
}

/// A unit that nobody has a file for is not merely inactive.
fn state(load: &str, active: &str) -> String {
    if load == "not-found" && active == "inactive" { "absent".to_owned() } else { active.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_without_a_file_is_absent_unless_it_runs_all_the_same() {
        assert_eq!(state("not-found", "inactive"), "absent");
        assert_eq!(state("not-found", "active"), "active");
        assert_eq!(state("loaded", "inactive"), "inactive");
        assert_eq!(state("masked", "inactive"), "inactive");
    }
}
