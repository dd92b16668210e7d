//! What names resolve to. What is asked is data ([`NameQuestion`]); here is who asks, in which order, and whose addresses
//! are right.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use anyhow::Context;
use nspawn_matrix_reports::{Family, LookupPath, Names, Observation, Wire};
use nspawn_matrix_scenarios::{Asked, NameQuestion, Subject, Way, Whose};
use tokio::sync::OnceCell;

use crate::agent::host_name;
use crate::agent::standing::{Machine, Standing, call, host_addresses};
use crate::host;
use crate::nsswitch;
use crate::probe::{Known, Lookup, Request};
use crate::rpc::Client;

/// When a question is asked. Rounds are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At any time: it meets nothing, and if it is slow, as DNS is where no server answers, nothing need wait for it.
    Apart,
    /// In a round of those that are about the same name and would meet in a resolver.
    Resolver(usize),
    /// In a round of those to whole links.
    Wire(usize),
}

/// How many rounds there are.
pub(super) const RESOLVER_ROUNDS: usize = 3;
pub(super) const WIRE_ROUNDS: usize = 3;

/// When a question is asked.
///
/// A lookup of one family must not meet a lookup of any family: resolved answers equal questions that are open at
/// one time together, and the race that decides what `any` gives would be run with a head start for one side. Nor may
/// anything else fill the cache where such a race is run, or where one lookup is asked after another. What is left
/// meets: lookups of one family race nobody, and those of resolved's own interface share nothing with others, nor those
/// of any family with those of one (`probe/names/api.rs`).
///
/// Questions to a whole link are many at once, and reach everybody there: all of them together are more than the
/// receive buffer of a socket holds.
///
/// Most of a lookup is waiting (LLMNR has every question wait up to 100 ms, RFC 4795, 2.7), so the fewer rounds there are
/// the better.
pub(super) fn place(question: NameQuestion) -> Place {
    let (path, family) = match question.way {
        Way::Wire(_) => {
            return Place::Wire(match question.whose.asked() {
                Asked::Pair => 0,
                Asked::Machine => 1,
                Asked::Host | Asked::HostItself => 2,
            });
        }
        _ if !question.whose.is_multicast() => return Place::Apart,
        Way::Lookup(LookupPath::NssMyhostname, _) => return Place::Apart,
        Way::After { first, .. } => (LookupPath::Nss, first),
        Way::Lookup(path, family) => (path, family),
    };
    let has_turns = NameQuestion::all().any(|other| other.whose == question.whose && other.turns().is_some());
    Place::Resolver(match (path, family) {
        (LookupPath::Nss | LookupPath::NssMymachines, Family::Any) => 0,
        (LookupPath::Nss, _) if question.turns().is_some() => 1,
        (_, _) if !has_turns => 1,
        (_, _) => 2,
    })
}

/// Two lookups in turn, by who asks whom, and the family that comes first: two questions are answered by one series.
pub(in crate::agent) type Sequences = RefCell<BTreeMap<(Subject, Family), Rc<OnceCell<[Names; 2]>>>>;

impl Standing {
    /// What a name resolves to.
    pub(super) async fn name(
        &self,
        question: NameQuestion,
        subject: &Subject,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let about = subject.about().context("a name is a machine's, or asked for by one")?;
        let probe = match subject {
            Subject::Machine { machine } | Subject::Pair { machine, .. } => &self.machine(machine)?.probe,
            Subject::Host { .. } | Subject::HostItself => &self.host,
        };
        let known = self.known(question.whose, subject, about).await?;
        let name = if question.whose == Whose::Host {
            question.in_domain(host_name::own()?)
        } else {
            question.name(about)
        };
        let (path, family) = match question.way {
            Way::Wire(transport) => {
                let ask = |known| Request::Wire { name: name.clone(), transport, questions: samples, known };
                let seen: Wire = call(probe, ask(known.clone())).await?;
                // An address that came meanwhile, as those of 169.254/16 do, has counted as somebody else's.
                let since = self.known(question.whose, subject, about).await?;
                if since == known {
                    return Ok(Observation::Wire(seen));
                }
                let again: Wire = call(probe, ask(since)).await?;
                return Ok(Observation::Wire(Wire { repeated: 1, ..again }));
            }
            Way::After { then, .. } => (LookupPath::Nss, then),
            Way::Lookup(path, family) => (path, family),
        };
        let raced = is_raced(question.whose, path);
        let request = |family, then| Request::Names {
            lookup: Lookup {
                name,
                family,
                path,
                then,
                patience: self.footing.patience_for_names(),
                flushed: self.footing.flushes() && !question.whose.is_synthetic(),
                raced: self.footing.flushes() && raced && (family == Family::Any || then.is_some()),
            },
            samples,
            known,
        };
        let Some((first, then)) = question.turns() else {
            let names: Vec<Names> = call(probe, request(family, None)).await?;
            return names
                .into_iter()
                .next()
                .map(Observation::Names)
                .context("the probe gave no distribution");
        };
        let sequence = Rc::clone(self.sequences.borrow_mut().entry((subject.clone(), first)).or_default());
        let [former, latter] =
            sequence.get_or_try_init(|| in_turn(probe, request(first, Some(then)))).await?;
        let is_latter = matches!(question.way, Way::After { .. });
        Ok(Observation::Names(if is_latter { latter } else { former }.clone()))
    }

