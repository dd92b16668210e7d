//! What becomes of machines over a restart, and what is left of them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use nspawn_matrix_reports::{Autostart, Missing, Observation, Properties, Subnet};
use nspawn_matrix_scenarios::{Setting, Subject, launch};

use super::tell;
use crate::agent::leftovers::{self, Belongings};
use crate::agent::machined::Machined;
use crate::agent::pace::Pace;
use crate::agent::standing::{Machine, Standing, call, probe_in};
use crate::agent::{Job, Notice, event, event_with, journal};
use crate::chain::chain;
use crate::command::Command;
use crate::probe::{self, Held};
use crate::{enter, rpc};

/// How long a machine may take to be registered.
const REGISTRATION: Duration = Duration::from_secs(30);

/// How long a machine may take to go down and come up again.
const RESTART: Duration = Duration::from_secs(30);

/// How long a machine that is registered again may take to have a lease: as at its first start.
const LEASE: Duration = Duration::from_secs(30);

impl Standing {
    /// Reboots a machine from within, and compares what its link has then with what it had.
    pub(super) async fn after_restart(&self, asked: &Machine, name: &str) -> anyhow::Result<Observation> {
        let link = asked.settled.lease.link.clone().context("the machine has no link of its own")?;
        let mut machined = Machined::subscribe().await?;
        // The connection may be cut by the reboot before the command has ended.
        let _ = enter::command(enter::SELF, asked.leader.get(), &["systemctl", "reboot"]).end().await?;
        let leader = machined.leader_anew(name, self.footing.pace().patience(RESTART)).await?;
        event(Some(name), "restarted");
        asked.leader.set(leader);
        // What the new probe tells of itself would be told a second time.
        let probe = probe_in(leader, None)?;
        let patience_ms = u64::try_from(self.footing.pace().patience(LEASE).as_millis())?;
        let held: Held = call(&probe, probe::Request::AwaitLease { link, patience_ms }).await?;
        let address = |subnet: Option<Subnet>| subnet.map_or(String::new(), |subnet| subnet.to_string());
        let before = (address(asked.settled.lease.address), asked.settled.mac.clone().unwrap_or_default());
        let after = (address(held.lease.address), held.mac.unwrap_or_default());
        if held.lease.address.is_some() {
            event_with(Some(name), "lease-after-restart", Some(after.0.clone()));
        }
        let values = [
            ("address", compared(&before.0, &after.0).to_owned()),
            ("mac", compared(&before.1, &after.1).to_owned()),
            ("address-before", before.0.clone()),
            ("address-after", after.0.clone()),
            ("mac-after", after.1.clone()),
        ];
        Ok(Observation::Properties(Properties::new(compared(&before.0, &after.0), values)))
    }
}

fn compared(before: &str, after: &str) -> &'static str {
    if after.is_empty() {
        "none"
    } else if before == after {
        "same"
    } else {
        "new"
    }
}

/// Powers the machines that are `registered` off, and asks what is asked then.
pub(in crate::agent) async fn power_off(job: &Job, registered: Vec<String>, pace: Pace) {
    let off = leftovers::power_off(&registered, pace).await.map_err(chain);
    join_all(job.questions.iter().map(|question| tell(question, left(&question.subject, &off)))).await;
}

/// `off` is what each machine had that was powered off, or why they could not be.
async fn left(
    subject: &Subject,
    off: &Result<BTreeMap<String, Belongings>, String>,
) -> anyhow::Result<Observation> {
    let had = off.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    match subject {
        Subject::Host { machine } => {
            let Some(had) = had.get(machine) else { return Ok(Missing::Machine.observed()) };
            leftovers::left(machine, had).await
        }
        Subject::Machine { .. } | Subject::Pair { .. } | Subject::HostItself => {
            anyhow::bail!("only the host is asked what is left")
        }
    }
}

/// Asks what is asked after a reboot: the machines come up by themselves, or do not.
pub(in crate::agent) async fn after_reboot(job: &Job, pace: Pace) -> anyhow::Result<()> {
    let mut machined = Machined::subscribe().await?;
    for question in &job.questions {
        if let Subject::Machine { machine } = &question.subject {
            tell(question, autostart(&mut machined, machine, pace.patience(REGISTRATION))).await;
        }
    }
    Ok(())
}

async fn autostart(
    machined: &mut Machined,
    machine: &str,
    patience: Duration,
) -> anyhow::Result<Observation> {
    let unit = launch::unit(machine);
    let enabled = systemctl("is-enabled", &unit).await?;
    // Whoever is not enabled will not come, however long one waits, nor will one that has failed.
    let may_come = enabled == "enabled" && systemctl("is-active", &unit).await? != "failed";
    let registered = may_come && machined.comes(machine, patience).await?;
    // One machine may have been too early, and the other not.
    let late = if has_missed_its_bridge(&unit).await? { "yes" } else { "no" };
    rpc::notify(&Notice::Settings([(Setting::LateBridge, late.to_owned())].into()));
    let active = systemctl("is-active", &unit).await?;
    Ok(Observation::Autostart(Autostart { enabled, active, registered }))
}

/// Whether systemd-nspawn said in this boot that the bridge was not there which its link was to join.
async fn has_missed_its_bridge(unit: &str) -> anyhow::Result<bool> {
    let said = journal::said(unit, "systemd-nspawn").await?;
    Ok(said.iter().any(|entry| is_about_a_missing_bridge(&entry.message)))
}

/// systemd 252 to 262 have the same words.
fn is_about_a_missing_bridge(message: &str) -> bool {
    message.starts_with("Failed to add interface ")
        && message.contains(" to bridge ")
        && message.ends_with(": No such device")
}

/// `systemctl is-enabled` and `is-active` tell by their output; their exit status says the same again.
async fn systemctl(question: &str, unit: &str) -> anyhow::Result<String> {
    Ok(Command::new("systemctl", [question, unit]).end().await?.stdout.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_that_is_missing_is_told_from_other_hindrances() {
        assert!(is_about_a_missing_bridge("Failed to add interface vb-alpha to bridge br0: No such device"));
        assert!(!is_about_a_missing_bridge(
            "Failed to add interface vb-alpha to bridge br0: Device or resource busy"
        ));
        assert!(!is_about_a_missing_bridge("Failed to resolve interface uplink9: No such device"));
    }
}
