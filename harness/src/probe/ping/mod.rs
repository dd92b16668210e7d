//! ICMP echo from the current network namespace (RFC 792, RFC 4443).
//!
//! [`ping`] sends a whole series at once and then waits, so that silence costs its patience once. It uses raw sockets
//! (raw(7)): the unprivileged ones are closed even to root in a new namespace. A raw socket hears all ICMP of the
//! namespace, so our own are told by target, identifier and a random cookie.

mod echo;
mod manner;
mod privilege;
mod refusal;
mod series;
mod socket;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use nspawn_matrix_reports::Ping;

pub use self::manner::Manner;
use self::series::{Series, words};
pub(super) use self::socket::{listen, marked_request};

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
///
/// # Errors
/// If no socket can be had: then nothing is known about the target.
pub async fn ping(target: Target, count: u32, patience: Duration) -> io::Result<Ping> {
    ping_so(Manner::Usual, target, count, patience).await
}

/// Pings as [`ping`] does, but in a manner of choice. Where that is about being allowed a socket, being refused one is
/// the `error` of the observation.
///
/// # Errors
/// As [`ping`].
pub async fn ping_so(manner: Manner, target: Target, count: u32, patience: Duration) -> io::Result<Ping> {
    let mut ping = Ping {
        target: Some(target.to_string()),
        sent: 0,
        received: 0,
        rtt_us: None,
        ttl: None,
        size: if let Manner::Sized(size) = manner { Some(size) } else { None },
        error: None,
    };
    let mut series = match Series::open(&target, manner) {
        Err(error) if manner.may_be_refused() => {
            return Ok(Ping { error: Some(words(&error)), ..ping });
        }
        series => series?,
    };
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    ping.error = series.run(count, patience).await.err().map(|end| end.to_string());
    series.sum_up(&mut ping);
    Ok(ping)
}

#[cfg(test)]
mod tests;