    /// Whose addresses a name may have.
    async fn known(&self, whose: Whose, subject: &Subject, about: &str) -> anyhow::Result<Known> {
        let owned = match whose {
            Whose::Peer | Whose::PeerLocal | Whose::PeerDhcp | Whose::Machine | Whose::MachineDhcp => {
                self.machine(about)?.addresses()
            }
            Whose::Own => own(self.machine(about)?)?,
            Whose::Gateway => {
                let asked = self.machine(about)?;
                asked.router_announced().await?;
                of_gateway(asked)?
            }
            Whose::Host => of_host()?,
            Whose::BelowMachine | Whose::Outside => vec![host::OUTSIDE_V4.into(), host::OUTSIDE_V6.into()],
        };
        let link = match subject {
            Subject::Machine { machine } | Subject::Pair { machine, .. } => {
                self.machine(machine)?.settled.lease.link.clone()
            }
            Subject::Host { .. } | Subject::HostItself => {
                self.machine(about)?.host_link().await?.map(str::to_owned)
            }
        };
        Ok(Known { leases: self.leases(), owned, link })
    }
}

/// Two lookups that are made in turn, without a flush between.
async fn in_turn(probe: &Client, request: Request) -> anyhow::Result<[Names; 2]> {
    let names: Vec<Names> = call(probe, request).await?;
    <[Names; 2]>::try_from(names)
        .map_err(|names| anyhow::anyhow!("the probe gave {} distributions of two", names.len()))
}

/// Whether scopes of systemd-resolved race for the answer of any family.
fn is_raced(whose: Whose, path: LookupPath) -> bool {
    // Where nss-mymachines is asked first it answers, and resolved is not asked at all.
    let is_known_locally = whose == Whose::Machine
        && path == LookupPath::Nss
        && nsswitch::first_that_knows_machines() != Some("resolve");
    whose.is_multicast() && !is_known_locally
}

fn of_host() -> anyhow::Result<Vec<IpAddr>> {
    Ok(host_addresses()?.into_iter().map(|(_, address)| address).collect())
}

/// The gateway is the host, or the router that the host itself has.
fn of_gateway(asked: &Machine) -> anyhow::Result<Vec<IpAddr>> {
    let router = [host::GATEWAY_V4.into(), host::GATEWAY_V6.into()];
    let gateway = asked.settled.gateway.map(IpAddr::V4);
    Ok(of_host()?.into_iter().chain(router).chain(gateway).collect())
}

/// A machine without a link of its own has the addresses of the host.
fn own(asked: &Machine) -> anyhow::Result<Vec<IpAddr>> {
    if asked.settled.lease.link.is_some() { Ok(asked.addresses()) } else { of_host() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The questions about one name that lead through a resolver in the same round.
    fn in_round(whose: Whose, wanted: usize) -> Vec<String> {
        let questions = NameQuestion::all().filter(|question| question.whose == whose);
        let in_round = questions.filter(|question| place(*question) == Place::Resolver(wanted));
        in_round.map(|question| question.way.to_string()).collect()
    }

    #[test]
    fn lookups_of_any_family_and_of_one_do_not_meet() {
        assert_eq!(in_round(Whose::Peer, 0), ["any", "ipv4-after-any"]);
        assert_eq!(in_round(Whose::Peer, 1), ["ipv4", "any-after-ipv4"]);
        let rest = ["ipv6", "stub-ipv4", "stub-ipv6", "api-any", "api-ipv4", "api-ipv6"];
        assert_eq!(in_round(Whose::Peer, 2), rest);
        let rest = ["ipv4", "ipv6", "stub-ipv4", "stub-ipv6", "api-any", "api-ipv4", "api-ipv6"];
        for whose in [Whose::PeerLocal, Whose::Host] {
            assert_eq!(in_round(whose, 0), ["any"]);
            assert_eq!(in_round(whose, 1), rest);
            assert!(in_round(whose, 2).is_empty());
        }
        assert_eq!(in_round(Whose::Machine, 0), ["any", "mymachines-any"]);
        assert_eq!(
            in_round(Whose::Machine, 1),
            [&rest[..], &["mymachines-ipv4", "mymachines-ipv6"]].concat()
        );
    }

    #[test]
    fn what_asks_no_link_waits_for_nothing() {
        for question in NameQuestion::all() {
            let is_wire = matches!(place(question), Place::Wire(_));
            let is_apart = !is_wire && !question.whose.is_multicast();
            assert_eq!(place(question) == Place::Apart, is_apart, "{question}");
        }
    }
}
