//! Asking the questions of machines that stand.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::{join_all, try_join_all};
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nspawn_matrix_reports::{
    Autostart, BindFile, BindWrite, Family, FileKind, Mount, Names, Observation, Ping, Subnet, Written,
};
use nspawn_matrix_scenarios::{
    Check, Condition, HOST_NAME, OUTSIDE_NAME, Scenario, Subject, launch, pacman_cache,
};
use serde::de::DeserializeOwned;

use super::launch::{Launched, launch as start};
use super::machined::Machined;
use super::{Job, Notice, Question, event};
use crate::chain::chain;
use crate::command::Command;
use crate::probe::{self, Established, NamedFile, Settled, WriteOutcome};
use crate::rpc::{self, Client};
use crate::{enter, host};

/// How long a machine may take to be registered.
const REGISTRATION: Duration = Duration::from_secs(30);

/// How long a machine may take to get its lease and to boot. A DHCP server that is slow to come up costs a few
/// retransmissions (RFC 2131: 4, 8, 16 s).
const SETTLING: Duration = Duration::from_secs(30);

/// How long a name may take to be established, once the addresses are there. Whether it ever is, is asked later.
const NAMING: Duration = Duration::from_secs(6);

/// A machine that stands, and the probe in it.
struct Machine {
    leader: i32,
    probe: Client,
    settled: Settled,
}

impl Machine {
    /// All its addresses; none if it has no link of its own.
    fn addresses(&self) -> Vec<IpAddr> {
        let bare = |text: &String| text.split('/').next()?.parse().ok();
        self.settled.lease.addresses.iter().filter_map(bare).collect()
    }
}

/// The machines of a scenario, and a probe on the host beside them.
pub(super) struct Standing {
    machines: BTreeMap<String, Machine>,
    host: Client,
    _launched: Launched,
}

impl Standing {
    /// Starts the machines and waits until each is ready to be asked.
    pub(super) async fn up(scenario: &Scenario) -> anyhow::Result<Self> {
        let mut machined = Machined::subscribe().await?;
        let mut launched = start(scenario).await?;
        let mut leaders = Vec::new();
        for name in &scenario.machines {
            let leader = tokio::select! {
                leader = machined.leader(name, REGISTRATION) => leader?,
                error = launched.ended(name) => return Err(error),
            };
            leaders.push((name.clone(), leader));
            event(Some(name), "registered");
        }
        let machines = try_join_all(leaders.into_iter().map(|(name, leader)| settle(name, leader))).await?;
        let host = probe_in(std::process::id().try_into()?, None)?;
        let standing = Self { machines: machines.into_iter().collect(), host, _launched: launched };
        standing.names_established().await?;
        Ok(standing)
    }

    /// Waits until the machines know the host's name and the host theirs, as far as they will. Whoever has no link of
    /// its own has no name on it.
    async fn names_established(&self) -> anyhow::Result<()> {
        let linked = self.machines.iter().filter(|(_, machine)| machine.settled.lease.link.is_some());
        try_join_all(linked.map(|(name, machine)| async move {
            let (host, other) =
                tokio::try_join!(await_name(&machine.probe, HOST_NAME), await_name(&self.host, name))?;
            if [host, other].iter().all(|established| established.ipv4 && established.ipv6) {
                event(Some(name), "named");
            }
            anyhow::Ok(())
        }))
        .await?;
        Ok(())
    }

    /// The leaders of the machines, by name.
    pub(super) fn leaders(&self) -> impl Iterator<Item = (&str, i32)> {
        self.machines.iter().map(|(name, machine)| (name.as_str(), machine.leader))
    }

    /// Asks everything, and tells each answer as it comes.
    pub(super) async fn ask(&self, job: &Job) -> anyhow::Result<()> {
        for condition in self.conditions()? {
            rpc::notify(&Notice::Condition(condition));
        }
        for wave in waves(&job.questions) {
            join_all(wave.into_iter().map(|question| self.tell(question, job.samples))).await;
        }
        Ok(())
    }

    /// What holds on this host that changes what is to be expected.
    fn conditions(&self) -> anyhow::Result<Vec<Condition>> {
        let own = host_addresses()?;
        let has = |lease: Subnet| own.iter().any(|(_, address)| is_in(lease, *address));
        let elsewhere = |lease: Subnet| {
            own.iter().any(|(link, address)| {
                let is_routable = matches!(address, IpAddr::V4(v4) if !v4.is_link_local());
                link.starts_with("vz-") && is_routable && !is_in(lease, *address)
            })
        };
        let leases = self.leases();
        let stray = !leases.is_empty() && leases.into_iter().all(|lease| !has(lease) && elsewhere(lease));
        Ok(if stray { vec![Condition::StrayLease] } else { Vec::new() })
    }

    async fn tell(&self, question: &Question, samples: u32) {
        tell(question, self.answer(question, samples)).await;
    }

