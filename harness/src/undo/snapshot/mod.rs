//! What a host looks like: taken before and after, to tell whether it was left as it was.

mod files;
mod network;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::systemd::ManagerProxy;

/// Units that come and go by themselves: sessions of people, programs that `systemd-run` runs (we are some of them), and
/// services that the bus starts when they are asked for and that end when they are idle.
const PASSING: [&str; 12] = [
    "run-",
    "session-",
    "user-",
    "user@",
    "nspawn-matrix-agent",
    "nspawn-matrix-remote-",
    "sshd@",
    "systemd-hostnamed",
    "systemd-importd",
    "systemd-localed",
    "systemd-timedated",
    "systemd-tmpfiles-clean",
];

/// Mounts that come and go by themselves: credentials of services, and what people have while they are logged in.
const PASSING_MOUNTS: [&str; 2] = ["/run/credentials/", "/run/user/"];

/// The kind that files are.
const FILE: &str = "file";

/// What a host looks like, by kind of thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot(BTreeMap<String, BTreeSet<String>>);

impl Snapshot {
    /// Looks at this host.
    pub(crate) async fn take() -> anyhow::Result<Self> {
        let kinds = [
            ("link", network::links().await?),
            ("address", network::addresses()?),
            ("route", network::routes().await?),
            ("rule", network::rules().await?),
            ("setting", settings::settings()?),
            ("unit", units().await?),
            ("mount", mounts()?),
            (FILE, files::files()?),
        ];
        Ok(Self(kinds.into_iter().map(|(kind, things)| (kind.to_owned(), things)).collect()))
    }

    /// The differences of what a reboot does not make anew.
    pub(crate) fn lasting_differences(&self, after: &Self) -> Vec<String> {
        let [before, after] = [self, after].map(Self::lasting);
        before.differences(&after)
    }

    /// The files that are on a disk.
    fn lasting(&self) -> Self {
        let files = self.0.get(FILE).into_iter().flatten().filter(|file| !file.starts_with("/run/"));
        Self([(FILE.to_owned(), files.cloned().collect())].into())
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

async fn units() -> anyhow::Result<BTreeSet<String>> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let systemd = ManagerProxy::new(&bus).await.context("find systemd on the bus")?;
    let units =
        systemd.list_units_by_patterns(&["active", "failed"], &["*"]).await.context("list the units")?;
    let lasting = units.into_iter().filter(|unit| !unit.0.ends_with(".device") && !is_passing(&unit.0));
    Ok(lasting.map(|unit| format!("{} is {}", unit.0, unit.3)).collect())
}

/// Whether a unit comes and goes by itself.
fn is_passing(unit: &str) -> bool {
    PASSING.iter().any(|passing| unit.starts_with(passing))
}

/// Mount points and what is mounted there (proc_pid_mountinfo(5)).
fn mounts() -> anyhow::Result<BTreeSet<String>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("read /proc/self/mountinfo")?;
    let is_passing = |mount: &str| PASSING_MOUNTS.iter().any(|passing| mount.starts_with(passing));
    Ok(table.lines().filter_map(mount_line).filter(|mount| !is_passing(mount)).collect())
}

fn mount_line(line: &str) -> Option<String> {
    let (place, what) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (_root, point) = (place.next()?, place.next()?);
    Some(format!("{point} {}", what.split(' ').take(2).collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_difference_says_what_is_left_and_what_is_gone() {
        let one = |thing: &str| Snapshot([("link".to_owned(), BTreeSet::from([thing.to_owned()]))].into());
        assert_eq!(one("lo up").differences(&one("lo up")), Vec::<String>::new());
        assert_eq!(one("lo up").differences(&one("br0 up")), ["link is left: br0 up", "link is gone: lo up"]);
        assert_eq!(Snapshot::default().differences(&one("br0 up")), ["link is left: br0 up"]);
    }

    #[test]
    fn after_a_reboot_only_files_on_a_disk_are_compared() {
        let of = |kind: &str, things: &[&str]| {
            Snapshot([(kind.to_owned(), things.iter().map(|&thing| thing.to_owned()).collect())].into())
        };
        assert!(of("link", &["lo up"]).lasting_differences(&of(FILE, &["/run/x 0:0"])).is_empty());
        let left = Snapshot::default().lasting_differences(&of(FILE, &["/run/x 0:0", "/etc/x 0:0"]));
        assert_eq!(left, ["file is left: /etc/x 0:0"]);
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
