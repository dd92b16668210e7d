//! LLMNR and multicast DNS at the two ends of each machine's link, and what follows for a question: whoever asks for a name
//! and whoever bears it are not the same for two questions of one host.

use std::collections::BTreeMap;

use nspawn_matrix_scenarios::{Check, NameQuestion, Setting, Settings, Subject, UNKNOWN, Way};
use serde::{Deserialize, Serialize};

use crate::agent::Question;
use crate::probe::multicast::{Multicast, Support};

/// The ends of the links of all machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends(pub BTreeMap<String, OfMachine>);

/// The two ends of one machine's link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfMachine {
    /// That in the machine.
    pub inside: End,
    /// That on the host, which may be the bridge that the machine is a port of.
    pub outside: End,
}

/// One end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// systemd-resolved has this for it.
    Set(Multicast),
    /// There is no such end, or systemd-resolved does not run there.
    Missing,
    /// It could not be asked.
    Unknown,
}

/// One of the two protocols.
type Protocol = fn(&Multicast) -> Support;

/// Each with the setting that is for a question, and the names that its ends have in the facts of a host.
const PROTOCOLS: [(Setting, [&str; 2], Protocol); 2] = [
    (Setting::Llmnr, ["llmnr", "host-llmnr"], |set| set.llmnr.effective()),
    (Setting::MulticastDns, ["multicast-dns", "host-multicast-dns"], |set| set.mdns.effective()),
];

impl End {
    fn support(&self, of: Protocol) -> Known {
        match self {
            Self::Set(set) => Known::Is(of(set)),
            Self::Missing => Known::Missing,
            Self::Unknown => Known::Unknown,
        }
    }
}

/// How far a protocol is used at one end.
#[derive(Clone, Copy)]
enum Known {
    Is(Support),
    Missing,
    Unknown,
}

impl Ends {
    /// What holds for a question.
    pub(crate) fn settings(&self, question: &Question) -> Settings {
        let Some((asks, bears)) = self.who(&question.subject) else { return Settings::new() };
        let past_resolvers = matches!(question.check, Check::Name(NameQuestion { way: Way::Wire(_), .. }));
        let setting = |(setting, _, of): (Setting, [&str; 2], Protocol)| {
            // What asks the link itself is none of those that have a setting.
            let asks = if past_resolvers { Known::Is(Support::Yes) } else { asks.support(of) };
            Some((setting, between(asks, bears.support(of))?))
        };
        PROTOCOLS.into_iter().filter_map(setting).collect()
    }

    /// The end that asks for a name, and that of whoever bears it.
    fn who(&self, subject: &Subject) -> Option<(&End, &End)> {
        let of = |machine: &String| self.0.get(machine);
        Some(match subject {
            Subject::Machine { machine } => (&of(machine)?.inside, &of(machine)?.outside),
            Subject::Host { machine } => (&of(machine)?.outside, &of(machine)?.inside),
            Subject::Pair { machine, peer } => (&of(machine)?.inside, &of(peer)?.inside),
            Subject::HostItself => return None,
        })
    }

    /// What is set in the machines, and what on the host, the most restrictive of each.
    pub(crate) fn facts(&self) -> BTreeMap<String, String> {
        let least = |ends: Vec<&End>, of: Protocol| {
            let known = ends.into_iter().map(|end| end.support(of));
            let support = known.filter_map(|known| match known {
                Known::Is(support) => Some(support),
                Known::Missing | Known::Unknown => None,
            });
            support.min().map(|least| least.to_string())
        };
        let facts = PROTOCOLS.into_iter().flat_map(|(_, [inside, outside], of)| {
            let ends = |end: fn(&OfMachine) -> &End| self.0.values().map(end).collect();
            [(inside, least(ends(|ends| &ends.inside), of)), (outside, least(ends(|ends| &ends.outside), of))]
        });
        facts.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// The value of the setting: `yes` if the name is asked for and answered to, `resolve` if it is only asked for, `no` if it
/// is not; none where somebody has no resolver, which is no setting.
fn between(asks: Known, bears: Known) -> Option<String> {
    let support = match (asks, bears) {
        (Known::Missing, _) | (_, Known::Missing) => return None,
        (Known::Unknown, _) | (_, Known::Unknown) => return Some(UNKNOWN.to_owned()),
        (Known::Is(Support::No), Known::Is(_)) => Support::No,
        (Known::Is(_), Known::Is(Support::Yes)) => Support::Yes,
        (Known::Is(_), Known::Is(_)) => Support::Resolve,
    };
    Some(support.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::multicast::Reach;

    fn end(llmnr: Support) -> End {
        let reach = |link| Reach { global: Support::Yes, link };
        End::Set(Multicast { link: "host0".to_owned(), llmnr: reach(llmnr), mdns: reach(Support::No) })
    }

    fn ends(alpha: End, beta: End, host: &End) -> Ends {
        let of = |inside| OfMachine { inside, outside: host.clone() };
        Ends([("alpha".to_owned(), of(alpha)), ("beta".to_owned(), of(beta))].into())
    }

    /// The setting for LLMNR of each question, in the order in which they are given.
    fn llmnr(ends: &Ends, questions: &[(&str, &str)]) -> Vec<Option<String>> {
        let of = |(check, subject): &(&str, &str)| {
            let name = |name: &str| name.to_owned();
            let subject = match subject.split_once("->") {
                Some(("host", machine)) => Subject::Host { machine: name(machine) },
                Some((machine, peer)) => Subject::Pair { machine: name(machine), peer: name(peer) },
                None => Subject::Machine { machine: name(subject) },
            };
            let settings = ends.settings(&Question { check: check.parse().unwrap(), subject });
            settings.get(&Setting::Llmnr).cloned()
        };
        questions.iter().map(of).collect()
    }

    const PEER: &str = "resolve/peer/any";

    #[test]
    fn peers_are_not_judged_by_what_the_host_has() {
        let ends = ends(end(Support::Yes), end(Support::Yes), &end(Support::No));
        let asked = [
            (PEER, "alpha->beta"),
            ("resolve/host/any", "alpha"),
            ("resolve/machine-from-host/api-any", "host->alpha"),
            ("resolve/host/llmnr-ipv4", "alpha"),
            ("resolve/machine-from-host/llmnr-ipv4", "host->alpha"),
        ];
        let told: Vec<String> = llmnr(&ends, &asked).into_iter().map(Option::unwrap).collect();
        assert_eq!(told, ["yes", "resolve", "no", "resolve", "yes"]);
    }

    #[test]
    fn who_only_asks_finds_who_answers() {
        let ends = ends(end(Support::Resolve), end(Support::Yes), &end(Support::Yes));
        let told = llmnr(&ends, &[(PEER, "alpha->beta"), (PEER, "beta->alpha")]);
        assert_eq!(told.into_iter().map(Option::unwrap).collect::<Vec<_>>(), ["yes", "resolve"]);
        assert_eq!(ends.facts()["llmnr"], "resolve");
        assert_eq!(ends.facts()["host-llmnr"], "yes");
    }

    #[test]
    fn who_has_no_resolver_has_no_setting_and_who_could_not_be_asked_an_unknown_one() {
        let ends = ends(end(Support::No), End::Unknown, &End::Missing);
        let told =
            llmnr(&ends, &[(PEER, "alpha->beta"), ("resolve/host/any", "alpha"), (PEER, "alpha->gone")]);
        assert_eq!(told, [Some(UNKNOWN.to_owned()), None, None]);
        assert_eq!(ends.facts().get("host-llmnr"), None);
    }
}
