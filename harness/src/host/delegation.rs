//! Where in the tree of control groups a run may make its own.
//!
//! Where systemd is the machine's own first process it owns the tree, and gives a part of it away only as a unit with
//! `Delegate=yes`; so the process asks for a scope and is moved into it. Elsewhere the root is nobody's.

use std::fs;
use std::io;
use std::path::Path;

use futures_util::StreamExt;
use zbus::{OwnedObjectPath, Variant};

use super::workspace::WorkspaceError;

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Manager {
    /// Makes and starts a unit that has no file (org.freedesktop.systemd1(5)).
    fn start_transient_unit(
        &self,
        name: &str,
        mode: &str,
        properties: &[(&str, Variant<'_>)],
        auxiliary: &[(&str, Vec<(&str, Variant<'_>)>)],
    ) -> zbus::Result<OwnedObjectPath>;

    /// Tells that a job is over.
    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: OwnedObjectPath, unit: &str, result: &str) -> zbus::Result<()>;
}

/// The control group below which this process may make others, relative to the root of the tree.
pub(super) async fn delegated(run_id: &str) -> Result<String, WorkspaceError> {
    // sd_booted(3)
    if !Path::new("/run/systemd/system").is_dir() {
        return Ok(String::new());
    }
    start_scope(run_id).await.map_err(|error| WorkspaceError::Make {
        what: "ask systemd for a scope with Delegate=yes".to_owned(),
        source: io::Error::other(error),
    })?;
    own_group()
        .map_err(|source| WorkspaceError::Make { what: "find our own control group".to_owned(), source })
}

async fn start_scope(run_id: &str) -> zbus::Result<()> {
    let bus = zbus::Connection::system().await?;
    let manager = ManagerProxy::new(&bus).await?;
    let mut removed = manager.receive_job_removed().await?;
    let properties = [
        ("Description", Variant::from("nspawn-matrix: hosts in namespaces")),
        ("PIDs", Variant::from(vec![std::process::id()])),
        ("Delegate", Variant::from(true)),
        // DefaultTasksMax= counts all hosts with their machines together: 15% of what a small machine can have is little.
        ("TasksMax", Variant::from(u64::MAX)),
        ("CollectMode", Variant::from("inactive-or-failed")),
    ];
    let name = format!("nspawn-matrix-{run_id}.scope");
    let job = manager.start_transient_unit(&name, "fail", &properties, &[]).await?;
    while let Some(signal) = removed.next().await {
        let over = signal.args()?;
        if over.job == job {
            return if over.result == "done" {
                Ok(())
            } else {
                Err(zbus::Error::Failure(format!("the job of {name} ended as `{}`", over.result)))
            };
        }
    }
    Err(zbus::Error::Failure("the system bus went away".to_owned()))
}

/// /proc/self/cgroup has one line for version 2: `0::/system.slice/x.scope`.
fn own_group() -> io::Result<String> {
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    own.map(str::to_owned).ok_or_else(|| io::Error::other("no control group of version 2"))
}
