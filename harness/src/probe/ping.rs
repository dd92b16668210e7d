//! ICMP echo from the current network namespace (RFC 792, RFC 4443).
//!
//! [`ping`] sends a whole series at once and then waits, so that silence costs its patience once. It uses raw sockets
//! (raw(7)): the unprivileged ones are closed even to root in a new namespace. A raw socket hears all ICMP of the
//! namespace, so our own are told by target, identifier and a random cookie.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nspawn_matrix_reports::Ping;
use pnet::packet::icmp::{IcmpPacket, IcmpTypes, echo_request};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::Ipv4Packet;
use pnet::packet::ipv6::Ipv6Packet;
use pnet::packet::{Packet, icmp};
use socket2::{Domain, MaybeUninitSlice, MsgHdrMut, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of an echo header, and of the whole message: as ping(8) sends it.
const HEADER: usize = 8;
const MESSAGE: usize = HEADER + 56;
/// Bytes of an IPv6 header (RFC 8200).
const IPV6_HEADER: usize = 40;

/// Whom to ping. Displayed as `fe80::1%host0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// The interface to send on: needed for link-local IPv6 addresses, otherwise the routes decide.
    pub interface: Option<Interface>,
}

/// A network interface of the current namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The name.
    pub name: String,
    /// The index, which is the scope of a link-local address.
    pub index: u32,
}

impl Target {
    fn socket_address(&self) -> SocketAddr {
        match self.address {
            IpAddr::V4(v4) => (v4, 0).into(),
            IpAddr::V6(v6) => {
                SocketAddrV6::new(v6, 0, 0, self.interface.as_ref().map_or(0, |i| i.index)).into()
            }
        }
    }
}

impl From<IpAddr> for Target {
    fn from(address: IpAddr) -> Self {
        Self { address, interface: None }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.interface {
            Some(interface) => write!(f, "{}%{}", self.address, interface.name),
            None => self.address.fmt(f),
        }
    }
}

/// Sends `count` echo requests (65535 at most) to `target` and waits for the replies.
///
/// Ends when all replies are there, at the first ICMP error for one of the requests, when the kernel refuses to
/// send, or when `patience` has passed since the last request. What went wrong is in `error`. The kernel gives a
/// neighbour up after three seconds, by default: a shorter patience sees silence. It also keeps about 100 requests
/// for a neighbour that it does not know yet, and drops the rest.
///
/// Must be called in a tokio runtime, on a thread in the namespace to ping from, with `CAP_NET_RAW`.
pub async fn ping(target: Target, count: u32, patience: Duration) -> Ping {
    let mut ping =
        Ping { target: Some(target.to_string()), sent: 0, received: 0, rtt_us: None, ttl: None, error: None };
    match Series::open(&target) {
        Ok(mut series) => {
            let count = u16::try_from(count).unwrap_or(u16::MAX);
            ping.error = series.run(count, patience).await.err().map(|end| end.to_string());
            series.sum_up(&mut ping);
        }
        Err(error) => ping.error = Some(End::Kernel(error).to_string()),
    }
    ping
}

/// Why a series ended before its time.
#[derive(Debug)]
enum End {
    /// The kernel refused.
    Kernel(io::Error),
    /// A router or the target said no.
    Refused(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Kernel(error)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without the ` (os error 101)` of Rust.
            Self::Kernel(error) => match error.raw_os_error() {
                Some(number) => f.write_str(Errno::from_raw(number).desc()),
                None => error.fmt(f),
            },
            Self::Refused(text) => f.write_str(text),
        }
    }
}

/// One series on its way.
struct Series {
    socket: AsyncFd<Socket>,
    address: SockAddr,
    echo: Echo,
    /// When each request was sent, and how long its reply took.
    requests: Vec<(Instant, Option<Duration>)>,
    ttl: Option<u8>,
}

