//! The path of a packet through the chains of a hook: what becomes of it, as far as the rules tell without sending it.
//!
//! A rule may ask for what is not known here (an address, a mark, an extension of iptables). Both ways are then
//! followed, and where they end differently the answer is [`Fate::Depends`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::selector::{Applies, matches};
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

#[cfg(test)]
mod tests;
