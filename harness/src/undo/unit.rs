//! Units that are stopped or disabled.

use std::fs;
use std::time::Duration;

use crate::command::Command;
use crate::host::Cgroup;
use crate::systemd::STOP_LIMIT;

/// How long a unit may take to stop. A machine that is powered off takes a second or two.
const STOP: Duration = Duration::from_secs(30);

/// Stops a unit; what does not end by itself is killed. systemd may wait on for a unit that has no process any more, as
/// long as for any other (docs/findings.md), and is given that time.
///
/// # Errors
/// If it does not stop, with what still runs of it.
pub(crate) async fn stop(unit: &str) -> anyhow::Result<()> {
    let stopped = async |patience| tokio::time::timeout(patience, systemctl(&["stop", unit])).await;
    match stopped(STOP).await {
        Ok(stopped) => stopped?,
        Err(_) => {
            systemctl(&["kill", "--signal=KILL", unit]).await?;
            match stopped(STOP_LIMIT).await {
                Ok(stopped) => stopped?,
                Err(_) => anyhow::bail!("unit `{unit}` does not stop: {}", state(unit).await?),
            }
        }
    }
    systemctl(&["reset-failed", unit]).await
}

/// Disables a unit.
pub(super) async fn disable(unit: &str) -> anyhow::Result<()> {
    systemctl(&["disable", "--quiet", unit]).await
}

/// What becomes of a unit, and what its processes wait for, in words.
async fn state(unit: &str) -> anyhow::Result<String> {
    let of_unit = ["--property=ActiveState,SubState,Job,ControlGroup", unit];
    let properties = Command::new("systemctl", ["show"].iter().chain(&of_unit)).output().await?;
    let group = properties.lines().find_map(|line| line.strip_prefix("ControlGroup=/"));
    let processes = group.map(|group| Cgroup::of_host(group).processes()).unwrap_or_default();
    let properties: Vec<&str> = properties.lines().collect();
    let processes: Vec<String> = processes.into_iter().map(process).collect();
    Ok(format!("{}; processes: {}", properties.join(", "), processes.join(", ")))
}

/// `12 systemd, State: D (disk sleep), in jbd2_log_wait_commit` (proc_pid_status(5), proc_pid_wchan(5)).
fn process(id: i32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
    let status = read("status");
    let state = status.lines().find(|line| line.starts_with("State:")).unwrap_or("State: gone");
    format!("{id} {}, {}, in {}", read("comm").trim(), state.replace('\t', " "), read("wchan"))
}

/// A unit that is not there, or not loaded, is as it should be.
async fn systemctl(words: &[&str]) -> anyhow::Result<()> {
    /// `EXIT_NOTINSTALLED` of systemctl(1), after the LSB.
    const NOT_LOADED: i32 = 5;
    let ended = Command::new("systemctl", words).end().await?;
    match ended.status.code() {
        Some(0 | NOT_LOADED) => Ok(()),
        Some(1) if ended.stderr.contains("not loaded") || ended.stderr.contains("does not exist") => Ok(()),
        Some(_) | None => {
            anyhow::bail!("`systemctl {}`: {}: {}", words.join(" "), ended.status, ended.stderr.trim())
        }
    }
}
