//! The sandbox: a host booted by systemd-nspawn in namespaces of its own, in about two seconds.
//!
//! It is a real systemd, as the first process of a process id namespace, on a network of its own whose uplink leads
//! to an [`Internet`] in another namespace. It shares the kernel of the machine that it runs on.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nspawn_matrix_scenarios::HOST_NAME;
use tokio::process::Child;

use super::agent_service;
use super::cgroup::Cgroup;
use super::internet::{Internet, InternetError};
use super::notify::{Notification, NotifySocket};
use super::workspace::{Workspace, WorkspaceError, console_of};
use crate::command::{Command, CommandError};
use crate::image::Pair;
use crate::netns::NetworkNamespace;
use crate::systemd::STOP_LIMIT;
use crate::{agent, enter, rpc};

/// Where the host finds this program.
const AGENT: &str = "/run/nspawn-matrix-agent";

/// Where a host that is kept has its journal.
const JOURNAL: &str = "/var/lib/nspawn-matrix/journal";

/// How long a host may take to boot. Two seconds are usual; many hosts at once on a busy machine take longer.
pub const BOOT: Duration = Duration::from_secs(90);

/// How long systemd-nspawn may take to notice that its host is gone, before it is killed too.
const END: Duration = Duration::from_secs(5);

/// With what status systemd-nspawn ends when its host wants to be rebooted and it was told `--keep-unit`.
const REBOOT: i32 = 133;

/// Why a host is not there.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Something around the host could not be made.
    #[error("{0}")]
    Make(&'static str, #[source] io::Error),
    /// Its root could not be made.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// Its uplink could not be made.
    #[error(transparent)]
    Internet(#[from] InternetError),
    /// A program failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// systemd-nspawn ended.
    #[error("systemd-nspawn ended before the host had booted ({status}); the end of its console: {console}")]
    Ended {
        /// How it ended.
        status: String,
        /// Last lines of the console.
        console: String,
    },
    /// It takes too long.
    #[error("the host had not {done} after {seconds} s; the end of its console: {console}")]
    Late {
        /// What it should have done.
        done: &'static str,
        /// How long that was.
        seconds: u64,
        /// Last lines of the console.
        console: String,
    },
}

/// What a host is made from.
pub struct Blueprint<'a> {
    /// Name, unique in the run; it names the root and the control group.
    pub name: &'a str,
    /// Id of the run.
    pub run_id: &'a str,
    /// Names of the images of the host and of its machines.
    pub images: &'a Pair<String>,
    /// Machines that need a root.
    pub machines: &'a [String],
    /// This program, as a file.
    pub agent: &'a Path,
}

/// A host that has booted.
pub struct Sandbox {
    made: Made,
    internet: Internet,
    boots: u32,
    nspawn: Child,
    leader: Leader,
}

/// The process id of the host's first process, as soon as it is known.
type Leader = Option<i32>;

/// What stays the same over the boots of a host.
struct Made {
    agent: PathBuf,
    root: PathBuf,
    console: PathBuf,
    group: Cgroup,
    notify_name: String,
    /// How long a boot may take.
    patience: Duration,
}

impl Sandbox {
    /// Makes the root of the host and boots it.
    ///
    /// # Errors
    /// [`SandboxError`]; its root then stays until the workspace is closed, and nothing runs in it.
    pub async fn boot(workspace: &Workspace, blueprint: Blueprint<'_>) -> Result<Self, SandboxError> {
        let Blueprint { name, run_id, images, machines, agent } = blueprint;
        let root = workspace.host_root(name, images, machines).await?;
        prepare(&root, run_id, name)
            .map_err(|error| SandboxError::Make("prepare the root of the host", error))?;
        let console = workspace.console_file(name);
        let group =
            workspace.group(name).map_err(|error| SandboxError::Make("create a control group", error))?;
        let internet = Internet::new(machines).await?;
        let notify_name = format!("nspawn-matrix-{run_id}-{name}");
        let patience = workspace.patience();
        let made = Made { agent: agent.to_owned(), root, console, group, notify_name, patience };
        let (nspawn, notify) = made.start(0)?;
        let mut sandbox = Self { made, internet, boots: 0, nspawn, leader: None };
        if let Err(error) = sandbox.booted(notify).await {
            // The first error is the one that matters.
            let _ = sandbox.end().await;
            return Err(error);
        }
        Ok(sandbox)
    }

