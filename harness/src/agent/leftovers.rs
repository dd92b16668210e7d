//! Powering the machines off, and what is left of them then.
//!
//! What goes with a machine does not all go at once: networkd hears of the link that is gone and takes its address out
//! of the set that is masqueraded, machined hears that the unit is gone. So each kind of thing is looked at again when
//! the kernel or the bus tells of a change, until nothing is left or [`REST`] is over.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use nspawn_matrix_reports::{Observation, Properties};
use tokio::io::unix::AsyncFd;

use super::machined::Machined;
use super::nft::{Monitor, Ruleset};
use super::pace::Pace;
use super::standing::host_addresses;
use super::{event, links};
use crate::command::Command;
use crate::netns::{Events, MulticastGroup};
use crate::pidfd;
use crate::systemd::ManagerProxy;

/// How long machines may take to shut down.
const SHUTDOWN: Duration = Duration::from_secs(20);

/// How long what belongs to a machine may stay after the end of its systemd-nspawn.
const REST: Duration = Duration::from_secs(3);

/// What a machine had on the host while it stood.
#[derive(Clone, Debug)]
pub(super) struct Belongings {
    /// The unit that its processes were in.
    unit: String,
    /// The host's ends of its links, and the bridges that systemd-nspawn had made for them.
    links: Vec<String>,
}

/// Powers all `machines` off, as a person does, and waits for the end of the processes that ran them. Gives what each
/// of them had, by machine.
pub(super) async fn power_off(
    machines: &[String],
    pace: Pace,
) -> anyhow::Result<BTreeMap<String, Belongings>> {
    let mut machined = Machined::subscribe().await?;
    let mut ends = Vec::new();
    let mut had = BTreeMap::new();
    for machine in machines {
        let leader = machined.leader(machine, REST).await?;
        let unit = machined.unit(machine).await?;
        had.insert(machine.clone(), Belongings { unit, links: made_for(leader).await? });
        let nspawn =
            parent(leader).with_context(|| format!("find the systemd-nspawn of machine `{machine}`"))?;
        // SAFETY: the descriptor is owned by the value that is handed over, and stays open as long as that.
        let end = unsafe { AsyncFd::register(pidfd::open(nspawn)?) }.context("watch systemd-nspawn")?;
        ends.push((machine, end));
    }
    if ends.is_empty() {
        return Ok(had);
    }
    Command::new("machinectl", ["poweroff"].into_iter().chain(machines.iter().map(String::as_str)))
        .output()
        .await?;
    let patience = pace.patience(SHUTDOWN);
    try_join_all(ends.iter().map(|(machine, end)| async move {
        let ended = tokio::time::timeout(patience, end.readable()).await;
        let _ = ended.with_context(|| {
            format!("machine `{machine}` was not powered off within {} s", patience.as_secs())
        })??;
        event(Some(machine), "powered-off");
        anyhow::Ok(())
    }))
    .await?;
    Ok(had)
}

/// The parent of a process (proc_pid_status(5)).
fn parent(pid: i32) -> anyhow::Result<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).context("it has no parent")?;
    Ok(line.trim().parse()?)
}

/// The links of the host that are there for the machine of `leader`, and are to go with it.
async fn made_for(leader: i32) -> anyhow::Result<Vec<String>> {
    let ends = links::counterparts(leader).await?.into_iter().filter(|link| link.is_end);
    Ok(ends
        .flat_map(|end| {
            let zone = end.bridge.filter(|bridge| bridge.starts_with(links::ZONE));
            zone.into_iter().chain([end.name])
        })
        .collect())
}

/// Looks for what is left of a machine that was powered off and `had` these.
pub(super) async fn left(machine: &str, had: &Belongings) -> anyhow::Result<Observation> {
    let Belongings { unit, links } = had;
    let (links, (units, registered), masquerading) =
        tokio::try_join!(left_links(links), left_units(machine, unit), left_masquerading())?;
    let mounts = mounts(machine)?;
    let kinds = [
        ("links", !links.is_empty()),
        ("units", !units.is_empty()),
        ("mounts", !mounts.is_empty()),
        ("masquerading", !masquerading.is_empty()),
        ("registration", registered),
    ];
    let left: Vec<&str> = kinds.iter().filter(|(_, is_left)| *is_left).map(|(kind, _)| *kind).collect();
    let answer = if left.is_empty() { "nothing".to_owned() } else { left.join(", ") };
    Ok(Observation::Properties(Properties::new(
        answer,
        [
            ("unit", unit.clone()),
            ("links", or_none(&links)),
            ("units", or_none(&units)),
            ("mounts", or_none(&mounts)),
            ("masquerading", or_none(&masquerading)),
            ("registered", if registered { "yes" } else { "no" }.to_owned()),
        ],
    )))
}

fn or_none(things: &[String]) -> String {
    if things.is_empty() { "none".to_owned() } else { things.join(", ") }
}

/// All machines are off, so a bridge that is still there is left of each of them.
async fn left_links(had: &[String]) -> anyhow::Result<Vec<String>> {
    let mut events = Events::subscribe(&[MulticastGroup::Link]).context("subscribe to links")?;
    let look = || {
        let links = nix::net::if_::if_nameindex().context("list the links of the host")?;
        let names = links.iter().map(|link| link.name().to_string_lossy().into_owned());
        anyhow::Ok(names.filter(|name| had.contains(name)).collect::<Vec<_>>())
    };
    let until_gone = async {
        while !look()?.is_empty() {
            events.next().await.context("read events of links")?;
        }
        anyhow::Ok(())
    };
    if let Ok(ended) = tokio::time::timeout(REST, until_gone).await {
        ended?;
    }
    look()
}

