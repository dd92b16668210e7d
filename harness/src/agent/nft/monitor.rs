//! Waiting for a change of the rules: the kernel tells of it (nfnetlink, `NFNLGRP_NFTABLES`).

use std::io;

use rtnetlink::sys::{Socket, SocketAddr};
use tokio::io::unix::AsyncFd;

/// `NETLINK_NETFILTER` of linux/netlink.h.
const NETLINK_NETFILTER: isize = 12;

/// `NFNLGRP_NFTABLES` of linux/netfilter/nfnetlink.h.
const GROUP: u32 = 7;

/// A subscription to the changes of all tables in the network namespace of whoever made it.
pub(in crate::agent) struct Monitor(AsyncFd<Socket>);

impl Monitor {
    /// Subscribes; what changes from now on is not missed. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// As socket(2), bind(2) and setsockopt(2).
    pub(in crate::agent) fn subscribe() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.set_non_blocking(true)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        socket.add_membership(GROUP)?;
        // SAFETY: `Socket` owns its descriptor, and nothing replaces or closes it while the `AsyncFd` has it.
        Ok(Self(unsafe { AsyncFd::register(socket)? }))
    }

    /// Waits for a change. That events were lost, because there were too many, is a change too.
    ///
    /// # Errors
    /// As recvmsg(2).
    pub(in crate::agent) async fn change(&self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|socket| socket.get_ref().recv_from_full()) {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}
