//! Names as a program in the machine sees them: many lookups through the machine's own `getent`.
//!
//! Before each lookup the caches of systemd-resolved are flushed, over D-Bus and waited for. A lookup that is slow
//! (LLMNR gives up on a name after about 4 s) does not hold up the next one for ever: see [`Patience`].

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use nspawn_matrix_reports::{AddressSpace, Family, Names, SeenAddress, Subnet};
use tokio::task::JoinHandle;

use super::milestone::reach;
use crate::command::Command;

#[zbus::proxy(
    interface = "org.freedesktop.resolve1.Manager",
    default_service = "org.freedesktop.resolve1",
    default_path = "/org/freedesktop/resolve1"
)]
trait Resolved {
    /// Flushes all DNS, LLMNR and mDNS caches (org.freedesktop.resolve1(5)).
    fn flush_caches(&self) -> zbus::Result<()>;
}

/// What is known of addresses before any name is looked up.
pub(crate) struct Known {
    /// The subnets that count as leases.
    pub(crate) leases: Vec<Subnet>,
    /// The addresses of whoever bears the name.
    pub(crate) owned: Vec<IpAddr>,
}

impl Known {
    /// An address of somebody else is none of the spaces that a name may resolve to, whatever it looks like.
    fn space(&self, address: &str) -> AddressSpace {
        let bare = address.split('%').next().unwrap_or(address);
        match bare.parse::<IpAddr>() {
            Ok(address) if self.owned.contains(&address) => AddressSpace::of(address, &self.leases),
            Ok(_) | Err(_) => AddressSpace::Other,
        }
    }
}

/// Says how long a lookup may hold up the next one.
///
/// An answer restores the whole patience, running out of it halves it. So quick lookups follow one another, each
/// alone; slow ones, which end by a time-out of the resolver, overlap more and more, and 32 of them take little
/// longer than one.
struct Patience(Duration);

impl Patience {
    /// Longer than an LLMNR answer takes (230 ms, most of which is resolved's own timer), shorter than a failure.
    const FULL: Duration = Duration::from_millis(600);

    async fn wait_for(
        &mut self,
        lookup: &mut JoinHandle<anyhow::Result<Answer>>,
    ) -> Option<anyhow::Result<Answer>> {
        match tokio::time::timeout(self.0, lookup).await {
            Ok(answer) => {
                self.0 = Self::FULL;
                Some(answer.context("lookup ended").and_then(|answer| answer))
            }
            Err(_) => {
                self.0 /= 2;
                None
            }
        }
    }
}

/// The addresses of one lookup, in the order in which a program would try them, and how long it took.
struct Answer {
    addresses: Vec<String>,
    took: Duration,
}

/// Looks `name` up `samples` times in `family`; `known` says whose addresses are right.
pub(crate) async fn sample(name: &str, family: Family, samples: u32, known: &Known) -> anyhow::Result<Names> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let resolved = ResolvedProxy::new(&bus).await.context("find systemd-resolved on the bus")?;
    let mut patience = Patience(Patience::FULL);
    let mut answers = Vec::new();
    let mut slow = Vec::new();
    for _ in 0..samples {
        resolved.flush_caches().await.context("flush the caches of systemd-resolved")?;
        let mut lookup = tokio::task::spawn_local(look_up(name.to_owned(), family));
        match patience.wait_for(&mut lookup).await {
            Some(answer) => {
                let answer = answer?;
                if let Some(address) = answer.addresses.first() {
                    reach("first-name", Some(format!("{name} is {address}")));
                }
                answers.push(answer);
            }
            None => slow.push(lookup),
        }
    }
    // The last slow lookup held up nothing.
    let overlapped = u32::try_from(slow.len()).unwrap_or(u32::MAX);
    for lookup in slow {
        answers.push(lookup.await.context("lookup ended")??);
    }
    Ok(distribution(name, family, overlapped, &answers, known))
}