impl Series {
    fn open(target: &Target) -> io::Result<Self> {
        let (domain, protocol) = match target.address {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))?;
        match (target.address, &target.interface) {
            (IpAddr::V6(_), _) => socket.set_recv_hoplimit_v6(true)?,
            (IpAddr::V4(_), Some(interface)) => socket.bind_device(Some(interface.name.as_bytes()))?,
            (IpAddr::V4(_), None) => {}
        }
        // SAFETY: `Socket` owns its descriptor, and nothing replaces or closes it while the `AsyncFd` has it.
        let socket = unsafe { AsyncFd::register(socket)? };
        let address = target.socket_address().into();
        Ok(Self { socket, address, echo: Echo::new(target.address), requests: Vec::new(), ttl: None })
    }

    async fn run(&mut self, count: u16, patience: Duration) -> Result<(), End> {
        for sequence in 0..count {
            self.send(sequence, patience).await?;
            // Most replies are there already; their time is better taken now than after the last request.
            while let Some(heard) = self.heard_already()? {
                self.note(heard)?;
            }
        }
        let deadline = Instant::now() + patience;
        while self.requests.iter().any(|(_, trip)| trip.is_none()) {
            match timeout_at(deadline, self.hear()).await {
                Ok(heard) => self.note(heard?)?,
                Err(_elapsed) => break,
            }
        }
        Ok(())
    }

    async fn send(&mut self, sequence: u16, patience: Duration) -> io::Result<()> {
        let request = self.echo.request(sequence);
        let now = Instant::now();
        let sent = self.socket.async_io(Interest::WRITABLE, |socket| socket.send_to(&request, &self.address));
        // Requests that wait for a neighbour (ARP, RFC 826) can fill the send buffer.
        timeout(patience, sent).await.map_err(|_| io::Error::from(Errno::ENOBUFS))??;
        self.requests.push((now, None));
        Ok(())
    }

    /// Takes what concerns us from the socket, without waiting.
    fn heard_already(&self) -> io::Result<Option<Heard>> {
        loop {
            match receive(self.socket.get_ref(), &self.echo) {
                Ok(Some(heard)) => return Ok(Some(heard)),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    async fn hear(&self) -> io::Result<Heard> {
        loop {
            let received =
                self.socket.async_io(Interest::READABLE, |socket| receive(socket, &self.echo)).await?;
            if let Some(heard) = received {
                return Ok(heard);
            }
        }
    }

    fn note(&mut self, heard: Heard) -> Result<(), End> {
        let (sequence, ttl) = match heard {
            Heard::Reply { sequence, ttl } => (sequence, ttl),
            Heard::Refused(text) => return Err(End::Refused(text)),
        };
        if let Some((sent, trip @ None)) = self.requests.get_mut(usize::from(sequence)) {
            *trip = Some(sent.elapsed());
            self.ttl = self.ttl.or(ttl);
        }
        Ok(())
    }

    fn sum_up(&self, ping: &mut Ping) {
        let mut trips: Vec<Duration> = self.requests.iter().filter_map(|(_, trip)| *trip).collect();
        trips.sort_unstable();
        ping.sent = u32::try_from(self.requests.len()).unwrap_or(u32::MAX);
        ping.received = u32::try_from(trips.len()).unwrap_or(u32::MAX);
        ping.rtt_us = median(&trips).map(|trip| u64::try_from(trip.as_micros()).unwrap_or(u64::MAX));
        ping.ttl = self.ttl;
    }
}

/// The median of sorted durations.
fn median(sorted: &[Duration]) -> Option<Duration> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some((*upper + *lower) / 2)
}

/// Receives one message; none if it is not about our requests.
fn receive(socket: &Socket, echo: &Echo) -> io::Result<Option<Heard>> {
    let mut message = [MaybeUninit::new(0); 2048];
    let mut control = [MaybeUninit::new(0); 64];
    let mut from = SockAddr::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0));
    let mut buffers = [MaybeUninitSlice::new(&mut message)];
    let mut header =
        MsgHdrMut::new().with_addr(&mut from).with_buffers(&mut buffers).with_control(&mut control);
    let length = socket.recvmsg(&mut header, 0)?;
    let control_length = header.control_len();
    let message = initialised(&message, length);
    Ok(match echo.target {
        IpAddr::V4(_) => Arrival::from_ipv4(message),
        IpAddr::V6(_) => from.as_socket_ipv6().map(|from| Arrival {
            source: (*from.ip()).into(),
            ttl: hop_limit(initialised(&control, control_length)),
            icmp: message,
        }),
    }
    .and_then(|arrival| echo.hear(&arrival)))
}

/// The first `length` bytes of a buffer that `receive` made.
fn initialised(buffer: &[MaybeUninit<u8>], length: usize) -> &[u8] {
    let length = length.min(buffer.len());
    // SAFETY: `receive` fills its buffers with zeros when it makes them, and `length` is within the buffer.
    unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast(), length) }
}

