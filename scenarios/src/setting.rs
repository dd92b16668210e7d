//! Settings: what is detected live on a host and changes what is to be expected of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What was detected, by setting; one that could not be detected is missing.
pub type Settings = BTreeMap<Setting, String>;

/// Something about a host or its machines that no version tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// Whether every machine has a lease from a subnet in which the host has no address.
    StrayLease,
    /// What LLMNR is set to on the links of the machines, the most restrictive of them (resolved.conf(5)).
    Llmnr,
    /// What multicast DNS is set to on the links of the machines, the most restrictive of them (resolved.conf(5)).
    MulticastDns,
    /// Which module the host's nsswitch.conf(5) asks first of those that know machines: `mymachines` or `resolve`.
    NssFirst,
    /// Whether bridged frames pass the host's firewall (`net.bridge.bridge-nf-call-iptables`).
    BridgeNetfilter,
    /// The type of the file system that the roots of the machines lie on.
    Roots,
}

/// The value of a setting that could not be detected, although there is something to detect.
pub const UNKNOWN: &str = "unknown";

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 6] = [
        Self::StrayLease,
        Self::Llmnr,
        Self::MulticastDns,
        Self::NssFirst,
        Self::BridgeNetfilter,
        Self::Roots,
    ];

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StrayLease => "stray-lease",
            Self::Llmnr => "llmnr",
            Self::MulticastDns => "multicast-dns",
            Self::NssFirst => "nss-first",
            Self::BridgeNetfilter => "bridge-netfilter",
            Self::Roots => "roots",
        }
    }

    /// The values that claims may speak of, the usual one first.
    #[must_use]
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::StrayLease | Self::BridgeNetfilter => &["no", "yes"],
            Self::NssFirst => &["mymachines", "resolve"],
            Self::Llmnr => &["yes", "resolve", "no"],
            Self::MulticastDns => &["no", "resolve", "yes"],
            Self::Roots => &["btrfs", "ext4", "xfs", "tmpfs", "overlay"],
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