    async fn answer(&self, question: &Question, samples: u32) -> anyhow::Result<Observation> {
        let (asked, about) = match &question.subject {
            Subject::Machine { machine } => (self.machine(machine)?, machine.as_str()),
            Subject::Pair { machine, peer } => (self.machine(machine)?, peer.as_str()),
            Subject::Host { machine } => (self.machine(machine)?, machine.as_str()),
        };
        let subject = self.machine(about)?;
        match question.check {
            Check::AddressLease => Ok(Observation::Lease(asked.settled.lease.clone())),
            Check::PingGatewayIpv4 => ping(&asked.probe, asked.settled.gateway.map(IpAddr::V4)).await,
            Check::PingPeerIpv4 => ping(&asked.probe, subject.settled.ipv4.map(IpAddr::V4)).await,
            Check::PingPeerIpv6LinkLocal => {
                ping(&asked.probe, subject.settled.ipv6_link_local.map(IpAddr::V6)).await
            }
            Check::PingMachineFromHostIpv4 => ping(&self.host, subject.settled.ipv4.map(IpAddr::V4)).await,
            Check::PingOutsideIpv4 => ping(&asked.probe, Some(IpAddr::V4(host::OUTSIDE_V4))).await,
            Check::ResolvePeer(family) => {
                self.names(&asked.probe, about, family, subject.addresses(), samples).await
            }
            Check::ResolveHost => {
                let own = host_addresses()?.into_iter().map(|(_, address)| address).collect();
                self.names(&asked.probe, HOST_NAME, Family::Any, own, samples).await
            }
            Check::ResolveMachineFromHost => {
                self.names(&self.host, about, Family::Any, subject.addresses(), samples).await
            }
            Check::ResolveOutside => {
                let outside = vec![host::OUTSIDE_V4.into(), host::OUTSIDE_V6.into()];
                self.names(&asked.probe, OUTSIDE_NAME, Family::Any, outside, samples).await
            }
            Check::BindOwner | Check::BindMode => self.bind_files(&asked.probe).await,
            Check::BindOptions => bind_options(&asked.probe).await,
            Check::BindWrite => self.bind_write(&asked.probe, about).await,
            Check::AutostartAfterReboot => anyhow::bail!("this is asked after a reboot"),
        }
    }

    fn machine(&self, name: &str) -> anyhow::Result<&Machine> {
        self.machines.get(name).with_context(|| format!("machine `{name}` does not stand"))
    }

    /// The subnets that the machines have leases in.
    fn leases(&self) -> Vec<Subnet> {
        self.machines.values().filter_map(|machine| machine.settled.lease.address).collect()
    }

    async fn names(
        &self,
        probe: &Client,
        name: &str,
        family: Family,
        owned: Vec<IpAddr>,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let request =
            probe::Request::Names { name: name.to_owned(), family, samples, leases: self.leases(), owned };
        call::<Names>(probe, request).await.map(Observation::Names)
    }

    async fn bind_files(&self, machine: &Client) -> anyhow::Result<Observation> {
        let list = || probe::Request::Files { path: pacman_cache::PATH.to_owned() };
        let outside: Vec<NamedFile> = call(&self.host, list()).await?;
        let mut inside: BTreeMap<String, FileKind> = call::<Vec<NamedFile>>(machine, list())
            .await?
            .into_iter()
            .map(|named| (named.name, named.file))
            .collect();
        let made_by_us = |name: &str| name.starts_with(pacman_cache::WRITTEN);
        let files = outside
            .into_iter()
            .filter(|named| !made_by_us(&named.name))
            .map(|NamedFile { name, file }| BindFile {
                inside: inside.remove(&name),
                outside: Some(file),
                name,
            })
            .collect::<Vec<_>>();
        let only_inside = inside
            .into_iter()
            .filter(|(name, _)| !made_by_us(name))
            .map(|(name, file)| BindFile { name, outside: None, inside: Some(file) });
        Ok(Observation::BindFiles { files: files.into_iter().chain(only_inside).collect() })
    }

    async fn bind_write(&self, probe: &Client, machine: &str) -> anyhow::Result<Observation> {
        let path = format!("{}/{}", pacman_cache::PATH, pacman_cache::written_by(machine));
        let outcome: WriteOutcome = call(probe, probe::Request::Write { path: path.clone() }).await?;
        Ok(Observation::BindWrite(match outcome {
            WriteOutcome::Made(inside) => {
                let outside =
                    Path::new(&path).try_exists()?.then(|| probe::look(Path::new(&path))).transpose()?;
                BindWrite::Written(Written { inside, outside })
            }
            WriteOutcome::Refused(errno) => BindWrite::Refused { errno },
        }))
    }
}

async fn await_name(probe: &Client, name: &str) -> anyhow::Result<Established> {
    let patience_ms = u64::try_from(NAMING.as_millis())?;
    call(probe, probe::Request::AwaitName { name: name.to_owned(), patience_ms }).await
}

