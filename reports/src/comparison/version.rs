//! Versions of systemd: that of a host, and that of its machines.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::HostRecord;

/// The systemd of a host and of its machines, in the order of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Version {
    /// Major version of the host's: 257.
    pub host: u32,
    /// Major version of the machines': 257.
    pub payload: u32,
}

impl Version {
    /// The versions of a host; none if it did not boot, or its machines never came to stand.
    pub(super) fn of(host: &HostRecord) -> Option<Self> {
        Some(Self { host: host.systemd?, payload: host.payload_systemd? })
    }
}

impl fmt::Display for Version {
    /// `257`, or `252 in 262` where the machines have another than the host.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, payload } = self;
        if host == payload { write!(f, "{host}") } else { write!(f, "{payload} in {host}") }
    }
}