    /// Waits until the host has booted. The socket is closed then: systemd goes on to tell of its jobs, and the first process
    /// of the host would stand still as soon as messages that nobody reads are as many as a socket holds (net.unix.max_dgram_qlen).
    async fn booted(&mut self, mut notify: NotifySocket) -> Result<(), SandboxError> {
        match tokio::time::timeout(self.made.patience, self.until_ready(&mut notify)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.late("booted", self.made.patience)),
        }
    }

    fn late(&self, done: &'static str, patience: Duration) -> SandboxError {
        SandboxError::Late { done, seconds: patience.as_secs(), console: self.end_of_console() }
    }

    /// As soon as the host has a network namespace, its uplink is put there.
    async fn until_ready(&mut self, notify: &mut NotifySocket) -> Result<(), SandboxError> {
        loop {
            let notifications = tokio::select! {
                notifications = notify.next() => notifications,
                status = self.nspawn.wait() => {
                    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    return Err(SandboxError::Ended { status, console: self.end_of_console() });
                }
            };
            for notification in
                notifications.map_err(|error| SandboxError::Make("read a notification", error))?
            {
                match notification {
                    // Anybody may write to the socket; what is not of this host's control group is not from it.
                    Notification::Leader(leader) if !self.made.group.holds(leader) => {}
                    Notification::Leader(leader) => {
                        self.leader = Some(leader);
                        self.connect(leader).await?;
                    }
                    Notification::Ready => return Ok(()),
                }
            }
        }
    }

    async fn connect(&mut self, leader: i32) -> Result<(), SandboxError> {
        let namespace = NetworkNamespace::of_process(leader)
            .map_err(|error| SandboxError::Make("find the network namespace of the host", error))?;
        super::internet::stock_sysctls(&namespace)?;
        Ok(self.internet.plug_in(&namespace).await?)
    }

    /// The process id of the host's first process.
    ///
    /// # Errors
    /// If it is not known.
    pub fn leader(&self) -> Result<i32, SandboxError> {
        self.leader.ok_or_else(|| {
            SandboxError::Make("find the first process of the host", io::ErrorKind::NotFound.into())
        })
    }

    /// Reboots the host, as `systemctl reboot` on it does.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn reboot(&mut self) -> Result<(), SandboxError> {
        // The connection may be cut by the reboot before the command has ended.
        let _ = enter::command(&self.made.agent, self.leader()?, &["systemctl", "reboot"]).end().await?;
        // A machine that is told to stop while it starts does not hear that, and the host waits for it all that time.
        let patience = STOP_LIMIT + self.made.patience;
        let status = tokio::time::timeout(patience, self.nspawn.wait())
            .await
            .map_err(|_| self.late("stopped", patience))?
            .map_err(|error| SandboxError::Make("wait for the host to end", error))?;
        if status.code() != Some(REBOOT) {
            let status = status.to_string();
            return Err(SandboxError::Ended { status, console: self.end_of_console() });
        }
        self.leader = None;
        self.boots += 1;
        let (nspawn, notify) = self.made.start(self.boots)?;
        self.nspawn = nspawn;
        self.booted(notify).await
    }

    /// Starts the agent as a service of the host; one that is kept has a journal.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub fn agent(
        &self,
        is_kept: bool,
        on_notice: impl FnMut(agent::Notice) + 'static,
    ) -> Result<rpc::Client, SandboxError> {
        let child = start_agent(&self.made.agent, self.leader()?, is_kept).spawn_piped()?;
        Ok(rpc::Client::new("agent", child, on_notice))
    }

    fn end_of_console(&self) -> String {
        let console = console_of(&self.made.console);
        let lines: Vec<&str> = console.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(5)..].join(" / ")
    }

    /// Ends the host at once, as a power cut does.
    ///
    /// # Errors
    /// If something of it could not be taken away.
    pub async fn end(mut self) -> Result<(), SandboxError> {
        // With its first process the kernel ends all others of the host, and systemd-nspawn takes note and ends too.
        let runs = matches!(self.nspawn.try_wait(), Ok(None));
        let gone =
            runs && self.leader.is_some_and(|leader| kill(Pid::from_raw(leader), Signal::SIGKILL).is_ok());
        let in_order = gone && tokio::time::timeout(END, self.nspawn.wait()).await.is_ok();
        self.made
            .group
            .end()
            .await
            .map_err(|error| SandboxError::Make("end the processes of the host", error))?;
        if !in_order {
            self.nspawn
                .wait()
                .await
                .map_err(|error| SandboxError::Make("wait for the end of systemd-nspawn", error))?;
        }
        Ok(())
    }
}

