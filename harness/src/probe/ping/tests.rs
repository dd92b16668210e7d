//! Pings between namespaces of the real kernel, where the tests run as root, and messages made by hand.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use pnet::packet::icmp::IcmpTypes;
use proptest::prelude::*;
use rtnetlink::{LinkUnspec, RouteMessageBuilder};
use tokio::time::Instant;

use super::echo::{Arrival, Echo, Heard, MESSAGE, source_of_marked};
use super::series::median;
use super::socket::hop_limit;
use super::*;
use crate::netns::{NetworkNamespace, RtNetlink};
use crate::probe::link;

const PATIENCE: Duration = Duration::from_secs(5);

fn echo(target: &str) -> Echo {
    Echo { target: target.parse().unwrap(), identifier: 0x1234, cookie: *b"biscuits", length: MESSAGE }
}

/// Puts an IPv4 header with TTL 63 before an ICMP message.
fn ipv4(source: [u8; 4], destination: [u8; 4], icmp: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 63, 1, 0, 0];
    datagram.extend(source.into_iter().chain(destination).chain(icmp.iter().copied()));
    datagram
}

fn with_checksum(mut icmp: Vec<u8>) -> Vec<u8> {
    let checksum = pnet::packet::util::checksum(&icmp, 1);
    icmp[2..4].copy_from_slice(&checksum.to_be_bytes());
    icmp
}

fn reply(echo: &Echo, sequence: u16) -> Vec<u8> {
    let mut icmp = echo.request(sequence);
    icmp[0] = IcmpTypes::EchoReply.0;
    ipv4([10, 0, 0, 1], [10, 0, 0, 2], &with_checksum(icmp))
}

fn heard(echo: &Echo, datagram: &[u8]) -> Option<Heard> {
    echo.hear(&Arrival::from_ipv4(datagram)?)
}

#[test]
fn a_reply_counts_only_from_the_target_and_with_identifier_cookie_and_checksum_right() {
    let echo = echo("10.0.0.1");
    let datagram = reply(&echo, 7);
    assert_eq!(heard(&echo, &datagram), Some(Heard::Reply { sequence: 7, ttl: Some(63) }));
    assert_eq!(heard(&Echo { identifier: 1, ..echo }, &datagram), None);
    assert_eq!(heard(&Echo { cookie: *b"cookies!", ..echo }, &datagram), None);
    assert_eq!(heard(&Echo { target: "10.0.0.9".parse().unwrap(), ..echo }, &datagram), None);
    let mut broken = datagram;
    broken[40] ^= 1;
    assert_eq!(heard(&echo, &broken), None);
    let without_data = with_checksum(vec![0, 0, 0, 0, 0x12, 0x34, 0, 7]);
    assert_eq!(heard(&echo, &ipv4([10, 0, 0, 1], [10, 0, 0, 2], &without_data)), None);
}

#[test]
fn an_error_that_quotes_eight_bytes_of_our_request_is_ours() {
    let echo = echo("10.0.0.1");
    let quote = ipv4([10, 0, 0, 2], [10, 0, 0, 1], &echo.request(3)[..8]);
    let error = with_checksum([&[3, 1, 0, 0, 0, 0, 0, 0], quote.as_slice()].concat());
    let datagram = ipv4([10, 0, 0, 254], [10, 0, 0, 2], &error);
    assert_eq!(heard(&echo, &datagram), Some(Heard::Refused("Destination Host Unreachable".into())));
    assert_eq!(heard(&Echo { identifier: 1, ..echo }, &datagram), None);
}

#[test]
fn an_ipv6_error_that_quotes_our_request_is_ours() {
    let echo = echo("2001:db8::1");
    let mut quote = vec![0x60, 0, 0, 0, 0, 64, 58, 64];
    quote.extend([0; 16].into_iter().chain("2001:db8::1".parse::<Ipv6Addr>().unwrap().octets()));
    quote.extend(echo.request(3));
    let icmp = [&[1, 3, 0, 0, 0, 0, 0, 0], quote.as_slice()].concat();
    let arrival = Arrival { source: "fe80::1".parse().unwrap(), ttl: None, icmp: &icmp };
    let text = "Destination unreachable: Address unreachable";
    assert_eq!(echo.hear(&arrival), Some(Heard::Refused(text.into())));
    assert_eq!(Echo { cookie: *b"cookies!", ..echo }.hear(&arrival), None);
}

