//! A host plugged into the internet: two namespaces of the real kernel, where the tests run as root.

use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use nspawn_matrix_reports::Ping;
use nspawn_matrix_scenarios::{OUTSIDE_NAME, below_machine};
use rtnetlink::RouteMessageBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;
use crate::probe::link::{self, Waited};
use crate::probe::ping::{Target, ping};

const DEADLINE: Duration = Duration::from_secs(5);
/// An address that the internet has no route to (RFC 1918).
const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 9, 8, 7);

fn block_on<T: Send>(host: &NetworkNamespace, work: impl AsyncFnOnce() -> T + Send) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    host.run(|| Ok(runtime()?.block_on(work()))).unwrap()
}

/// Does what networkd does with the file of [`uplink_network_file`].
async fn configure(host: &NetworkNamespace) -> RtNetlink {
    let netlink = RtNetlink::connect_in(host).unwrap();
    netlink.set_up(LO).await.unwrap();
    let index = netlink.link(UPLINK).await.unwrap().unwrap().header.index;
    netlink.set_up(index).await.unwrap();
    netlink.add_address(index, HOST_V4.into(), PREFIX_V4).await.unwrap();
    netlink.add_address(index, HOST_V6.into(), PREFIX_V6).await.unwrap();
    let ready = async || link::wait(UPLINK, DEADLINE, |state| state.operational, |_| ()).await.unwrap();
    assert!(matches!(block_on(host, ready), Waited::Ready(_)));
    let v4 = RouteMessageBuilder::<Ipv4Addr>::new().gateway(GATEWAY_V4).build();
    let v6 = RouteMessageBuilder::<Ipv6Addr>::new().gateway(GATEWAY_V6).build();
    netlink.handle().route().add(v4).execute().await.unwrap();
    netlink.handle().route().add(v6).execute().await.unwrap();
    netlink
}

