//! Requests about links and addresses, and their answers: [`RtNetlink`].
//!
//! Each function is one request. What the kernel refuses comes back as the error number that it gave.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd};

use futures_util::TryStreamExt;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::link::{InfoData, InfoVeth, LinkMessage};
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{Socket, SocketAddr, TokioSocket};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, LinkVeth};
use tokio::task::JoinHandle;

use super::NetworkNamespace;

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

    /// Looks up the link `index`; none if there is no such link.
    ///
    /// # Errors
    /// What the kernel answers, other than `ENODEV`.
    pub async fn link_by_index(&self, index: u32) -> io::Result<Option<LinkMessage>> {
        let answer = self.handle.link().get().match_index(index).execute().try_next().await.map_err(to_io);
        match answer {
            Err(error) if is_no_such_link(&error) => Ok(None),
            answer => answer,
        }
    }

    /// Lists all links.
    ///
    /// # Errors
    /// What the kernel answers.
    pub async fn links(&self) -> io::Result<Vec<LinkMessage>> {
        self.handle.link().get().execute().try_collect().await.map_err(to_io)
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
        self.add_veth_pair(LinkUnspec::new_with_name(peer), LinkVeth::new(name, peer), there).await
    }

    /// Does the same, and gives `peer` the hardware address `mac`.
    ///
    /// # Errors
    /// What the kernel answers: `EEXIST` if either name is taken.
    pub async fn add_veth_with_mac(
        &self,
        name: &str,
        peer: &str,
        mac: [u8; 6],
        there: &NetworkNamespace,
    ) -> io::Result<()> {
        let other = LinkUnspec::new_with_name(peer).address(mac.to_vec());
        self.add_veth_pair(other, LinkVeth::new(name, peer), there).await
    }

    async fn add_veth_pair(
        &self,
        other: LinkMessageBuilder<LinkUnspec>,
        pair: LinkMessageBuilder<LinkVeth>,
        there: &NetworkNamespace,
    ) -> io::Result<()> {
        let other = other.setns_by_fd(there.as_fd().as_raw_fd()).build();
        let pair = pair.set_info_data(InfoData::Veth(InfoVeth::Peer(other))).build();
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
