//! What the kernel tells of links and addresses without being asked: [`Events`].
//!
//! It is a socket of multicast groups (rtnetlink(7)). That it lost something is itself an event, [`Event::Lost`].

use std::collections::VecDeque;
use std::io;

use nix::sys::socket::{setsockopt, sockopt};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{Socket, SocketAddr};
use tokio::io::unix::AsyncFd;

pub use rtnetlink::MulticastGroup;

/// Bytes asked for the receive buffer of an event socket; 212992, the usual default, holds about 256 events.
const EVENT_BUFFER: usize = 4 << 20;

/// What an event socket has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The kernel told of a change.
    Changed(RouteNetlinkMessage),
    /// Events were lost, since the receive buffer was full, or not understood: what is known may be out of date.
    Lost,
}

/// The changes that the kernel tells of, from the moment of the subscription.
///
/// It reads its socket without a task between: an event is there as soon as the kernel has sent it.
#[derive(Debug)]
pub struct Events {
    socket: AsyncFd<Socket>,
    read: VecDeque<Event>,
}

impl Events {
    /// Subscribes to `groups` in the namespace of the calling thread. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// As socket(2), bind(2) and setsockopt(2).
    pub fn subscribe(groups: &[MulticastGroup]) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.set_non_blocking(true)?;
        // Only root of the first user namespace may go over net.core.rmem_max. A full buffer is told by `Lost`.
        if setsockopt(&socket, sockopt::RcvBufForce, &EVENT_BUFFER).is_err() {
            socket.set_rx_buf_sz(i32::try_from(EVENT_BUFFER).unwrap_or(i32::MAX))?;
        }
        socket.bind(&SocketAddr::new(0, 0))?;
        groups.iter().try_for_each(|group| socket.add_membership(*group as u32))?;
        // SAFETY: `Socket` owns its descriptor, and nothing replaces or closes it while the `AsyncFd` has it.
        let socket = unsafe { AsyncFd::register(socket)? };
        Ok(Self { socket, read: VecDeque::new() })
    }

    /// Waits for the next event. None is lost if the future is dropped.
    ///
    /// # Errors
    /// As recvmsg(2), other than `ENOBUFS`, which is [`Event::Lost`].
    pub async fn next(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Ok(event);
            }
            let mut ready = self.socket.readable().await?;
            match ready.try_io(|socket| socket.get_ref().recv_from_full()) {
                Ok(Ok((datagram, _))) => self.read.extend(decode(&datagram)),
                Ok(Err(error)) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => return Ok(Event::Lost),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}

/// Takes a datagram of netlink messages apart; what cannot be decoded counts as lost.
pub(super) fn decode(mut datagram: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while !datagram.is_empty() {
        let Ok(message) = NetlinkMessage::deserialize(datagram) else {
            events.push(Event::Lost);
            break;
        };
        // Anything else would be the answer to a request, and this socket makes none.
        if let NetlinkPayload::InnerMessage(change) = message.payload {
            events.push(Event::Changed(change));
        }
        let length = usize::try_from(message.header.length).unwrap_or(usize::MAX).next_multiple_of(4);
        datagram = datagram.get(length..).unwrap_or_default();
    }
    events
}
