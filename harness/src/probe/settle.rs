//! Waiting until a machine is ready to be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures_util::TryStreamExt;
use nspawn_matrix_reports::Lease;
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute};
use serde::{Deserialize, Serialize};

use super::link::{self, LinkState, Scope, Waited};
use super::milestone::reach;
use super::ping::{self, Interface};
use crate::command::Command;
use crate::netns::{Events, MulticastGroup, RtNetlink};
use crate::{systemd, wait};

/// How long what comes with an address may take after it: its route, the end of duplicate address detection.
const REST: Duration = Duration::from_secs(5);

/// A machine that has booted, with what its network came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settled {
    /// Its link and addresses, as `address/lease` observes them.
    pub lease: Lease,
    /// The IPv4 address at which others reach it.
    pub ipv4: Option<Ipv4Addr>,
    /// Its fe80 address.
    pub ipv6_link_local: Option<Ipv6Addr>,
    /// Its default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// The hardware address of its link.
    pub mac: Option<String>,
    /// The full version of its systemd: `257 (257.13-1~deb13u1)`.
    pub systemd: String,
}

/// Which network a machine has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// That of the host.
    Shared,
    /// One of its own, in which no link is to be expected.
    Bare,
    /// One of its own, with a link.
    Linked(OwnLink),
}

impl Network {
    fn link(&self) -> Option<&OwnLink> {
        match self {
            Self::Linked(link) => Some(link),
            Self::Shared | Self::Bare => None,
        }
    }

    fn is_shared(&self) -> bool {
        match self {
            Self::Shared => true,
            Self::Bare | Self::Linked(_) => false,
        }
    }
}

/// A link of a machine's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnLink {
    /// Its name in the machine.
    pub name: String,
    /// Whether somebody gives leases on it, so that waiting for one makes sense.
    pub is_served: bool,
}

/// What a link has at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    /// Its addresses, as `address/lease` observes them.
    pub lease: Lease,
    /// Its hardware address.
    pub mac: Option<String>,
}

/// Waits for the lease and for an fe80 address that may be used, then for the end of the boot.
///
/// A machine without its link after `patience` has none; where none is to be expected, nothing is waited for.
pub(crate) async fn settle(network: &Network, patience: Duration) -> anyhow::Result<Settled> {
    let (connected, ()) = tokio::try_join!(connected(network, patience), booted(patience))?;
    let lease = observed(network.link(), connected.own.as_ref());
    Ok(connected.settled(lease, systemd::version().await?))
}

/// Takes a machine as it is, with the link `name` if it has one of its own.
pub(crate) async fn as_it_is(name: Option<String>) -> anyhow::Result<Settled> {
    let own = match &name {
        Some(name) => link::addresses(name).await?,
        None => None,
    };
    let route = default_route().await?;
    let shared = match (&name, &route) {
        (None, Some(route)) => link::addresses(&name_of(route.link)?).await?,
        (Some(_), _) | (None, None) => None,
    };
    let lease = name.as_ref().zip(own.as_ref()).map_or_else(no_link, |(name, state)| state.observed(name));
    // There may be no systemd in it.
    let systemd = systemd::version().await.unwrap_or_default();
    Ok(Connected { own, shared, route }.settled(lease, systemd))
}

/// What the network of a machine came to.
struct Connected {
    /// Its own link.
    own: Option<LinkState>,
    /// The link of the host that it uses.
    shared: Option<LinkState>,
    route: Option<DefaultRoute>,
}

impl Connected {
    fn settled(self, lease: Lease, systemd: String) -> Settled {
        let Self { own, shared, route } = self;
        let reached_at = own.or(shared);
        Settled {
            lease,
            mac: reached_at.as_ref().and_then(|state| state.mac.clone()),
            ipv4: reached_at.as_ref().and_then(ipv4),
            ipv6_link_local: reached_at.as_ref().and_then(ipv6_link_local),
            gateway: route.map(|route| route.gateway),
            systemd,
        }
    }
}

