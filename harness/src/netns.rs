//! Network namespaces, and rtnetlink in them.
//!
//! A [`NetworkNamespace`] is an open descriptor: an anonymous one is gone, with all links in it, when the last
//! descriptor and the last process are gone, even if we are killed. A socket belongs for ever to the namespace of
//! the thread that called socket(2), so a short-lived thread opens it there and an ordinary runtime drives it.
//!
//! [`RtNetlink`] makes requests and [`Events`] listens, on two sockets: netlink-proto 0.14 takes an event for the
//! answer to a request that has the same sequence number, and events that our own requests cause have it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::{panic, thread};

use futures_util::TryStreamExt;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{setsockopt, sockopt};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{InfoData, InfoVeth, LinkMessage};
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{Socket, SocketAddr, TokioSocket};
use rtnetlink::{Handle, LinkUnspec, LinkVeth};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

pub use rtnetlink::MulticastGroup;

/// Bytes asked for the receive buffer of an event socket; 212992, the usual default, holds about 256 events.
const EVENT_BUFFER: usize = 4 << 20;

/// A network namespace, held open by a descriptor (network_namespaces(7)).
#[derive(Debug)]
pub struct NetworkNamespace(OwnedFd);

impl NetworkNamespace {
    /// Makes a namespace without a name or a process, in which nothing is up, not even `lo`.
    ///
    /// # Errors
    /// As unshare(2) with `CLONE_NEWNET`: `EPERM` without `CAP_SYS_ADMIN`.
    pub fn new() -> io::Result<Self> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net").map(|file| Self(file.into()))
        })
    }

    /// Opens the namespace that the process `pid` is in.
    ///
    /// # Errors
    /// As open(2) on `/proc/PID/ns/net`: `ENOENT` if there is no such process.
    pub fn of_process(pid: i32) -> io::Result<Self> {
        File::open(format!("/proc/{pid}/ns/net")).map(|file| Self(file.into()))
    }

    /// Calls `f` on a thread of its own inside this namespace, and waits for it; the caller stays where it is.
    ///
    /// The caller is blocked, and so is its runtime: `f` opens things (about 50 us), others use them.
    ///
    /// # Errors
    /// As setns(2), or what `f` returns.
    ///
    /// # Panics
    /// If `f` does.
    pub fn run<T: Send>(&self, f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_a_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET)?;
            f()
        })
    }
}

impl AsFd for NetworkNamespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Calls `f` on a thread that ends with it, so that a change of namespace cannot reach other work.
fn on_a_thread<T: Send>(f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, f)?;
        thread.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
    })
}

/// A socket for rtnetlink requests in one namespace (rtnetlink(7)).
#[derive(Debug)]
pub struct RtNetlink {
    handle: Handle,
    _carrier: Carrier,
}

impl RtNetlink {
    /// Connects to the namespace of the calling thread. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// As socket(2).
    pub fn connect() -> io::Result<Self> {
        Self::over(request_socket()?)
    }

    /// Connects to `namespace`. Must be called in a tokio runtime, which may be in another one.
    ///
    /// # Errors
    /// As setns(2) and socket(2).
    pub fn connect_in(namespace: &NetworkNamespace) -> io::Result<Self> {
        Self::over(namespace.run(request_socket)?)
    }

