//! The shipped unit copied to /etc and its ExecStart= edited: the bridge and the bind are options of the command.

use super::claims::{self, Kind, Network};
use super::common::{br0, enable, steps};
use crate::{Launch, MACHINES, Scenario, Step, launch, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "service-override",
        "the unit copied and its ExecStart= edited",
        &["N6", "N8", "N9", "N11"],
        Launch::Unit,
        steps([br0(), edited_units(), enable()]),
        claims::of(Kind::unit(Network::Br0)),
    )
}

/// ExecStart= of the template is the same from systemd 252 to 262; the edit says bridge where it says veth, and binds.
fn edited_units() -> Vec<Step> {
    let value = format!(
        "systemd-nspawn --quiet --keep-unit --boot --link-journal=try-guest --network-bridge=br0 -U \
         --settings=override --bind={} --machine=%i",
        pacman_cache::PATH
    );
    let copy = |machine: &str| Step::EditedCopy {
        from: "/lib/systemd/system/systemd-nspawn@.service".to_owned(),
        to: format!("/etc/systemd/system/{}", launch::unit(machine)),
        key: "ExecStart".to_owned(),
        value: value.clone(),
    };
    MACHINES.iter().map(|machine| copy(machine)).chain([Step::run(&["systemctl", "daemon-reload"])]).collect()
}
