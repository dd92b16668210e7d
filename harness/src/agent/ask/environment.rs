//! What surrounds the machines, as they see it.

use std::fs;

use anyhow::Context;
use nspawn_matrix_reports::{Observation, Properties};

use crate::agent::footing::Footing;
use crate::agent::standing::{Machine, Standing, call, multicast_on_host};
use crate::probe::multicast::Support;
use crate::probe::{self, Multicast, ResolvConf, Service, surroundings};

/// What may configure links and names beside systemd: in reports by this name, known by this unit.
pub(super) const RIVALS: [(&str, &str); 2] =
    [("NetworkManager", "NetworkManager.service"), ("ifupdown", "networking.service")];

/// systemd's own.
pub(super) const OWN: [(&str, &str); 2] =
    [("systemd-networkd", "systemd-networkd.service"), ("systemd-resolved", "systemd-resolved.service")];

/// netplan has no service; it writes files for others at boot.
pub(super) const NETPLAN: [&str; 2] = ["/usr/sbin/netplan", "/usr/lib/systemd/system-generators/netplan"];

pub(super) fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

pub(super) fn observed<const N: usize>(
    answer: impl Into<String>,
    values: [(&'static str, String); N],
) -> Observation {
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

pub(super) fn units(rows: &[(&str, &str)]) -> Vec<String> {
    rows.iter().map(|(_, unit)| (*unit).to_owned()).collect()
}

/// The answer names what is active.
pub(super) fn of_services(
    rows: &[(&'static str, &str)],
    states: &[Service],
    netplan: &[String],
) -> Observation {
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

pub(super) async fn resolv_conf(machine: &Machine, footing: Footing) -> anyhow::Result<Observation> {
    let patience_ms = u64::try_from(footing.patience_for_servers().as_millis())?;
    let seen: ResolvConf = call(&machine.probe, probe::Request::ResolvConf { patience_ms }).await?;
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
            ("hosts", seen.hosts.unwrap_or_else(|| "nothing".to_owned())),
        ],
    ))
}

/// What stands for settings of systemd-resolved where it does not run.
const NO_RESOLVED: &str = "no resolved";

pub(super) async fn multicast(machine: &Machine) -> anyhow::Result<Observation> {
    let inside = machine.multicast().await?;
    let outside = multicast_on_host(machine).await?;
    let on_host = |of: fn(&Multicast) -> String| outside.as_ref().map_or_else(|| "no link".to_owned(), of);
    let in_machine = |of: fn(&Multicast) -> Support| {
        inside.as_ref().map_or_else(|| NO_RESOLVED.to_owned(), |multicast| of(multicast).to_string())
    };
    let (llmnr, mdns) =
        (in_machine(|found| found.llmnr.effective()), in_machine(|found| found.mdns.effective()));
    let as_of_resolved = inside
        .as_ref()
        .map_or_else(|| NO_RESOLVED.to_owned(), |found| yes_or_no(found.llmnr.link == found.llmnr.global));
    Ok(observed(
        format!("LLMNR {llmnr}, mDNS {mdns}"),
        [
            ("LLMNR", llmnr),
            ("multicast DNS", mdns),
            ("LLMNR of the link", in_machine(|found| found.llmnr.link)),
            ("LLMNR of the link as of resolved", as_of_resolved),
            ("multicast DNS of the link", in_machine(|found| found.mdns.link)),
            ("LLMNR on the host's end", on_host(|multicast| multicast.llmnr.effective().to_string())),
            ("multicast DNS on the host's end", on_host(|multicast| multicast.mdns.effective().to_string())),
        ],
    ))
}

impl Standing {
    pub(super) async fn hostname(&self, name: &str) -> anyhow::Result<Observation> {
        let hostname = self.machine(name)?.surroundings().await?.hostname.clone();
        let same = yes_or_no(hostname == name);
        Ok(observed(same.clone(), [("host name", hostname), ("the machine's name", same)]))
    }

    pub(super) async fn machine_id(&self, name: &str) -> anyhow::Result<Observation> {
        let own = &self.machine(name)?.surroundings().await?.machine_id;
        let mut others = vec![("the host", surroundings::look().await?.machine_id)];
        for (other, machine) in self.machines.iter().filter(|(other, _)| *other != name) {
            // One that has gone meanwhile shares nothing any more.
            others.extend(machine.surroundings().await.map(|seen| (other.as_str(), seen.machine_id.clone())));
        }
        let shared: Vec<&str> = others.iter().filter(|(_, id)| id == own).map(|(other, _)| *other).collect();
        // Before it is set for good the file may say `uninitialized` (machine-id(5)).
        let is_set = own.len() == 32 && own.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_unique = shared.is_empty();
        let answer = match (is_set, is_unique) {
            (false, _) => "not set",
            (true, false) => "shared",
            (true, true) => "own",
        };
        let shown = if own.is_empty() { "none".to_owned() } else { own.clone() };
        Ok(observed(
            answer,
            [
                ("machine id", shown),
                ("set", yes_or_no(is_set)),
                ("unique", yes_or_no(is_unique)),
                ("shared with", if is_unique { "nobody".to_owned() } else { shared.join(", ") }),
            ],
        ))
    }
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

    proptest! {
        #[test]
        fn no_map_makes_the_reader_panic(map in "[0-9 \n-]{0,60}") {
            let _ = ranges(&map);
        }
    }
}
