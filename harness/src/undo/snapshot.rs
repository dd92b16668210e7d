//! What a host looks like: taken before and after, to tell whether it was left as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use anyhow::Context;
use futures_util::TryStreamExt;
use nix::ifaddrs::getifaddrs;
use rtnetlink::RouteMessageBuilder;
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::command::Command;
use crate::netns::RtNetlink;
use crate::systemd::ManagerProxy;

/// Where files are looked at. What a service keeps for itself while it runs is not: it says nothing of the set-up.
const FOLDERS: [&str; 10] = [
    "/etc",
    "/opt",
    "/run/systemd/generator",
    "/run/systemd/network",
    "/run/systemd/nspawn",
    "/run/systemd/system",
    "/run/systemd/transient",
    "/srv",
    "/usr/local",
    "/var/cache",
];

/// Where only the names are looked at: below them are whole roots.
const MACHINES: &str = "/var/lib/machines";

/// Files that are larger are told apart by their size alone.
const DIGESTED: u64 = 1 << 20;

/// Units that come and go by themselves: sessions of people, programs that `systemd-run` runs (our agent is one), and
/// services that the bus starts when they are asked for and that end when they are idle.
const PASSING: [&str; 11] = [
    "run-",
    "session-",
    "user-",
    "user@",
    "nspawn-matrix-agent",
    "sshd@",
    "systemd-hostnamed",
    "systemd-importd",
    "systemd-localed",
    "systemd-timedated",
    "systemd-tmpfiles-clean",
];

/// `RT_TABLE_LOCAL` (rtnetlink(7)).
const LOCAL_TABLE: u8 = 255;

/// What a host looks like, by kind of thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot(BTreeMap<String, BTreeSet<String>>);

impl Snapshot {
    /// Looks at this host.
    pub(crate) async fn take() -> anyhow::Result<Self> {
        let kinds = [
            ("link", links().await?),
            ("address", addresses()?),
            ("route", routes().await?),
            ("rule", rules().await?),
            ("unit", units().await?),
            ("mount", mounts()?),
            ("file", files()?),
        ];
        Ok(Self(kinds.into_iter().map(|(kind, things)| (kind.to_owned(), things)).collect()))
    }

    /// What is there in `after` and was not in `self`, and the other way round.
    pub(crate) fn differences(&self, after: &Self) -> Vec<String> {
        let none = BTreeSet::new();
        let kinds: BTreeSet<&String> = self.0.keys().chain(after.0.keys()).collect();
        let of_kind = |kind: &String| {
            let (before, after) = (self.0.get(kind).unwrap_or(&none), after.0.get(kind).unwrap_or(&none));
            let left = after.difference(before).map(|thing| format!("{kind} is left: {thing}"));
            let gone = before.difference(after).map(|thing| format!("{kind} is gone: {thing}"));
            left.chain(gone).collect::<Vec<_>>()
        };
        kinds.into_iter().flat_map(of_kind).collect()
    }
}

/// Names, sizes, and whether they are up.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of links are the kernel's, and many")]
async fn links() -> anyhow::Result<BTreeSet<String>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let links: Vec<_> =
        netlink.handle().link().get().execute().try_collect().await.context("list the links")?;
    Ok(links
        .into_iter()
        .map(|link| {
            let up = if link.header.flags.contains(LinkFlags::Up) { "up" } else { "down" };
            let words = link.attributes.iter().filter_map(|attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name.clone()),
                LinkAttribute::Mtu(mtu) => Some(format!("mtu {mtu}")),
                LinkAttribute::Controller(index) => Some(format!("port of link {index}")),
                _ => None,
            });
            words.chain([up.to_owned()]).collect::<Vec<_>>().join(" ")
        })
        .collect())
}

fn addresses() -> anyhow::Result<BTreeSet<String>> {
    let entries = getifaddrs().context("list the addresses")?;
    Ok(entries
        .filter_map(|entry| {
            let address = entry.address?;
            let v4 = address.as_sockaddr_in().map(|v4| v4.ip().to_string());
            let v6 = || address.as_sockaddr_in6().map(|v6| v6.ip().to_string());
            Some(format!("{} {}", entry.interface_name, v4.or_else(v6)?))
        })
        .collect())
}

async fn routes() -> anyhow::Result<BTreeSet<String>> {
    let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
    let links = nix::net::if_::if_nameindex().context("list the links")?;
    let mut all = BTreeSet::new();
    let v4 = RouteMessageBuilder::<std::net::Ipv4Addr>::new().build();
    let v6 = RouteMessageBuilder::<std::net::Ipv6Addr>::new().build();
    for family in [v4, v6] {
        let routes: Vec<RouteMessage> =
            netlink.handle().route().get(family).execute().try_collect().await.context("list the routes")?;
        // Those of the local table follow from the addresses.
        let others = routes.iter().filter(|route| route.header.table != LOCAL_TABLE);
        all.extend(others.map(|route| {
            route_line(route, |index| {
                let link = links.iter().find(|link| link.index() == index);
                link.map_or(format!("link {index}"), |link| link.name().to_string_lossy().into_owned())
            })
        }));
    }
    Ok(all)
}

