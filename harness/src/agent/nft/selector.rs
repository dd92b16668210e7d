//! What a rule selects packets by (libnftables-json(5), "match"), held against a packet.

use serde_json::Value;

use super::path::{Packet, Protocol};

/// Whether a rule is about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Applies {
    No,
    Maybe,
    Yes,
}

/// Tells whether a packet is what a `match` statement asks for.
pub(super) fn matches(content: &Value, packet: &Packet) -> Applies {
    let Some(actual) = actual(&content["left"], packet) else { return Applies::Maybe };
    // The kernel ends a rule that asks for what a packet does not have, also where it asks whether that differs.
    if matches!(actual, Actual::Nothing) {
        return Applies::No;
    }
    let Some(is_in) = actual.is_in(&content["right"]) else { return Applies::Maybe };
    match content["op"].as_str() {
        Some("==" | "in") if is_in => Applies::Yes,
        Some("!=") if !is_in => Applies::Yes,
        Some("==" | "in" | "!=") => Applies::No,
        Some(_) | None => Applies::Maybe,
    }
}

/// What a packet has where a rule looks.
enum Actual {
    /// One of these names stands for it.
    Names(Vec<String>),
    /// The packet has no such thing.
    Nothing,
    /// A number.
    Number(u16),
}

fn actual(left: &Value, packet: &Packet) -> Option<Actual> {
    let names = |names: &[&str]| Actual::Names(names.iter().map(|&name| name.to_owned()).collect());
    if let Some(key) = left["meta"]["key"].as_str() {
        return Some(match key {
            "iifname" | "iif" => names(&[&packet.from]),
            "oifname" | "oif" => packet.to.as_ref().map_or(Actual::Nothing, |to| names(&[to])),
            "nfproto" if packet.ipv6 => names(&["ipv6", "10"]),
            "nfproto" => names(&["ipv4", "2"]),
            "protocol" if packet.ipv6 => names(&["ip6"]),
            "protocol" => names(&["ip"]),
            "l4proto" => match packet.protocol {
                Protocol::Udp(_) => names(&["udp", "17"]),
                Protocol::Echo if packet.ipv6 => names(&["ipv6-icmp", "icmpv6", "58"]),
                Protocol::Echo => names(&["icmp", "1"]),
            },
            _ => return None,
        });
    }
    if left["ct"]["key"] == "state" {
        return Some(names(&["new"]));
    }
    let (protocol, field) = (left["payload"]["protocol"].as_str()?, left["payload"]["field"].as_str()?);
    match (protocol, field, packet.protocol) {
        // The rule is about the other family.
        ("ip", _, _) if packet.ipv6 => Some(Actual::Nothing),
        ("ip6", _, _) if !packet.ipv6 => Some(Actual::Nothing),
        ("udp" | "th", "dport", Protocol::Udp(port)) => Some(Actual::Number(port)),
        // The rule is about another protocol than that of the packet.
        ("tcp" | "sctp" | "dccp", _, _) | ("udp", _, Protocol::Echo) => Some(Actual::Nothing),
        _ => None,
    }
}

impl Actual {
    /// Tells whether `right` has it; none if that cannot be told.
    fn is_in(&self, right: &Value) -> Option<bool> {
        match right {
            Value::Array(values) => self.is_in_any(values),
            Value::Object(object) => match (object.get("set"), object.get("range")) {
                (Some(Value::Array(values)), _) => self.is_in_any(values),
                (Some(only), _) => self.is_in(only),
                (None, Some(range)) => self.is_between(&range[0], &range[1]),
                (None, None) => None,
            },
            Value::String(name) if name.starts_with('@') => None,
            Value::String(name) => match self {
                Self::Names(names) => Some(names.iter().any(|own| fits(name, own))),
                Self::Number(own) => Some(name.parse() == Ok(*own)),
                Self::Nothing => Some(false),
            },
            Value::Number(number) => match self {
                Self::Names(names) => Some(names.contains(&number.to_string())),
                Self::Number(own) => Some(number.as_u64() == Some(u64::from(*own))),
                Self::Nothing => Some(false),
            },
            Value::Bool(_) | Value::Null => None,
        }
    }

    fn is_in_any(&self, values: &[Value]) -> Option<bool> {
        let each: Vec<Option<bool>> = values.iter().map(|value| self.is_in(value)).collect();
        if each.contains(&Some(true)) {
            return Some(true);
        }
        (!each.contains(&None)).then_some(false)
    }

    fn is_between(&self, first: &Value, last: &Value) -> Option<bool> {
        let Self::Number(own) = self else { return None };
        let own = u64::from(*own);
        Some(first.as_u64()? <= own && own <= last.as_u64()?)
    }
}

/// The name of a link in a rule may end with `*`.
fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}
