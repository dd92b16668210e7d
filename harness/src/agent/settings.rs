//! What is detected while the machines stand and can change what is to be expected of them.

use std::net::IpAddr;
use std::path::Path;

use futures_util::future::{join_all, try_join_all};
use nspawn_matrix_reports::Subnet;
use nspawn_matrix_scenarios::{Setting, Settings, UNKNOWN};

use super::bridge_netfilter::BridgeNetfilter;
use super::standing::{Machine, Standing, host_addresses, is_in, multicast_on_host};
use super::{facts, forwarding, id_mapping, links};
use crate::ends::{End, Ends, OfMachine};
use crate::nsswitch;
use crate::probe::multicast::Multicast;

impl Standing {
    /// What was detected here that can change what is to be expected.
    pub(super) async fn settings(&self) -> anyhow::Result<Settings> {
        let word = |yes| if yes { "yes" } else { "no" }.to_owned();
        let facts = [
            (Setting::StrayLease, Some(word(self.has_stray_leases()?))),
            (Setting::BridgeNetfilter, Some(self.filters_bridged().await?.to_owned())),
            (Setting::Forwarding, Some(forwarding::ipv4(self.links_of_machines().await?)?.to_owned())),
            (Setting::UplinkMtu, self.uplink_mtu().await),
            (Setting::PingSysctl, self.ping_sysctl().await),
            (Setting::IdMapping, Some(id_mapping().await)),
            (Setting::NssFirst, nsswitch::first_that_knows_machines().map(str::to_owned)),
        ];
        Ok(facts.into_iter().filter_map(|(setting, value)| Some((setting, value?))).collect())
    }

    /// Whether the frames of the machines' bridges pass the host's firewall.
    async fn filters_bridged(&self) -> anyhow::Result<&'static str> {
        BridgeNetfilter::read()?.of_ipv4(self.links_of_machines().await?)
    }

    /// Whether the uplink carries what the machines' links do; none if no machine has one.
    async fn uplink_mtu(&self) -> Option<String> {
        let word = match self.has_smaller_uplink().await {
            Ok(None) => return None,
            Ok(Some(true)) => "smaller",
            Ok(Some(false)) => "usual",
            Err(_) => UNKNOWN,
        };
        Some(word.to_owned())
    }

    /// Whether every machine's sysctl.d(5) opens ICMP sockets to ordinary users; none if there is no machine.
    async fn ping_sysctl(&self) -> Option<String> {
        let each = try_join_all(self.machines.values().map(Machine::surroundings)).await;
        let word = match each {
            Ok(each) if each.is_empty() => return None,
            Ok(each) if each.iter().all(|seen| seen.opens_ping) => "open",
            Ok(_) => "closed",
            Err(_) => UNKNOWN,
        };
        Some(word.to_owned())
    }

    /// LLMNR and multicast DNS on both ends of each machine's link.
    pub(super) async fn ends_of_links(&self) -> Ends {
        let end = |found: anyhow::Result<Option<Multicast>>| match found {
            Ok(Some(set)) => End::Set(set),
            Ok(None) => End::Missing,
            Err(_) => End::Unknown,
        };
        let ends = self.machines.iter().map(|(name, machine)| async move {
            let (inside, outside) = tokio::join!(machine.multicast(), multicast_on_host(machine));
            (name.clone(), OfMachine { inside: end(inside), outside: end(outside) })
        });
        Ends(join_all(ends).await.into_iter().collect())
    }

    /// Whether the machines have leases from a subnet that the host has left for another one.
    pub(super) fn has_stray_leases(&self) -> anyhow::Result<bool> {
        let own = host_addresses()?;
        let has = |lease: Subnet| own.iter().any(|(_, address)| is_in(lease, *address));
        let elsewhere = |lease: Subnet| {
            own.iter().any(|(link, address)| {
                let is_routable = matches!(address, IpAddr::V4(v4) if !v4.is_link_local());
                link.starts_with(links::ZONE) && is_routable && !is_in(lease, *address)
            })
        };
        let leases = self.leases();
        Ok(!leases.is_empty() && leases.into_iter().all(|lease| !has(lease) && elsewhere(lease)))
    }
}

/// Whether ids can be mapped where the roots of the machines lie.
async fn id_mapping() -> String {
    match id_mapping::is_supported(Path::new(facts::ROOTS)).await {
        Ok(true) => "yes",
        Ok(false) => "no",
        Err(_) => UNKNOWN,
    }
    .to_owned()
}
