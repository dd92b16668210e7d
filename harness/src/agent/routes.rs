//! The routes of this host's main table (rtnetlink(7)).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::Context;
use futures_util::TryStreamExt;
use nspawn_matrix_reports::Subnet;
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteType};

use crate::netns::{Events, MulticastGroup, RtNetlink};
use crate::probe::settle::default_route;

/// How long the uplink may take to be configured after the boot.
const UPLINK: Duration = Duration::from_secs(1);

/// An IPv4 route to somewhere in particular.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Where it leads.
    pub(crate) destination: Subnet,
    /// Name of the link that it leaves by.
    pub(crate) link: String,
}

/// The IPv4 routes but for the default ones.
pub(crate) async fn ipv4() -> anyhow::Result<Vec<Route>> {
    let links = nix::net::if_::if_nameindex().context("list the links of the host")?;
    let name = |index: u32| {
        let link = links.iter().find(|link| link.index() == index)?;
        Some(link.name().to_string_lossy().into_owned())
    };
    let routes = dump(RouteMessageBuilder::<Ipv4Addr>::new().build()).await?;
    Ok(routes
        .iter()
        .filter_map(|route| Some(Route { destination: destination(route)?, link: name(out(route)?)? }))
        .collect())
}

/// The link of the host's IPv4 default route.
pub(super) async fn uplink() -> anyhow::Result<Option<String>> {
    let Some(route) = default_route().await? else { return Ok(None) };
    name_of(route.link)
}

/// The link by which the host reaches `address`, as the kernel decides it; none if it does not.
pub(super) async fn towards(address: Ipv4Addr) -> anyhow::Result<Option<String>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let request = RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(address, 32).build();
    match netlink.handle().route().get(request).execute().try_next().await {
        Ok(route) => route.as_ref().and_then(out).map_or(Ok(None), name_of),
        // There is no route, or one that says so.
        Err(rtnetlink::Error::NetlinkError(_)) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("ask for the route to {address}")),
    }
}

fn name_of(index: u32) -> anyhow::Result<Option<String>> {
    let links = nix::net::if_::if_nameindex().context("list the links of the host")?;
    let link = links.iter().find(|link| link.index() == index);
    Ok(link.map(|link| link.name().to_string_lossy().into_owned()))
}

/// The IPv6 default routes, each by its gateway.
pub(super) async fn ipv6_default() -> anyhow::Result<Vec<String>> {
    let routes = dump(RouteMessageBuilder::<Ipv6Addr>::new().build()).await?;
    let defaults = routes.iter().filter(|route| route.header.destination_prefix_length == 0);
    Ok(defaults
        .map(|route| gateway(route).map_or("on the link".to_owned(), |gateway| gateway.to_string()))
        .collect())
}

/// The links that default routes of either family leave by, by index.
pub(crate) async fn uplinks() -> anyhow::Result<BTreeSet<u32>> {
    let v4 = dump(RouteMessageBuilder::<Ipv4Addr>::new().build()).await?;
    let v6 = dump(RouteMessageBuilder::<Ipv6Addr>::new().build()).await?;
    let defaults = v4.iter().chain(&v6).filter(|route| route.header.destination_prefix_length == 0);
    Ok(defaults.filter_map(out).collect())
}

/// Waits until the host has an IPv6 default route, as it may boot before its uplink is configured. A host that has
/// none after [`UPLINK`] is taken to have no IPv6.
pub(super) async fn await_ipv6_default() -> anyhow::Result<Vec<String>> {
    let mut events = Events::subscribe(&[MulticastGroup::Ipv6Route]).context("subscribe to routes")?;
    let until_there = async {
        loop {
            let routes = ipv6_default().await?;
            if !routes.is_empty() {
                return anyhow::Ok(routes);
            }
            events.next().await.context("read events of routes")?;
        }
    };
    match tokio::time::timeout(UPLINK, until_there).await {
        Ok(routes) => routes,
        Err(_) => Ok(Vec::new()),
    }
}

async fn dump(request: RouteMessage) -> anyhow::Result<Vec<RouteMessage>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let routes: Vec<RouteMessage> = netlink
        .handle()
        .route()
        .get(request)
        .execute()
        .try_collect()
        .await
        .context("list the routes of the host")?;
    let is_ours = |route: &RouteMessage| {
        route.header.table == RouteHeader::RT_TABLE_MAIN && route.header.kind == RouteType::Unicast
    };
    Ok(routes.into_iter().filter(is_ours).collect())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn destination(route: &RouteMessage) -> Option<Subnet> {
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => {
            Subnet::new(*address, route.header.destination_prefix_length)
        }
        _ => None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn out(route: &RouteMessage) -> Option<u32> {
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn gateway(route: &RouteMessage) -> Option<IpAddr> {
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet6(address)) => Some(IpAddr::V6(*address)),
        _ => None,
    })
}
