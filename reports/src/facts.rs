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
    /// What cloud-init takes the provider to be (`/run/cloud-init/cloud-id`): `linode`, `hetzner`. None where it has not run.
    #[serde(default)]
    pub cloud: Option<String>,
    /// Its name, uname(2). A report that is redacted has a pseudonym for it.
    #[serde(default)]
    pub hostname: Option<String>,
    /// The modules that machines and their network need, as far as the kernel has them, loaded or built in: `br_netfilter`.
    /// None where the host cannot see them, as in a sandbox, and in reports of before they were kept.
    #[serde(default)]
    pub modules: Option<BTreeSet<String>>,
    /// What was detected while the machines stood and can change what is to be expected: `llmnr` is `yes`.
    pub settings: BTreeMap<String, String>,
}

/// How the network of a host was set up before anything was done to it. What is an [`Option`] is none in reports of before
/// it was kept.
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
    /// Who has set it up, each by what it runs or has written: `systemd-networkd`, `NetworkManager`, `ifupdown`,
    /// `netplan`, `cloud-init`, `Network Helper` (Linode's).
    #[serde(default)]
    pub managers: Option<BTreeSet<String>>,
    /// The firewalls that have rules: `nftables`, `iptables-nft`, `iptables-legacy`, `docker`, `ufw`, `firewalld`.
    /// systemd's own table is none.
    #[serde(default)]
    pub firewalls: Option<BTreeSet<String>>,
    /// The chains that packets of machines pass, with those that these jump to.
    #[serde(default)]
    pub chains: Option<Vec<Chain>>,
    /// The routes of the main table.
    #[serde(default)]
    pub routes: Option<Vec<Route>>,
    /// Who is asked for names.
    #[serde(default)]
    pub resolver: Option<Resolver>,
    /// The links except the loopback, by name.
    pub links: BTreeMap<String, LinkSetup>,
}

/// A chain of nftables, or of iptables-legacy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chain {
    /// Where it is: `ip filter FORWARD`, `legacy ip filter FORWARD`.
    pub name: String,
    /// Where packets enter it; none if others jump to it.
    pub hook: Option<String>,
    /// What becomes of packets that no rule is about; none if others jump to it.
    pub policy: Option<String>,
    /// The rules, as the tool writes them: `iifname "ve-*" accept`.
    pub rules: Vec<String>,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// Where it leads: `default`, `198.51.100.0/24`.
    pub to: String,
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// The next router, if there is one.
    pub via: Option<String>,
    /// The link that it leaves by, if there is one.
    pub link: Option<String>,
    /// Who has set it (rtnetlink(7)): `kernel`, `boot`, `static`, `dhcp`, `ra`.
    pub protocol: String,
    /// The lower, the better.
    pub metric: Option<u32>,
}

/// Who is asked for names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resolver {
    /// The servers in /etc/resolv.conf.
    pub servers: Vec<String>,
    /// Those that systemd-resolved asks (/run/systemd/resolve/resolv.conf); none where it has not run.
    pub upstream: Vec<String>,
    /// The domains that are searched (resolv.conf(5)).
    pub search: Vec<String>,
    /// The options in /etc/resolv.conf.
    pub options: Vec<String>,
    /// Which modules of NSS are asked for hosts, in their order (nsswitch.conf(5)); none if the file does not say.
    pub nss_hosts: Option<String>,
}

/// What is made of a link, by systemd-networkd where it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkSetup {
    /// Base name of the .network file that is about it: `05-eth0.network`.
    pub network_file: Option<String>,
    /// Why it is that file: what its `[Match]` says, `Name=eth0`.
    #[serde(default)]
    pub matched_by: Vec<String>,
    /// How far networkd is with it: `configured`, or `unmanaged` if no file is about it.
    pub state: Option<String>,
    /// Bytes that a packet may have.
    pub mtu: Option<u32>,
    /// Where its addresses come from, by family: `ipv6` from `foreign` (the kernel itself) and `NDisc` (SLAAC).
    pub address_sources: BTreeMap<String, BTreeSet<String>>,
    /// Its addresses.
    #[serde(default)]
    pub addresses: Vec<LinkAddress>,
    /// Whether what comes in by it is forwarded, by family.
    #[serde(default)]
    pub forwarding: BTreeMap<String, bool>,
    /// `net.ipv6.conf.*.accept_ra`: 1 if the kernel itself heeds router advertisements, 2 even where it forwards, 0 also where
    /// networkd does it.
    #[serde(default)]
    pub accept_ra: Option<u8>,
    /// How far LLMNR is used on it, with what systemd-resolved has in general: `yes`, `resolve` or `no`. None where resolved
    /// does not run.
    #[serde(default)]
    pub llmnr: Option<String>,
    /// The same of multicast DNS.
    #[serde(default)]
    pub mdns: Option<String>,
}

/// An address of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LinkAddress {
    /// With the length of its prefix: `198.51.100.2/24`.
    pub address: String,
    /// Where it comes from, as networkd says: `static`, `DHCPv4`, `NDisc` (SLAAC). Where that knows nothing of it, as the
    /// kernel does: `SLAAC`, `link-local`, `permanent`, `dynamic`.
    pub source: String,
}