/// The addresses of the host, each with its link.
fn host_addresses() -> anyhow::Result<Vec<(String, IpAddr)>> {
    let address = |entry: InterfaceAddress| {
        let address = entry.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = || address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        Some((entry.interface_name, v4.or_else(v6)?))
    };
    Ok(getifaddrs().context("list the addresses of the host")?.filter_map(address).collect())
}

fn is_in(subnet: Subnet, address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if subnet.contains(v4))
}

async fn settle(name: String, leader: i32) -> anyhow::Result<(String, Machine)> {
    let own_link =
        !enter::same_namespace("net", leader).context("look at the machine's network namespace")?;
    let probe = probe_in(leader, Some(name.clone()))?;
    let patience_ms = u64::try_from(SETTLING.as_millis())?;
    let settled = call(&probe, probe::Request::Settle { own_link, patience_ms })
        .await
        .with_context(|| format!("wait for machine `{name}`"))?;
    Ok((name, Machine { leader, probe, settled }))
}

/// Starts a probe in the namespaces of `leader`; what it tells is told on as an event of `machine`.
fn probe_in(leader: i32, machine: Option<String>) -> anyhow::Result<Client> {
    let child = Command::new(enter::SELF, ["internal", "probe", &leader.to_string()]).spawn_piped()?;
    Ok(Client::new("probe", child, move |notice: probe::Notice| event(machine.as_deref(), &notice.event)))
}

async fn call<A: DeserializeOwned>(probe: &Client, request: probe::Request) -> anyhow::Result<A> {
    Ok(probe.call(&request).await?)
}

async fn ping(probe: &Client, address: Option<IpAddr>) -> anyhow::Result<Observation> {
    let Some(address) = address else {
        let nothing = Ping { target: None, sent: 0, received: 0, rtt_us: None, ttl: None, error: None };
        return Ok(Observation::Ping(nothing));
    };
    call::<Ping>(probe, probe::Request::Ping { address }).await.map(Observation::Ping)
}

async fn bind_options(probe: &Client) -> anyhow::Result<Observation> {
    let request = probe::Request::Mount { path: pacman_cache::PATH.to_owned() };
    let mount: Option<Mount> = call(probe, request).await?;
    mount.map(Observation::Mount).with_context(|| format!("nothing is mounted at `{}`", pacman_cache::PATH))
}

/// Sorts questions into waves; those of one wave are asked at once.
///
/// A lookup of one family must not meet a lookup of any family: resolved answers equal questions that are open at
/// one time together, and the race that decides what `any` gives would be run with a head start for one side. IPv4
/// and IPv6 alone ask different scopes and do not meet. Writing comes after the files have been looked at.
fn waves(questions: &[Question]) -> Vec<Vec<&Question>> {
    let wave = |check: Check| match check {
        Check::AddressLease
        | Check::PingGatewayIpv4
        | Check::PingPeerIpv4
        | Check::PingPeerIpv6LinkLocal
        | Check::PingMachineFromHostIpv4
        | Check::PingOutsideIpv4
        | Check::BindOwner
        | Check::BindMode
        | Check::BindOptions
        | Check::AutostartAfterReboot => 0,
        Check::BindWrite
        | Check::ResolvePeer(Family::Any)
        | Check::ResolveHost
        | Check::ResolveMachineFromHost
        | Check::ResolveOutside => 1,
        Check::ResolvePeer(Family::Ipv4 | Family::Ipv6) => 2,
    };
    let of = |number: usize| questions.iter().filter(|question| wave(question.check) == number).collect();
    (0..3).map(of).collect()
}

async fn tell(question: &Question, answer: impl Future<Output = anyhow::Result<Observation>>) {
    let started = Instant::now();
    let outcome = answer.await.map_err(chain);
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    rpc::notify(&Notice::Case { question: question.clone(), outcome, duration_ms });
}

/// Asks what is asked after a reboot: the machines come up by themselves, or do not.
pub(super) async fn after_reboot(job: &Job) -> anyhow::Result<()> {
    let mut machined = Machined::subscribe().await?;
    for question in &job.questions {
        if let Subject::Machine { machine } = &question.subject {
            tell(question, autostart(&mut machined, machine)).await;
        }
    }
    Ok(())
}

async fn autostart(machined: &mut Machined, machine: &str) -> anyhow::Result<Observation> {
    let unit = launch::unit(machine);
    let enabled = systemctl("is-enabled", &unit).await?;
    // Whoever is not enabled will not come, however long one waits.
    let registered = enabled == "enabled" && machined.comes(machine, REGISTRATION).await?;
    let active = systemctl("is-active", &unit).await?;
    Ok(Observation::Autostart(Autostart { enabled, active, registered }))
}

/// `systemctl is-enabled` and `is-active` tell by their output; their exit status says the same again.
async fn systemctl(question: &str, unit: &str) -> anyhow::Result<String> {
    Ok(Command::new("systemctl", [question, unit]).end().await?.stdout.trim().to_owned())
}
