//! The rules of nftables on this host, as `nft` lists them (libnftables-json(5)). What iptables has made with its nft
//! backend is among them; what iptables-legacy has made is not.

mod monitor;
mod path;
mod selector;

use std::net::Ipv4Addr;

use anyhow::Context;
use nspawn_matrix_reports::Subnet;
use serde_json::Value;

use crate::command::{Command, CommandError};

pub(super) use monitor::Monitor;
pub(super) use path::{Fate, Hook, Packet, Protocol};

/// The table that systemd-networkd and systemd-nspawn keep.
pub(super) const SYSTEMD_TABLE: &str = "io.systemd.nat";

/// All tables of the host's network namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Ruleset {
    chains: Vec<Chain>,
    rules: Vec<Rule>,
    sets: Vec<Set>,
}

/// Where a chain, a rule or a set is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Table {
    family: String,
    name: String,
}

#[derive(Clone, Debug)]
struct Chain {
    table: Table,
    name: String,
    /// Where packets enter it; none for a chain that others jump to.
    base: Option<Base>,
}

#[derive(Clone, Debug)]
struct Base {
    hook: String,
    priority: i64,
    policy: String,
}

#[derive(Clone, Debug)]
struct Rule {
    table: Table,
    chain: String,
    statements: Vec<Value>,
}

#[derive(Clone, Debug)]
struct Set {
    table: Table,
    name: String,
    elements: Vec<Value>,
}

impl Ruleset {
    /// Asks `nft` for everything.
    pub(super) async fn read() -> anyhow::Result<Self> {
        Self::find().await?.context("the host has no `nft`, so its firewall cannot be looked at")
    }

    /// Asks `nft` for everything, if there is one.
    pub(super) async fn find() -> anyhow::Result<Option<Self>> {
        match Command::new("nft", ["--json", "list", "ruleset"]).output().await {
            Ok(json) => Self::parse(&json).map(Some),
            Err(CommandError::Start { .. }) => Ok(None),
            Err(error @ CommandError::Failed { .. }) => Err(error).context("list the rules of nftables"),
        }
    }

    fn parse(json: &str) -> anyhow::Result<Self> {
        let whole: Value = serde_json::from_str(json).context("read what `nft` wrote")?;
        let objects = whole["nftables"].as_array().context("`nft` wrote no list of objects")?;
        Ok(Self {
            chains: objects.iter().filter_map(|object| chain(&object["chain"])).collect(),
            rules: objects.iter().filter_map(|object| rule(&object["rule"])).collect(),
            sets: objects.iter().filter_map(|object| set(&object["set"])).collect(),
        })
    }

    /// The chains that packets enter at `hook`, in their order: `ip filter FORWARD, policy drop`.
    pub(super) fn base_chains(&self, hook: Hook) -> Vec<String> {
        let mut chains: Vec<(&Chain, &Base)> = self.bases(hook).collect();
        chains.sort_by_key(|(_, base)| base.priority);
        let shown = |(chain, base): (&Chain, &Base)| {
            format!("{} {} {}, policy {}", chain.table.family, chain.table.name, chain.name, base.policy)
        };
        chains.into_iter().map(shown).collect()
    }

    fn bases(&self, hook: Hook) -> impl Iterator<Item = (&Chain, &Base)> {
        self.chains
            .iter()
            .filter_map(|chain| Some((chain, chain.base.as_ref()?)))
            .filter(move |(_, base)| base.hook == hook.name())
    }

    /// Whether systemd's table for NAT is there.
    pub(super) fn has_systemd_table(&self) -> bool {
        self.chains.iter().any(|chain| chain.table.family == "ip" && chain.table.name == SYSTEMD_TABLE)
    }

    /// The IPv4 subnets whose packets systemd masquerades, as first and last address.
    pub(super) fn masqueraded(&self) -> Vec<(Ipv4Addr, Ipv4Addr)> {
        let of_systemd = |set: &&Set| {
            set.table.family == "ip" && set.table.name == SYSTEMD_TABLE && set.name == "masq_saddr"
        };
        self.sets.iter().filter(of_systemd).flat_map(|set| &set.elements).filter_map(range).collect()
    }

    /// Whether systemd masquerades every packet from `subnet`.
    pub(super) fn masquerades(&self, subnet: Subnet) -> bool {
        let (first, last) = ends(subnet);
        self.masqueraded().iter().any(|(from, to)| *from <= first && last <= *to)
    }
}

/// First and last address of a subnet.
pub(super) fn ends(subnet: Subnet) -> (Ipv4Addr, Ipv4Addr) {
    of_prefix(subnet.address(), subnet.prefix())
}

fn of_prefix(address: Ipv4Addr, prefix: u8) -> (Ipv4Addr, Ipv4Addr) {
    let hosts = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    let first = address.to_bits() & !hosts;
    (Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(first | hosts))
}

fn text(object: &Value, key: &str) -> Option<String> {
    Some(object[key].as_str()?.to_owned())
}

fn table(object: &Value) -> Option<Table> {
    Some(Table { family: text(object, "family")?, name: text(object, "table")? })
}

fn chain(object: &Value) -> Option<Chain> {
    let base = text(object, "hook").map(|hook| Base {
        hook,
        priority: object["prio"].as_i64().unwrap_or(0),
        policy: text(object, "policy").unwrap_or_else(|| "accept".to_owned()),
    });
    Some(Chain { table: table(object)?, name: text(object, "name")?, base })
}

fn rule(object: &Value) -> Option<Rule> {
    let statements = object["expr"].as_array()?.clone();
    Some(Rule { table: table(object)?, chain: text(object, "chain")?, statements })
}

fn set(object: &Value) -> Option<Set> {
    let elements = object["elem"].as_array().cloned().unwrap_or_default();
    Some(Set { table: table(object)?, name: text(object, "name")?, elements })
}

/// An element of a set of IPv4 addresses: one address, a prefix, a range, or one of these with something beside it.
fn range(element: &Value) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let address = |value: &Value| value.as_str()?.parse::<Ipv4Addr>().ok();
    if let Some(only) = address(element) {
        return Some((only, only));
    }
    if let Some(prefix) = element.get("prefix") {
        let length = prefix["len"].as_u64().and_then(|length| u8::try_from(length).ok())?;
        return Some(of_prefix(address(&prefix["addr"])?, length));
    }
    if let Some(range) = element.get("range") {
        return Some((address(&range[0])?, address(&range[1])?));
    }
    let inner = &element.get("elem")?["val"];
    // One level is all there is.
    (inner.get("elem").is_none()).then(|| self::range(inner)).flatten()
}

#[cfg(test)]
mod tests;
