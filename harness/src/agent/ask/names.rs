//! What names resolve to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use anyhow::Context;
use nspawn_matrix_reports::{Family, LookupPath, Names, Observation, Transport, Wire};
use nspawn_matrix_scenarios::{Check, HOST_NAME, OUTSIDE_NAME, below_machine};
use tokio::sync::OnceCell;

use super::misplaced;
use crate::agent::nsswitch;
use crate::agent::standing::{Machine, Standing, call, host_addresses};
use crate::host;
use crate::probe::{Known, Lookup, Request};
use crate::rpc::Client;

/// How many rounds there are.
pub(super) const ROUNDS: usize = 3;

/// The round in which a question is asked, counted from 0.
///
/// A lookup of one family must not meet a lookup of any family: resolved answers equal questions that are open at
/// one time together, and the race that decides what `any` gives would be run with a head start for one side. Nor may
/// anything else fill the cache where one lookup is asked after another. What is left meets in the last round: lookups
/// of one family race nobody, and those of resolved's own interface share nothing with others.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are of the first round")]
pub(super) fn round(check: Check) -> usize {
    match check {
        Check::ResolvePeerIpv4
        | Check::ResolvePeerAnyAfterIpv4
        | Check::ResolveHostIpv4
        | Check::ResolveMachineFromHostIpv4 => 1,
        Check::ResolvePeerIpv6
        | Check::ResolvePeerStubIpv4
        | Check::ResolvePeerStubIpv6
        | Check::ResolvePeerApi
        | Check::ResolveHostIpv6
        | Check::ResolveMachineFromHostIpv6
        | Check::ResolveMachineFromHostApi => 2,
        _ => 0,
    }
}

/// Tells whether a question is about a name that no other question is about, or goes past every resolver: it meets
/// nothing, and if it is slow, as DNS is where no server answers, nothing else need wait for it.
pub(super) fn is_apart(check: Check) -> bool {
    matches!(
        check,
        Check::ResolvePeerLlmnrIpv4
            | Check::ResolvePeerLlmnrIpv6
            | Check::ResolvePeerMdnsIpv4
            | Check::ResolvePeerMdnsIpv6
            | Check::ResolvePeerDhcpDomain
            | Check::ResolveSelfAny
            | Check::ResolveGatewayAny
            | Check::ResolveMachineFromHostMymachines
            | Check::ResolveMachineFromHostDhcpDomain
            | Check::ResolveBelowMachineAny
            | Check::ResolveOutsideAny
            | Check::ResolveOutsideIpv4
            | Check::ResolveOutsideIpv6
    )
}

/// Two lookups in turn, by the machine that asks, the peer, and the family that comes first: two questions are
/// answered by one series of them.
pub(in crate::agent) type Sequences = RefCell<BTreeMap<(String, String, Family), Rc<OnceCell<[Names; 2]>>>>;

/// A place in a sequence.
#[derive(Clone, Copy)]
enum Turn {
    First = 0,
    Second = 1,
}

