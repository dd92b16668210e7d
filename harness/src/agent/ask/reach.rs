//! Who answers whom, and who it is taken for.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_reports::{Observation, Ping, Properties};

use crate::agent::footing::Footing;
use crate::agent::standing::{Machine, Standing, call};
use crate::host;
use crate::probe::ping::Manner;
use crate::probe::{self, End, Held, Settled, Which, settle};
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

/// Bytes of the largest packet that the link carries by which the host leads out.
async fn uplink_mtu() -> anyhow::Result<u16> {
    let uplink = settle::interface(None).await.context("find the uplink")?;
    let path = format!("/sys/class/net/{}/mtu", uplink.name);
    let mtu = fs::read_to_string(&path).with_context(|| format!("read `{path}`"))?;
    // A packet of IPv4 has 65535 bytes at most (RFC 791).
    mtu.trim()
        .parse::<u32>()
        .map(|mtu| mtu.try_into().unwrap_or(u16::MAX))
        .with_context(|| format!("read `{path}`"))
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

    /// The fe80 address of a machine, on the host's end of its link.
    pub(super) async fn ping_machine_ipv6_link_local(&self, about: &Machine) -> anyhow::Result<Observation> {
        let address = about.settled.ipv6_link_local.map(IpAddr::V6);
        let end = self.host_end(about).await?;
        let link = end.map(|end| end.addressed().name.clone());
        ping_so(&self.host, address, link, Manner::Usual).await
    }

    /// Has the machine send a packet to the outside that is as large as the uplink carries, or larger by `excess` bytes.
    pub(super) async fn ping_outside_sized(
        &self,
        asked: &Machine,
        excess: u16,
    ) -> anyhow::Result<Observation> {
        let size = uplink_mtu().await?.saturating_add(excess);
        asked.ping_so(Some(host::OUTSIDE_V4), Manner::Sized(size)).await
    }

    /// Whether the host's uplink carries less than the links of all machines do; none if no machine has a link.
    pub(in crate::agent) async fn has_smaller_uplink(&self) -> anyhow::Result<Option<bool>> {
        let mut links = Vec::new();
        for machine in self.machines.values() {
            let Some(name) = machine.settled.lease.link.clone() else { continue };
            let request = probe::Request::End { which: Which::Name(name), settled: false };
            let end: Option<End> = call(&machine.probe, request).await?;
            links.extend(end.and_then(|end| end.mtu));
        }
        let Some(least) = links.into_iter().min() else { return Ok(None) };
        Ok(Some(u32::from(uplink_mtu().await?) < least))
    }

    /// From which of its addresses, or of the host's, the peer sees the machine ask it at the address of the same family.
    pub(super) async fn source_seen(
        &self,
        asked: &Machine,
        about: &Machine,
        address: fn(&Settled) -> Option<IpAddr>,
    ) -> anyhow::Result<Observation> {
        let mark = RandomState::new().hash_one(asked.leader.get());
        let (own, target) = (address(&asked.settled), address(&about.settled));
        let over_ipv6 = target.is_some_and(|target| target.is_ipv6());
        call::<()>(&about.probe, probe::Request::Listen { mark, over_ipv6 }).await?;
        asked.ping_so(target, Manner::Marked(mark)).await?;
        let seen: Option<IpAddr> = call(&about.probe, probe::Request::Seen { mark }).await?;
        let host: Vec<IpAddr> = call(&self.host, probe::Request::Addresses).await?;
        let who = match seen {
            None => "nothing",
            Some(source) if Some(source) == own => "machine",
            Some(source) if host.contains(&source) => "host",
            Some(_) => "somebody else",
        };
        let told = |address: Option<IpAddr>| address.map_or(String::new(), |known| known.to_string());
        let values = [("seen", who.to_owned()), ("source", told(seen)), ("address", told(own))];
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
