//! What surrounds the machines: what they and their host say of themselves.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Context;
use nspawn_matrix_reports::{Observation, Properties, Subnet};

use crate::agent::standing::{Machine, Standing, call, host_addresses, is_in, multicast_on_host};
use crate::agent::{links, network_files, nft, routes};
use crate::probe::{self, Multicast, ResolvConf, Service, services, surroundings};

/// What may configure links and names beside systemd: in reports by this name, known by this unit.
const RIVALS: [(&str, &str); 2] =
    [("NetworkManager", "NetworkManager.service"), ("ifupdown", "networking.service")];

/// systemd's own.
const OWN: [(&str, &str); 2] =
    [("systemd-networkd", "systemd-networkd.service"), ("systemd-resolved", "systemd-resolved.service")];

/// On the host only.
const MACHINED: [(&str, &str); 1] = [("systemd-machined", "systemd-machined.service")];

/// netplan has no service; it writes files for others at boot.
const NETPLAN: [&str; 2] = ["/usr/sbin/netplan", "/usr/lib/systemd/system-generators/netplan"];

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn observed<const N: usize>(answer: impl Into<String>, values: [(&'static str, String); N]) -> Observation {
    Observation::Properties(Properties::new(answer, values))
}

pub(super) async fn systemd(machine: &Machine) -> anyhow::Result<Observation> {
    let seen = machine.surroundings().await?;
    let host = surroundings::look().await?;
    Ok(observed(
        seen.systemd.split(['.', '-', '~']).next().unwrap_or_default(),
        [
            ("version", seen.systemd.clone()),
            ("on the host", host.systemd),
            ("virtualization", seen.virtualization.clone()),
            ("os", seen.os.clone()),
            ("kernel", seen.kernel.clone()),
        ],
    ))
}

pub(super) async fn capabilities(machine: &Machine) -> anyhow::Result<Observation> {
    let seen = machine.surroundings().await?;
    let may = yes_or_no(seen.may_configure_network());
    Ok(observed(may.clone(), [("CAP_NET_ADMIN", may), ("bounding set", format!("{:016x}", seen.bounding))]))
}

pub(super) async fn cgroups(machine: &Machine) -> anyhow::Result<Observation> {
    let inside = machine.surroundings().await?.cgroups.clone();
    let outside = surroundings::look().await?.cgroups;
    let same = yes_or_no(inside == outside);
    Ok(observed(inside.clone(), [("version", inside), ("host's version", outside), ("as on the host", same)]))
}

pub(super) fn user_namespace(machine: &Machine) -> anyhow::Result<Observation> {
    let map = fs::read_to_string(format!("/proc/{}/uid_map", machine.leader.get()))
        .context("read the map of user ids")?;
    let ranges = ranges(&map);
    let is_mapped = ranges.iter().any(|(inside, outside, _)| inside != outside);
    let size: u64 = ranges.iter().map(|(_, _, size)| size).sum();
    let first = ranges.first().map(|(_, outside, _)| outside.to_string());
    Ok(observed(
        if is_mapped { "mapped" } else { "no" },
        [
            ("mapped", yes_or_no(is_mapped)),
            ("size", size.to_string()),
            ("begins on the host with", first.unwrap_or_else(|| "nothing".to_owned())),
        ],
    ))
}

/// First id inside, first id outside, and size of each range (user_namespaces(7)).
fn ranges(map: &str) -> Vec<(u64, u64, u64)> {
    let range = |line: &str| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u64>().ok());
        Some((numbers.next()??, numbers.next()??, numbers.next()??))
    };
    map.lines().filter_map(range).collect()
}

pub(super) async fn machine_services(machine: &Machine) -> anyhow::Result<Observation> {
    let rows = [OWN, RIVALS].concat();
    let states: Vec<Service> = call(&machine.probe, probe::Request::Services { units: units(&rows) }).await?;
    let paths = NETPLAN.map(str::to_owned).to_vec();
    let netplan: Vec<String> = call(&machine.probe, probe::Request::Existing { paths }).await?;
    Ok(of_services(&rows, &states, &netplan))
}

