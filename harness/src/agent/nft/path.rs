//! The path of a packet through the chains of a hook: what becomes of it, as far as the rules tell without sending it.
//!
//! A rule may ask for what is not known here (an address, a mark, an extension of iptables). Both ways are then
//! followed, and where they end differently the answer is [`Fate::Depends`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::{Base, Chain, Rule, Ruleset, Table};

/// Where packets enter chains (nft(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Hook {
    /// On their way through the host.
    Forward,
    /// To the host itself.
    Input,
}

impl Hook {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Input => "input",
        }
    }
}

/// The first packet of a new connection.
#[derive(Clone, Debug)]
pub(in crate::agent) struct Packet {
    /// The link that it comes in by.
    pub(in crate::agent) from: String,
    /// The link that it goes out by; none if it is for the host.
    pub(in crate::agent) to: Option<String>,
    /// Whether it is IPv6.
    pub(in crate::agent) ipv6: bool,
    /// What it carries.
    pub(in crate::agent) protocol: Protocol,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Protocol {
    /// An ICMP echo request.
    Echo,
    /// UDP to this port.
    Udp(u16),
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Fate {
    /// It passes.
    Accepted,
    /// It is dropped or rejected.
    Dropped,
    /// It depends on what the rules alone do not tell.
    Depends,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Accepted => "accepted",
            Self::Dropped => "dropped",
            Self::Depends => "depends",
        })
    }
}

/// How a chain can end for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Accept,
    Drop,
    /// No rule has decided.
    Through,
}

/// The ends that are possible.
type Ends = BTreeSet<End>;

/// The chains that have been walked; one that is still being walked is taken to decide nothing, so that a circle,
/// which the kernel does not allow, ends here too.
type Walked<'a> = BTreeMap<(&'a Table, &'a str), Ends>;

impl Ruleset {
    /// Follows `packet` through all chains of `hook`: each of them must let it pass.
    pub(in crate::agent) fn fate(&self, hook: Hook, packet: &Packet) -> Fate {
        let family = if packet.ipv6 { "ip6" } else { "ip" };
        let mut walked = Walked::new();
        let mut possible = Ends::from([End::Accept]);
        for (chain, base) in self.bases(hook) {
            if chain.table.family == family || chain.table.family == "inet" {
                let ends = self.of_base(chain, base, packet, &mut walked);
                possible = both(&possible, &ends);
            }
        }
        match (possible.contains(&End::Accept), possible.contains(&End::Drop)) {
            (true, true) => Fate::Depends,
            (false, true) => Fate::Dropped,
            (_, false) => Fate::Accepted,
        }
    }

    fn of_base<'a>(
        &'a self,
        chain: &'a Chain,
        base: &Base,
        packet: &Packet,
        walked: &mut Walked<'a>,
    ) -> Ends {
        let policy = if base.policy == "drop" { End::Drop } else { End::Accept };
        let ends = self.walk(&chain.table, &chain.name, packet, walked);
        ends.into_iter().map(|end| if end == End::Through { policy } else { end }).collect()
    }

    fn walk<'a>(
        &'a self,
        table: &'a Table,
        chain: &'a str,
        packet: &Packet,
        walked: &mut Walked<'a>,
    ) -> Ends {
        if let Some(known) = walked.get(&(table, chain)) {
            return known.clone();
        }
        walked.insert((table, chain), Ends::from([End::Through]));
        let mut possible = Ends::new();
        let mut is_open = true;
        for rule in self.rules.iter().filter(|rule| rule.table == *table && rule.chain == chain) {
            let (applies, verdict) = decide(rule, packet);
            let ends = match verdict {
                Verdict::None => continue,
                Verdict::End(end) => Ends::from([end]),
                Verdict::Unknown => Ends::from([End::Accept, End::Drop, End::Through]),
                Verdict::Jump(target) | Verdict::Goto(target) => self.walk(table, target, packet, walked),
            };
            match applies {
                Applies::No => {}
                Applies::Maybe => possible.extend(ends),
                Applies::Yes => {
                    // What has jumped to another chain, and was not decided there, comes back; `return` and `goto`
                    // do not, and end this chain undecided.
                    let comes_back = matches!(verdict, Verdict::Jump(_) | Verdict::Unknown)
                        && ends.contains(&End::Through);
                    possible.extend(ends.into_iter().filter(|end| !comes_back || *end != End::Through));
                    if !comes_back {
                        is_open = false;
                        break;
                    }
                }
            }
        }
        if is_open {
            possible.insert(End::Through);
        }
        walked.insert((table, chain), possible.clone());
        possible
    }
}

/// One chain after another: a packet that the first drops does not come to the second.
fn both(first: &Ends, second: &Ends) -> Ends {
    let dropped = first.contains(&End::Drop) || second.contains(&End::Drop);
    let accepted = first.contains(&End::Accept) && second.contains(&End::Accept);
    let ends = [(dropped, End::Drop), (accepted, End::Accept)];
    ends.into_iter().filter(|(is, _)| *is).map(|(_, end)| end).collect()
}

/// Whether a rule is about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Applies {
    No,
    Maybe,
    Yes,
}