/// Without what changes by itself, as the time that an address of a router stays valid.
#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of routes are the kernel's, and many")]
fn route_line(route: &RouteMessage, link: impl Fn(u32) -> String) -> String {
    let header = &route.header;
    let mut words = vec![
        format!("{:?}", header.kind),
        format!("/{}", header.destination_prefix_length),
        format!("table {}", header.table),
        format!("{:?}", header.protocol),
    ];
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Destination(address) => words.push(format!("to {address:?}")),
            RouteAttribute::Gateway(address) => words.push(format!("by {address:?}")),
            RouteAttribute::Oif(index) => words.push(format!("on {}", link(*index))),
            RouteAttribute::Priority(priority) => words.push(format!("metric {priority}")),
            _ => {}
        }
    }
    words.join(" ")
}

/// The rules of nftables, without what counts and numbers them; nothing where there is no `nft`.
async fn rules() -> anyhow::Result<BTreeSet<String>> {
    let Ok(ended) = Command::new("nft", ["--json", "list", "ruleset"]).end().await else {
        return Ok(BTreeSet::new());
    };
    let Ok(Value::Object(mut reply)) = serde_json::from_str(&ended.stdout) else {
        return Ok(BTreeSet::new());
    };
    let objects = reply.remove("nftables").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let plain = objects.into_iter().map(without_counters);
    Ok(plain.filter(|object| object.get("metainfo").is_none()).map(|object| object.to_string()).collect())
}

fn without_counters(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(key, _)| !["handle", "packets", "bytes", "index"].contains(&key.as_str()))
            .map(|(key, value)| (key, without_counters(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(without_counters).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

async fn units() -> anyhow::Result<BTreeSet<String>> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let systemd = ManagerProxy::new(&bus).await.context("find systemd on the bus")?;
    let units =
        systemd.list_units_by_patterns(&["active", "failed"], &["*"]).await.context("list the units")?;
    let lasting = units.into_iter().filter(|unit| {
        !unit.0.ends_with(".device") && !PASSING.iter().any(|passing| unit.0.starts_with(passing))
    });
    Ok(lasting.map(|unit| format!("{} is {}", unit.0, unit.3)).collect())
}

/// Mount points and what is mounted there (proc_pid_mountinfo(5)).
fn mounts() -> anyhow::Result<BTreeSet<String>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("read /proc/self/mountinfo")?;
    // Those of credentials come and go with services.
    Ok(table.lines().filter_map(mount_line).filter(|mount| !mount.starts_with("/run/credentials/")).collect())
}

fn mount_line(line: &str) -> Option<String> {
    let (place, what) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (_root, point) = (place.next()?, place.next()?);
    Some(format!("{point} {}", what.split(' ').take(2).collect::<Vec<_>>().join(" ")))
}

fn files() -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for folder in FOLDERS {
        walk(Path::new(folder), &mut found).with_context(|| format!("look through `{folder}`"))?;
    }
    for entry in fs::read_dir(MACHINES).into_iter().flatten() {
        found.insert(entry.with_context(|| format!("list `{MACHINES}`"))?.path().display().to_string());
    }
    Ok(found)
}

/// What goes away while it is looked at was not there.
fn walk(path: &Path, found: &mut BTreeSet<String>) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let kind = metadata.file_type();
    let what = if kind.is_symlink() {
        format!("leads to {}", fs::read_link(path)?.display())
    } else if kind.is_file() && metadata.len() <= DIGESTED {
        let digest = Sha256::digest(fs::read(path)?);
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    } else if kind.is_file() {
        format!("{} bytes", metadata.len())
    } else if kind.is_dir() {
        "folder".to_owned()
    } else if kind.is_fifo() || kind.is_socket() {
        "pipe or socket".to_owned()
    } else {
        format!("device {}", metadata.rdev())
    };
    let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    found.insert(format!("{} {uid}:{gid} {mode:04o} {what}", path.display()));
    if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            walk(&entry?.path(), found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_says_what_is_left_and_what_is_gone() {
        let one = |thing: &str| Snapshot([("link".to_owned(), BTreeSet::from([thing.to_owned()]))].into());
        assert_eq!(one("lo up").differences(&one("lo up")), Vec::<String>::new());
        assert_eq!(one("lo up").differences(&one("br0 up")), ["link is left: br0 up", "link is gone: lo up"]);
        assert_eq!(Snapshot::default().differences(&one("br0 up")), ["link is left: br0 up"]);
    }

    #[test]
    fn counters_are_no_difference() {
        let rule = |packets| json!({ "rule": { "handle": packets, "expr": [{ "counter": { "packets": packets } }] } });
        assert_eq!(without_counters(rule(1)), without_counters(rule(2)));
    }

    #[test]
    fn a_mount_is_known_by_its_point_and_what_is_there() {
        let line = "36 35 0:34 /a /mnt rw,noatime shared:1 - ext4 /dev/vda rw";
        assert_eq!(mount_line(line).unwrap(), "/mnt ext4 /dev/vda");
        assert_eq!(mount_line("short"), None);
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_of_mounts_panic(line: String) {
            let _ = mount_line(&line);
        }
    }
}
