//! The links that the host has for its machines, found by their indexes.
//!
//! Their names say little: systemd-nspawn calls the host's end `ve-NAME` or `vb-NAME`, and shortens that to the 15
//! bytes that the kernel allows by putting a hash at its end (systemd.net-naming-scheme(7)). But a link in a namespace
//! tells the index of the one that it belongs to in another (`IFLA_LINK`, rtnetlink(7)).

use anyhow::Context;
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage, Prop};

use crate::enter;
use crate::netns::{NetworkNamespace, RtNetlink};

/// How the names begin of the bridges that systemd-nspawn makes for zones, and takes away with their last machine.
pub(super) const ZONE: &str = "vz-";

/// The link of the host that a machine's link belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counterpart {
    /// The name of the machine's link.
    pub(super) of: String,
    pub(super) index: u32,
    pub(super) name: String,
    /// The bridge that it is a port of.
    pub(super) bridge: Option<String>,
    /// Whether it is the other end of a veth pair, and not the link that a macvlan or ipvlan is made from.
    pub(super) is_end: bool,
}

/// What the host has for the links in the network namespace of `leader`; nothing if that is the host's own.
pub(super) async fn counterparts(leader: i32) -> anyhow::Result<Vec<Counterpart>> {
    let look = "look at the machine's network namespace";
    if enter::same_namespace("net", leader).context(look)? {
        return Ok(Vec::new());
    }
    let namespace = NetworkNamespace::of_process(leader).context(look)?;
    let machine = RtNetlink::connect_in(&namespace).context("connect to rtnetlink in the machine")?;
    let host = RtNetlink::connect().context("connect to rtnetlink")?;
    Ok(between(
        &machine.links().await.context("list the links of the machine")?,
        &host.links().await.context("list the links of the host")?,
    ))
}

/// The names of the host's ends of a machine's links, each after the bridge that it is a port of.
pub(super) async fn of_machine(leader: i32) -> anyhow::Result<Vec<String>> {
    let ends = counterparts(leader).await?.into_iter().filter(|link| link.is_end);
    Ok(ends.flat_map(|end| end.bridge.into_iter().chain([end.name])).collect())
}

/// The link by which the host's own configuration knows the machine: the bridge, if its end is a port of one.
pub(super) async fn configured(leader: i32) -> anyhow::Result<Option<String>> {
    Ok(of_machine(leader).await?.into_iter().next())
}

/// The links of the host that are named after a machine that is not there to be asked: systemd-nspawn gives a link
/// whose name it has shortened the whole one as an alternative (systemd 245 and later).
pub(super) async fn named_after(machine: &str) -> anyhow::Result<Vec<String>> {
    let host = RtNetlink::connect().context("connect to rtnetlink")?;
    let links = host.links().await.context("list the links of the host")?;
    let end = format!("-{machine}");
    let is_named_so = |link: &&LinkMessage| names(link).any(|name| name.ends_with(&end));
    Ok(links.iter().filter(is_named_so).map(name).collect())
}

fn between(machine: &[LinkMessage], host: &[LinkMessage]) -> Vec<Counterpart> {
    let with_index = |index: u32| host.iter().find(|link| link.header.index == index);
    let counterpart = |own: &LinkMessage| {
        let other = with_index(belongs_to(own)?)?;
        let is_end = is_veth(own);
        // What a machine has made itself may belong to a link elsewhere, whose index the host has too.
        let is_ours = !is_end || is_veth(other) && belongs_to(other) == Some(own.header.index);
        let leaves = own.attributes.iter().any(|found| matches!(found, LinkAttribute::LinkNetNsId(_)));
        (is_ours && leaves).then(|| Counterpart {
            of: name(own),
            index: other.header.index,
            name: name(other),
            bridge: bridge(other).and_then(with_index).map(name),
            is_end,
        })
    };
    machine.iter().filter_map(counterpart).collect()
}

fn name(link: &LinkMessage) -> String {
    names(link).next().unwrap_or_default().to_owned()
}