async fn plugged_in() -> Option<(Internet, NetworkNamespace, RtNetlink)> {
    if !nix::unistd::geteuid().is_root() {
        println!("not run: needs root");
        return None;
    }
    let internet = Internet::new(&["alpha".to_owned()]).await.unwrap();
    let host = NetworkNamespace::new().unwrap();
    internet.plug_in(&host).await.unwrap();
    let netlink = configure(&host).await;
    Some((internet, host, netlink))
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

fn ask_udp(socket: &UdpSocket, name: &str, kind: RecordType) -> impl Future<Output = Message> {
    let socket = tokio::net::UdpSocket::from_std(socket.try_clone().unwrap()).unwrap();
    let question = question(name, kind);
    async move {
        socket.send(&question.to_vec().unwrap()).await.unwrap();
        let mut answer = [0; 1500];
        let length = timeout(DEADLINE, socket.recv(&mut answer)).await.expect("no answer").unwrap();
        let answer = Message::from_vec(&answer[..length]).unwrap();
        assert_eq!(answer.metadata.id, question.metadata.id);
        answer
    }
}

fn udp(host: &NetworkNamespace) -> UdpSocket {
    let socket = host.run(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((DNS_V4, 53))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    socket.unwrap()
}

fn addresses(answer: &Message) -> Vec<IpAddr> {
    answer.answers.iter().filter_map(|record| record.data.ip_addr()).collect()
}

#[tokio::test]
async fn the_name_of_the_outside_resolves_over_udp_and_others_are_denied() {
    let Some((_internet, host, _)) = plugged_in().await else { return };
    let socket = udp(&host);
    let name = format!("{OUTSIDE_NAME}.");
    assert_eq!(addresses(&ask_udp(&socket, &name, RecordType::A).await), [IpAddr::V4(OUTSIDE_V4)]);
    assert_eq!(addresses(&ask_udp(&socket, &name, RecordType::AAAA).await), [IpAddr::V6(OUTSIDE_V6)]);
    let below = ask_udp(&socket, &format!("{}.", below_machine("alpha")), RecordType::A).await;
    assert_eq!(addresses(&below), [IpAddr::V4(OUTSIDE_V4)]);
    let nothing = ask_udp(&socket, &name, RecordType::MX).await;
    assert_eq!((nothing.metadata.response_code, nothing.answers.len()), (ResponseCode::NoError, 0));
    for name in ["inside.example.", "mail.alpha.", "debian.org.", "7.8.9.10.in-addr.arpa."] {
        let denied = ask_udp(&socket, name, RecordType::A).await;
        assert_eq!(denied.metadata.response_code, ResponseCode::NXDomain, "{name}");
    }
    let mut took = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        ask_udp(&socket, &name, RecordType::A).await;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    println!("DNS over UDP: median {:?}, slowest of 200 {:?}", took[100], took[199]);
}

#[tokio::test]
async fn the_name_of_the_outside_resolves_over_tcp() {
    let Some((_internet, host, _)) = plugged_in().await else { return };
    let stream = host.run(|| {
        let stream = TcpStream::connect_timeout(&(DNS_V4, 53).into(), DEADLINE)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    });
    let mut stream = tokio::net::TcpStream::from_std(stream.unwrap()).unwrap();
    let question = question(&format!("{OUTSIDE_NAME}."), RecordType::AAAA).to_vec().unwrap();
    stream.write_u16(u16::try_from(question.len()).unwrap()).await.unwrap();
    stream.write_all(&question).await.unwrap();
    let length = timeout(DEADLINE, stream.read_u16()).await.expect("no answer").unwrap();
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(addresses(&Message::from_vec(&answer).unwrap()), [IpAddr::V6(OUTSIDE_V6)]);
}

fn ping_outside(host: &NetworkNamespace, address: IpAddr, patience: Duration) -> Ping {
    block_on(host, async || ping(Target::from(address), 3, patience).await.unwrap())
}

#[tokio::test]
async fn the_outside_answers_the_host_but_nobody_behind_it() {
    let Some((internet, host, netlink)) = plugged_in().await else { return };
    for address in [IpAddr::V4(OUTSIDE_V4), IpAddr::V6(OUTSIDE_V6)] {
        let ping = ping_outside(&host, address, DEADLINE);
        println!("{ping:?}");
        assert_eq!((ping.received, ping.error), (3, None), "{address}");
    }
    // What is sent by this route has a private source address, as if the host had forwarded it as it was.
    netlink.add_address(LO, PRIVATE.into(), 32).await.unwrap();
    let route = RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(OUTSIDE_V4, 32);
    let route = route.gateway(GATEWAY_V4).pref_source(PRIVATE).build();
    netlink.handle().route().add(route).execute().await.unwrap();
    let ping = ping_outside(&host, OUTSIDE_V4.into(), Duration::from_millis(200));
    assert_eq!((ping.sent, ping.received), (3, 0), "{ping:?}");
    // It is the missing route that makes the silence: with one, the same pings are answered.
    let back =
        RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(PRIVATE, 32).gateway(HOST_V4).build();
    internet.netlink.handle().route().add(back).execute().await.unwrap();
    assert_eq!(ping_outside(&host, OUTSIDE_V4.into(), DEADLINE).received, 3);
}

#[tokio::test]
async fn a_host_that_asks_for_a_router_gets_an_address_by_slaac_also_after_its_reboot() {
    let Some((internet, host, _)) = plugged_in().await else { return };
    drop(host);
    let again = NetworkNamespace::new().unwrap();
    stock_sysctls(&again).unwrap();
    internet.plug_in(&again).await.unwrap();
    // The kernel asks by itself, as it is no router.
    let netlink = RtNetlink::connect_in(&again).unwrap();
    let index = netlink.link(UPLINK).await.unwrap().unwrap().header.index;
    netlink.set_up(index).await.unwrap();
    let is_of_prefix = |address: &link::LinkAddress| match address.address {
        IpAddr::V6(v6) => v6.segments()[..4] == GATEWAY_V6.segments()[..4],
        IpAddr::V4(_) => false,
    };
    let wait = async move || {
        let has_address = |state: &link::LinkState| state.addresses.iter().any(is_of_prefix);
        link::wait(UPLINK, DEADLINE, has_address, |_| ()).await.unwrap()
    };
    // The router answers on this thread meanwhile.
    let waited = tokio::task::spawn_blocking(move || block_on(&again, wait)).await.unwrap();
    assert!(matches!(waited, Waited::Ready(_)));
}

#[tokio::test]
async fn a_host_can_be_plugged_in_again_after_its_reboot() {
    let Some((internet, host, netlink)) = plugged_in().await else { return };
    let again = NetworkNamespace::new().unwrap();
    internet.plug_in(&again).await.unwrap();
    assert!(netlink.link(UPLINK).await.unwrap().is_none(), "the host before it is cut off");
    drop((host, netlink));
    configure(&again).await;
    assert_eq!(ping_outside(&again, OUTSIDE_V4.into(), DEADLINE).received, 3);
    let rebooted = NetworkNamespace::new().unwrap();
    drop(again);
    internet.plug_in(&rebooted).await.unwrap();
    configure(&rebooted).await;
    assert_eq!(ping_outside(&rebooted, OUTSIDE_V6.into(), DEADLINE).received, 3);
}

#[test]
fn the_bridge_settings_of_one_namespace_are_those_of_a_stock_machine() {
    let Ok(host) = NetworkNamespace::new() else { return println!("not run: needs root") };
    stock_sysctls(&host).unwrap();
    let path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    if let Ok(inside) = host.run(|| fs::read_to_string(path)) {
        let other = NetworkNamespace::new().unwrap();
        println!("a new namespace has {:?}", other.run(|| fs::read_to_string(path)));
        assert_eq!(inside.trim(), "0");
    }
}

#[test]
fn the_uplink_is_configured_in_both_families() {
    insta::assert_snapshot!(uplink_network_file(), @r"
    [Match]
    Name=uplink0

    [Network]
    Address=198.51.100.2/24
    Gateway=198.51.100.1
    Gateway=2001:db8:1::1
    DNS=192.0.2.53
    DHCP=no
    IPv6AcceptRA=no

    [Address]
    Address=2001:db8:1::2/64
    DuplicateAddressDetection=none
    ");
}
