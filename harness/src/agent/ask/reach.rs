//! Who answers whom, and who it is taken for.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use nspawn_matrix_reports::{Observation, Ping, Properties};

use crate::agent::footing::Footing;
use crate::agent::standing::{Machine, Standing, call};
use crate::probe::ping::Manner;
use crate::probe::{self, Held};
use crate::rpc::Client;

/// How long a lease is waited for where none is to be expected: a client sends its first two requests in that time
/// (RFC 2131, 4.1), and a server here answers the first within half a second.
const UNSERVED: Duration = Duration::from_secs(5);

/// Has `probe` ping `address`, if there is one, in the usual manner.
pub(super) async fn ping(probe: &Client, address: Option<IpAddr>) -> anyhow::Result<Observation> {
    ping_so(probe, address, None, Manner::Usual).await
}

async fn ping_so(
    probe: &Client,
    address: Option<IpAddr>,
    link: Option<String>,
    manner: Manner,
) -> anyhow::Result<Observation> {
    let Some(address) = address else {
        let nothing =
            Ping { target: None, sent: 0, received: 0, rtt_us: None, ttl: None, size: None, error: None };
        return Ok(Observation::Ping(nothing));
    };
    call::<Ping>(probe, probe::Request::Ping { address, link, manner }).await.map(Observation::Ping)
}

impl Machine {
    /// Has the machine ping `address`; a link-local one is meant on its own link.
    pub(super) async fn ping(&self, address: Option<impl Into<IpAddr>>) -> anyhow::Result<Observation> {
        self.ping_so(address, Manner::Usual).await
    }

    /// Has the machine ping an IPv6 address elsewhere, which a router that announces itself has a part in.
    pub(super) async fn ping_by_router(&self, address: Ipv6Addr) -> anyhow::Result<Observation> {
        self.router_announced().await?;
        self.ping(Some(address)).await
    }

    /// Has the machine ping in a manner of choice.
    pub(super) async fn ping_so(
        &self,
        address: Option<impl Into<IpAddr>>,
        manner: Manner,
    ) -> anyhow::Result<Observation> {
        ping_so(&self.probe, address.map(Into::into), self.settled.lease.link.clone(), manner).await
    }

    /// The lease of the machine, which is waited for once more where there was none.
    pub(super) async fn lease(&self, footing: Footing) -> anyhow::Result<Observation> {
        let lease = &self.settled.lease;
        let is_awaited = lease.address.is_none() && footing.waits();
        let Some(link) = lease.link.as_ref().filter(|_| is_awaited) else {
            return Ok(Observation::Lease(lease.clone()));
        };
        let patience_ms = u64::try_from(UNSERVED.as_millis())?;
        let request = probe::Request::AwaitLease { link: link.clone(), patience_ms };
        let held: Held = call(&self.probe, request).await?;
        Ok(Observation::Lease(held.lease))
    }
}

impl Standing {
    /// The fe80 address of the host where the machine's link ends.
    pub(super) async fn ping_host_ipv6_link_local(&self, asked: &Machine) -> anyhow::Result<Observation> {
        if asked.settled.lease.link.is_none() {
            // The machine uses the host's links: what it has is the host's.
            return asked.ping(asked.settled.ipv6_link_local).await;
        }
        let end = self.host_end(asked).await?;
        asked.ping(end.and_then(|end| end.link_local())).await
    }

    /// From which address the peer sees the machine ask.
    pub(super) async fn source_seen(&self, asked: &Machine, about: &Machine) -> anyhow::Result<Observation> {
        let mark = RandomState::new().hash_one(asked.leader.get());
        call::<()>(&about.probe, probe::Request::Listen { mark }).await?;
        asked.ping_so(about.settled.ipv4, Manner::Marked(mark)).await?;
        let seen: Option<Ipv4Addr> = call(&about.probe, probe::Request::Seen { mark }).await?;
        let host: Vec<IpAddr> = call(&self.host, probe::Request::Addresses).await?;
        let who = match seen {
            None => "nothing",
            Some(source) if Some(source) == asked.settled.ipv4 => "machine",
            Some(source) if host.contains(&source.into()) => "host",
            Some(_) => "somebody else",
        };
        let address = |address: Option<Ipv4Addr>| address.map_or(String::new(), |known| known.to_string());
        let values =
            [("seen", who.to_owned()), ("source", address(seen)), ("address", address(asked.settled.ipv4))];
        Ok(Observation::Properties(Properties::new(who, values)))
    }

    /// Whether the addresses of a machine are its own, or those of the host.
    pub(super) async fn whose_addresses(&self, asked: &Machine) -> anyhow::Result<Observation> {
        let own: Vec<IpAddr> = call(&asked.probe, probe::Request::Addresses).await?;
        let host: Vec<IpAddr> = call(&self.host, probe::Request::Addresses).await?;
        let shared = own.iter().filter(|address| host.contains(address)).count();
        let whose = match shared {
            _ if own.is_empty() => "none",
            0 => "own",
            all if all == own.len() => "host",
            _ => "both",
        };
        let list = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Ok(Observation::Properties(Properties::new(
            whose,
            [("whose", whose.to_owned()), ("addresses", list)],
        )))
    }
}