/// The name of a link, and the alternatives to it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of links are the kernel's, and many")]
fn names(link: &LinkMessage) -> impl Iterator<Item = &str> {
    let first = link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.as_str()),
        _ => None,
    });
    let properties = link.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::PropList(properties) => Some(properties),
        _ => None,
    });
    let others = properties.flatten().filter_map(|property| match property {
        Prop::AltIfName(name) => Some(name.as_str()),
        _ => None,
    });
    first.into_iter().chain(others)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of links are the kernel's, and many")]
fn belongs_to(link: &LinkMessage) -> Option<u32> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Link(index) => Some(*index),
        _ => None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of links are the kernel's, and many")]
fn bridge(link: &LinkMessage) -> Option<u32> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Controller(index) => Some(*index),
        _ => None,
    })
}

fn is_veth(link: &LinkMessage) -> bool {
    let kind = |infos: &Vec<LinkInfo>| infos.contains(&LinkInfo::Kind(InfoKind::Veth));
    link.attributes.iter().any(|found| matches!(found, LinkAttribute::LinkInfo(infos) if kind(infos)))
}

#[cfg(test)]
mod tests {
    use rtnetlink::{LinkBridge, LinkMacVlan, LinkUnspec};

    use super::*;

    /// What belongs to each of the links of `machine`: its name there, and what the host has for it.
    async fn seen(machine: &RtNetlink, host: &RtNetlink) -> Vec<(String, String, Option<String>, bool)> {
        let all = between(&machine.links().await.unwrap(), &host.links().await.unwrap());
        all.into_iter().map(|link| (link.of, link.name, link.bridge, link.is_end)).collect()
    }

    #[tokio::test]
    async fn the_end_of_a_veth_is_found_by_its_index_whatever_it_is_called() {
        let Ok(outside) = NetworkNamespace::new() else { return println!("not run: needs root") };
        let (inside, nested) = (NetworkNamespace::new().unwrap(), NetworkNamespace::new().unwrap());
        let [host, machine] = [&outside, &inside].map(|namespace| RtNetlink::connect_in(namespace).unwrap());
        host.handle().link().add(LinkBridge::new("vz-lab").build()).execute().await.unwrap();
        host.add_veth("vb-webservec53r", "host0", &inside).await.unwrap();
        let [bridge, port] = ["vz-lab", "vb-webservec53r"].map(|name| host.link(name));
        let (bridge, port) = (bridge.await.unwrap().unwrap(), port.await.unwrap().unwrap());
        let joined = LinkUnspec::new_with_index(port.header.index).controller(bridge.header.index).build();
        host.handle().link().set(joined).execute().await.unwrap();
        // A link of the machine to somewhere else, whose index there is that of the host's end here.
        let elsewhere = RtNetlink::connect_in(&nested).unwrap();
        for name in ["br1", "br2", "br3", "br4"] {
            elsewhere.handle().link().add(LinkBridge::new(name).build()).execute().await.unwrap();
        }
        machine.add_veth("ve-nested", "host0", &nested).await.unwrap();
        machine.add_veth("one", "other", &inside).await.unwrap();
        let end = ("host0".to_owned(), "vb-webservec53r".to_owned(), Some("vz-lab".to_owned()), true);
        assert_eq!(seen(&machine, &host).await, [end]);
        assert!(seen(&machine, &machine).await.is_empty(), "its own links are not the host's");
    }

    #[tokio::test]
    async fn a_macvlan_belongs_to_the_link_that_it_is_made_from_and_ends_nowhere() {
        let Ok(outside) = NetworkNamespace::new() else { return println!("not run: needs root") };
        let (inside, provider) = (NetworkNamespace::new().unwrap(), NetworkNamespace::new().unwrap());
        let [host, machine] = [&outside, &inside].map(|namespace| RtNetlink::connect_in(namespace).unwrap());
        host.add_veth("uplink0", "isp0", &provider).await.unwrap();
        let uplink = host.link("uplink0").await.unwrap().unwrap().header.index;
        let there = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&inside));
        let made = LinkMacVlan::new("mv-uplink0", uplink, rtnetlink::packet_route::link::MacVlanMode::Bridge)
            .setns_by_fd(there)
            .build();
        host.handle().link().add(made).execute().await.unwrap();
        let parent = ("mv-uplink0".to_owned(), "uplink0".to_owned(), None, false);
        assert_eq!(seen(&machine, &host).await, [parent]);
    }
}