async fn connected(network: &Network, patience: Duration) -> anyhow::Result<Connected> {
    let own = match network.link() {
        Some(link) => addressed(link, patience).await?,
        None => None,
    };
    let has_lease = own.as_ref().is_some_and(|state| state.lease().is_some());
    let route = if has_lease || network.is_shared() { await_default_route().await? } else { None };
    if let Some(route) = &route {
        // The rest need not wait for whether it answers.
        tokio::task::spawn_local(first_ping(route.gateway));
    }
    let shared = match &route {
        Some(route) if network.is_shared() => wait_for_shared(&name_of(route.link)?).await?,
        Some(_) | None => None,
    };
    Ok(Connected { own, shared, route })
}

/// Tells when the gateway answers for the first time; a question will show if it does not.
async fn first_ping(gateway: Ipv4Addr) {
    if let Ok(seen) = ping::ping(IpAddr::V4(gateway).into(), 1, REST).await
        && seen.received > 0
    {
        reach("first-ping", seen.target);
    }
}

/// Waits until a link has the addresses that it will have.
async fn addressed(link: &OwnLink, patience: Duration) -> anyhow::Result<Option<LinkState>> {
    let is_ready =
        |state: &LinkState| (state.lease().is_some() || !link.is_served) && ipv6_link_local(state).is_some();
    let waited = link::wait(&link.name, patience, is_ready, |state| {
        if state.carrier {
            reach("link-up", None);
        }
        if let Some(lease) = state.lease() {
            reach("lease", Some(lease.to_string()));
        }
    })
    .await?;
    Ok(last(waited))
}

/// Waits for a lease on the link `name`, and gives what the link has, be it one or not.
pub(crate) async fn held(name: &str, patience: Duration) -> anyhow::Result<Held> {
    let state = last(link::wait(name, patience, |state| state.lease().is_some(), |_| {}).await?);
    let mac = state.as_ref().and_then(|state| state.mac.clone());
    let lease = state.map_or_else(no_link, |state| state.observed(name));
    Ok(Held { lease, mac })
}

fn last(waited: Waited) -> Option<LinkState> {
    match waited {
        Waited::Ready(state) => Some(state),
        Waited::TimedOut(last) => last,
    }
}

fn observed(own_link: Option<&OwnLink>, state: Option<&LinkState>) -> Lease {
    own_link.zip(state).map_or_else(no_link, |(link, state)| state.observed(&link.name))
}

fn no_link() -> Lease {
    Lease { link: None, address: None, addresses: Vec::new() }
}

/// A link of the host is ready as soon as its fe80 address may be used; where there is none, it is as it is.
async fn wait_for_shared(name: &str) -> anyhow::Result<Option<LinkState>> {
    Ok(last(link::wait(name, REST, |state| ipv6_link_local(state).is_some(), |_| {}).await?))
}

/// A link-local IPv6 address that duplicate address detection has passed.
fn ipv6_link_local(state: &LinkState) -> Option<Ipv6Addr> {
    state.addresses.iter().find_map(|address| match address.address {
        IpAddr::V6(v6) => (v6.is_unicast_link_local() && !address.tentative).then_some(v6),
        IpAddr::V4(_) => None,
    })
}

/// The lease, or else whatever IPv4 address there is.
fn ipv4(state: &LinkState) -> Option<Ipv4Addr> {
    let first = |wanted: Scope| {
        state.addresses.iter().find_map(|address| match address.address {
            IpAddr::V4(v4) => (address.scope == wanted).then_some(v4),
            IpAddr::V6(_) => None,
        })
    };
    state.lease().map(|lease| lease.address()).or_else(|| first(Scope::Global)).or_else(|| first(Scope::Link))
}

