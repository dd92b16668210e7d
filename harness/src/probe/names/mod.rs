//! Names as a program in the machine sees them: many lookups of one name, on each of the paths that there are.
//!
//! Before each lookup that they may answer, the caches of systemd-resolved are flushed ([`cache`]). A lookup that is
//! slow (LLMNR gives up on a name after about 4 s) does not hold up the next one for ever: see [`patience`].

mod api;
mod cache;
mod distribution;
pub(super) mod established;
mod getaddrinfo;
mod getent;
mod multicast;
mod nss;
mod patience;
mod stub;
mod turn;
mod varlink;
mod wire;

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use nspawn_matrix_reports::{Family, LookupPath, Names};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use distribution::Known;
pub use nss::{Nss, NssSeries};
pub(crate) use wire::ask as ask_on_the_wire;

use api::Api;
use cache::Resolved;
use distribution::distribution;
use patience::Patience;
use stub::Stub;
use turn::{Hold, Turn};

use super::milestone::reach;

/// What is looked up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lookup {
    /// The name.
    pub name: String,
    /// The family asked for.
    pub family: Family,
    /// The way that it takes.
    pub path: LookupPath,
    /// The family that is asked for right after it, with the cache as it then is.
    pub then: Option<Family>,
    /// How long the answer is waited for.
    pub patience: Duration,
    /// Whether systemd-resolved's caches are flushed before it.
    pub flushed: bool,
    /// Whether scopes of systemd-resolved race for the answer, so that the question to one may stay open.
    pub raced: bool,
}

/// What one lookup gave.
#[derive(Debug, Default)]
pub struct Answer {
    /// The addresses, in the order in which a program would try them; none if the name is not known.
    pub addresses: Vec<String>,
    /// How long it took.
    pub took: Duration,
    /// What it came from, if the path tells.
    winner: Option<String>,
    /// Why there is no address, if the path tells.
    failure: Option<String>,
    /// Whether that is because nobody said anything about the name.
    unanswered: bool,
    /// Whether the name was looked up again for it, and what was found at first left out.
    repeated: bool,
    /// What systemd-resolved's cache held of the name when the lookup was made.
    cached: BTreeSet<String>,
}

/// Who is asked in the system that this process is in.
#[derive(Default)]
pub(crate) struct Asked {
    nss: Rc<Nss>,
    resolved: Rc<Resolved>,
}

/// Looks a name up `samples` times; `known` says whose addresses are right. Gives one distribution, or one more for what
/// is asked right after.
pub(crate) async fn sample(
    lookup: &Lookup,
    samples: u32,
    known: &Known,
    asked: &Asked,
) -> anyhow::Result<Vec<Names>> {
    let mut series = match lookup.path {
        LookupPath::NssMymachines => local(lookup, "mymachines", samples, asked).await?,
        LookupPath::NssMyhostname => local(lookup, "myhostname", samples, asked).await?,
        LookupPath::Nss | LookupPath::Stub | LookupPath::Api => by_resolver(lookup, samples, asked).await?,
    };
    let families = [Some(lookup.family), lookup.then].into_iter().flatten();
    let of_family = |(at, family)| {
        let answers: Vec<&Answer> = series.answers.iter().filter_map(|answers| answers.get(at)).collect();
        Names {
            not_flushed: series.not_flushed.clone(),
            ..distribution(lookup, family, series.overlapped, &answers, known)
        }
    };
    let names = families.enumerate().map(of_family).collect();
    series.answers.clear();
    Ok(names)
}

/// Samples, each of one answer or two.
struct Series {
    answers: Vec<Vec<Answer>>,
    overlapped: u32,
    not_flushed: Option<String>,
}

impl Series {
    /// Takes in a sample that was slow. If it has found something it was only late, and the next may be waited for.
    async fn keep_late(
        &mut self,
        sample: JoinHandle<anyhow::Result<Vec<Answer>>>,
        patience: &mut Patience,
    ) -> anyhow::Result<()> {
        let answers = patience::ended(sample.await)?;
        if is_found(&answers) {
            patience.restore(true);
        }
        self.answers.push(answers);
        Ok(())
    }
}

impl Answer {
    fn is_found(&self) -> bool {
        !self.addresses.is_empty()
    }
}

/// Whether every lookup gave an address.
fn is_found(answers: &[Answer]) -> bool {
    answers.iter().all(Answer::is_found)
}

/// A module that asks nobody and remembers nothing: there is nothing to flush, and nothing that lasts.
async fn local(lookup: &Lookup, module: &'static str, samples: u32, asked: &Asked) -> anyhow::Result<Series> {
    let module = NssSeries::new(&asked.nss, Some(module));
    let mut answers = Vec::new();
    for _ in 0..samples {
        answers.push(vec![module.look_up(&lookup.name, lookup.family).await?]);
    }
    Ok(Series { answers, overlapped: 0, not_flushed: None })
}

