//! What surrounds the machines, as their host sees it: its services, files, settings and routes.

use nspawn_matrix_reports::{Observation, Subnet};

use super::environment::{NETPLAN, OWN, RIVALS, observed, of_services, units, yes_or_no};
use crate::agent::bridge_netfilter::{self, BridgeNetfilter};
use crate::agent::standing::{Standing, host_addresses, is_in};
use crate::agent::{forwarding, links, network_files, nft, routes};
use crate::probe::{self, services};

/// What runs on the host only.
const MACHINED: [(&str, &str); 1] = [("systemd-machined", "systemd-machined.service")];

pub(super) async fn host_services() -> anyhow::Result<Observation> {
    let rows = [&OWN[..], &MACHINED, &RIVALS].concat();
    let states = services::states(&units(&rows)).await?;
    let netplan = probe::existing(NETPLAN.map(str::to_owned).to_vec());
    Ok(of_services(&rows, &states, &netplan))
}

pub(super) fn network_files() -> anyhow::Result<Observation> {
    let files = network_files::read()?;
    let findings: Vec<String> = network_files::lint(&files).iter().map(ToString::to_string).collect();
    let answer = match findings.len() {
        0 => "clean".to_owned(),
        1 => "1 finding".to_owned(),
        several => format!("{several} findings"),
    };
    let shown = if findings.is_empty() { "none".to_owned() } else { findings.join("; ") };
    Ok(observed(answer, [("findings", shown), ("files", files.len().to_string())]))
}

impl Standing {
    pub(super) async fn forwarding(&self) -> anyhow::Result<Observation> {
        let ipv4 = forwarding::of("ipv4", "all")?;
        let ipv6 = forwarding::of("ipv6", "all")?;
        let links = self.links_of_machines().await?;
        let of_links = |family| {
            let each = links.iter().map(|link| Ok(format!("{link} {}", forwarding::of(family, link)?)));
            let each = each.collect::<anyhow::Result<Vec<String>>>()?;
            anyhow::Ok(if each.is_empty() { "none".to_owned() } else { each.join(", ") })
        };
        let uplink = match routes::uplink().await? {
            Some(link) => format!("{link} {}", forwarding::of("ipv4", &link)?),
            None => "none".to_owned(),
        };
        let answer = match (ipv4.as_str(), ipv6.as_str()) {
            ("0", "0") => "none",
            (_, "0") => "IPv4",
            ("0", _) => "IPv6",
            (_, _) => "IPv4, IPv6",
        };
        Ok(observed(
            answer,
            [
                ("IPv4", ipv4),
                ("IPv4 default", forwarding::of("ipv4", "default")?),
                ("IPv4 of the links", of_links("ipv4")?),
                ("IPv4 of the uplink", uplink),
                ("IPv6", ipv6),
                ("IPv6 default", forwarding::of("ipv6", "default")?),
                ("IPv6 of the links", of_links("ipv6")?),
            ],
        ))
    }

    /// Which bridged frames pass the host's firewall.
    pub(super) async fn bridge_netfilter(&self) -> anyhow::Result<Observation> {
        let word = |state: Option<bool>| state.map_or("absent", |on| if on { "on" } else { "off" });
        let (before, now) = (&self.before.bridge_netfilter, BridgeNetfilter::read()?);
        let alone = bridge_netfilter::on_by_themselves(self.links_of_machines().await?)?;
        let answer = match (now.ipv4, now.ipv6) {
            (Some(true), Some(false)) => "IPv4",
            (Some(false), Some(true)) => "IPv6",
            (ipv4, _) => word(ipv4),
        };
        Ok(observed(
            answer,
            [
                ("IPv4", word(now.ipv4).to_owned()),
                ("IPv6", word(now.ipv6).to_owned()),
                ("ARP", word(now.arp).to_owned()),
                ("IPv4 before", word(before.ipv4).to_owned()),
                ("IPv6 before", word(before.ipv6).to_owned()),
                (
                    "bridges of their own accord",
                    if alone.is_empty() { "none".to_owned() } else { alone.join(" ") },
                ),
            ],
        ))
    }

    pub(super) async fn ipv6_default_route(&self) -> anyhow::Result<Observation> {
        let (before, after) = (&self.before.ipv6_default, routes::ipv6_default().await?);
        let answer = match (before.is_empty(), after.is_empty()) {
            (true, true) => "none",
            (false, false) => "kept",
            (false, true) => "lost",
            (true, false) => "new",
        };
        let shown = |routes: &[String]| if routes.is_empty() { "none".to_owned() } else { routes.join(", ") };
        Ok(observed(
            answer,
            [
                ("before", yes_or_no(!before.is_empty())),
                ("after", yes_or_no(!after.is_empty())),
                ("gateway before", shown(before)),
                ("gateway after", shown(&after)),
            ],
        ))
    }

    pub(super) async fn pool_overlap(&self, name: &str) -> anyhow::Result<Observation> {
        let machine = self.machine(name)?;
        let Some(subnet) = machine.settled.lease.address else {
            return Ok(observed(
                "no subnet",
                [("subnet", "none".to_owned()), ("overlaps", "nothing".to_owned())],
            ));
        };
        let own = links::of_machine(machine.leader.get()).await?;
        let mut overlaps: Vec<String> = routes::ipv4()
            .await?
            .into_iter()
            .filter(|route| !own.contains(&route.link) && meet(route.destination, subnet))
            .map(|route| format!("the route to {} by {}", route.destination, route.link))
            .collect();
        let elsewhere = host_addresses()?
            .into_iter()
            .filter(|(link, address)| !own.contains(link) && is_in(subnet, *address));
        overlaps.extend(elsewhere.map(|(link, address)| format!("{address} of {link}")));
        let answer = if overlaps.is_empty() { "no" } else { "overlaps" };
        let shown = if overlaps.is_empty() { "nothing".to_owned() } else { overlaps.join(", ") };
        Ok(observed(answer, [("subnet", network(subnet)), ("overlaps", shown)]))
    }
}

/// Tells whether two subnets have an address in common: one is then part of the other.
fn meet(left: Subnet, right: Subnet) -> bool {
    let ((left_first, left_last), (right_first, right_last)) = (nft::ends(left), nft::ends(right));
    left_first <= right_last && right_first <= left_last
}

/// The subnet of a lease, without the address in it: `10.0.55.0/24`.
fn network(lease: Subnet) -> String {
    format!("{}/{}", nft::ends(lease).0, lease.prefix())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_meet_if_one_is_part_of_the_other() {
        let subnet = |text: &str| text.parse::<Subnet>().unwrap();
        assert!(meet(subnet("10.0.55.38/24"), subnet("10.0.0.0/8")));
        assert!(meet(subnet("10.0.0.0/8"), subnet("10.0.55.38/24")));
        assert!(!meet(subnet("10.0.55.38/28"), subnet("10.0.55.64/28")));
        assert_eq!(network(subnet("10.0.55.38/28")), "10.0.55.32/28");
    }
}
