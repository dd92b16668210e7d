//! `cargo nextest run`: it starts each trial as a process, and its first trial starts the broker of the run as another.
//!
//! The broker belongs to no trial: it has a process group of its own, so that it outlives a trial that is killed, and
//! none of a trial's streams, for whose end nextest waits. It ends when nextest does, however that comes.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, parent_id};
use std::path::Path;
use std::process::{Command, ExitCode};

use nspawn_matrix::pidfd;
use nspawn_matrix::plan::Plan;
use tokio::io::unix::AsyncFd;

use crate::broker::{self, Asked};
use crate::{fail, support};

/// The argument that makes this program a broker; the process id of nextest follows.
const BROKER: &str = "--broker-of-nextest";

/// The variable by which nextest names a run (<https://nexte.st/docs/configuration/env-vars/>).
const RUN_ID: &str = "NEXTEST_RUN_ID";

/// The variable by which `nspawn-matrix vm test` names the process that stands in for nextest in a virtual machine.
const STAND_IN: &str = "NSPAWN_MATRIX_STAND_IN";

/// A run of nextest, as its trials see it.
pub(crate) struct Run {
    id: String,
}

impl Run {
    /// The run that this process is a trial of, or lists trials for; none where nextest did not start it.
    pub(crate) fn from_environment() -> Option<Self> {
        std::env::var(RUN_ID).ok().map(|id| Self { id })
    }

    /// Connects to the broker of the run, and starts it if it is not there.
    pub(crate) fn connect(&self) -> io::Result<UnixStream> {
        let address = SocketAddr::from_abstract_name(format!("nspawn-matrix-{}", self.id))?;
        if let Some(broker) = connect(&address)? {
            return Ok(broker);
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let lock = File::create(folder.join("broker.lock"))?;
        lock.lock()?;
        if let Some(broker) = connect(&address)? {
            return Ok(broker);
        }
        // From here on connections wait for the broker, which is given the socket as its standard input.
        let listener = UnixListener::bind_addr(&address)?;
        start(listener, self.process()?, File::create(folder.join(broker::LOG))?)?;
        UnixStream::connect_addr(&address)
    }

    /// The process of nextest: the nearest above this one that is not told the id of the run, or not for us to look at.
    /// There may be one in between, where a runner is configured for the target; and if that has brought us into another
    /// machine, it has said who ends when nextest does.
    fn process(&self) -> io::Result<u32> {
        if let Ok(process) = std::env::var(STAND_IN) {
            return process.parse().map_err(|_| io::ErrorKind::InvalidData.into());
        }
        let variable = format!("{RUN_ID}={}", self.id);
        let mut process = parent_id();
        loop {
            let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            if !environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()) {
                return Ok(process);
            }
            process = parent_of(process)?;
        }
    }
}

/// Connects to a broker that is there.
fn connect(address: &SocketAddr) -> io::Result<Option<UnixStream>> {
    match UnixStream::connect_addr(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(None),
        connected => connected.map(Some),
    }
}

/// proc_pid_status(5).
fn parent_of(process: u32) -> io::Result<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    parent.and_then(|parent| parent.trim().parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[expect(clippy::disallowed_methods, reason = "it is this program, and has to outlive whoever starts it")]
fn start(listener: UnixListener, nextest: u32, log: File) -> io::Result<()> {
    Command::new(std::env::current_exe()?)
        .arg(BROKER)
        .arg(nextest.to_string())
        .stdin(OwnedFd::from(listener))
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .map(drop)
}

/// The process of nextest that this one is to be the broker for; none if it is no broker.
pub(crate) fn watched() -> Option<i32> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == BROKER).then(|| arguments.next()?.parse().ok()).flatten()
}

/// The command line of a process; empty if it has ended.
fn argv_of(process: i32) -> Vec<String> {
    let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split_terminator('\0').map(str::to_owned).collect()
}

/// Is the broker of a run, until nextest ends.
pub(crate) fn broker(nextest: i32, plan: Plan) -> ExitCode {
    let argv = argv_of(nextest);
    let served = support::on_this_thread(async {
        let listener: UnixListener =
            io::stdin().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?.into();
        let nextest = pidfd::open(nextest).map_err(|error| format!("nextest: {error}"))?;
        // SAFETY: the descriptor belongs to the value that is handed over, and stays open as long as that.
        let nextest = unsafe { AsyncFd::register(nextest) }.map_err(|error| error.to_string())?;
        // It becomes readable when the process has ended (pidfd_open(2)).
        let over = async move { drop(nextest.readable().await.map(|mut ready| ready.retain_ready())) };
        broker::serve(listener, plan, Asked::OneByOne, argv, over).await
    });
    served.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}
