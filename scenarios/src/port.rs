//! Ports of the host that are forwarded to machines (`Port=` in systemd.nspawn(5)).

use crate::MACHINES;

/// The port that a machine serves.
pub const MACHINE_PORT: u16 = 80;

/// The port of the host that leads to [`MACHINE_PORT`] of `machine`; none if it is not one of [`MACHINES`].
#[must_use]
pub fn on_host(machine: &str) -> Option<u16> {
    (8001..).zip(MACHINES).find_map(|(port, name)| (name == machine).then_some(port))
}
