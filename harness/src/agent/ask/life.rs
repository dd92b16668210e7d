//! What becomes of machines over a restart.

use std::time::Duration;

use nspawn_matrix_reports::{Autostart, Observation};
use nspawn_matrix_scenarios::{Subject, launch};

use super::tell;
use crate::agent::Job;
use crate::agent::machined::Machined;
use crate::command::Command;

/// How long a machine may take to be registered.
const REGISTRATION: Duration = Duration::from_secs(30);

/// Asks what is asked after a reboot: the machines come up by themselves, or do not.
pub(in crate::agent) async fn after_reboot(job: &Job) -> anyhow::Result<()> {
    let mut machined = Machined::subscribe().await?;
    for question in &job.questions {
        if let Subject::Machine { machine } = &question.subject {
            tell(question, autostart(&mut machined, machine)).await;
        }
    }
    Ok(())
}

async fn autostart(machined: &mut Machined, machine: &str) -> anyhow::Result<Observation> {
    let unit = launch::unit(machine);
    let enabled = systemctl("is-enabled", &unit).await?;
    // Whoever is not enabled will not come, however long one waits.
    let registered = enabled == "enabled" && machined.comes(machine, REGISTRATION).await?;
    let active = systemctl("is-active", &unit).await?;
    Ok(Observation::Autostart(Autostart { enabled, active, registered }))
}

/// `systemctl is-enabled` and `is-active` tell by their output; their exit status says the same again.
async fn systemctl(question: &str, unit: &str) -> anyhow::Result<String> {
    Ok(Command::new("systemctl", [question, unit]).end().await?.stdout.trim().to_owned())
}
