//! A host that is kept: what is done to it is journalled, taken back, and compared with what it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_scenarios::{Launch, Scenario, Step, launch, pacman_cache};
use serde::{Deserialize, Serialize};

use super::launch::console;
use super::nft::SYSTEMD_TABLE;
use crate::command::Command;
use crate::netns::{Events, MulticastGroup};
use crate::roots;
use crate::undo::{Journal, Snapshot, Undo, foresee, leased_links, table_exists, undo};

/// Where systemd-nspawn keeps locks and sockets of its machines.
const NSPAWN: &str = "/run/systemd/nspawn";

/// What networkd turns on for machines, and leaves on. Writing to `all` writes to every link and to `default` too, so it
/// comes last here and is taken back first.
const FORWARDING: [&str; 4] = [
    "/proc/sys/net/ipv4/conf/default/forwarding",
    "/proc/sys/net/ipv4/conf/all/forwarding",
    "/proc/sys/net/ipv6/conf/default/forwarding",
    "/proc/sys/net/ipv6/conf/all/forwarding",
];

/// How long the host may take to be as it was, when everything was taken back: services configure their links anew.
const REST: Duration = Duration::from_secs(10);

/// What is known of a host that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where its journal is.
    pub journal: PathBuf,
    /// What the roots of machines are made from: a folder that is copied, or a tar file that is unpacked; none where they
    /// are there already.
    pub base: Option<PathBuf>,
}

/// What a host looked like before anything was done to it.
#[derive(Serialize, Deserialize)]
struct Before {
    /// The boot that it was looked at in.
    boot: String,
    snapshot: Snapshot,
}

impl Before {
    async fn look() -> anyhow::Result<Self> {
        let snapshot = Snapshot::take().await.context("look at the host before anything is done to it")?;
        Ok(Self { boot: boot()?, snapshot })
    }

    /// What differs in `now`: all of it in the same boot, and in a later one what outlasts a reboot.
    fn differences(&self, now: &Snapshot) -> anyhow::Result<Vec<String>> {
        let is_same_boot = self.boot == boot()?;
        Ok(if is_same_boot { self.snapshot.differences(now) } else { self.snapshot.lasting_differences(now) })
    }
}

/// The id of this boot (random(4)).
fn boot() -> anyhow::Result<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").context("read the id of this boot")
}

impl Kept {
    /// Begins the journal, and makes the roots of the machines.
    ///
    /// # Errors
    /// If there is a journal already, which another run has not finished, or the host cannot be looked at.
    pub(super) async fn begin(&self, scenario: &Scenario) -> anyhow::Result<Journal> {
        let journal = begin(&self.journal, &scenario.steps).await?;
        if let Some(base) = &self.base {
            for machine in &scenario.machines {
                let root = PathBuf::from(launch::root(machine));
                journal.note(&[Undo::Remove { path: root.clone() }]).context("write to the journal")?;
                roots::make(base, &root)
                    .await
                    .with_context(|| format!("make the root of machine `{machine}`"))?;
            }
        }
        Ok(journal)
    }

    /// Takes everything back; `told` hears what is done. Gives what is not as it was then.
    ///
    /// # Errors
    /// If something could not be taken back; the journal then stays.
    pub(crate) async fn restore(&self, mut told: impl FnMut(&str)) -> anyhow::Result<Vec<String>> {
        let Some(journal) = Journal::open(&self.journal).context("open the journal")? else {
            return Ok(Vec::new());
        };
        let before = journal.before().context("read what the host looked like")?;
        let before: Before = serde_json::from_slice(&before).context("read what the host looked like")?;
        let forwarded = forwarding();
        let undone = undo(&journal, |entry| told(&entry.title())).await;
        undone.map_err(|errors| anyhow::anyhow!("{}", errors.join("; ")))?;
        if forwarding() != forwarded {
            // It remembers that it has turned forwarding on, and would not do it again.
            told("restart systemd-networkd, which had turned forwarding on");
            Command::new("systemctl", ["try-restart", "systemd-networkd.service"]).output().await?;
        }
        let left = settled(&before).await?;
        journal.close().context("remove the journal")?;
        Ok(left)
    }

    /// Whether there is something to be taken back.
    ///
    /// # Errors
    /// If the journal cannot be looked for.
    pub(crate) fn is_unfinished(&self) -> anyhow::Result<bool> {
        Ok(Journal::open(&self.journal).context("look for the journal")?.is_some())
    }
}

/// What the settings in [`FORWARDING`] are; none where the kernel lacks the family.
fn forwarding() -> [Option<String>; 4] {
    FORWARDING.map(|path| fs::read_to_string(path).ok())
}