/// Makes the command that starts the agent on the host with this leader; `program` is this program, as a file beside it.
pub(super) fn start_agent(program: impl AsRef<OsStr>, leader: i32, is_kept: bool) -> Command {
    let journal: &[&str] = if is_kept { &["--journal", JOURNAL] } else { &[] };
    enter::command(program, leader, &agent_service::argv(AGENT, journal))
}

/// Writes what makes this copy of the image this host: its uplink, and an identity that outlives a reboot.
fn prepare(root: &Path, run_id: &str, name: &str) -> io::Result<()> {
    fs::write(root.join("etc/systemd/network/10-uplink.network"), super::internet::uplink_network_file())?;
    fs::write(root.join("etc/machine-id"), machine_id(run_id, name))
}

/// 32 hexadecimal digits and a newline (machine-id(5)).
fn machine_id(run_id: &str, name: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{run_id} {name}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect()
}

impl Made {
    /// Starts systemd-nspawn. Each boot has a socket of its own: what an earlier one told last is not taken for news.
    fn start(&self, boot: u32) -> Result<(Child, NotifySocket), SandboxError> {
        let notify = NotifySocket::bind(&format!("{}-{boot}", self.notify_name))
            .map_err(|error| SandboxError::Make("make a socket for notifications", error))?;
        let console: OwnedFd = File::options()
            .create(true)
            .append(true)
            .open(&self.console)
            .map_err(|error| SandboxError::Make("create a file for the console", error))?
            .into();
        let mut entrance = self
            .group
            .entrance()
            .map_err(|error| SandboxError::Make("open the control group of the host", error))?;
        let command = Command::from_argv(argv(&self.root, &self.agent))
            .env("NOTIFY_SOCKET", notify.address())
            // The machine may still mount version 1; the host gets version 2.
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            // The filter of an older systemd-nspawn forbids system calls that a newer host needs.
            .env("SYSTEMD_SECCOMP", "0")
            .output_to(&console)
            .map_err(|error| SandboxError::Make("write to the file for the console", error))?;
        // SAFETY: everything in `step_aside` is a system call without allocation, and so is writing to a file.
        let command =
            unsafe { command.pre_exec(move || step_aside().and_then(|()| entrance.write_all(b"0"))) };
        Ok((command.spawn()?, notify))
    }
}

/// The command line that boots a host.
fn argv(root: &Path, agent: &Path) -> Vec<String> {
    vec![
        "systemd-nspawn".to_owned(),
        "--quiet".to_owned(),
        format!("--machine={HOST_NAME}"),
        format!("--directory={}", root.display()),
        format!("--bind-ro={}:{AGENT}", agent.display()),
        "--register=no".to_owned(),
        "--keep-unit".to_owned(),
        "--private-network".to_owned(),
        "--capability=all".to_owned(),
        "--notify-ready=yes".to_owned(),
        "--console=read-only".to_owned(),
        "--timezone=off".to_owned(),
        "--boot".to_owned(),
    ]
}

/// Gives systemd-nspawn mounts of its own: an empty /run, in which it leaves locks and folders, and cgroup2.
fn step_aside() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))?;
    match mount(Some("cgroup2"), "/sys/fs/cgroup", Some("cgroup2"), MsFlags::empty(), None::<&str>) {
        // It is what is mounted there already, as on every machine that runs systemd.
        Ok(()) | Err(nix::Error::EBUSY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_keeps_its_machine_id_over_a_reboot_and_shares_it_with_none() {
        let id = machine_id("0123abcd", "bridge");
        assert_eq!(id.trim().len(), 32);
        assert_eq!(id, machine_id("0123abcd", "bridge"));
        assert_ne!(id, machine_id("0123abcd", "zone"));
    }

    #[test]
    fn the_command_that_boots_a_host() {
        let argv = argv(Path::new("/store/bridge"), Path::new("/bin/nspawn-matrix")).join("\n");
        insta::assert_snapshot!(argv, @r"
        systemd-nspawn
        --quiet
        --machine=nspawnhost
        --directory=/store/bridge
        --bind-ro=/bin/nspawn-matrix:/run/nspawn-matrix-agent
        --register=no
        --keep-unit
        --private-network
        --capability=all
        --notify-ready=yes
        --console=read-only
        --timezone=off
        --boot
        ");
    }
}