/// Reads the hop limit out of the control data that `IPV6_RECVHOPLIMIT` asks for (RFC 3542, cmsg(3)).
fn hop_limit(control: &[u8]) -> Option<u8> {
    // A `cmsghdr` is a length of the size of a word, a level and a type; the data follows.
    let (level, rest) = control.get(size_of::<usize>()..)?.split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let (value, _) = rest.split_first_chunk()?;
    let ours =
        i32::from_ne_bytes(*level) == libc::IPPROTO_IPV6 && i32::from_ne_bytes(*kind) == libc::IPV6_HOPLIMIT;
    u8::try_from(i32::from_ne_bytes(*value)).ok().filter(|_| ours)
}

/// An ICMP message that arrived.
struct Arrival<'a> {
    source: IpAddr,
    ttl: Option<u8>,
    icmp: &'a [u8],
}

impl<'a> Arrival<'a> {
    /// Takes the IPv4 header off, which a raw socket gives with the message.
    fn from_ipv4(datagram: &'a [u8]) -> Option<Self> {
        let (header, icmp) = split_ipv4(datagram)?;
        // The kernel hands ICMP to raw sockets before it has looked at the checksum.
        let message = IcmpPacket::new(icmp)?;
        (icmp::checksum(&message) == message.get_checksum()).then(|| Self {
            source: header.get_source().into(),
            ttl: Some(header.get_ttl()),
            icmp,
        })
    }
}

/// Splits an IPv4 datagram that holds ICMP into its header and the rest.
fn split_ipv4(datagram: &[u8]) -> Option<(Ipv4Packet<'_>, &[u8])> {
    let header = Ipv4Packet::new(datagram)?;
    let rest = datagram.get(usize::from(header.get_header_length()) * 4..)?;
    let is_icmp =
        header.get_version() == 4 && header.get_next_level_protocol() == IpNextHeaderProtocols::Icmp;
    is_icmp.then_some((header, rest))
}

/// What a message means for our requests.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// An echo reply, with its time to live (hop limit).
    Reply { sequence: u16, ttl: Option<u8> },
    /// An ICMP error.
    Refused(String),
}

/// Makes the requests of one series and knows its replies again.
#[derive(Debug)]
struct Echo {
    target: IpAddr,
    identifier: u16,
    cookie: [u8; 8],
}

impl Echo {
    fn new(target: IpAddr) -> Self {
        // The keys of a `RandomState` are the only randomness that the standard library gives.
        let random = RandomState::new().hash_one(std::process::id());
        Self { target, identifier: (random >> 48) as u16, cookie: random.to_ne_bytes() }
    }

    /// Makes a request. The kernel sets the checksum of ICMPv6, since that covers the source address (RFC 3542, 3.1).
    fn request(&self, sequence: u16) -> [u8; MESSAGE] {
        let mut message = [0; MESSAGE];
        message[0] = match self.target {
            IpAddr::V4(_) => IcmpTypes::EchoRequest.0,
            IpAddr::V6(_) => Icmpv6Types::EchoRequest.0,
        };
        message[4..6].copy_from_slice(&self.identifier.to_be_bytes());
        message[6..8].copy_from_slice(&sequence.to_be_bytes());
        message[HEADER..HEADER + self.cookie.len()].copy_from_slice(&self.cookie);
        if self.target.is_ipv4() {
            let checksum = pnet::packet::util::checksum(&message, 1);
            message[2..4].copy_from_slice(&checksum.to_be_bytes());
        }
        message
    }

    /// Tells what an ICMP message means for us; none if it is about something else, or malformed.
    fn hear(&self, arrival: &Arrival<'_>) -> Option<Heard> {
        let (is_reply, refusal) = match self.target {
            IpAddr::V4(_) => {
                let message = IcmpPacket::new(arrival.icmp)?;
                let kind = message.get_icmp_type();
                (kind == IcmpTypes::EchoReply, refusal_ipv4(kind.0, message.get_icmp_code().0))
            }
            IpAddr::V6(_) => {
                let message = Icmpv6Packet::new(arrival.icmp)?;
                let kind = message.get_icmpv6_type();
                (kind == Icmpv6Types::EchoReply, refusal_ipv6(kind.0, message.get_icmpv6_code().0))
            }
        };
        if is_reply {
            let expected = arrival.source == self.target || self.target.is_multicast();
            let sequence = self.own_sequence(arrival.icmp).filter(|_| expected)?;
            return Some(Heard::Reply { sequence, ttl: arrival.ttl });
        }
        let refusal = refusal?;
        self.quoted(arrival.icmp.get(HEADER..)?).then_some(Heard::Refused(refusal))
    }