#[test]
fn a_marked_request_is_known_by_who_does_not_know_its_identifier() {
    let mark = u64::from_ne_bytes(*b"biscuits");
    let request = ipv4([10, 0, 0, 1], [10, 0, 0, 2], &echo("10.0.0.2").request(3));
    assert_eq!(source_of_marked(&request, mark), Some(IpAddr::from([10, 0, 0, 1])));
    assert_eq!(source_of_marked(&request, mark + 1), None);
    assert_eq!(source_of_marked(&reply(&echo("10.0.0.1"), 3), mark), None);
    let request = echo("fe80::2").request(3);
    let arrival = Arrival { source: "fe80::1".parse().unwrap(), ttl: None, icmp: &request };
    assert_eq!([mark, mark + 1].map(|mark| arrival.is_marked_request(mark)), [true, false]);
    assert!(!Arrival { source: [10, 0, 0, 1].into(), ..arrival }.is_marked_request(mark));
}

#[test]
fn a_packet_of_a_size_is_as_large_as_that_with_its_header() {
    let length = |manner| Echo::new("10.0.0.1".parse().unwrap(), manner).request(0).len();
    assert_eq!(length(Manner::Sized(1500)), 1480);
    assert_eq!(length(Manner::Sized(0)), 16);
    assert_eq!(length(Manner::Usual), 64);
}

#[test]
fn the_median_of_an_even_number_lies_between() {
    let millis = |list: &[u64]| list.iter().map(|n| Duration::from_millis(*n)).collect::<Vec<_>>();
    assert_eq!(median(&[]), None);
    assert_eq!(median(&millis(&[1, 2, 9])), Some(Duration::from_millis(2)));
    assert_eq!(median(&millis(&[1, 2, 4, 9])), Some(Duration::from_millis(3)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), v6: bool) {
        let echo = echo(if v6 { "2001:db8::1" } else { "10.0.0.1" });
        let _ = heard(&echo, &bytes);
        let _ = hop_limit(&bytes);
        let _ = echo.quoted(&bytes);
        let _ = source_of_marked(&bytes, 0);
        let _ = echo.hear(&Arrival { source: echo.target, ttl: None, icmp: &bytes });
    }

    #[test]
    fn no_damage_to_a_reply_makes_the_parser_panic(at in 0_usize..84, byte: u8, length in 0_usize..=84) {
        let echo = echo("10.0.0.1");
        let mut datagram = reply(&echo, 1);
        datagram[at] = byte;
        let _ = heard(&echo, &datagram[..length]);
    }
}

/// Runs a test in a namespace of its own, in which `lo` is up: the kernel sends its own ICMP errors by it.
fn in_namespace(test: impl AsyncFnOnce(RtNetlink) -> io::Result<()> + Send) {
    let Ok(namespace) = NetworkNamespace::new() else { return println!("not run: needs root") };
    let run = || {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let netlink = RtNetlink::connect()?;
            netlink.set_up(1).await?;
            test(netlink).await
        })
    };
    namespace.run(run).unwrap();
}

async fn operational(name: &str) -> io::Result<()> {
    let waited = link::wait(name, PATIENCE, |state| state.operational, |_| ()).await.unwrap();
    assert!(matches!(waited, link::Waited::Ready(_)), "{waited:?}");
    Ok(())
}

