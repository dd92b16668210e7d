//! Bridge netfilter: whether frames between the ports of a bridge pass the host's firewall, as packets between links do.
//!
//! The module br_netfilter brings settings for all bridges of a network namespace (since Linux 5.3; of the machine
//! before), all of them on to begin with, and each bridge has settings of its own beside them.

use std::fs;
use std::io;

use anyhow::Context;

/// What of the bridged frames passes the firewall; none where the kernel has no bridge netfilter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BridgeNetfilter {
    /// `net.bridge.bridge-nf-call-iptables`.
    pub(super) ipv4: Option<bool>,
    /// `net.bridge.bridge-nf-call-ip6tables`.
    pub(super) ipv6: Option<bool>,
    /// `net.bridge.bridge-nf-call-arptables`.
    pub(super) arp: Option<bool>,
}

impl BridgeNetfilter {
    /// Reads what the host has for all its bridges.
    pub(super) fn read() -> anyhow::Result<Self> {
        let of = |tables: &str| is_on(&format!("/proc/sys/net/bridge/bridge-nf-call-{tables}"));
        Ok(Self { ipv4: of("iptables")?, ipv6: of("ip6tables")?, arp: of("arptables")? })
    }

    /// Whether IPv4 frames of one of `links` pass, be it for a setting of its own: `yes`, `no`, or `absent`.
    pub(super) fn of_ipv4(&self, links: impl IntoIterator<Item = String>) -> anyhow::Result<&'static str> {
        let by_themselves = on_by_themselves(links)?;
        Ok(match self.ipv4 {
            None => "absent",
            Some(on) if on || !by_themselves.is_empty() => "yes",
            Some(_) => "no",
        })
    }
}

/// Those of `links` that are bridges and pass IPv4 frames to the firewall by a setting of their own.
pub(super) fn on_by_themselves(links: impl IntoIterator<Item = String>) -> anyhow::Result<Vec<String>> {
    let mut on = Vec::new();
    for link in links {
        if is_on(&format!("/sys/class/net/{link}/bridge/nf_call_iptables"))? == Some(true) {
            on.push(link);
        }
    }
    Ok(on)
}

fn is_on(path: &str) -> anyhow::Result<Option<bool>> {
    match fs::read_to_string(path) {
        Ok(value) => Ok(Some(value.trim() != "0")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read `{path}`")),
    }
}
