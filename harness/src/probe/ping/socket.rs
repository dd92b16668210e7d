//! The raw socket of a series: how it is opened, and how messages are taken from it.

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6};

use nix::libc;
use socket2::{Domain, MaybeUninitSlice, MsgHdrMut, Protocol, SockAddr, Socket, Type};

use super::Target;
use super::echo::{Arrival, Echo, Heard};

/// Opens a socket that does not block, for the family and the interface of `target`.
pub(super) fn open(target: &Target) -> io::Result<Socket> {
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
    Ok(socket)
}

/// Receives one message; none if it is not about our requests.
pub(super) fn receive(socket: &Socket, echo: &Echo) -> io::Result<Option<Heard>> {
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
pub(super) fn hop_limit(control: &[u8]) -> Option<u8> {
    // A `cmsghdr` is a length of the size of a word, a level and a type; the data follows.
    let (level, rest) = control.get(size_of::<usize>()..)?.split_first_chunk()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let (value, _) = rest.split_first_chunk()?;
    let ours =
        i32::from_ne_bytes(*level) == libc::IPPROTO_IPV6 && i32::from_ne_bytes(*kind) == libc::IPV6_HOPLIMIT;
    u8::try_from(i32::from_ne_bytes(*value)).ok().filter(|_| ours)
}