/// Connects the namespace to `peer`, and waits until the kernel has noticed the carrier at both ends.
async fn veth(netlink: &RtNetlink, peer: &NetworkNamespace) -> io::Result<u32> {
    netlink.add_veth("host0", "peer0", peer).await?;
    let index = netlink.link("host0").await?.unwrap().header.index;
    netlink.add_address(index, "10.0.0.1".parse().unwrap(), 24).await?;
    netlink.add_address(index, "fe80::1".parse().unwrap(), 64).await?;
    netlink.set_up(index).await?;
    let other = RtNetlink::connect_in(peer)?;
    let peer0 = other.link("peer0").await?.unwrap().header.index;
    other.add_address(peer0, "10.0.0.2".parse().unwrap(), 24).await?;
    other.add_address(peer0, "fe80::2".parse().unwrap(), 64).await?;
    other.set_up(peer0).await?;
    peer.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(operational("peer0"))
    })?;
    operational("host0").await?;
    Ok(index)
}

/// Makes a router of `router`, on a link to `beyond` that carries packets of `mtu` bytes.
async fn passes_on(router: &NetworkNamespace, beyond: &NetworkNamespace, mtu: u32) -> io::Result<()> {
    router.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))?;
    let netlink = RtNetlink::connect_in(router)?;
    netlink.add_veth("next0", "beyond0", beyond).await?;
    let index = netlink.link("next0").await?.unwrap().header.index;
    netlink.add_address(index, "192.0.2.254".parse().unwrap(), 24).await?;
    let up = LinkUnspec::new_with_index(index).mtu(mtu).up().build();
    netlink.handle().link().set(up).execute().await.map_err(io::Error::other)
}

#[test]
fn a_neighbour_answers_in_both_families_and_parallel_series_do_not_mix() {
    in_namespace(async |netlink| {
        let peer = NetworkNamespace::new()?;
        let index = veth(&netlink, &peer).await?;
        let v4 = Target::from("10.0.0.2".parse::<IpAddr>().unwrap());
        let interface = Some(Interface { name: "host0".into(), index });
        let v6 = Target { address: "fe80::2".parse().unwrap(), interface };
        let started = Instant::now();
        let (a, b, c) = tokio::join!(
            ping(v4.clone(), 100, PATIENCE),
            ping(v4.clone(), 100, PATIENCE),
            ping(v6.clone(), 100, PATIENCE)
        );
        println!("3 x 100 pings in {:?}: {a:?} {c:?}", started.elapsed());
        for (ping, target) in [(a, "10.0.0.2"), (b, "10.0.0.2"), (c, "fe80::2%host0")] {
            let ping = ping.unwrap();
            assert_eq!((ping.sent, ping.received, ping.ttl), (100, 100, Some(64)), "{ping:?}");
            assert_eq!((ping.target.as_deref(), ping.error), (Some(target), None));
            assert!(ping.rtt_us.is_some());
        }
        Ok(())
    });
}

#[test]
fn a_packet_larger_than_the_link_carries_is_refused_and_the_largest_is_not() {
    in_namespace(async |netlink| {
        let peer = NetworkNamespace::new()?;
        veth(&netlink, &peer).await?;
        let of_size =
            |size| ping_so(Manner::Sized(size), "10.0.0.2".parse::<IpAddr>().unwrap().into(), 2, PATIENCE);
        let largest = of_size(1500).await?;
        assert_eq!((largest.received, largest.size, largest.error), (2, Some(1500), None));
        let larger = of_size(1501).await?;
        assert_eq!((larger.sent, larger.error.as_deref()), (0, Some("Message too long")));
        Ok(())
    });
}

#[test]
fn a_packet_larger_than_a_router_passes_on_is_refused_by_it_each_time() {
    in_namespace(async |netlink| {
        let router = NetworkNamespace::new()?;
        veth(&netlink, &router).await?;
        let beyond = NetworkNamespace::new()?;
        passes_on(&router, &beyond, 1400).await?;
        let route = RouteMessageBuilder::<Ipv4Addr>::new().gateway([10, 0, 0, 2].into()).build();
        netlink.handle().route().add(route).execute().await.map_err(io::Error::other)?;
        let of_size = |size| {
            let target = "192.0.2.1".parse::<IpAddr>().unwrap().into();
            ping_so(Manner::Sized(size), target, 2, PATIENCE)
        };
        for _ in 0..2 {
            assert_eq!(of_size(1401).await?.error.as_deref(), Some("Frag needed and DF set"));
        }
        assert_eq!(of_size(1501).await?.error.as_deref(), Some("Message too long"));
        Ok(())
    });
}