    fn over(socket: Socket) -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::from_socket(into_tokio(socket)?);
        Ok(Self { handle, _carrier: Carrier(tokio::spawn(connection)) })
    }

    /// Lends the handle, for requests that have no function here.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Looks up the link `name`; none if there is no such link.
    ///
    /// # Errors
    /// What the kernel answers, other than `ENODEV`.
    pub async fn link(&self, name: &str) -> io::Result<Option<LinkMessage>> {
        let answer = self.handle.link().get().match_name(name).execute().try_next().await.map_err(to_io);
        match answer {
            Err(error) if is_no_such_link(&error) => Ok(None),
            answer => answer,
        }
    }

    /// Lists the addresses of the link `index`.
    ///
    /// # Errors
    /// What the kernel answers.
    pub async fn addresses(&self, index: u32) -> io::Result<Vec<AddressMessage>> {
        let dump = self.handle.address().get().set_link_index_filter(index).execute();
        dump.try_collect().await.map_err(to_io)
    }

    /// Adds an address; an IPv6 one without duplicate address detection (`nodad`), so that it serves at once.
    ///
    /// # Errors
    /// What the kernel answers: `EEXIST` if the link has it already.
    pub async fn add_address(&self, index: u32, address: IpAddr, prefix: u8) -> io::Result<()> {
        let mut request = self.handle.address().add(index, address, prefix);
        if address.is_ipv6() {
            request.message_mut().attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        request.execute().await.map_err(to_io)
    }

    /// Brings the link `index` up.
    ///
    /// # Errors
    /// What the kernel answers.
    pub async fn set_up(&self, index: u32) -> io::Result<()> {
        let message = LinkUnspec::new_with_index(index).up().build();
        self.handle.link().set(message).execute().await.map_err(to_io)
    }

    /// Makes a pair of veth links: `name` here and `peer` at once in the namespace `there` (veth(4)).
    ///
    /// # Errors
    /// What the kernel answers: `EEXIST` if either name is taken.
    pub async fn add_veth(&self, name: &str, peer: &str, there: &NetworkNamespace) -> io::Result<()> {
        let other = LinkUnspec::new_with_name(peer).setns_by_fd(there.0.as_raw_fd()).build();
        let pair = LinkVeth::new(name, peer).set_info_data(InfoData::Veth(InfoVeth::Peer(other))).build();
        self.handle.link().add(pair).execute().await.map_err(to_io)
    }

    /// Removes the link `name`, and the other end if it is a veth; no error if it is not there.
    ///
    /// # Errors
    /// What the kernel answers, other than `ENODEV`.
    pub async fn remove_link(&self, name: &str) -> io::Result<()> {
        let Some(link) = self.link(name).await? else { return Ok(()) };
        match self.handle.link().del(link.header.index).execute().await.map_err(to_io) {
            Err(error) if is_no_such_link(&error) => Ok(()),
            answer => answer,
        }
    }
}

fn is_no_such_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::ENODEV)
}

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
fn decode(mut datagram: &[u8]) -> Vec<Event> {
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

/// Hands a socket to the current runtime.
fn into_tokio(socket: Socket) -> io::Result<TokioSocket> {
    // `TokioSocket` would panic in these places.
    socket.set_non_blocking(true)?;
    tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, a netlink socket, and owned by nothing else after `into_raw_fd`.
    Ok(unsafe { TokioSocket::from_raw_fd(socket.into_raw_fd()) })
}

fn request_socket() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    Ok(socket)
}

/// The error number of the kernel, where the error has one.
fn to_io(error: rtnetlink::Error) -> io::Error {
    if let rtnetlink::Error::NetlinkError(message) = &error {
        message.to_io()
    } else {
        io::Error::other(error)
    }
}

/// The task that carries requests and answers; it ends with the handle that was made with it.
#[derive(Debug)]
struct Carrier(JoinHandle<()>);

impl Drop for Carrier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(namespace: &NetworkNamespace) -> Vec<String> {
        let table = namespace.run(|| std::fs::read_to_string("/proc/thread-self/net/dev")).unwrap();
        table.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect()
    }

    #[test]
    fn work_in_a_namespace_leaves_the_caller_where_it_was() {
        let before = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        let Ok(namespace) = NetworkNamespace::new() else { return println!("not run: needs root") };
        let inside = namespace.run(|| std::fs::read_link("/proc/thread-self/ns/net")).unwrap();
        assert_ne!(inside, before);
        assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").unwrap(), before);
        assert_eq!(links(&namespace), ["lo"]);
    }

    #[test]
    fn the_namespace_of_a_process_that_is_not_there_is_an_error() {
        assert_eq!(NetworkNamespace::of_process(-1).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(NetworkNamespace::of_process(std::process::id().cast_signed()).is_ok());
    }

    #[tokio::test]
    async fn a_veth_has_its_ends_in_two_namespaces_and_goes_as_a_whole() {
        let Ok(here) = NetworkNamespace::new() else { return println!("not run: needs root") };
        let there = NetworkNamespace::new().unwrap();
        let netlink = RtNetlink::connect_in(&here).unwrap();
        netlink.add_veth("a0", "b0", &there).await.unwrap();
        assert_eq!(
            (links(&here), links(&there)),
            (vec!["lo".into(), "a0".into()], vec!["lo".into(), "b0".into()])
        );
        let again = netlink.add_veth("a1", "b0", &there).await.unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        netlink.remove_link("a0").await.unwrap();
        netlink.remove_link("a0").await.unwrap();
        assert_eq!(links(&there), ["lo"]);
    }

    #[test]
    fn a_datagram_that_is_no_netlink_message_counts_as_lost_events() {
        assert_eq!(decode(&[7; 40]), [Event::Lost]);
        assert_eq!(decode(&[0; 3]), [Event::Lost]);
        assert_eq!(decode(&[0; 40]), [Event::Lost]);
        assert_eq!(decode(&[]), []);
    }
}