impl Standing {
    /// What a machine is asked about names that are no other machine's.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    pub(super) async fn names_in(
        &self,
        check: Check,
        machine: &str,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let asked = self.machine(machine)?;
        let (name, path, family, owned) = match check {
            Check::ResolveHostAny => (HOST_NAME, LookupPath::Nss, Family::Any, of_host()?),
            Check::ResolveHostIpv4 => (HOST_NAME, LookupPath::Nss, Family::Ipv4, of_host()?),
            Check::ResolveHostIpv6 => (HOST_NAME, LookupPath::Nss, Family::Ipv6, of_host()?),
            Check::ResolveOutsideAny => (OUTSIDE_NAME, LookupPath::Nss, Family::Any, of_outside()),
            Check::ResolveOutsideIpv4 => (OUTSIDE_NAME, LookupPath::Nss, Family::Ipv4, of_outside()),
            Check::ResolveOutsideIpv6 => (OUTSIDE_NAME, LookupPath::Nss, Family::Ipv6, of_outside()),
            Check::ResolveGatewayAny => {
                asked.router_announced().await?;
                ("_gateway", LookupPath::NssMyhostname, Family::Any, of_gateway(asked)?)
            }
            Check::ResolveSelfAny => (machine, LookupPath::NssMyhostname, Family::Any, own(asked)?),
            _ => return Err(misplaced(check)),
        };
        let raced = check == Check::ResolveHostAny;
        let lookup = Lookup { name: name.to_owned(), family, path, then: None, raced };
        self.names(&asked.probe, lookup, owned, samples).await
    }

    /// What a machine is asked about the names of another.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    pub(super) async fn names_of_peer(
        &self,
        check: Check,
        machine: &str,
        peer: &str,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let in_turn = |first, second, turn| self.in_turn((machine, peer), (first, second), turn, samples);
        let on_the_wire = |transport| self.wire(machine, peer, transport, samples);
        let (name, path, family) = match check {
            Check::ResolvePeerAny => return in_turn(Family::Any, Family::Ipv4, Turn::First).await,
            Check::ResolvePeerIpv4AfterAny => return in_turn(Family::Any, Family::Ipv4, Turn::Second).await,
            Check::ResolvePeerIpv4 => return in_turn(Family::Ipv4, Family::Any, Turn::First).await,
            Check::ResolvePeerAnyAfterIpv4 => return in_turn(Family::Ipv4, Family::Any, Turn::Second).await,
            Check::ResolvePeerLlmnrIpv4 => return on_the_wire(Transport::LlmnrIpv4).await,
            Check::ResolvePeerLlmnrIpv6 => return on_the_wire(Transport::LlmnrIpv6).await,
            Check::ResolvePeerMdnsIpv4 => return on_the_wire(Transport::MdnsIpv4).await,
            Check::ResolvePeerMdnsIpv6 => return on_the_wire(Transport::MdnsIpv6).await,
            Check::ResolvePeerIpv6 => (peer.to_owned(), LookupPath::Nss, Family::Ipv6),
            Check::ResolvePeerStubIpv4 => (peer.to_owned(), LookupPath::Stub, Family::Ipv4),
            Check::ResolvePeerStubIpv6 => (peer.to_owned(), LookupPath::Stub, Family::Ipv6),
            Check::ResolvePeerApi => (peer.to_owned(), LookupPath::Api, Family::Any),
            Check::ResolvePeerDhcpDomain => (dhcp_domain(peer), LookupPath::Nss, Family::Any),
            _ => return Err(misplaced(check)),
        };
        let raced = check == Check::ResolvePeerApi;
        let lookup = Lookup { name, family, path, then: None, raced };
        self.names(&self.machine(machine)?.probe, lookup, self.machine(peer)?.addresses(), samples).await
    }

    /// What the host is asked about the names of a machine.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    pub(super) async fn names_of_machine(
        &self,
        check: Check,
        machine: &str,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let name = machine.to_owned();
        let addresses = self.machine(machine)?.addresses();
        let (name, path, family, owned) = match check {
            Check::ResolveMachineFromHostAny => (name, LookupPath::Nss, Family::Any, addresses),
            Check::ResolveMachineFromHostIpv4 => (name, LookupPath::Nss, Family::Ipv4, addresses),
            Check::ResolveMachineFromHostIpv6 => (name, LookupPath::Nss, Family::Ipv6, addresses),
            Check::ResolveMachineFromHostApi => (name, LookupPath::Api, Family::Any, addresses),
            Check::ResolveMachineFromHostMymachines => {
                (name, LookupPath::NssMymachines, Family::Any, addresses)
            }
            Check::ResolveMachineFromHostDhcpDomain => {
                (dhcp_domain(machine), LookupPath::Nss, Family::Any, addresses)
            }
            Check::ResolveBelowMachineAny => {
                (below_machine(machine), LookupPath::Nss, Family::Any, of_outside())
            }
            _ => return Err(misplaced(check)),
        };
        // Where nss-mymachines is asked first it answers, and resolved is not asked at all.
        let by_resolve = nsswitch::first_that_knows_machines() == Some("resolve");
        let raced = check == Check::ResolveMachineFromHostApi
            || check == Check::ResolveMachineFromHostAny && by_resolve;
        let lookup = Lookup { name, family, path, then: None, raced };
        self.names(&self.host, lookup, owned, samples).await
    }

    async fn names(
        &self,
        probe: &Client,
        lookup: Lookup,
        owned: Vec<IpAddr>,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let known = Known { leases: self.leases(), owned };
        let names: Vec<Names> = call(probe, Request::Names { lookup, samples, known }).await?;
        names.into_iter().next().map(Observation::Names).context("the probe gave no distribution")
    }

    /// One of two lookups of a peer's name that are made in turn, without a flush between.
    async fn in_turn(
        &self,
        (machine, peer): (&str, &str),
        (first, second): (Family, Family),
        turn: Turn,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let key = (machine.to_owned(), peer.to_owned(), first);
        let sequence = Rc::clone(self.sequences.borrow_mut().entry(key).or_default());
        let both = sequence
            .get_or_try_init(|| async {
                let (name, path) = (peer.to_owned(), LookupPath::Nss);
                let lookup = Lookup { name, family: first, path, then: Some(second), raced: true };
                let known = Known { leases: self.leases(), owned: self.machine(peer)?.addresses() };
                let request = Request::Names { lookup, samples, known };
                let names: Vec<Names> = call(&self.machine(machine)?.probe, request).await?;
                <[Names; 2]>::try_from(names)
                    .map_err(|names| anyhow::anyhow!("the probe gave {} distributions of two", names.len()))
            })
            .await?;
        Ok(Observation::Names(both[turn as usize].clone()))
    }

    async fn wire(
        &self,
        machine: &str,
        peer: &str,
        transport: Transport,
        questions: u32,
    ) -> anyhow::Result<Observation> {
        let name = match transport {
            Transport::LlmnrIpv4 | Transport::LlmnrIpv6 => peer.to_owned(),
            Transport::MdnsIpv4 | Transport::MdnsIpv6 => format!("{peer}.local"),
        };
        let known = Known { leases: self.leases(), owned: self.machine(peer)?.addresses() };
        let request = Request::Wire { name, transport, questions, known };
        call::<Wire>(&self.machine(machine)?.probe, request).await.map(Observation::Wire)
    }
}

/// The name under which networkd's DHCP server may tell the leases of a machine (`LocalLeaseDomain=`).
fn dhcp_domain(machine: &str) -> String {
    format!("{machine}._dhcp")
}

fn of_host() -> anyhow::Result<Vec<IpAddr>> {
    Ok(host_addresses()?.into_iter().map(|(_, address)| address).collect())
}

fn of_outside() -> Vec<IpAddr> {
    vec![host::OUTSIDE_V4.into(), host::OUTSIDE_V6.into()]
}

/// The gateway is the host, or the router that the host itself has.
fn of_gateway(asked: &Machine) -> anyhow::Result<Vec<IpAddr>> {
    let router = [host::GATEWAY_V4.into(), host::GATEWAY_V6.into()];
    let gateway = asked.settled.gateway.map(IpAddr::V4);
    Ok(of_host()?.into_iter().chain(router).chain(gateway).collect())
}

/// A machine without a link of its own has the addresses of the host.
fn own(asked: &Machine) -> anyhow::Result<Vec<IpAddr>> {
    if asked.settled.lease.link.is_some() { Ok(asked.addresses()) } else { of_host() }
}
