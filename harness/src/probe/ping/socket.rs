//! The socket of a series: how it is opened, and how messages are taken from it.

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use socket2::{Domain, MaybeUninitSlice, MsgHdrMut, Protocol, SockAddr, Socket, Type};

use super::echo::{Arrival, Echo, Heard, source_of_marked};
use super::privilege::as_ordinary_user;
use super::{Manner, Target};

/// What a socket hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// All ICMP of the namespace, in IPv4 with its header (raw(7)).
    Raw,
    /// Replies to its own requests, which the kernel gives this identifier (icmp(7)).
    Datagram { identifier: u16 },
}

/// Sets an option of IPv4 (ip(7)) for which no library has a function.
fn set(socket: &Socket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the kernel reads `length` bytes of `value`, which is there until the call is over.
    let set = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_IP, option, (&raw const value).cast(), length)
    };
    Ok(Errno::result(set).map(drop)?)
}

/// Opens a socket that does not block, for the family and the interface of `target`.
pub(super) fn open(target: &Target, manner: Manner) -> io::Result<(Socket, Channel)> {
    let (domain, protocol) = match target.address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let new = |kind: Type| Socket::new(domain, kind.nonblocking().cloexec(), Some(protocol));
    let socket = match manner {
        Manner::Unprivileged => as_ordinary_user(|| new(Type::DGRAM))?,
        Manner::Usual | Manner::Sized(_) | Manner::Marked(_) | Manner::Connected => new(Type::RAW)?,
    };
    match (target.address, &target.interface) {
        (IpAddr::V6(_), _) => socket.set_recv_hoplimit_v6(true)?,
        (IpAddr::V4(_), Some(interface)) => socket.bind_device(Some(interface.name.as_bytes()))?,
        (IpAddr::V4(_), None) => {}
    }
    match manner {
        Manner::Usual | Manner::Marked(_) => {}
        // What a router has said before (RFC 1191) is not to keep the next packet from it.
        Manner::Sized(_) => set(&socket, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)?,
        Manner::Connected => socket.connect(&target.socket_address().into())?,
        Manner::Unprivileged => return as_datagram(socket, target.address),
    }
    Ok((socket, Channel::Raw))
}

/// Has the kernel choose the identifier, which it does upon bind(2).
fn as_datagram(socket: Socket, target: IpAddr) -> io::Result<(Socket, Channel)> {
    let anywhere: IpAddr =
        if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    socket.bind(&std::net::SocketAddr::from((anywhere, 0)).into())?;
    if target.is_ipv4() {
        set(&socket, libc::IP_RECVTTL, 1)?;
    }
    let bound = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok((socket, Channel::Datagram { identifier: bound.port() }))
}

/// Opens a socket that hears all ICMP that arrives over a family.
pub(in crate::probe) fn listen(over_ipv6: bool) -> io::Result<Socket> {
    let (domain, protocol) =
        if over_ipv6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))
}

/// Receives one message of a socket of [`listen`], and tells where it comes from if it is an echo request that carries
/// `mark`.
pub(in crate::probe) fn marked_request(socket: &Socket, mark: u64) -> io::Result<Option<IpAddr>> {
    let mut message = [MaybeUninit::new(0); BUFFER];
    let (length, from) = socket.recv_from(&mut message)?;
    let message = initialised(&message, length);
    let source = from.as_socket().map(|from| from.ip());
    Ok(match source {
        // Of IPv6 a raw socket gives no header (RFC 3542, 3).
        Some(source @ IpAddr::V6(_)) => {
            let arrival = Arrival { source, ttl: None, icmp: message };
            arrival.is_marked_request(mark).then_some(source)
        }
        Some(IpAddr::V4(_)) | None => source_of_marked(message, mark),
    })
}

/// Bytes for the largest message that concerns us.
const BUFFER: usize = 2048;

/// Receives one message; none if it is not about our requests.
pub(super) fn receive(socket: &Socket, channel: Channel, echo: &Echo) -> io::Result<Option<Heard>> {
    let mut message = [MaybeUninit::new(0); BUFFER];
    let mut control = [MaybeUninit::new(0); 64];
    let mut from = match echo.target {
        IpAddr::V4(_) => SockAddr::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)),
        IpAddr::V6(_) => SockAddr::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0)),
    };
    let mut buffers = [MaybeUninitSlice::new(&mut message)];
    let mut header =
        MsgHdrMut::new().with_addr(&mut from).with_buffers(&mut buffers).with_control(&mut control);
    let length = socket.recvmsg(&mut header, 0)?;
    let control_length = header.control_len();
    let message = initialised(&message, length);
    let arrival = match (echo.target, channel) {
        (IpAddr::V4(_), Channel::Raw) => Arrival::from_ipv4(message),
        (IpAddr::V4(_), Channel::Datagram { .. }) | (IpAddr::V6(_), _) => {
            from.as_socket().map(|from| Arrival {
                source: from.ip(),
                ttl: hop_limit(initialised(&control, control_length)),
                icmp: message,
            })
        }
    };
    Ok(arrival.and_then(|arrival| echo.hear(&arrival)))
}

/// The first `length` bytes of a buffer that was filled with zeros when it was made.
fn initialised(buffer: &[MaybeUninit<u8>], length: usize) -> &[u8] {
    let length = length.min(buffer.len());
    // SAFETY: all buffers here are filled with zeros when they are made, and `length` is within the buffer.
    unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast(), length) }
}

/// Reads the hop limit, or time to live, out of the control data that `IPV6_RECVHOPLIMIT` (RFC 3542) or `IP_RECVTTL`
/// asks for (cmsg(3)).
pub(super) fn hop_limit(control: &[u8]) -> Option<u8> {
    // A `cmsghdr` is a length of the size of a word, a level and a type; the data follows.
    let (level, rest) = control.get(size_of::<usize>()..)?.split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let (value, _) = rest.split_first_chunk()?;
    let ours = [(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT), (libc::IPPROTO_IP, libc::IP_TTL)]
        .contains(&(i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind)));
    u8::try_from(i32::from_ne_bytes(*value)).ok().filter(|_| ours)
}
