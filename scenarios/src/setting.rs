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
    /// Whether the name that a question is about is asked for by LLMNR, and answered to (`LLMNR=` of resolved.conf(5) at both
    /// ends): `resolve` if it is only asked for.
    Llmnr,
    /// The same of multicast DNS (`MulticastDNS=`).
    MulticastDns,
    /// Which module the host's nsswitch.conf(5) asks first of those that know machines: `mymachines` or `resolve`.
    NssFirst,
    /// Whether IPv4 frames between machines on one bridge pass the host's firewall (`net.bridge.bridge-nf-call-iptables`,
    /// or a setting of the bridge); `absent` if the kernel has no bridge netfilter loaded.
    BridgeNetfilter,
    /// For which links the host forwards IPv4 (`net.ipv4.conf.*.forwarding`): `all`, only those that lead to machines
    /// (`links`), or `none`.
    Forwarding,
    /// Whether the host's uplink carries packets as large as the links of the machines do (`usual`), or only `smaller` ones.
    UplinkMtu,
    /// Whether sysctl.d(5) of each machine opens ICMP sockets to ordinary users (`net.ipv4.ping_group_range`).
    PingSysctl,
    /// Whether kernel and file system can map ids where the roots of the machines lie (mount_setattr(2)).
    IdMapping,
    /// Whether a machine was started at boot before the bridge was there that its link was to join.
    LateBridge,
}

/// The value of a setting that could not be detected, although there is something to detect.
pub const UNKNOWN: &str = "unknown";

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 10] = [
        Self::StrayLease,
        Self::Llmnr,
        Self::MulticastDns,
        Self::NssFirst,
        Self::BridgeNetfilter,
        Self::Forwarding,
        Self::UplinkMtu,
        Self::PingSysctl,
        Self::IdMapping,
        Self::LateBridge,
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
            Self::Forwarding => "forwarding",
            Self::UplinkMtu => "uplink-mtu",
            Self::PingSysctl => "ping-sysctl",
            Self::IdMapping => "id-mapping",
            Self::LateBridge => "late-bridge",
        }
    }

    /// The values that claims may speak of, the usual one first.
    #[must_use]
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::StrayLease | Self::LateBridge => &["no", "yes"],
            Self::BridgeNetfilter => &["no", "yes", "absent"],
            Self::NssFirst => &["mymachines", "resolve"],
            Self::Llmnr => &["yes", "resolve", "no"],
            Self::MulticastDns => &["no", "resolve", "yes"],
            Self::Forwarding => &["all", "links", "none"],
            Self::UplinkMtu => &["usual", "smaller"],
            Self::PingSysctl => &["closed", "open"],
            Self::IdMapping => &["yes", "no"],
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
