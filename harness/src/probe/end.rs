//! Ends of links: all that kernel and networkd know of one, from where the probe is.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context;
use futures_util::TryStreamExt;
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::link::{LinkAttribute, LinkInfo, LinkMessage, State};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use serde::{Deserialize, Serialize};

use super::{link, networkd};
use crate::netns::RtNetlink;

/// One end of a link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct End {
    /// Its name.
    pub name: String,
    /// What it is: `veth`, `bridge`; none for hardware.
    pub kind: Option<String>,
    /// Its operational state (RFC 2863): `up`.
    pub state: String,
    /// The largest packet that it carries, in bytes.
    pub mtu: Option<u32>,
    /// Its hardware address.
    pub mac: Option<String>,
    /// Index of the bridge that it is a port of (`IFLA_MASTER`).
    pub bridge: Option<u32>,
    /// Whether it is a port that passes nothing to others that are isolated too (ip-link(8)).
    pub is_isolated: bool,
    /// Its addresses, with prefix lengths.
    pub addresses: Vec<String>,
    /// The routes of the main table that leave by it, as `DESTINATION via GATEWAY`.
    pub routes: Vec<String>,
    /// Who was seen on it, as `ADDRESS HARDWARE-ADDRESS STATE`.
    pub neighbours: Vec<String>,
    /// Base name of the .network file that is about it.
    pub file: Option<String>,
    /// How far systemd-networkd is with it: `configured`.
    pub setup: Option<String>,
}

/// By what a link is looked up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Its name.
    Name(String),
    /// Its index.
    Index(u32),
}

/// Looks at one end of a link; none if it is not there. If it is to be `settled`, networkd is waited for.
pub(super) async fn look(which: &Which, settled: bool) -> anyhow::Result<Option<End>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let found = match which {
        Which::Name(name) => netlink.link(name).await,
        Which::Index(index) => netlink.link_by_index(*index).await,
    };
    let Some(index) = found.context("look up the link")?.map(|message| message.header.index) else {
        return Ok(None);
    };
    let setup = if settled { networkd::setup(index).await? } else { networkd::as_it_is(index).await? };
    let Some(message) = netlink.link_by_index(index).await.context("look up the link")? else {
        return Ok(None);
    };
    let mut end = of_kernel(&message);
    (end.file, end.setup) = (setup.network_file, setup.state);
    let isolated = fs::read_to_string(format!("/sys/class/net/{}/brport/isolated", end.name));
    end.is_isolated = isolated.is_ok_and(|isolated| isolated.trim() == "1");
    let state = link::addresses(&end.name).await?;
    end.addresses = state.iter().flat_map(|state| &state.addresses).map(ToString::to_string).collect();
    end.routes = routes(&netlink, index).await.context("list the routes")?;
    let known = netlink.handle().neighbours().get().execute().try_collect::<Vec<_>>().await;
    end.neighbours =
        known.context("list the neighbours")?.iter().filter_map(|found| neighbour(found, index)).collect();
    Ok(Some(end))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of links are the kernel's, and many")]
fn of_kernel(message: &LinkMessage) -> End {
    let mut end = End {
        name: String::new(),
        kind: None,
        state: state(State::Unknown),
        mtu: None,
        mac: None,
        bridge: None,
        is_isolated: false,
        addresses: Vec::new(),
        routes: Vec::new(),
        neighbours: Vec::new(),
        file: None,
        setup: None,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => end.name.clone_from(name),
            LinkAttribute::OperState(found) => end.state = state(*found),
            LinkAttribute::Mtu(mtu) => end.mtu = Some(*mtu),
            LinkAttribute::Address(bytes) => end.mac = Some(hardware_address(bytes)),
            LinkAttribute::Controller(index) => end.bridge = Some(*index),
            LinkAttribute::LinkInfo(infos) => {
                end.kind = infos.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    end
}

fn state(state: State) -> String {
    state.to_string().to_lowercase()
}

/// Writes a hardware address as ip-link(8) does.
pub(super) fn hardware_address(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// The number of the table that routes are in unless said otherwise (`RT_TABLE_MAIN`, rtnetlink(7)).
const MAIN_TABLE: u8 = 254;

async fn routes(netlink: &RtNetlink, link: u32) -> Result<Vec<String>, rtnetlink::Error> {
    let v4 = netlink.handle().route().get(RouteMessageBuilder::<Ipv4Addr>::new().build()).execute();
    let v6 = netlink.handle().route().get(RouteMessageBuilder::<Ipv6Addr>::new().build()).execute();
    let mut routes: Vec<RouteMessage> = v4.try_collect().await?;
    routes.extend(v6.try_collect::<Vec<_>>().await?);
    Ok(routes.iter().filter_map(|found| route(found, link)).collect())
}

/// Puts a route into words; none if it does not leave by `link`, or is of another table.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn route(message: &RouteMessage, link: u32) -> Option<String> {
    let (mut destination, mut gateway, mut leaves_by) = (None, None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(found) => destination = address(found),
            RouteAttribute::Gateway(found) => gateway = address(found),
            RouteAttribute::Oif(index) => leaves_by = Some(*index),
            _ => {}
        }
    }
    if leaves_by != Some(link) || message.header.table != MAIN_TABLE {
        return None;
    }
    let prefix = message.header.destination_prefix_length;
    let to = destination.map_or_else(|| "default".to_owned(), |to| format!("{to}/{prefix}"));
    Some(gateway.map_or_else(|| to.clone(), |gateway| format!("{to} via {gateway}")))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "addresses of other families are not of interest")]