#[test]
fn a_link_local_address_without_its_link_is_refused_to_who_connects() {
    in_namespace(async |netlink| {
        let peer = NetworkNamespace::new()?;
        let index = veth(&netlink, &peer).await?;
        let address = "fe80::2".parse().unwrap();
        let unscoped = ping_so(Manner::Connected, Target { address, interface: None }, 1, PATIENCE).await?;
        assert_eq!((unscoped.sent, unscoped.error.as_deref()), (0, Some("Invalid argument")));
        let interface = Some(Interface { name: "host0".into(), index });
        let scoped = ping_so(Manner::Connected, Target { address, interface }, 1, PATIENCE).await?;
        assert_eq!((scoped.received, scoped.error), (1, None));
        Ok(())
    });
}

#[test]
fn an_ordinary_user_pings_where_its_group_may() {
    in_namespace(async |netlink| {
        let peer = NetworkNamespace::new()?;
        veth(&netlink, &peer).await?;
        let target = || "10.0.0.2".parse::<IpAddr>().unwrap().into();
        let closed = ping_so(Manner::Unprivileged, target(), 1, PATIENCE).await?;
        assert_eq!((closed.sent, closed.error.as_deref()), (0, Some("Permission denied")));
        std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")?;
        let open = ping_so(Manner::Unprivileged, target(), 2, PATIENCE).await?;
        assert_eq!((open.received, open.ttl, open.error), (2, Some(64), None));
        Ok(())
    });
}

#[test]
fn a_witness_sees_from_where_a_marked_request_comes() {
    in_namespace(async |netlink| {
        let peer = NetworkNamespace::new()?;
        let index = veth(&netlink, &peer).await?;
        let interface = Some(Interface { name: "host0".into(), index });
        let ipv6 = Target { address: "fe80::2".parse().unwrap(), interface };
        let ipv4 = "10.0.0.2".parse::<IpAddr>().unwrap().into();
        for (target, over_ipv6) in [(ipv4, false), (ipv6, true)] {
            let witness = peer.run(|| listen(over_ipv6))?;
            assert_eq!(ping_so(Manner::Marked(7), target, 1, PATIENCE).await?.received, 1);
            let seen = loop {
                // Others send ICMPv6 too: that a neighbour is asked for arrives before the request.
                if let Some(source) = marked_request(&witness, 7)? {
                    break source;
                }
            };
            let own = link::addresses("host0").await.unwrap().unwrap();
            assert!(
                own.addresses.iter().any(|own| own.to_string().starts_with(&format!("{seen}/"))),
                "{seen}"
            );
        }
        Ok(())
    });
}

#[test]
fn a_neighbour_that_is_not_there_is_unreachable_and_silence_costs_one_patience() {
    in_namespace(async |netlink| {
        let peer = NetworkNamespace::new()?;
        veth(&netlink, &peer).await?;
        let nobody = Target::from("10.0.0.9".parse::<IpAddr>().unwrap());
        let started = Instant::now();
        let silent = ping(nobody.clone(), 5, Duration::from_millis(400)).await.unwrap();
        assert!(started.elapsed() < Duration::from_millis(1600), "{:?}", started.elapsed());
        assert_eq!((silent.sent, silent.received, silent.error), (5, 0, None));
        let refused = ping(nobody, 2, Duration::from_secs(8)).await.unwrap();
        println!("refused after {:?}", started.elapsed());
        assert_eq!(refused.error.as_deref(), Some("Destination Host Unreachable"));
        Ok(())
    });
}

#[test]
fn a_namespace_without_routes_says_so_in_the_words_of_the_kernel() {
    in_namespace(async |_| {
        for address in ["192.0.2.1", "2001:db8::1"] {
            let ping = ping(address.parse::<IpAddr>().unwrap().into(), 3, PATIENCE).await.unwrap();
            assert_eq!((ping.sent, ping.error.as_deref()), (0, Some("Network is unreachable")));
        }
        Ok(())
    });
}
