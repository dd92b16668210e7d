//! The internet of a test host: a network namespace that plays the provider's router and everything behind it.
//!
//! An [`Internet`] holds an address that stands for the outside and a DNS server that knows a name for it. What is
//! "reachable outside" is thereby measured without any real network. Since it knows no route to private addresses
//! and does not forward, a packet that a host has failed to masquerade gets no answer, as at a real provider.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::Name;
use hickory_proto::serialize::txt::Parser;
use hickory_server::Server;
use hickory_server::net::runtime::TokioRuntimeProvider;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};

use crate::netns::{NetworkNamespace, RtNetlink};

/// The name that the DNS server knows; `example` is reserved by RFC 2606.
pub const OUTSIDE_NAME: &str = "outside.example";
/// The host outside, in TEST-NET-1 (RFC 5737).
pub const OUTSIDE_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The host outside, in the documentation prefix (RFC 3849).
pub const OUTSIDE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1);
/// The DNS server, in TEST-NET-1 (RFC 5737).
pub const DNS_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
/// The provider's router, in TEST-NET-2 (RFC 5737).
pub const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The provider's router, in the documentation prefix (RFC 3849).
pub const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
/// The test host, in TEST-NET-2 (RFC 5737).
pub const HOST_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// The test host, in the documentation prefix (RFC 3849).
pub const HOST_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);
/// Bits of the prefix that router and host share.
pub const PREFIX_V4: u8 = 24;
/// Bits of the prefix that router and host share.
pub const PREFIX_V6: u8 = 64;
/// The link of the host that goes to the internet.
pub const UPLINK: &str = "uplink0";
/// The other end of it.
const ISP: &str = "isp0";
/// The index that `lo` has in every namespace.
const LO: u32 = 1;
/// How long a TCP connection to the DNS server may be silent.
const TCP_IDLE: Duration = Duration::from_secs(5);
/// Answers that a TCP connection may have waiting.
const TCP_ANSWERS: usize = 16;

/// The internet could not be made, or a host could not be plugged in.
#[derive(Debug, thiserror::Error)]
#[error("internet of the host: {step}")]
pub struct InternetError {
    step: String,
    source: io::Error,
}

fn at(step: impl Into<String>) -> impl FnOnce(io::Error) -> InternetError {
    let step = step.into();
    move |source| InternetError { step, source }
}

/// A namespace with an outside in it. All of it is gone when this is dropped.
pub struct Internet {
    namespace: NetworkNamespace,
    netlink: RtNetlink,
    /// Its tasks end when it is dropped.
    _dns: Server<Catalog>,
}

impl Internet {
    /// Makes an internet with no host in it. The current tokio runtime serves its DNS.
    ///
    /// # Errors
    /// If the namespace, its addresses or the sockets of the DNS server cannot be made; needs root.
    pub async fn new() -> Result<Self, InternetError> {
        let namespace = NetworkNamespace::new().map_err(at("make a network namespace"))?;
        be_no_router(&namespace)?;
        let netlink = RtNetlink::connect_in(&namespace).map_err(at("connect to rtnetlink"))?;
        netlink.set_up(LO).await.map_err(at("bring `lo` up"))?;
        for (address, prefix) in
            [(IpAddr::V4(OUTSIDE_V4), 32), (IpAddr::V6(OUTSIDE_V6), 128), (IpAddr::V4(DNS_V4), 32)]
        {
            let added = netlink.add_address(LO, address, prefix).await;
            added.map_err(at(format!("add {address} to `lo`")))?;
        }
        let dns = serve_dns(&namespace).map_err(at(format!("serve DNS on {DNS_V4}")))?;
        Ok(Self { namespace, netlink, _dns: dns })
    }

    /// Connects the host that `host` is the namespace of, by a new link [`UPLINK`] in it, which is down.
    ///
    /// The host before it, or its boot before this one, is cut off. The link is there when this returns.
    ///
    /// # Errors
    /// If rtnetlink refuses: `EEXIST` if the namespace has a link of that name.
    pub async fn plug_in(&self, host: &NetworkNamespace) -> Result<(), InternetError> {
        // The kernel takes the namespace of a host that has gone apart in its own time, and our end with it.
        self.netlink.remove_link(ISP).await.map_err(at(format!("remove the old link `{ISP}`")))?;
        let made = self.netlink.add_veth(ISP, UPLINK, host).await;
        made.map_err(at(format!("make the links `{ISP}` and, in the host, `{UPLINK}`")))?;
        self.set_up_isp().await.map_err(at(format!("set the link `{ISP}` up")))
    }

    async fn set_up_isp(&self) -> io::Result<()> {
        let Some(link) = self.netlink.link(ISP).await? else { return Err(io::ErrorKind::NotFound.into()) };
        let index = link.header.index;
        self.netlink.add_address(index, GATEWAY_V4.into(), PREFIX_V4).await?;
        self.netlink.add_address(index, GATEWAY_V6.into(), PREFIX_V6).await?;
        self.netlink.set_up(index).await
    }

