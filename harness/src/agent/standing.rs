//! The machines of a scenario as they stand on the host, each with a probe in it.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::{join_all, try_join_all};
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nspawn_matrix_reports::Subnet;
use nspawn_matrix_scenarios::name::is_domain;
use nspawn_matrix_scenarios::nspawn_file::Bind;
use nspawn_matrix_scenarios::port::Forward;
use nspawn_matrix_scenarios::{Attachment, BindMount, Launch, Scenario};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::ask::names::Sequences;
use super::before::Before;
use super::footing::Footing;
use super::found::Running;
use super::launch::Ended;
use super::nft::Ruleset;
use super::started::Started;
use super::{event, event_with, host_name, links};
use crate::chain::chain;
use crate::command::Command;
use crate::host::Cgroup;
use crate::probe::multicast::{self, Multicast};
use crate::probe::{self, Established, Network, OwnLink, Settled, Surroundings};
use crate::rpc::Client;
use crate::{enter, systemd};

/// How long a machine may take to get its lease and to boot. A DHCP server that is slow to come up costs a few
/// retransmissions (RFC 2131: 4, 8, 16 s).
const SETTLING: Duration = Duration::from_secs(30);

/// How long a name may take to be established, once the addresses are there. Whether it ever is, is asked later.
const NAMING: Duration = Duration::from_secs(6);

/// How long a router may take to announce itself: a machine asks for it up to three times, four seconds apart
/// (RFC 4861, 6.3.7).
const ROUTER: Duration = Duration::from_secs(8);

/// A machine that stands, and the probe in it.
pub(super) struct Machine {
    /// Its first process; another one after it was rebooted.
    pub(super) leader: Cell<i32>,
    pub(super) probe: Client,
    pub(super) settled: Settled,
    surroundings: OnceCell<Surroundings>,
    router: OnceCell<bool>,
    host_link: OnceCell<Option<String>>,
    /// Set when its port is served.
    pub(super) serving: OnceCell<()>,
}

impl Machine {
    fn new(leader: i32, probe: Client, settled: Settled) -> Self {
        Self {
            leader: Cell::new(leader),
            probe,
            settled,
            surroundings: OnceCell::new(),
            router: OnceCell::new(),
            host_link: OnceCell::new(),
            serving: OnceCell::new(),
        }
    }

    /// All its addresses; none if it has no link of its own.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let bare = |text: &String| text.split('/').next()?.parse().ok();
        self.settled.lease.addresses.iter().filter_map(bare).collect()
    }

    /// What LLMNR and multicast DNS are set to on its link, or on the one that leads out; none if resolved does not run.
    pub(super) async fn multicast(&self) -> anyhow::Result<Option<Multicast>> {
        let link = self.settled.lease.link.clone();
        call(&self.probe, probe::Request::Multicast { link }).await
    }

    /// Waits until an IPv6 router has announced itself on the link; tells whether one has. The announcement may come
    /// after the lease, and changes what `_gateway` is and how the outside is not reached.
    pub(super) async fn router_announced(&self) -> anyhow::Result<bool> {
        let patience_ms = u64::try_from(ROUTER.as_millis())?;
        let ask = || call(&self.probe, probe::Request::AwaitRouter { patience_ms });
        self.router.get_or_try_init(ask).await.copied()
    }

    /// The host's link to it: the bridge, if its end is a port of one; none if it has none. Looked for once.
    pub(super) async fn host_link(&self) -> anyhow::Result<Option<&str>> {
        let link = self.host_link.get_or_try_init(|| links::configured(self.leader.get())).await?;
        Ok(link.as_deref())
    }

    /// What it says of itself; asked for once.
    pub(super) async fn surroundings(&self) -> anyhow::Result<&Surroundings> {
        self.surroundings.get_or_try_init(|| call(&self.probe, probe::Request::Surroundings)).await
    }
}

/// The machines of a scenario, and a probe on the host beside them.
pub(super) struct Standing {
    pub(super) machines: BTreeMap<String, Machine>,
    pub(super) host: Client,
    /// The bind mount that is asked about.
    pub(super) bind: Option<BindMount>,
    /// Lookups that answer two questions at once.
    pub(super) sequences: Sequences,
    /// Whose machines they are.
    pub(super) footing: Footing,
    /// What was so on the host before anything was done to it.
    pub(super) before: Before,
    /// The machines that did not start, where that is an answer.
    pub(super) refused: BTreeMap<String, Ended>,
    /// Why machines cannot be asked that were there a moment ago, by machine.
    pub(super) lost: BTreeMap<String, String>,
    /// The ports of the host that lead to machines, by machine.
    pub(super) ports: BTreeMap<String, Forward>,
    /// How the machines were started.
    pub(super) launch: Launch,
    /// The bind mounts that a command line or a trusted file asks for, by machine.
    pub(super) binds: BTreeMap<String, Vec<Bind>>,
    firewall: OnceCell<Ruleset>,
}

