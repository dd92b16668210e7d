//! Witnesses: who sees an echo request arrive, and from which address.
//!
//! A witness listens before the request is sent, and is asked when it has been: what arrived waits in its socket.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use anyhow::Context;
use socket2::Socket;

use super::ping;

/// The witnesses of a probe, by the mark of the requests that they are to see.
#[derive(Default)]
pub(super) struct Witnesses(RefCell<BTreeMap<u64, Socket>>);

impl Witnesses {
    /// Listens for echo requests over a family from now on.
    pub(super) fn listen(&self, mark: u64, over_ipv6: bool) -> anyhow::Result<()> {
        let socket = ping::listen(over_ipv6).context("listen for ICMP")?;
        self.0.borrow_mut().insert(mark, socket);
        Ok(())
    }

    /// Tells where the first request with this mark came from, if one has come, and stops listening.
    pub(super) fn seen(&self, mark: u64) -> anyhow::Result<Option<IpAddr>> {
        let socket = self.0.borrow_mut().remove(&mark).context("nobody was told to listen")?;
        loop {
            match ping::marked_request(&socket, mark) {
                Ok(Some(source)) => return Ok(Some(source)),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error).context("read what ICMP has arrived"),
            }
        }
    }
}