fn address(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some((*v4).into()),
        RouteAddress::Inet6(v6) => Some((*v6).into()),
        _ => None,
    }
}

/// Puts a neighbour into words; none if it is not on `link`, or nobody in particular.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of neighbours are the kernel's, and many")]
fn neighbour(message: &NeighbourMessage, link: u32) -> Option<String> {
    let (mut who, mut hardware) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => who = Some(IpAddr::V4(*v4)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => who = Some(IpAddr::V6(*v6)),
            NeighbourAttribute::LinkLayerAddress(bytes) => hardware = Some(hardware_address(bytes)),
            _ => {}
        }
    }
    let who = who.filter(|who| message.header.ifindex == link && !who.is_multicast())?;
    Some(format!("{who} {} {}", hardware.as_deref().unwrap_or("-"), message.header.state))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hardware_address_is_written_as_by_ip_link() {
        assert_eq!(hardware_address(&[0x02, 0, 0xa, 0xff, 1, 0x10]), "02:00:0a:ff:01:10");
    }

    #[test]
    fn a_route_is_told_by_where_it_leads_and_only_of_its_own_link() {
        let mut message = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(Ipv4Addr::new(10, 0, 55, 0), 24)
            .output_interface(2)
            .build();
        assert_eq!(route(&message, 2).as_deref(), Some("10.0.55.0/24"));
        assert_eq!(route(&message, 3), None);
        message.header.table = 255;
        assert_eq!(route(&message, 2), None);
    }

    proptest! {
        #[test]
        fn a_route_is_told_with_its_prefix_and_gateway(to: [u8; 4], prefix in 1..=32_u8, gateway: [u8; 4], link: u32) {
            let mut message = RouteMessageBuilder::<Ipv4Addr>::new()
                .destination_prefix(to.into(), prefix)
                .gateway(gateway.into())
                .output_interface(link)
                .build();
            let told = route(&message, link).unwrap();
            let (subnet, via) = told.split_once(" via ").unwrap();
            let (address, length) = subnet.split_once('/').unwrap();
            prop_assert_eq!(address.parse(), Ok(Ipv4Addr::from(to)));
            prop_assert_eq!((length.parse(), via.parse()), (Ok(prefix), Ok(Ipv4Addr::from(gateway))));
            message.attributes.retain(|attribute| !matches!(attribute, RouteAttribute::Oif(_)));
            prop_assert_eq!(route(&message, link), None);
        }

        #[test]
        fn a_neighbour_is_told_on_its_own_link_unless_it_is_a_group(
            who: [u8; 16], hardware in prop::collection::vec(any::<u8>(), 0..9), link: u32, other: u32,
        ) {
            let mut message = NeighbourMessage::default();
            message.header.ifindex = link;
            message.attributes = vec![
                NeighbourAttribute::LinkLayerAddress(hardware.clone()),
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(who.into())),
            ];
            let told = neighbour(&message, link);
            prop_assert_eq!(told.is_some(), !Ipv6Addr::from(who).is_multicast());
            prop_assert!(other == link || neighbour(&message, other).is_none());
            let address = told.as_deref().and_then(|told| told.split(' ').next()).map(str::parse);
            prop_assert!(address.is_none_or(|address| address == Ok(Ipv6Addr::from(who))));
            let bytes = hardware_address(&hardware);
            let read = bytes.split(':').filter(|byte| !byte.is_empty()).map(|byte| u8::from_str_radix(byte, 16));
            prop_assert_eq!(read.collect::<Result<Vec<_>, _>>(), Ok(hardware));
        }
    }
}