/// Begins the journal, and notes what the host looks like before `steps` are done.
async fn begin(folder: &Path, steps: &[Step]) -> anyhow::Result<Journal> {
    let before = serde_json::to_vec(&Before::look().await?).context("write down what the host looks like")?;
    let journal = Journal::create(folder, &before)
        .with_context(|| format!("begin a journal in `{}`", folder.display()))?;
    journal.note(&traces().await?).context("write to the journal")?;
    // A link that a step waits for is made by one before it.
    for step in steps.iter().filter(|step| matches!(step, Step::AwaitLink { .. })) {
        journal.note(&foresee(step, &journal).await?).context("write to the journal")?;
    }
    Ok(journal)
}

/// What systemd leaves of its own when machines have run on a host, as far as it is not there yet.
async fn traces() -> anyhow::Result<Vec<Undo>> {
    let mut undo = Vec::new();
    for path in FORWARDING.map(Path::new) {
        // A kernel without the family has no such setting.
        if let Ok(before) = fs::read_to_string(path) {
            undo.push(Undo::Sysctl { path: path.to_owned(), before });
        }
    }
    for family in ["ip", "ip6"] {
        if !table_exists(family, SYSTEMD_TABLE).await? {
            undo.push(Undo::RemoveTable { family: family.to_owned(), name: SYSTEMD_TABLE.to_owned() });
        }
    }
    for unit in ["machine.slice", "systemd-machined.service"] {
        let active = Command::new("systemctl", ["is-active", "--quiet", unit]).end().await?.status.success();
        if !active {
            undo.push(Undo::Stop { unit: unit.to_owned() });
        }
    }
    undo.push(Undo::Leases { before: leased_links().context("look for leases")? });
    if !fs::exists(NSPAWN).with_context(|| format!("look for `{NSPAWN}`"))? {
        undo.push(Undo::Remove { path: NSPAWN.into() });
    }
    Ok(undo)
}

/// Notes what ends the machines of a scenario, which are about to be started.
pub(super) fn note_machines(journal: &Journal, scenario: &Scenario) -> anyhow::Result<()> {
    let stop = |machine: &String| -> anyhow::Result<Vec<Undo>> {
        let units = match scenario.launch {
            // The first up to systemd 257, the second with 262; none of the other name runs.
            Launch::CommandLine { .. } => {
                vec![format!("machine-{}.scope", escaped(machine)), format!("{}.scope", escaped(machine))]
            }
            Launch::Unit => vec![launch::unit(machine)],
        };
        let lock = format!("/var/lib/machines/.#{machine}.lck");
        // What it writes into the directory that it binds.
        let written = scenario
            .bind
            .as_ref()
            .map(|bind| format!("{}/{}", bind.source, pacman_cache::written_by(machine)));
        let mut undo = Vec::new();
        for path in [lock, console(machine)].into_iter().chain(written) {
            if !fs::exists(&path).with_context(|| format!("look for `{path}`"))? {
                undo.push(Undo::Remove { path: path.into() });
            }
        }
        let unlink = Undo::UnlinkJournal { root: launch::root(machine).into() };
        let stop = units.into_iter().map(|unit| Undo::Stop { unit });
        Ok(undo.into_iter().chain([unlink]).chain(stop).collect())
    };
    let undo = scenario.machines.iter().map(stop).collect::<anyhow::Result<Vec<_>>>()?.concat();
    journal.note(&undo).context("note the machines in the journal")
}

/// The name of a machine as it stands in the name of its scope (systemd-escape(1)).
fn escaped(machine: &str) -> String {
    machine.replace('-', "\\x2d")
}

/// Looks again when a link or an address changes, until the host is as it was or [`REST`] is over.
async fn settled(before: &Before) -> anyhow::Result<Vec<String>> {
    let mut events = Events::subscribe(&[
        MulticastGroup::Link,
        MulticastGroup::Ipv4Ifaddr,
        MulticastGroup::Ipv6Ifaddr,
        MulticastGroup::Ipv4Route,
        MulticastGroup::Ipv6Route,
    ])
    .context("subscribe to links and addresses")?;
    let mut differences = before.differences(&Snapshot::take().await?)?;
    let until_as_it_was = async {
        while !differences.is_empty() {
            events.next().await.context("read events of links and addresses")?;
            differences = before.differences(&Snapshot::take().await?)?;
        }
        anyhow::Ok(())
    };
    if let Ok(ended) = tokio::time::timeout(REST, until_as_it_was).await {
        ended?;
    }
    // What changed without an event is seen by a last look.
    if differences.is_empty() { Ok(differences) } else { before.differences(&Snapshot::take().await?) }
}
