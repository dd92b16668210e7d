//! `Port=` in the .nspawn file: a port of the host leads to a port of the machine.

use super::claims;
use super::common::nspawn_file;
use crate::{Launch, MACHINES, Scenario, Topic, port};

pub(super) fn scenario() -> Scenario {
    let file = |(on_host, machine): (u16, &str)| {
        let port = format!("Port=tcp:{on_host}:{}", port::MACHINE_PORT);
        nspawn_file(machine, &format!("\n[Network]\nVirtualEthernet=1\n{port}\n"))
    };
    Scenario::new(
        "nspawn-file-port",
        "the shipped unit, Port= in the .nspawn file",
        &["N10"],
        Launch::Unit,
        (8001..).zip(MACHINES).map(file).collect(),
        claims::forwarded(),
    )
    .asked_about([Topic::Ports])
}