/// What a rule says of the packets that it is about.
enum Verdict<'a> {
    None,
    End(End),
    Jump(&'a str),
    Goto(&'a str),
    Unknown,
}

/// Statements that neither select packets nor decide about them.
const WITHOUT_EFFECT: [&str; 6] = ["counter", "log", "comment", "notrack", "mangle", "meta"];

fn decide<'a>(rule: &'a Rule, packet: &Packet) -> (Applies, Verdict<'a>) {
    let mut applies = Applies::Yes;
    for statement in &rule.statements {
        let Some((key, content)) = statement.as_object().and_then(|object| object.iter().next()) else {
            applies = applies.min(Applies::Maybe);
            continue;
        };
        let verdict = match key.as_str() {
            "match" => {
                applies = applies.min(matches(content, packet));
                continue;
            }
            "accept" => Verdict::End(End::Accept),
            "drop" | "reject" => Verdict::End(End::Drop),
            "return" => Verdict::End(End::Through),
            "jump" => content["target"].as_str().map_or(Verdict::Unknown, Verdict::Jump),
            "goto" => content["target"].as_str().map_or(Verdict::Unknown, Verdict::Goto),
            "vmap" | "queue" => Verdict::Unknown,
            "xt" if is_last(rule, statement) => Verdict::Unknown,
            other if WITHOUT_EFFECT.contains(&other) => continue,
            _ => {
                applies = applies.min(Applies::Maybe);
                continue;
            }
        };
        return (applies, verdict);
    }
    (applies, Verdict::None)
}

/// An extension of iptables is a target if nothing follows, and a match otherwise.
fn is_last(rule: &Rule, statement: &Value) -> bool {
    rule.statements.last().is_some_and(|last| std::ptr::eq(last, statement))
}

fn matches(content: &Value, packet: &Packet) -> Applies {
    let Some(actual) = actual(&content["left"], packet) else { return Applies::Maybe };
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
    /// The packet has no such thing, so nothing is equal to it.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(chains: &[(&str, Option<&str>, Value)]) -> Ruleset {
        let mut objects = Vec::new();
        for (name, policy, rules) in chains {
            let mut chain = json!({"family": "inet", "table": "filter", "name": name});
            if let Some(policy) = policy {
                chain["hook"] = json!("forward");
                chain["policy"] = json!(policy);
            }
            objects.push(json!({ "chain": chain }));
            for statements in rules.as_array().unwrap() {
                objects.push(json!({"rule":
                    {"family": "inet", "table": "filter", "chain": name, "expr": statements}}));
            }
        }
        Ruleset::parse(&json!({ "nftables": objects }).to_string()).unwrap()
    }

    fn fate(rules: &Ruleset) -> Fate {
        let (from, to) = ("ve-alpha".to_owned(), Some("uplink0".to_owned()));
        rules.fate(Hook::Forward, &Packet { from, to, ipv6: false, protocol: Protocol::Udp(5355) })
    }

    fn one(policy: &str, statements: Value) -> Fate {
        fate(&rules(&[("f", Some(policy), json!([statements]))]))
    }

    fn meta(key: &str, right: Value) -> Value {
        json!({"match": {"op": "==", "left": {"meta": {"key": key}}, "right": right}})
    }

    #[test]
    fn the_policy_counts_where_no_rule_decides() {
        assert_eq!(fate(&Ruleset::default()), Fate::Accepted);
        assert_eq!(one("accept", json!([{"counter": null}])), Fate::Accepted);
        assert_eq!(one("drop", json!([{"counter": null}])), Fate::Dropped);
    }

    #[test]
    fn a_rule_counts_if_it_is_about_the_packet() {
        let from = |name: &str| meta("iifname", json!(name));
        assert_eq!(one("drop", json!([from("ve-*"), {"accept": null}])), Fate::Accepted);
        assert_eq!(one("drop", json!([from("docker0"), {"accept": null}])), Fate::Dropped);
        assert_eq!(one("accept", json!([meta("l4proto", json!("udp")), {"drop": null}])), Fate::Dropped);
        let port = |right: Value| {
            json!({"match": {"op": "==",
            "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": right}})
        };
        assert_eq!(one("drop", json!([port(json!({"set": [67, 5355]})), {"accept": null}])), Fate::Accepted);
        assert_eq!(one("drop", json!([port(json!({"range": [60, 70]})), {"accept": null}])), Fate::Dropped);
        let state = json!({"match": {"op": "in", "left": {"ct": {"key": "state"}},
            "right": ["established", "related"]}});
        assert_eq!(one("drop", json!([state, {"accept": null}])), Fate::Dropped);
    }

    #[test]
    fn what_the_rules_do_not_tell_is_said_to_depend() {
        let address = json!({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
            "right": "10.0.0.1"}});
        assert_eq!(one("drop", json!([address.clone(), {"accept": null}])), Fate::Depends);
        assert_eq!(one("drop", json!([address, {"drop": null}])), Fate::Dropped);
        assert_eq!(one("accept", json!([{"xt": null}])), Fate::Depends);
        assert_eq!(one("accept", json!([{"xt": null}, {"accept": null}])), Fate::Accepted);
    }

    #[test]
    fn a_chain_that_decides_nothing_comes_back() {
        let chains = |user: Value| {
            rules(&[
                ("f", Some("drop"), json!([[{"jump": {"target": "user"}}], [{"accept": null}]])),
                ("user", None, user),
            ])
        };
        assert_eq!(fate(&chains(json!([[{"return": null}]]))), Fate::Accepted);
        assert_eq!(fate(&chains(json!([[{"drop": null}]]))), Fate::Dropped);
        assert_eq!(fate(&chains(json!([[{"jump": {"target": "user"}}]]))), Fate::Accepted);
        let goto = json!([[{"goto": {"target": "user"}}], [{"accept": null}]]);
        assert_eq!(fate(&rules(&[("f", Some("drop"), goto), ("user", None, json!([]))])), Fate::Dropped);
    }

    #[test]
    fn each_chain_of_a_hook_must_let_it_pass() {
        let two = [("f", Some("accept"), json!([[{"accept": null}]])), ("g", Some("drop"), json!([]))];
        assert_eq!(fate(&rules(&two)), Fate::Dropped);
    }
}
