//! Attachments: what the links of a scenario's machines lead to.

use serde::{Deserialize, Serialize};

/// What the link of a machine leads to. It says by which name the machine knows the link, and what is worth waiting
/// for on it: where nobody gives leases, a DHCP client would ask for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attachment {
    /// The machine has no link of its own and uses the host's.
    Shared,
    /// Nowhere: the machine has a network of its own, and no link in it (`Private=` in systemd.nspawn(5)).
    Nowhere,
    /// To the host, or to a bridge of the host, which gives leases on it.
    Host,
    /// To the uplink of the host, by a macvlan link beside the host's own. Nobody gives leases there, and host and
    /// machines do not see each other's frames (ip-link(8)).
    Uplink,
}

impl Attachment {
    /// The name of the link in the machine; none if it has none of its own.
    #[must_use]
    pub fn link(self) -> Option<&'static str> {
        match self {
            Self::Shared | Self::Nowhere => None,
            Self::Host => Some("host0"),
            Self::Uplink => Some("mv-uplink0"),
        }
    }

    /// Whether the host is on the other side: then it gives a lease, and its name can be asked for.
    #[must_use]
    pub fn reaches_host(self) -> bool {
        match self {
            Self::Host => true,
            Self::Shared | Self::Nowhere | Self::Uplink => false,
        }
    }
}
