//! The two ends of a machine's link.

use std::net::IpAddr;

use nspawn_matrix_reports::{Observation, Properties};

use crate::agent::dhcp_server::{self, DhcpServer};
use crate::agent::footing::Footing;
use crate::agent::links;
use crate::agent::standing::{Machine, Standing, call};
use crate::agent::way_back::WayBack;
use crate::probe::{self, End, Which};
use crate::rpc::Client;

/// The host's side of a link.
pub(super) struct HostEnd {
    /// The other end of the machine's link, or the link that it is made from.
    port: End,
    /// The bridge that this is a port of.
    bridge: Option<End>,
}

impl HostEnd {
    /// The link that has the host's addresses.
    pub(super) fn addressed(&self) -> &End {
        self.bridge.as_ref().unwrap_or(&self.port)
    }

    /// The host's fe80 address there.
    pub(super) fn link_local(&self) -> Option<IpAddr> {
        let bare = |text: &String| text.split('/').next()?.parse::<IpAddr>().ok();
        let is_link_local =
            |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        self.addressed().addresses.iter().filter_map(bare).find(is_link_local)
    }
}

impl Machine {
    /// The machine's end of its link.
    pub(super) async fn link(&self, footing: Footing) -> anyhow::Result<Observation> {
        let end = match &self.settled.lease.link {
            Some(link) => look(&self.probe, Which::Name(link.clone()), footing).await?,
            None => None,
        };
        Ok(observation(end.as_ref(), Vec::new()))
    }
}

impl Standing {
    /// The host's side of the machine's link; none if the machine has no link of its own.
    pub(super) async fn host_end(&self, machine: &Machine) -> anyhow::Result<Option<HostEnd>> {
        let Some(link) = &machine.settled.lease.link else { return Ok(None) };
        let counterparts = links::counterparts(machine.leader.get()).await?;
        let Some(counterpart) = counterparts.into_iter().find(|counterpart| counterpart.of == *link) else {
            return Ok(None);
        };
        let Some(port) = look(&self.host, Which::Index(counterpart.index), self.footing).await? else {
            return Ok(None);
        };
        let bridge = match port.bridge {
            Some(bridge) => look(&self.host, Which::Index(bridge), self.footing).await?,
            None => None,
        };
        Ok(Some(HostEnd { port, bridge }))
    }

    pub(super) async fn host_link(&self, machine: &Machine) -> anyhow::Result<Observation> {
        let end = self.host_end(machine).await?;
        let port = end.as_ref().filter(|end| end.bridge.is_some()).map(|end| &end.port);
        let addressed = end.as_ref().map(HostEnd::addressed);
        let Some(end) = addressed else { return Ok(observation(None, Vec::new())) };
        let mut more: Vec<(&str, String)> = port.map(of_port).into_iter().flatten().collect();
        more.extend(self.one_mtu(machine, [Some(end), port]).await?);
        more.extend(dhcp_server::on(end).await?.iter().flat_map(of_server));
        if let Some(address) = machine.settled.ipv4 {
            more.extend(of_way_back(&WayBack::of(address, &end.name).await?));
        }
        Ok(observation(addressed, more))
    }
}

impl Standing {
    /// Whether the machine's end of the link carries packets as large as the ends that the host has.
    async fn one_mtu(
        &self,
        machine: &Machine,
        outside: [Option<&End>; 2],
    ) -> anyhow::Result<Option<(&'static str, String)>> {
        let Some(link) = &machine.settled.lease.link else { return Ok(None) };
        let inside = look(&machine.probe, Which::Name(link.clone()), self.footing).await?;
        let Some(mtu) = inside.and_then(|end| end.mtu) else { return Ok(None) };
        let is_one = outside.into_iter().flatten().all(|end| end.mtu == Some(mtu));
        Ok(Some(("one-mtu", if is_one { "yes" } else { "no" }.to_owned())))
    }
}

async fn look(probe: &Client, which: Which, footing: Footing) -> anyhow::Result<Option<End>> {
    call(probe, probe::Request::End { which, settled: footing.waits() }).await
}

fn of_port(port: &End) -> [(&'static str, String); 6] {
    [
        ("port", port.name.clone()),
        ("port-state", port.state.clone()),
        ("port-mtu", mtu(port)),
        ("port-isolated", if port.is_isolated { "yes" } else { "no" }.to_owned()),
        ("port-file", port.file.clone().unwrap_or_default()),
        ("port-setup", port.setup.clone().unwrap_or_default()),
    ]
}

fn of_server(server: &DhcpServer) -> [(&'static str, String); 2] {
    let leases: Vec<String> = server.leases.iter().map(ToString::to_string).collect();
    [("pool", server.pool.to_string()), ("leases", leases.join(", "))]
}

fn of_way_back(way: &WayBack) -> [(&'static str, String); 3] {
    [
        ("way-back", way.link.clone().unwrap_or_else(|| "none".to_owned())),
        ("rp-filter", way.rp_filter.to_string()),
        ("rp-filter-drops", way.dropped.to_string()),
    ]
}

fn mtu(end: &End) -> String {
    end.mtu.map_or(String::new(), |mtu| mtu.to_string())
}

/// Puts one end, with what `more` is known of it, as an observation; the answer is how far networkd is with it.
fn observation(end: Option<&End>, more: Vec<(&'static str, String)>) -> Observation {
    let Some(end) = end else {
        return Observation::Properties(Properties::new("none", [("exists", "no".to_owned())]));
    };
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let values = [
        ("exists", "yes".to_owned()),
        ("name", end.name.clone()),
        ("kind", or_empty(&end.kind)),
        ("state", end.state.clone()),
        ("mtu", mtu(end)),
        ("mac", or_empty(&end.mac)),
        ("addresses", end.addresses.join(", ")),
        ("routes", end.routes.join(", ")),
        ("neighbours", end.neighbours.join(", ")),
        ("file", or_empty(&end.file)),
        ("setup", or_empty(&end.setup)),
    ];
    let answer = end.setup.as_deref().unwrap_or("unknown");
    Observation::Properties(Properties::new(answer, values.into_iter().chain(more)))
}
