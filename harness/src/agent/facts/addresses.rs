//! Addresses and routes as the kernel has them (rtnetlink(7)).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context;
use futures_util::TryStreamExt;
use nspawn_matrix_reports::{LinkAddress, Route};
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressProtocol};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteVia};

use crate::netns::RtNetlink;

/// The addresses of the link `index`; `known` says where some of them come from.
pub(super) async fn of_link(
    netlink: &RtNetlink,
    index: u32,
    known: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<LinkAddress>> {
    let addresses = netlink.addresses(index).await.context("list the addresses of the host")?;
    let mut addresses: Vec<LinkAddress> =
        addresses.iter().filter_map(|address| link_address(address, known)).collect();
    addresses.sort();
    Ok(addresses)
}

fn link_address(message: &AddressMessage, known: &BTreeMap<String, String>) -> Option<LinkAddress> {
    let address = format!("{}/{}", address(message)?, message.header.prefix_len);
    let source = known.get(&address).cloned().unwrap_or_else(|| source(message).to_owned());
    Some(LinkAddress { address, source })
}

/// The own one of a link between two: `IFA_LOCAL`, which IPv6 has only there.
fn address(message: &AddressMessage) -> Option<IpAddr> {
    let find = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| message.attributes.iter().find_map(wanted);
    find(local).or_else(|| find(remote))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of addresses are the kernel's, and many")]
fn local(attribute: &AddressAttribute) -> Option<IpAddr> {
    match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of addresses are the kernel's, and many")]
fn remote(attribute: &AddressAttribute) -> Option<IpAddr> {
    match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    }
}

/// Where it comes from, as far as the kernel knows: who has made it (since Linux 5.18), and whether it is for ever.
fn source(message: &AddressMessage) -> &'static str {
    let has = |wanted: &AddressAttribute| message.attributes.contains(wanted);
    let is_permanent = |attribute: &AddressAttribute| matches!(attribute, AddressAttribute::Flags(flags) if flags.contains(AddressFlags::Permanent));
    if has(&AddressAttribute::Protocol(AddressProtocol::RouterAnnouncement)) {
        "SLAAC"
    } else if has(&AddressAttribute::Protocol(AddressProtocol::LinkLocal)) {
        "link-local"
    } else if message.attributes.iter().any(is_permanent) {
        "permanent"
    } else {
        "dynamic"
    }
}

/// The routes of the main table, to anything but groups.
pub(super) async fn routes(netlink: &RtNetlink, links: &BTreeMap<u32, String>) -> anyhow::Result<Vec<Route>> {
    let requests =
        [RouteMessageBuilder::<Ipv4Addr>::new().build(), RouteMessageBuilder::<Ipv6Addr>::new().build()];
    let mut routes = Vec::new();
    for request in requests {
        let dump = netlink.handle().route().get(request).execute();
        let messages: Vec<RouteMessage> = dump.try_collect().await.context("list the routes of the host")?;
        let is_main = |message: &&RouteMessage| table(message) == u32::from(RouteHeader::RT_TABLE_MAIN);
        routes.extend(messages.iter().filter(is_main).map(|message| route(message, links)));
    }
    routes.sort();
    Ok(routes)
}

/// A table beyond 255 is in an attribute.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn table(message: &RouteMessage) -> u32 {
    let long = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    long.unwrap_or(message.header.table.into())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn route(message: &RouteMessage, links: &BTreeMap<u32, String>) -> Route {
    let header = &message.header;
    let family = if header.address_family == AddressFamily::Inet6 { "ipv6" } else { "ipv4" };
    let mut route = Route {
        to: "default".to_owned(),
        family: family.to_owned(),
        protocol: header.protocol.to_string(),
        ..Route::default()
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => {
                let to = written(to).unwrap_or_else(|| "unknown".to_owned());
                route.to = format!("{to}/{}", header.destination_prefix_length);
            }
            RouteAttribute::Gateway(gateway) => route.via = written(gateway),
            RouteAttribute::Via(RouteVia::Inet(gateway)) => route.via = Some(gateway.to_string()),
            RouteAttribute::Via(RouteVia::Inet6(gateway)) => route.via = Some(gateway.to_string()),
            RouteAttribute::Oif(index) => route.link = links.get(index).cloned(),
            RouteAttribute::Priority(metric) => route.metric = Some(*metric),
            _ => {}
        }
    }
    route
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other families have other addresses")]
fn written(address: &RouteAddress) -> Option<String> {
    match address {
        RouteAddress::Inet(address) => Some(address.to_string()),
        RouteAddress::Inet6(address) => Some(address.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: Vec<AddressAttribute>) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.prefix_len = 24;
        message.attributes = attributes;
        message
    }

    #[test]
    fn an_address_comes_from_where_networkd_says_or_else_the_kernel() {
        let address = IpAddr::from([192, 0, 2, 7]);
        let permanent = AddressAttribute::Flags(AddressFlags::Permanent);
        let of = |attribute: AddressAttribute, known: &BTreeMap<String, String>| {
            link_address(&message(vec![AddressAttribute::Local(address), attribute]), known).unwrap().source
        };
        let known = BTreeMap::from([("192.0.2.7/24".to_owned(), "DHCPv4".to_owned())]);
        assert_eq!(of(permanent.clone(), &known), "DHCPv4");
        assert_eq!(of(permanent, &BTreeMap::new()), "permanent");
        let by_kernel = AddressAttribute::Protocol(AddressProtocol::RouterAnnouncement);
        assert_eq!(of(by_kernel, &BTreeMap::new()), "SLAAC");
        assert_eq!(of(AddressAttribute::Flags(AddressFlags::empty()), &BTreeMap::new()), "dynamic");
    }

    #[test]
    fn a_route_is_told_by_where_it_leads_and_who_has_set_it() {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.attributes = vec![
            RouteAttribute::Gateway(RouteAddress::Inet(Ipv4Addr::new(192, 0, 2, 1))),
            RouteAttribute::Oif(2),
            RouteAttribute::Priority(1024),
        ];
        let links = BTreeMap::from([(2, "eth0".to_owned())]);
        let route = route(&message, &links);
        assert_eq!((route.to.as_str(), route.via.as_deref()), ("default", Some("192.0.2.1")));
        assert_eq!((route.link.as_deref(), route.metric), (Some("eth0"), Some(1024)));
    }
}