impl Standing {
    /// Waits until each of the machines that have been started is ready to be asked.
    pub(super) async fn up(started: &Started, scenario: &Scenario, before: Before) -> anyhow::Result<Self> {
        let patience = started.pace().patience(SETTLING);
        let settled = started
            .leaders()
            .iter()
            .map(|(name, leader)| settle(name.clone(), *leader, scenario.attachment, patience));
        let standing = Self {
            machines: try_join_all(settled).await?.into_iter().collect(),
            host: probe_in(std::process::id().try_into()?, None)?,
            bind: scenario.bind.clone(),
            sequences: Sequences::default(),
            footing: Footing::Ours { pace: started.pace() },
            before,
            refused: started.refused().clone(),
            lost: BTreeMap::new(),
            ports: forwards(scenario),
            launch: scenario.launch.clone(),
            binds: binds(scenario),
            firewall: OnceCell::new(),
        };
        if scenario.attachment.reaches_host() {
            standing.names_established().await?;
        }
        Ok(standing)
    }

    /// Takes machines that somebody runs as they are. One that has gone is none of them.
    pub(super) async fn attend(running: &Running) -> anyhow::Result<Self> {
        let seen = running.machines.iter().filter_map(|found| Some((found, found.seen.as_ref().ok()?)));
        let taken = seen.map(async |(found, seen)| {
            (found.name.clone(), take(seen.leader, seen.link.clone()).await.map_err(chain))
        });
        let (mut machines, mut lost) = (BTreeMap::new(), BTreeMap::new());
        for (name, taken) in join_all(taken).await {
            match taken {
                Ok(machine) => drop(machines.insert(name, machine)),
                Err(reason) => drop(lost.insert(name, reason)),
            }
        }
        Ok(Self {
            machines,
            host: probe_in(std::process::id().try_into()?, None)?,
            bind: None,
            sequences: Sequences::default(),
            footing: Footing::Somebodys { gateway: running.gateway.as_ref().ok().copied() },
            before: Before::as_it_is().await?,
            refused: BTreeMap::new(),
            lost,
            ports: BTreeMap::new(),
            launch: Launch::Unit,
            binds: BTreeMap::new(),
            firewall: OnceCell::new(),
        })
    }

    /// Starts all probes afresh: one that has ended, or hangs, answers nothing any more.
    pub(super) fn renew_probes(&mut self) -> anyhow::Result<()> {
        for (name, machine) in &mut self.machines {
            machine.probe = probe_in(machine.leader.get(), Some(name.clone()))?;
            // The probe that served is gone.
            machine.serving = OnceCell::new();
        }
        self.host = probe_in(std::process::id().try_into()?, None)?;
        Ok(())
    }

    /// Waits until the machines know the host's name and the host theirs, as far as they will. Whoever has no link of
    /// its own has no name on it.
    async fn names_established(&self) -> anyhow::Result<()> {
        // The host has no address in the subnet of stray leases, so over IPv4 machines hear one another and not the host.
        let astray = self.has_stray_leases()?;
        let with_host = Established { ipv4: !astray, ..Established::BOTH };
        let with_peers = Established { ipv4: true, ipv6: false };
        let patience = self.footing.pace().patience(NAMING);
        let host = &host_name::own()?;
        let linked = || self.machines.iter().filter(|(_, machine)| machine.settled.lease.link.is_some());
        try_join_all(linked().map(|(name, machine)| async move {
            let peers = linked().filter(|(peer, _)| astray && *peer != name);
            let heard = tokio::try_join!(
                await_name(&machine.probe, host, with_host, patience),
                await_name(&self.host, name, with_host, patience),
                try_join_all(peers.map(|(_, peer)| await_name(&peer.probe, name, with_peers, patience)))
            )?;
            if heard.0 && heard.1 && heard.2.into_iter().all(|heard| heard) {
                event(Some(name), "named");
            }
            anyhow::Ok(())
        }))
        .await?;
        Ok(())
    }

    /// Names and leaders of the machines.
    pub(super) fn leaders(&self) -> Vec<(String, i32)> {
        self.machines.iter().map(|(name, machine)| (name.clone(), machine.leader.get())).collect()
    }

    /// The rules of the host's firewall while the machines stand; read once.
    pub(super) async fn firewall(&self) -> anyhow::Result<&Ruleset> {
        self.firewall.get_or_try_init(Ruleset::read).await
    }

    /// The links of the host that lead to machines, bridges among them.
    pub(super) async fn links_of_machines(&self) -> anyhow::Result<BTreeSet<String>> {
        let each = self.machines.values().map(|machine| links::of_machine(machine.leader.get()));
        Ok(try_join_all(each).await?.concat().into_iter().collect())
    }

    /// The major version of the machines' systemd; they are all made from one image.
    pub(super) fn payload(&self) -> Option<u32> {
        self.machines.values().find_map(|machine| systemd::major(&machine.settled.systemd))
    }

    pub(super) fn machine(&self, name: &str) -> anyhow::Result<&Machine> {
        if let Some(reason) = self.lost.get(name) {
            anyhow::bail!("machine `{name}` cannot be entered: {reason}");
        }
        self.machines.get(name).with_context(|| format!("machine `{name}` does not stand"))
    }

