//! Topics: what a question is about. A scenario says which topics it is asked about.

use serde::{Deserialize, Serialize};

/// A group of questions that make sense in the same scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Links, addresses, and who answers whom.
    Reach,
    /// Ports that are forwarded to a machine (`Port=`).
    Ports,
    /// Names, by family and by path.
    Names,
    /// Names by multicast DNS.
    MulticastDns,
    /// The bind mount of the package cache.
    Binds,
    /// Bind mounts with options of their own, one directory for each.
    BindOptions,
    /// Which of the settings that were asked for came into effect.
    Settings,
    /// Why a machine does not start that is not meant to.
    Refusal,
    /// What surrounds the machines: services, settings of the kernel, the firewall, identities.
    Environment,
    /// What becomes of a machine over a restart.
    Life,
}

impl Topic {
    /// What every scenario is asked about unless it is about something else.
    pub const GENERAL: [Self; 6] =
        [Self::Reach, Self::Names, Self::MulticastDns, Self::Binds, Self::Environment, Self::Life];
}