    /// Lends the namespace, to look at what arrives.
    #[must_use]
    pub fn namespace(&self) -> &NetworkNamespace {
        &self.namespace
    }
}

/// Turns off forwarding, which a new namespace takes over from the first one, and routes by router advertisement.
fn be_no_router(namespace: &NetworkNamespace) -> Result<(), InternetError> {
    let off = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/default/accept_ra"];
    switch_off(namespace, &off)
}

/// Lets the bridges of a host switch frames past its packet filter, as on a machine where `br_netfilter` is not loaded.
///
/// Where it is built into the kernel, bridged frames between two machines meet the NAT rule of networkd, which
/// masquerades them, and LLMNR over IPv4 fails. The setting is of the namespace (Linux 5.3 and later).
///
/// # Errors
/// If a setting is there and cannot be written.
pub fn stock_bridge_sysctls(host: &NetworkNamespace) -> Result<(), InternetError> {
    let off =
        ["iptables", "ip6tables", "arptables"].map(|table| format!("net/bridge/bridge-nf-call-{table}"));
    switch_off(host, &off.each_ref().map(String::as_str))
}

/// Writes 0 to those of the settings in /proc/sys that there are, in `namespace`.
fn switch_off(namespace: &NetworkNamespace, settings: &[&str]) -> Result<(), InternetError> {
    for setting in settings {
        let written = namespace.run(|| match fs::write(format!("/proc/sys/{setting}"), "0") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            written => written,
        });
        written.map_err(at(format!("write 0 to /proc/sys/{setting}")))?;
    }
    Ok(())
}

/// The systemd.network(5) file by which a host configures its [`UPLINK`].
#[must_use]
pub fn uplink_network_file() -> String {
    // Nobody else can have the IPv6 address: detecting duplicates would cost a second or two of each boot.
    format!(
        "[Match]\nName={UPLINK}\n\n\
         [Network]\nAddress={HOST_V4}/{PREFIX_V4}\nGateway={GATEWAY_V4}\nGateway={GATEWAY_V6}\nDNS={DNS_V4}\n\
         DHCP=no\nIPv6AcceptRA=no\n\n\
         [Address]\nAddress={HOST_V6}/{PREFIX_V6}\nDuplicateAddressDetection=none\n"
    )
}

/// Serves DNS in `namespace` over UDP and TCP, from tasks of the current runtime.
fn serve_dns(namespace: &NetworkNamespace) -> io::Result<Server<Catalog>> {
    let (udp, tcp) = namespace.run(|| {
        let udp = UdpSocket::bind((DNS_V4, 53))?;
        let tcp = TcpListener::bind((DNS_V4, 53))?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok((udp, tcp))
    })?;
    let mut server = Server::new(catalog());
    server.register_socket(tokio::net::UdpSocket::from_std(udp)?);
    server.register_listener(tokio::net::TcpListener::from_std(tcp)?, TCP_IDLE, TCP_ANSWERS);
    Ok(server)
}

/// What the DNS server knows. The root zone is empty, so that any other name is denied at once.
fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    let outside = format!("{OUTSIDE_NAME}. A {OUTSIDE_V4}\n{OUTSIDE_NAME}. AAAA {OUTSIDE_V6}\n");
    for (origin, records) in [("example.", outside.as_str()), (".", "")] {
        let zone = zone(origin, records);
        catalog.upsert(zone.0.into(), vec![Arc::new(zone.1)]);
    }
    catalog
}

/// Makes a zone of records in the text form of RFC 1035, section 5.
fn zone(origin: &str, records: &str) -> (Name, InMemoryZoneHandler<TokioRuntimeProvider>) {
    let text = format!(
        "$TTL 60\n\
         {origin} SOA ns.example. root.example. 1 3600 600 86400 60\n\
         {origin} NS ns.example.\n\
         {records}"
    );
    let origin = Name::from_ascii(origin).expect("the origins are written in this file");
    let (origin, records) =
        Parser::new(text, None, Some(origin)).parse().expect("the zones are written in this file");
    let handler = InMemoryZoneHandler::new(origin.clone(), records, ZoneType::Primary, AxfrPolicy::Deny);
    (origin, handler.expect("each zone has its SOA"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Instant;

    use hickory_proto::op::{Message, Query, ResponseCode};
    use hickory_proto::rr::RecordType;
    use nspawn_matrix_reports::Ping;
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
        let internet = Internet::new().await.unwrap();
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
        let nothing = ask_udp(&socket, &name, RecordType::MX).await;
        assert_eq!((nothing.metadata.response_code, nothing.answers.len()), (ResponseCode::NoError, 0));
        for name in ["inside.example.", "alpha.", "debian.org.", "7.8.9.10.in-addr.arpa."] {
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
        block_on(host, async || ping(Target::from(address), 3, patience).await)
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
        stock_bridge_sysctls(&host).unwrap();
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
}