pub(super) async fn host_services() -> anyhow::Result<Observation> {
    let rows = [&OWN[..], &MACHINED, &RIVALS].concat();
    let states = services::states(&units(&rows)).await?;
    let netplan = probe::existing(NETPLAN.map(str::to_owned).to_vec());
    Ok(of_services(&rows, &states, &netplan))
}

fn units(rows: &[(&str, &str)]) -> Vec<String> {
    rows.iter().map(|(_, unit)| (*unit).to_owned()).collect()
}

/// The answer names what is active.
fn of_services(rows: &[(&'static str, &str)], states: &[Service], netplan: &[String]) -> Observation {
    let state = |unit: &str| {
        let found = states.iter().find(|service| service.unit == unit);
        found.map_or_else(|| "unknown".to_owned(), |service| service.state.clone())
    };
    let mut values: Vec<(&'static str, String)> =
        rows.iter().map(|(name, unit)| (*name, state(unit))).collect();
    values.push(("netplan", if netplan.is_empty() { "absent" } else { "present" }.to_owned()));
    let active: Vec<&str> = values
        .iter()
        .filter(|(_, state)| state == "active" || state == "present")
        .map(|(name, _)| name.strip_prefix("systemd-").unwrap_or(name))
        .collect();
    let answer = if active.is_empty() { "none".to_owned() } else { active.join(", ") };
    Observation::Properties(Properties::new(answer, values))
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

pub(super) async fn resolv_conf(machine: &Machine) -> anyhow::Result<Observation> {
    let seen: ResolvConf = call(&machine.probe, probe::Request::ResolvConf).await?;
    let answering = seen.servers.iter().filter(|server| server.answers).count();
    let how_many = match (seen.servers.len(), answering) {
        (0, _) => "nobody is named",
        (named, answering) if named == answering => "all",
        (_, 0) => "none",
        (_, _) => "some",
    };
    let servers: Vec<&str> = seen.servers.iter().map(|server| server.address.as_str()).collect();
    let answer = match (seen.exists, servers.is_empty()) {
        (false, _) => "missing".to_owned(),
        (true, true) => "no server".to_owned(),
        (true, false) if answering == 0 => "nobody answers".to_owned(),
        (true, false) => servers.join(", "),
    };
    Ok(observed(
        answer,
        [
            ("leads to", seen.target.unwrap_or_else(|| "nothing but itself".to_owned())),
            ("exists", yes_or_no(seen.exists)),
            ("servers", if servers.is_empty() { "none".to_owned() } else { servers.join(" ") }),
            ("answering", how_many.to_owned()),
        ],
    ))
}

pub(super) async fn multicast(name: &str, machine: &Machine) -> anyhow::Result<Observation> {
    let inside: Multicast = machine.multicast().await?;
    let outside = multicast_on_host(name).await?;
    let on_host = |of: fn(&Multicast) -> String| outside.as_ref().map_or_else(|| "no link".to_owned(), of);
    let (llmnr, mdns) = (inside.llmnr.effective().to_string(), inside.mdns.effective().to_string());
    Ok(observed(
        format!("LLMNR {llmnr}, mDNS {mdns}"),
        [
            ("LLMNR", llmnr),
            ("multicast DNS", mdns),
            ("LLMNR of the link", inside.llmnr.link.to_string()),
            ("multicast DNS of the link", inside.mdns.link.to_string()),
            ("LLMNR on the host's end", on_host(|multicast| multicast.llmnr.effective().to_string())),
            ("multicast DNS on the host's end", on_host(|multicast| multicast.mdns.effective().to_string())),
        ],
    ))
}

/// Forwarding of one family; `net.ipv4.ip_forward` is another name for `net.ipv4.conf.all.forwarding`. A kernel
/// without the family forwards none of it.
fn setting(family: &str, link: &str) -> anyhow::Result<String> {
    let path = format!("/proc/sys/net/{family}/conf/{link}/forwarding");
    match fs::read_to_string(&path) {
        Ok(value) => Ok(value.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok("0".to_owned()),
        Err(error) => Err(error).with_context(|| format!("read `{path}`")),
    }
}

impl Standing {
    pub(super) fn forwarding(&self) -> anyhow::Result<Observation> {
        let ipv4 = setting("ipv4", "all")?;
        let ipv6 = setting("ipv6", "all")?;
        let links = self.links_of_machines()?;
        let of_links = |family| {
            let each = links.iter().map(|link| Ok(format!("{link} {}", setting(family, link)?)));
            let each = each.collect::<anyhow::Result<Vec<String>>>()?;
            anyhow::Ok(if each.is_empty() { "none".to_owned() } else { each.join(", ") })
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
                ("IPv4 default", setting("ipv4", "default")?),
                ("IPv4 of the links", of_links("ipv4")?),
                ("IPv6", ipv6),
                ("IPv6 default", setting("ipv6", "default")?),
                ("IPv6 of the links", of_links("ipv6")?),
            ],
        ))
    }

    /// The links of the host that lead to machines, bridges among them.
    fn links_of_machines(&self) -> anyhow::Result<BTreeSet<String>> {
        let each = self.machines.keys().map(|name| links::of_machine(name));
        Ok(each.collect::<anyhow::Result<Vec<_>>>()?.concat().into_iter().collect())
    }

    pub(super) async fn ipv6_default_route(&self) -> anyhow::Result<Observation> {
        let (before, after) = (&self.ipv6_default_before, routes::ipv6_default().await?);
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
        let Some(subnet) = self.machine(name)?.settled.lease.address else {
            return Ok(observed(
                "no subnet",
                [("subnet", "none".to_owned()), ("overlaps", "nothing".to_owned())],
            ));
        };
        let own = links::of_machine(name)?;
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

    pub(super) async fn hostname(&self, name: &str) -> anyhow::Result<Observation> {
        let hostname = self.machine(name)?.surroundings().await?.hostname.clone();
        let same = yes_or_no(hostname == name);
        Ok(observed(same.clone(), [("host name", hostname), ("the machine's name", same)]))
    }

    pub(super) async fn machine_id(&self, name: &str) -> anyhow::Result<Observation> {
        let own = &self.machine(name)?.surroundings().await?.machine_id;
        let mut others = vec![surroundings::look().await?.machine_id];
        for (_, other) in self.machines.iter().filter(|(other, _)| *other != name) {
            others.push(other.surroundings().await?.machine_id.clone());
        }
        // Before it is set for good the file may say `uninitialized` (machine-id(5)).
        let is_set = own.len() == 32 && own.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_unique = !others.contains(own);
        let answer = match (is_set, is_unique) {
            (false, _) => "not set",
            (true, false) => "shared",
            (true, true) => "own",
        };
        let shown = if own.is_empty() { "none".to_owned() } else { own.clone() };
        Ok(observed(
            answer,
            [("machine id", shown), ("set", yes_or_no(is_set)), ("unique", yes_or_no(is_unique))],
        ))
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_map_of_ids_is_its_ranges() {
        assert_eq!(ranges("         0 1749286912      65536\n"), [(0, 1_749_286_912, 65536)]);
        assert_eq!(ranges("0 0 4294967295\n"), [(0, 0, 4_294_967_295)]);
        assert!(ranges("").is_empty());
    }

    #[test]
    fn subnets_meet_if_one_is_part_of_the_other() {
        let subnet = |text: &str| text.parse::<Subnet>().unwrap();
        assert!(meet(subnet("10.0.55.38/24"), subnet("10.0.0.0/8")));
        assert!(meet(subnet("10.0.0.0/8"), subnet("10.0.55.38/24")));
        assert!(!meet(subnet("10.0.55.38/28"), subnet("10.0.55.64/28")));
        assert_eq!(network(subnet("10.0.55.38/28")), "10.0.55.32/28");
    }

    proptest! {
        #[test]
        fn no_map_makes_the_reader_panic(map in "[0-9 \n-]{0,60}") {
            let _ = ranges(&map);
        }
    }
}
