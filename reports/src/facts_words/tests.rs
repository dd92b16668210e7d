use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::fixture::host;
use crate::{Chain, LinkAddress, LinkSetup, Network, Resolver};

fn network() -> Network {
    let link = LinkSetup {
        network_file: Some("05-eth0.network".to_owned()),
        matched_by: vec!["MACAddress=02:00:5e:00:00:01".to_owned()],
        state: Some("configured".to_owned()),
        mtu: Some(1500),
        address_sources: BTreeMap::from([(
            "ipv6".to_owned(),
            BTreeSet::from(["NDisc".to_owned(), "foreign".to_owned()]),
        )]),
        addresses: vec![LinkAddress { address: "2001:db8::2/64".to_owned(), source: "NDisc".to_owned() }],
        forwarding: BTreeMap::from([("ipv4".to_owned(), true)]),
        accept_ra: Some(0),
        llmnr: Some("yes".to_owned()),
        mdns: Some("no".to_owned()),
    };
    let of_kernel = LinkAddress { address: "172.17.0.1/16".to_owned(), source: "permanent".to_owned() };
    let unmanaged =
        LinkSetup { state: Some("unmanaged".to_owned()), addresses: vec![of_kernel], ..LinkSetup::default() };
    let route = |to: &str, protocol: &str| Route {
        to: to.to_owned(),
        family: "ipv4".to_owned(),
        via: (to == "default").then(|| "198.51.100.1".to_owned()),
        link: Some("eth0".to_owned()),
        protocol: protocol.to_owned(),
        metric: (to == "default").then_some(1024),
    };
    Network {
        services: vec!["systemd-networkd".to_owned(), "docker".to_owned()],
        resolv_conf: "file".to_owned(),
        forwarding: BTreeMap::from([("ipv4".to_owned(), true)]),
        forward_chains: Some(Vec::new()),
        legacy_tables: BTreeSet::new(),
        managers: Some(BTreeSet::from(["systemd-networkd".to_owned()])),
        firewalls: Some(BTreeSet::from(["docker".to_owned(), "iptables-nft".to_owned()])),
        chains: Some(vec![Chain {
            name: "ip filter FORWARD".to_owned(),
            hook: Some("forward".to_owned()),
            policy: Some("drop".to_owned()),
            rules: vec!["counter jump DOCKER-USER".to_owned()],
        }]),
        routes: Some(vec![route("default", "static"), route("198.51.100.0/24", "kernel")]),
        resolver: Some(Resolver {
            servers: vec!["127.0.0.53".to_owned(), "192.0.2.53".to_owned()],
            upstream: vec!["192.0.2.54".to_owned()],
            search: vec!["example.com".to_owned()],
            options: vec!["edns0".to_owned()],
            nss_hosts: Some("files resolve dns".to_owned()),
        }),
        links: BTreeMap::from([("docker0".to_owned(), unmanaged), ("eth0".to_owned(), link)]),
    }
}

fn told(words: Words) -> String {
    words.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

#[test]
fn the_network_of_a_host_is_told_in_words() {
    insta::assert_snapshot!(told(of_network(&network())), @r"
    services: systemd-networkd, docker
    resolv.conf: file
    iptables-legacy: none
    network set up by: systemd-networkd
    firewalls: docker, iptables-nft
    chains for forwarded packets: none
    chains at prerouting: none
    chains at input: none
    chains at output: none
    chains at postrouting: none
    rules of the firewall: 1
    forwarding of ipv4: yes
    default route of ipv4: eth0 by static
    default route of ipv6: none
    other routes of ipv4: 1 by kernel
    servers of resolv.conf: 127.0.0.53, 1 elsewhere
    options of resolv.conf: edns0
    servers of systemd-resolved: 1
    hosts of nsswitch.conf: files resolve dns
    links: docker0, eth0
    .network file of docker0: unmanaged
    ipv4 of docker0: permanent
    .network file of eth0: 05-eth0.network
    [Match] of eth0: MACAddress
    MTU of eth0: 1500
    ipv6 of eth0: NDisc, foreign
    accept_ra of eth0: 0
    LLMNR of eth0: yes
    multicast DNS of eth0: no
    forwarding of ipv4 by eth0: yes
    ");
}

#[test]
fn what_is_of_one_host_alone_is_told_beside() {
    let mut host = host("sandbox/trixie/nat", 257);
    let facts = host.facts.take().unwrap_or_default();
    host.facts = Some(Facts { hostname: Some("web1".to_owned()), network: Some(network()), ..facts });
    insta::assert_snapshot!(told(beside(&host)), @r"
    name: web1
    address of docker0: 172.17.0.1/16 (permanent)
    address of eth0: 2001:db8::2/64 (NDisc)
    route: default via 198.51.100.1 dev eth0 proto static metric 1024
    route: 198.51.100.0/24 dev eth0 proto kernel
    server of resolv.conf: 127.0.0.53
    server of resolv.conf: 192.0.2.53
    domain that is searched: example.com
    rule of ip filter FORWARD: counter jump DOCKER-USER
    ");
}