async fn by_resolver(lookup: &Lookup, samples: u32, asked: &Asked) -> anyhow::Result<Series> {
    let resolved = &asked.resolved;
    let mut patience = Patience::for_lookups_of(lookup.patience, lookup.then.is_some());
    let mut series = Series { answers: Vec::new(), overlapped: 0, not_flushed: None };
    let mut slow: VecDeque<JoinHandle<anyhow::Result<Vec<Answer>>>> = VecDeque::new();
    let asker = Asker::new(lookup.clone(), asked).await?;
    for _ in 0..samples {
        while let Some(at) = slow.iter().position(JoinHandle::is_finished)
            && let Some(ended) = slow.remove(at)
        {
            series.keep_late(ended, &mut patience).await?;
        }
        // Before the flush: what waits for its turn is not to find what others have put into the cache meanwhile.
        let admitted = resolved.admit().await?;
        let turn = match lookup.path {
            LookupPath::Api => None,
            _ if !lookup.flushed => None,
            LookupPath::Nss | LookupPath::Stub | LookupPath::NssMymachines | LookupPath::NssMyhostname => {
                let flushed = resolved.flush().await;
                series.not_flushed = series.not_flushed.or(flushed.error);
                // Where two lookups share a cache, nobody may flush it between them.
                let until = Instant::now() + patience.if_not_found();
                lookup.then.map(|then| Turn { then, caches: Hold::new(flushed.unchanged, until) })
            }
        };
        let mut sample = tokio::task::spawn_local(Rc::clone(&asker).sample(admitted, turn));
        match patience.wait_for(&mut sample).await {
            Some(answers) => {
                let answers = answers?;
                patience.restore(is_found(&answers));
                series.answers.push(answers);
            }
            None => {
                series.overlapped += 1;
                slow.push_back(sample);
            }
        }
    }
    for sample in slow {
        series.keep_late(sample, &mut patience).await?;
    }
    Ok(series)
}

/// What asks on one of the paths that lead through systemd-resolved.
struct Asker {
    lookup: Lookup,
    resolved: Rc<Resolved>,
    client: Client,
}

/// What a path is asked by.
enum Client {
    Nss(NssSeries),
    Stub(Box<Stub>),
    Api(Api),
}

impl Asker {
    async fn new(lookup: Lookup, asked: &Asked) -> anyhow::Result<Rc<Self>> {
        let resolved = Rc::clone(&asked.resolved);
        let client = match lookup.path {
            LookupPath::Nss | LookupPath::NssMymachines | LookupPath::NssMyhostname => {
                Client::Nss(NssSeries::new(&asked.nss, None))
            }
            LookupPath::Stub => Client::Stub(Box::new(Stub::new(lookup.patience)?)),
            LookupPath::Api => Client::Api(Api::of(&resolved).await),
        };
        Ok(Rc::new(Self { lookup, resolved, client }))
    }

    /// One lookup, or two in turn; others are admitted when it has ended.
    async fn sample(
        self: Rc<Self>,
        _admitted: OwnedSemaphorePermit,
        turn: Option<Turn>,
    ) -> anyhow::Result<Vec<Answer>> {
        let answers = match turn {
            None => vec![self.ask_first().await?],
            Some(turn) => self.ask_in_turn(turn).await?,
        };
        self.settle(&answers).await;
        Ok(answers)
    }

    async fn ask_first(&self) -> anyhow::Result<Answer> {
        let answer = self.ask(self.lookup.family).await?;
        if let Some(address) = answer.addresses.first() {
            reach("first-name", Some(format!("{} is {address}", self.lookup.name)));
        }
        Ok(answer)
    }

    /// Two lookups. If the first has found the name too late for the hold that it had on the caches, it is made again.
    async fn ask_in_turn(&self, Turn { then, mut caches }: Turn) -> anyhow::Result<Vec<Answer>> {
        let mut first = caches.during(self.ask_first()).await?;
        if first.is_found() && !caches.lasts() {
            caches.renew(self.resolved.flush().await.unchanged);
            first = Answer { repeated: true, ..self.ask_first().await? };
        }
        let cached = self.resolved.cached(&self.lookup.name).await;
        let second = self.ask(then);
        let second = if first.is_found() { second.await? } else { caches.during(second).await? };
        Ok(vec![first, Answer { cached, ..second }])
    }

    /// A lookup of any family ends with the first scope that answers, but the question to the other scope stays open, and
    /// its answer would come after the caches have been flushed for the next sample.
    async fn settle(&self, answers: &[Answer]) {
        if self.lookup.raced && is_found(answers) {
            self.resolved.settle(&self.lookup.name, self.lookup.path).await;
        }
    }

    /// Asks once. What has not been answered in time counts as unknown, and the answer says why.
    async fn ask(&self, family: Family) -> anyhow::Result<Answer> {
        let name = &self.lookup.name;
        let answer = async {
            match &self.client {
                Client::Nss(nss) => nss.look_up(name, family).await,
                Client::Stub(stub) => Ok(stub.look_up(name, family).await),
                Client::Api(api) => Ok(api.look_up(name, family).await),
            }
        };
        let patience = self.lookup.patience;
        tokio::time::timeout(patience, answer).await.unwrap_or_else(|_elapsed| {
            let failure = Some(format!("no answer within {} s", patience.as_secs()));
            Ok(Answer { took: patience, failure, unanswered: true, ..Answer::default() })
        })
    }
}