/// What systemd's table still masquerades although the host has no address there any more.
async fn left_masquerading() -> anyhow::Result<Vec<String>> {
    let monitor = Monitor::subscribe().context("subscribe to the rules of nftables")?;
    let look = || async {
        let own: Vec<IpAddr> = host_addresses()?.into_iter().map(|(_, address)| address).collect();
        anyhow::Ok(stale(Ruleset::read().await?.masqueraded(), &own))
    };
    let until_gone = async {
        while !look().await?.is_empty() {
            monitor.change().await.context("read events of nftables")?;
        }
        anyhow::Ok(())
    };
    if let Ok(ended) = tokio::time::timeout(REST, until_gone).await {
        ended?;
    }
    look().await
}

/// Those of the ranges in which none of `own` is.
fn stale(ranges: Vec<(Ipv4Addr, Ipv4Addr)>, own: &[IpAddr]) -> Vec<String> {
    let is_stale = |(first, last): &(Ipv4Addr, Ipv4Addr)| {
        !own.iter().any(|address| matches!(address, IpAddr::V4(v4) if first <= v4 && v4 <= last))
    };
    ranges.into_iter().filter(is_stale).map(|(first, last)| format!("{first}-{last}")).collect()
}

/// The unit of the machine, if it still does something or has failed, and whether machined still knows the machine.
async fn left_units(machine: &str, unit: &str) -> anyhow::Result<(Vec<String>, bool)> {
    let bus = zbus::Connection::system().await.context("connect to the host's system bus")?;
    let systemd = ManagerProxy::new(&bus).await.context("find systemd on the bus")?;
    systemd.subscribe().await.context("subscribe to units")?;
    let signals = "type='signal',path_namespace='/org/freedesktop'";
    let mut signals =
        zbus::MessageStream::for_match_rule(signals, &bus, None).await.context("subscribe to signals")?;
    let machined = Machined::subscribe().await?;
    let states = ["active", "activating", "deactivating", "reloading", "failed"];
    let look = || async {
        let units = systemd.list_units_by_patterns(&states, &[unit]).await.context("list the units")?;
        let units: Vec<String> = units.into_iter().map(|unit| format!("{} is {}", unit.0, unit.3)).collect();
        anyhow::Ok((units, machined.knows(machine).await?))
    };
    let until_gone = async {
        while look().await? != (Vec::new(), false) {
            signals.next().await.context("the system bus went away")??;
        }
        anyhow::Ok(())
    };
    if let Ok(ended) = tokio::time::timeout(REST, until_gone).await {
        ended?;
    }
    look().await
}

/// The mount points of the host with the machine's name in their path (proc_pid_mountinfo(5)).
pub(super) fn mounts(machine: &str) -> anyhow::Result<Vec<String>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("read /proc/self/mountinfo")?;
    Ok(points_of(machine, &table))
}

fn points_of(machine: &str, table: &str) -> Vec<String> {
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    points.filter(|point| point.split('/').any(|part| part == machine)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_stale_if_the_host_has_no_address_in_it() {
        let range = |first: [u8; 4], last: [u8; 4]| (Ipv4Addr::from(first), Ipv4Addr::from(last));
        let ranges =
            vec![range([10, 0, 55, 0], [10, 0, 55, 255]), range([192, 168, 1, 16], [192, 168, 1, 31])];
        let own = ["10.0.55.1", "192.168.1.15", "fe80::1"].map(|address| address.parse().unwrap());
        assert_eq!(stale(ranges.clone(), &own), ["192.168.1.16-192.168.1.31"]);
        assert_eq!(stale(ranges, &[]).len(), 2);
    }

    #[test]
    fn a_mount_is_the_machines_if_a_folder_on_the_way_has_its_name() {
        let table = "1 2 0:3 / /run/systemd/nspawn/propagate/alpha rw - tmpfs x rw\n\
                     2 2 0:3 / /var/lib/machines/alphabet rw - tmpfs x rw\n3 2 0:3 / / rw - tmpfs x rw\nshort\n";
        assert_eq!(points_of("alpha", table), ["/run/systemd/nspawn/propagate/alpha"]);
        assert!(points_of("beta", table).is_empty());
    }

    proptest! {
        #[test]
        fn every_mount_of_the_machine_is_found_and_none_of_another(
            machine in "[a-z][a-z0-9-]{0,9}",
            parts in prop::collection::vec("[a-z][a-z0-9-]{0,9}", 1..5),
            at in any::<prop::sample::Index>(),
        ) {
            let line = |parts: &[String]| format!("1 2 0:3 / /{} rw - tmpfs x rw\n", parts.join("/"));
            let others: Vec<String> = parts.iter().map(|part| format!("{part}_")).collect();
            let mut own = others.clone();
            own.insert(at.index(own.len() + 1), machine.clone());
            let found = points_of(&machine, &[line(&others), line(&own)].concat());
            prop_assert_eq!(found, [format!("/{}", own.join("/"))]);
        }

        #[test]
        fn no_table_makes_the_reader_panic(table in "([ -~]|\n){0,80}") {
            let _ = points_of("alpha", &table);
        }
    }
}