/// Waits until systemd in the machine has no more jobs. Whether it is then `running` or `degraded` is not asked here.
async fn booted(patience: Duration) -> anyhow::Result<()> {
    let bus = Path::new("/run/dbus/system_bus_socket");
    wait::for_path(bus, patience).await.context("wait for the machine's system bus")?;
    let running = Command::new("systemctl", ["is-system-running", "--wait"]).end();
    let ended =
        tokio::time::timeout(patience, running).await.context("wait for the machine's boot to end")??;
    anyhow::ensure!(
        !ended.stdout.is_empty(),
        "systemd in the machine does not answer: {}",
        ended.stderr.trim()
    );
    reach("booted", None);
    Ok(())
}

/// The link of this name; without a name the one that leads out, by the default route.
pub(crate) async fn interface(name: Option<String>) -> anyhow::Result<Interface> {
    if let Some(name) = name {
        let state = link::addresses(&name).await?.with_context(|| format!("there is no link `{name}`"))?;
        return Ok(Interface { name, index: state.index });
    }
    let route = default_route().await?.context("there is no default route")?;
    Ok(Interface { name: name_of(route.link)?, index: route.link })
}

/// The name of the link with this index.
fn name_of(index: u32) -> anyhow::Result<String> {
    let links = nix::net::if_::if_nameindex().context("list the links")?;
    let found =
        links.iter().find(|link| link.index() == index).context("the link of the default route is gone")?;
    Ok(found.name().to_string_lossy().into_owned())
}

pub(crate) struct DefaultRoute {
    pub(crate) gateway: Ipv4Addr,
    /// Index of the link that it leaves by.
    pub(crate) link: u32,
}

/// Waits for the default route, which networkd adds a moment after the address.
async fn await_default_route() -> anyhow::Result<Option<DefaultRoute>> {
    let mut events = Events::subscribe(&[MulticastGroup::Ipv4Route]).context("subscribe to routes")?;
    let there = async {
        loop {
            if let Some(route) = default_route().await? {
                return anyhow::Ok(route);
            }
            events.next().await.context("read events of routes")?;
        }
    };
    tokio::time::timeout(REST, there).await.ok().transpose()
}

/// Waits for an IPv6 default route, for `patience` at most; tells whether there is one.
pub(crate) async fn ipv6_router(patience: Duration) -> anyhow::Result<bool> {
    let mut events = Events::subscribe(&[MulticastGroup::Ipv6Route]).context("subscribe to routes")?;
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let there = async {
        while !has_ipv6_default(&netlink).await? {
            events.next().await.context("read events of routes")?;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(patience, there).await {
        Ok(found) => found.map(|()| true),
        Err(_elapsed) => Ok(false),
    }
}

async fn has_ipv6_default(netlink: &RtNetlink) -> anyhow::Result<bool> {
    let request = RouteMessageBuilder::<Ipv6Addr>::new().build();
    let mut routes = netlink.handle().route().get(request).execute();
    while let Some(route) = routes.try_next().await.context("list the routes")? {
        let leads_on =
            route.attributes.iter().any(|attribute| matches!(attribute, RouteAttribute::Gateway(_)));
        if route.header.destination_prefix_length == 0 && leads_on {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The IPv4 default route with the best metric.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
pub(crate) async fn default_route() -> anyhow::Result<Option<DefaultRoute>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let request = RouteMessageBuilder::<Ipv4Addr>::new().build();
    let mut routes = netlink.handle().route().get(request).execute();
    let mut best: Option<(u32, DefaultRoute)> = None;
    while let Some(route) = routes.try_next().await.context("list the routes")? {
        if route.header.destination_prefix_length != 0 {
            continue;
        }
        let (mut gateway, mut link, mut metric) = (None, None, 0);
        for attribute in &route.attributes {
            match attribute {
                RouteAttribute::Gateway(RouteAddress::Inet(address)) => gateway = Some(*address),
                RouteAttribute::Oif(index) => link = Some(*index),
                RouteAttribute::Priority(priority) => metric = *priority,
                _ => {}
            }
        }
        if let (Some(gateway), Some(link)) = (gateway, link)
            && best.as_ref().is_none_or(|(best, _)| metric < *best)
        {
            best = Some((metric, DefaultRoute { gateway, link }));
        }
    }
    Ok(best.map(|(_, route)| route))
}
