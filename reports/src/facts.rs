//! What is known of a host, and of its network before anything was done to it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// `PRETTY_NAME` of os-release(5).
    pub os: String,
    /// Full version string of systemd: `257 (257.13-1~deb13u1)`.
    pub systemd: String,
    /// Release of the kernel (uname(2)), which a sandbox shares with the machine it runs on.
    pub kernel: String,
    /// What systemd takes to be around the host: `kvm`, `systemd-nspawn` in a sandbox; empty on bare metal.
    pub virtualization: String,
    /// Vendor and product as the firmware has them (DMI), which names the provider; none if it has none.
    pub provider: Option<String>,
    /// Type of the file system that the roots of the machines lie on: `btrfs`.
    pub roots: String,
    /// The version of control groups at /sys/fs/cgroup, `v2` or `v1`; none in reports of before it was kept.
    #[serde(default)]
    pub cgroups: Option<String>,
    /// How many user namespaces there may be, `user.max_user_namespaces` (namespaces(7)): 0 turns `-U` off. None if the
    /// kernel has none, and in reports of before it was kept.
    #[serde(default)]
    pub user_namespaces: Option<u64>,
    /// `net.bridge.bridge-nf-call-iptables` in the host's network namespace; none if the kernel has no bridge
    /// netfilter loaded. Where it is 1, frames bridged between machines pass the host's own firewall and NAT.
    pub bridge_nf_call_iptables: Option<bool>,
    /// How its network was set up; none in reports of before it was kept.
    #[serde(default)]
    pub network: Option<Network>,
    /// What was detected while the machines stood and can change what is to be expected: `llmnr` is `yes`.
    pub settings: BTreeMap<String, String>,
}

/// How the network of a host was set up before anything was done to it. There are no addresses in it, since people show
/// their reports to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// The services that run and have to do with links, names or the firewall: `systemd-networkd`, `docker`.
    pub services: Vec<String>,
    /// What /etc/resolv.conf is: the target of the link, `file`, or `missing`.
    pub resolv_conf: String,
    /// Whether packets are forwarded on all links, by family: `ipv4` and `ipv6`.
    pub forwarding: BTreeMap<String, bool>,
    /// The chains of nftables that forwarded packets pass, in their order: `ip filter FORWARD, policy drop`. What
    /// iptables has made with its nft backend is among them. None if there is no `nft` to list them.
    pub forward_chains: Option<Vec<String>>,
    /// The tables of iptables-legacy that the kernel holds: `filter`.
    pub legacy_tables: BTreeSet<String>,
    /// The links except the loopback, by name.
    pub links: BTreeMap<String, LinkSetup>,
}

/// What systemd-networkd makes of a link; nothing of all that where it does not run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkSetup {
    /// Base name of the .network file that is about it: `05-eth0.network`.
    pub network_file: Option<String>,
    /// How far networkd is with it: `configured`, or `unmanaged` if no file is about it.
    pub state: Option<String>,
    /// Bytes that a packet may have.
    pub mtu: Option<u32>,
    /// Where its addresses come from, by family: `ipv6` from `foreign` (the kernel itself) and `NDisc` (SLAAC).
    pub address_sources: BTreeMap<String, BTreeSet<String>>,
}
