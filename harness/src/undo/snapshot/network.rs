//! Links, addresses, routes and rules.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Context;
use futures_util::TryStreamExt;
use nix::ifaddrs::getifaddrs;
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage};
use serde_json::Value;

use crate::command::Command;
use crate::netns::RtNetlink;

/// `RT_TABLE_LOCAL` (rtnetlink(7)).
const LOCAL_TABLE: u8 = 255;

/// Names, sizes, and whether they are up.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of links are the kernel's, and many")]
pub(super) async fn links() -> anyhow::Result<BTreeSet<String>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let links: Vec<_> =
        netlink.handle().link().get().execute().try_collect().await.context("list the links")?;
    Ok(links
        .into_iter()
        .map(|link| {
            let up = if link.header.flags.contains(LinkFlags::Up) { "up" } else { "down" };
            let words = link.attributes.iter().filter_map(|attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name.clone()),
                LinkAttribute::Mtu(mtu) => Some(format!("mtu {mtu}")),
                LinkAttribute::Controller(index) => Some(format!("port of link {index}")),
                _ => None,
            });
            words.chain([up.to_owned()]).collect::<Vec<_>>().join(" ")
        })
        .collect())
}

pub(super) fn addresses() -> anyhow::Result<BTreeSet<String>> {
    let entries = getifaddrs().context("list the addresses")?;
    Ok(entries
        .filter_map(|entry| {
            let address = entry.address?;
            let v4 = address.as_sockaddr_in().map(|v4| v4.ip().to_string());
            let v6 = || address.as_sockaddr_in6().map(|v6| v6.ip().to_string());
            Some(format!("{} {}", entry.interface_name, v4.or_else(v6)?))
        })
        .collect())
}

pub(super) async fn routes() -> anyhow::Result<BTreeSet<String>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let links = nix::net::if_::if_nameindex().context("list the links")?;
    let mut all = BTreeSet::new();
    let v4 = RouteMessageBuilder::<Ipv4Addr>::new().build();
    let v6 = RouteMessageBuilder::<Ipv6Addr>::new().build();
    for family in [v4, v6] {
        let routes: Vec<RouteMessage> =
            netlink.handle().route().get(family).execute().try_collect().await.context("list the routes")?;
        // Those of the local table follow from the addresses.
        let others = routes.iter().filter(|route| route.header.table != LOCAL_TABLE);
        all.extend(others.map(|route| {
            route_line(route, |index| {
                let link = links.iter().find(|link| link.index() == index);
                link.map_or(format!("link {index}"), |link| link.name().to_string_lossy().into_owned())
            })
        }));
    }
    Ok(all)
}

/// Without what changes by itself, as the time that an address of a router stays valid.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn route_line(route: &RouteMessage, link: impl Fn(u32) -> String) -> String {
    let header = &route.header;
    let mut words = vec![
        format!("{:?}", header.kind),
        format!("/{}", header.destination_prefix_length),
        format!("table {}", header.table),
        format!("{:?}", header.protocol),
    ];
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Destination(address) => words.push(format!("to {address:?}")),
            RouteAttribute::Gateway(address) => words.push(format!("by {address:?}")),
            RouteAttribute::Oif(index) => words.push(format!("on {}", link(*index))),
            RouteAttribute::Priority(priority) => words.push(format!("metric {priority}")),
            _ => {}
        }
    }
    words.join(" ")
}

/// The rules of nftables, without what counts and numbers them; nothing where there is no `nft`.
pub(super) async fn rules() -> anyhow::Result<BTreeSet<String>> {
    let Ok(ended) = Command::new("nft", ["--json", "list", "ruleset"]).end().await else {
        return Ok(BTreeSet::new());
    };
    let Ok(Value::Object(mut reply)) = serde_json::from_str(&ended.stdout) else {
        return Ok(BTreeSet::new());
    };
    let objects = reply.remove("nftables").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let plain = objects.into_iter().map(without_counters);
    Ok(plain.filter(|object| object.get("metainfo").is_none()).map(|object| object.to_string()).collect())
}

fn without_counters(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(key, _)| !["handle", "packets", "bytes", "index"].contains(&key.as_str()))
            .map(|(key, value)| (key, without_counters(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(without_counters).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counters_are_no_difference() {
        let rule = |packets| json!({ "rule": { "handle": packets, "expr": [{ "counter": { "packets": packets } }] } });
        assert_eq!(without_counters(rule(1)), without_counters(rule(2)));
    }
}