    /// Reads the sequence number of an echo message; none if it is not of this series.
    fn own_sequence(&self, icmp: &[u8]) -> Option<u16> {
        // Requests and replies of both families have this shape (RFC 792, RFC 4443 section 4).
        let echo = echo_request::EchoRequestPacket::new(icmp)?;
        // An ICMP error may quote the first eight bytes alone.
        let cookie = echo.payload().iter().zip(&self.cookie).all(|(seen, own)| seen == own);
        (echo.get_identifier() == self.identifier && cookie).then(|| echo.get_sequence_number())
    }

    /// Tells whether an ICMP error quotes one of our requests.
    fn quoted(&self, datagram: &[u8]) -> bool {
        let quote: Option<(IpAddr, u8, &[u8])> = match self.target {
            IpAddr::V4(_) => split_ipv4(datagram)
                .map(|(header, icmp)| (header.get_destination().into(), IcmpTypes::EchoRequest.0, icmp)),
            IpAddr::V6(_) => Ipv6Packet::new(datagram)
                .filter(|header| header.get_next_header() == IpNextHeaderProtocols::Icmpv6)
                .zip(datagram.get(IPV6_HEADER..))
                .map(|(header, icmp)| (header.get_destination().into(), Icmpv6Types::EchoRequest.0, icmp)),
        };
        quote.is_some_and(|(destination, request, icmp)| {
            destination == self.target && icmp.first() == Some(&request) && self.own_sequence(icmp).is_some()
        })
    }
}

/// Puts an ICMP error in the words of ping(8); none if the type is no error.
fn refusal_ipv4(kind: u8, code: u8) -> Option<String> {
    let text = match (kind, code) {
        (3, 0) => "Destination Net Unreachable",
        (3, 1) => "Destination Host Unreachable",
        (3, 2) => "Destination Protocol Unreachable",
        (3, 3) => "Destination Port Unreachable",
        (3, 4) => "Frag needed and DF set",
        (3, 9) => "Destination Net Prohibited",
        (3, 10) => "Destination Host Prohibited",
        (3, 13) => "Packet filtered",
        (3, other) => return Some(format!("Destination Unreachable, code {other}")),
        (11, _) => "Time to live exceeded",
        (12, _) => "Parameter problem",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Puts an ICMPv6 error in the words of ping(8); none if the type is no error.
fn refusal_ipv6(kind: u8, code: u8) -> Option<String> {
    let text = match (kind, code) {
        (1, 0) => "Destination unreachable: No route",
        (1, 1) => "Destination unreachable: Administratively prohibited",
        (1, 2) => "Destination unreachable: Beyond scope of source address",
        (1, 3) => "Destination unreachable: Address unreachable",
        (1, 4) => "Destination unreachable: Port unreachable",
        (1, 5) => "Destination unreachable: Source address failed ingress/egress policy",
        (1, 6) => "Destination unreachable: Reject route to destination",
        (1, other) => return Some(format!("Destination unreachable, code {other}")),
        (2, _) => "Packet too big",
        (3, _) => "Time exceeded: Hop limit",
        (4, _) => "Parameter problem",
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::netns::{NetworkNamespace, RtNetlink};
    use crate::probe::link;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn echo(target: &str) -> Echo {
        Echo { target: target.parse().unwrap(), identifier: 0x1234, cookie: *b"biscuits" }
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
        let mut icmp = echo.request(sequence).to_vec();
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
                assert_eq!((ping.sent, ping.received, ping.ttl), (100, 100, Some(64)), "{ping:?}");
                assert_eq!((ping.target.as_deref(), ping.error), (Some(target), None));
                assert!(ping.rtt_us.is_some());
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
            let silent = ping(nobody.clone(), 5, Duration::from_millis(400)).await;
            assert!(started.elapsed() < Duration::from_millis(1600), "{:?}", started.elapsed());
            assert_eq!((silent.sent, silent.received, silent.error), (5, 0, None));
            let refused = ping(nobody, 2, Duration::from_secs(8)).await;
            println!("refused after {:?}", started.elapsed());
            assert_eq!(refused.error.as_deref(), Some("Destination Host Unreachable"));
            Ok(())
        });
    }

    #[test]
    fn a_namespace_without_routes_says_so_in_the_words_of_the_kernel() {
        in_namespace(async |_| {
            for address in ["192.0.2.1", "2001:db8::1"] {
                let ping = ping(address.parse::<IpAddr>().unwrap().into(), 3, PATIENCE).await;
                assert_eq!((ping.sent, ping.error.as_deref()), (0, Some("Network is unreachable")));
            }
            Ok(())
        });
    }
}