    /// The subnets that the machines have leases in; where somebody may have given them addresses by hand, those too.
    pub(super) fn leases(&self) -> Vec<Subnet> {
        let leases = self.machines.values().filter_map(|machine| machine.settled.lease.address);
        if self.footing.waits() {
            return leases.collect();
        }
        let given = self.machines.values().flat_map(|machine| &machine.settled.lease.addresses);
        let given = given.filter_map(|address| address.parse::<Subnet>().ok());
        leases.chain(given.filter(|subnet| !subnet.address().is_link_local())).collect()
    }
}

/// Waits until `name` is answered to over all families `wanted`; tells whether it is. What DNS cannot carry never is.
async fn await_name(
    probe: &Client,
    name: &str,
    wanted: Established,
    patience: Duration,
) -> anyhow::Result<bool> {
    if !is_domain(name) {
        return Ok(false);
    }
    let patience_ms = u64::try_from(patience.as_millis())?;
    let request = probe::Request::AwaitName { name: name.to_owned(), wanted, patience_ms };
    Ok(call::<Established>(probe, request).await? == wanted)
}

/// LLMNR and multicast DNS on the host's link to a machine; none if it has none, or resolved does not run.
pub(super) async fn multicast_on_host(machine: &Machine) -> anyhow::Result<Option<Multicast>> {
    match machine.host_link().await? {
        Some(link) => multicast::on(Some(link.to_owned())).await,
        None => Ok(None),
    }
}

/// The addresses of the host, each with its link.
pub(super) fn host_addresses() -> anyhow::Result<Vec<(String, IpAddr)>> {
    let address = |entry: InterfaceAddress| {
        let address = entry.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let v6 = || address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
        Some((entry.interface_name, v4.or_else(v6)?))
    };
    Ok(getifaddrs().context("list the addresses of the host")?.filter_map(address).collect())
}

pub(super) fn is_in(subnet: Subnet, address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if subnet.contains(v4))
}

async fn settle(
    name: String,
    leader: i32,
    attachment: Attachment,
    patience: Duration,
) -> anyhow::Result<(String, Machine)> {
    let is_shared =
        enter::same_namespace("net", leader).context("look at the machine's network namespace")?;
    // A scenario may be mistaken about what its machines have; the namespace is not.
    let linked =
        |link: &str| Network::Linked(OwnLink { name: link.to_owned(), is_served: attachment.reaches_host() });
    let network = match attachment.link().or(Attachment::Host.link()) {
        _ if is_shared => Network::Shared,
        Some(link) if attachment != Attachment::Nowhere => linked(link),
        Some(_) | None => Network::Bare,
    };
    let probe = probe_in(leader, Some(name.clone()))?;
    let patience_ms = u64::try_from(patience.as_millis())?;
    let settled = call(&probe, probe::Request::Settle { network, patience_ms })
        .await
        .with_context(|| format!("wait for machine `{name}`"))?;
    Ok((name, Machine::new(leader, probe, settled)))
}

/// Takes a machine as it is; what it has on the way to the host is `link`.
async fn take(leader: i32, link: Option<String>) -> anyhow::Result<Machine> {
    let probe = probe_in(leader, None)?;
    let settled = call(&probe, probe::Request::AsItIs { link }).await?;
    Ok(Machine::new(leader, probe, settled))
}

fn forwards(scenario: &Scenario) -> BTreeMap<String, Forward> {
    let forward = |machine: &String| Some((machine.clone(), scenario.port(machine)?));
    scenario.machines.iter().filter_map(forward).collect()
}

fn binds(scenario: &Scenario) -> BTreeMap<String, Vec<Bind>> {
    let binds = |machine: &String| (machine.clone(), scenario.binds(machine));
    scenario.machines.iter().map(binds).collect()
}

/// Starts a probe in the namespaces of `leader`; what it tells is told on as an event of `machine`, if that is given.
pub(super) fn probe_in(leader: i32, machine: Option<String>) -> anyhow::Result<Client> {
    let child = Command::new(enter::SELF, ["internal", "probe", &leader.to_string()]).spawn_piped()?;
    Ok(Client::new("probe", child, move |notice: probe::Notice| {
        if machine.is_some() {
            event_with(machine.as_deref(), &notice.event, notice.detail);
        }
    }))
}

/// Starts a probe that is not only in the namespaces but also in the control group of `leader`, by which the kernel
/// decides which devices may be opened.
pub(super) fn probe_in_group(leader: i32) -> anyhow::Result<Client> {
    let mut entrance = Cgroup::of_process(leader)
        .and_then(|group| group.entrance())
        .with_context(|| format!("open the control group of process {leader}"))?;
    let command = Command::new(enter::SELF, ["internal", "probe", &leader.to_string()]);
    // SAFETY: writing to a file that is open already is one system call without allocation.
    let command = unsafe { command.pre_exec(move || entrance.write_all(b"0")) };
    Ok(Client::new("probe", command.spawn_piped()?, |_: probe::Notice| ()))
}

pub(super) async fn call<A: DeserializeOwned>(probe: &Client, request: probe::Request) -> anyhow::Result<A> {
    Ok(probe.call(&request).await?)
}