async fn look_up(name: String, family: Family) -> anyhow::Result<Answer> {
    let database = match family {
        Family::Any => "ahosts",
        Family::Ipv4 => "ahostsv4",
        Family::Ipv6 => "ahostsv6",
    };
    let started = Instant::now();
    let ended = Command::new("getent", [database, &name]).end().await?;
    let took = started.elapsed();
    // getent(1): 2 is "one or more supplied keys could not be found in the database".
    match ended.status.code() {
        Some(0) => Ok(Answer { addresses: parse(&ended.stdout), took }),
        Some(2) => Ok(Answer { addresses: Vec::new(), took }),
        Some(_) | None => {
            anyhow::bail!("`getent {database} {name}`: {}: {}", ended.status, ended.stderr.trim())
        }
    }
}

/// Reads what `getent ahosts` writes: a line per address and socket type; one type is enough.
fn parse(output: &str) -> Vec<String> {
    let mut addresses = Vec::new();
    for line in output.lines() {
        let mut fields = line.split_whitespace();
        if let (Some(address), Some("STREAM")) = (fields.next(), fields.next()) {
            addresses.push(address.to_owned());
        }
    }
    addresses
}

fn distribution(name: &str, family: Family, overlapped: u32, answers: &[Answer], known: &Known) -> Names {
    let mut spaces = BTreeMap::new();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for answer in answers {
        let first = answer.addresses.first().map_or(AddressSpace::None, |address| known.space(address));
        *spaces.entry(first).or_default() += 1;
        for address in &answer.addresses {
            *counts.entry(address).or_default() += 1;
        }
    }
    let mut times: Vec<u128> = answers.iter().map(|answer| answer.took.as_micros()).collect();
    times.sort_unstable();
    let addresses = counts
        .into_iter()
        .map(|(address, count)| SeenAddress {
            address: address.to_owned(),
            space: known.space(address),
            count,
        })
        .collect();
    Names {
        name: name.to_owned(),
        family,
        samples: u32::try_from(answers.len()).unwrap_or(u32::MAX),
        overlapped,
        spaces,
        addresses,
        median_us: times.get(times.len() / 2).and_then(|&time| u64::try_from(time).ok()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_the_order_of_its_addresses() {
        let output = "fe80::1%2       STREAM beta\nfe80::1%2       DGRAM  \nfe80::1%2       RAW    \n\
                      10.0.55.38      STREAM \n10.0.55.38      DGRAM  \n10.0.55.38      RAW    \n";
        assert_eq!(parse(output), ["fe80::1%2", "10.0.55.38"]);
    }

    #[test]
    fn a_distribution_counts_the_first_address_of_each_lookup() {
        let answer = |addresses: &[&str], ms| Answer {
            addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
            took: Duration::from_millis(ms),
        };
        let answers =
            [answer(&["fe80::1%2", "10.0.55.38"], 3), answer(&["10.0.55.38"], 1), answer(&[], 4000)];
        let known = Known {
            leases: vec!["10.0.55.1/24".parse().unwrap()],
            owned: vec!["fe80::1".parse().unwrap(), "10.0.55.38".parse().unwrap()],
        };
        assert_eq!(known.space("10.0.55.39"), AddressSpace::Other, "it is another machine's");
        let names = distribution("beta", Family::Any, 1, &answers, &known);
        let spaces: Vec<(AddressSpace, u32)> = names.spaces.into_iter().collect();
        assert_eq!(
            spaces,
            [(AddressSpace::Lease, 1), (AddressSpace::Ipv6LinkLocal, 1), (AddressSpace::None, 1)]
        );
        assert_eq!(names.addresses.iter().map(|seen| seen.count).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(names.median_us, 3000);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_halves_when_it_runs_out_and_an_answer_restores_it() {
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let mut patience = Patience(Patience::FULL);
                let mut slow = tokio::task::spawn_local(std::future::pending());
                assert!(patience.wait_for(&mut slow).await.is_none());
                assert_eq!(patience.0, Patience::FULL / 2);
                let mut quick = tokio::task::spawn_local(async {
                    Ok(Answer { addresses: Vec::new(), took: Duration::ZERO })
                });
                assert!(patience.wait_for(&mut quick).await.is_some());
                assert_eq!(patience.0, Patience::FULL);
            })
            .await;
    }
}
