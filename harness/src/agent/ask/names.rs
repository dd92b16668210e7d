//! What names resolve to.

use std::net::IpAddr;

use nspawn_matrix_reports::{Family, Names, Observation};
use nspawn_matrix_scenarios::{Check, HOST_NAME, OUTSIDE_NAME};

use crate::agent::standing::{Machine, Standing, call, host_addresses};
use crate::host;
use crate::probe;
use crate::rpc::Client;

/// The round in which a question is asked.
///
/// A lookup of one family must not meet a lookup of any family: resolved answers equal questions that are open at
/// one time together, and the race that decides what `any` gives would be run with a head start for one side. IPv4
/// and IPv6 alone ask different scopes and do not meet.
pub(super) fn round(check: Check) -> usize {
    usize::from(matches!(check, Check::ResolvePeerIpv4 | Check::ResolvePeerIpv6))
}

impl Standing {
    /// The name of another machine, asked for in `asked`.
    pub(super) async fn peer(
        &self,
        asked: &Machine,
        peer: &str,
        family: Family,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        self.names(&asked.probe, peer, family, self.machine(peer)?.addresses(), samples).await
    }

    /// The name of the host, asked for in `asked`.
    pub(super) async fn host_name(
        &self,
        asked: &Machine,
        family: Family,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let own = host_addresses()?.into_iter().map(|(_, address)| address).collect();
        self.names(&asked.probe, HOST_NAME, family, own, samples).await
    }

    /// The name of a machine, asked for on the host.
    pub(super) async fn machine_name(
        &self,
        machine: &str,
        family: Family,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        self.names(&self.host, machine, family, self.machine(machine)?.addresses(), samples).await
    }

    /// A name that only the DNS server beyond the host knows.
    pub(super) async fn outside_name(
        &self,
        asked: &Machine,
        family: Family,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let outside = vec![host::OUTSIDE_V4.into(), host::OUTSIDE_V6.into()];
        self.names(&asked.probe, OUTSIDE_NAME, family, outside, samples).await
    }

    async fn names(
        &self,
        probe: &Client,
        name: &str,
        family: Family,
        owned: Vec<IpAddr>,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let request =
            probe::Request::Names { name: name.to_owned(), family, samples, leases: self.leases(), owned };
        call::<Names>(probe, request).await.map(Observation::Names)
    }
}
