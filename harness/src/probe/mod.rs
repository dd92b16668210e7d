//! The probe: asks its questions from inside a machine.
//!
//! It is this program in the namespaces of the machine's leader, so nothing is installed in what is tested, and
//! what it sees is what a program in the machine sees. The agent speaks to it by [`crate::rpc`]. One more probe runs
//! on the host itself, for the questions that the host is asked.

mod files;
pub mod link;
mod llmnr;
mod mount;
mod names;
pub mod ping;
mod settle;

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_reports::{Family, FileKind, Ping, Subnet};
use serde::{Deserialize, Serialize};

pub use files::WriteOutcome;
pub(crate) use files::look;
pub use llmnr::Established;
pub use settle::Settled;

use crate::rpc;

/// What a probe can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Waits until the machine has booted and its link has its addresses; answers with [`Settled`].
    Settle {
        /// Whether the machine has a network namespace of its own.
        own_link: bool,
        /// Longest wait in milliseconds.
        patience_ms: u64,
    },
    /// Waits until a name is established on the links; answers with [`Established`].
    AwaitName {
        /// The name.
        name: String,
        /// Longest wait in milliseconds.
        patience_ms: u64,
    },
    /// Pings; answers with [`nspawn_matrix_reports::Ping`].
    Ping {
        /// The address.
        address: IpAddr,
    },
    /// Looks a name up many times; answers with [`nspawn_matrix_reports::Names`].
    Names {
        /// The name.
        name: String,
        /// The family asked for.
        family: Family,
        /// Number of lookups.
        samples: u32,
        /// The subnets that count as leases.
        leases: Vec<Subnet>,
        /// The addresses of whoever bears the name; any other that is found counts as [`nspawn_matrix_reports::AddressSpace::Other`].
        owned: Vec<IpAddr>,
    },
    /// Lists a directory and what is directly in it; answers with `Vec<NamedFile>`.
    Files {
        /// Absolute path.
        path: String,
    },
    /// Looks a mount up by its mount point; answers with [`nspawn_matrix_reports::Mount`].
    Mount {
        /// Absolute path of the mount point.
        path: String,
    },
    /// Makes a file; answers with [`WriteOutcome`].
    Write {
        /// Absolute path.
        path: String,
    },
}

/// A file with its name below the directory that was listed; `.` is the directory itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct NamedFile {
    /// The name.
    pub name: String,
    /// What it is.
    pub file: FileKind,
}

/// What a probe tells without being asked: that something happened to its machine.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notice {
    /// What happened: `link-up`, `lease`, `booted`.
    pub event: String,
}

/// The link that systemd-nspawn gives a machine.
pub const LINK: &str = "host0";

/// Echo requests in one series.
const PINGS: u32 = 3;

/// How long a series of pings waits for its last answer.
const PING_PATIENCE: Duration = Duration::from_secs(2);

struct Probe;

/// Serves requests on the standard streams until they end. The namespaces have been entered already.
///
/// # Errors
/// If no runtime can be had.
pub fn run() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, rpc::serve(Rc::new(Probe)));
    Ok(())
}

impl rpc::Service<Request> for Probe {
    async fn answer(&self, request: Request) -> Result<serde_json::Value, String> {
        match request {
            Request::Settle { own_link, patience_ms } => {
                rpc::reply(settle::settle(own_link, Duration::from_millis(patience_ms)).await)
            }
            Request::AwaitName { name, patience_ms } => {
                rpc::reply(llmnr::established(&name, Duration::from_millis(patience_ms)).await)
            }
            Request::Ping { address } => rpc::reply(ping(address).await),
            Request::Names { name, family, samples, leases, owned } => {
                let known = names::Known { leases, owned };
                rpc::reply(names::sample(&name, family, samples, &known).await)
            }
            Request::Files { path } => rpc::reply(files::list(&path)),
            Request::Mount { path } => rpc::reply(mount::find(&path)),
            Request::Write { path } => rpc::reply(files::write(&path)),
        }
    }
}

/// A link-local address needs the link that it is meant on: the machine's own, or else the one that leads out.
async fn ping(address: IpAddr) -> anyhow::Result<Ping> {
    let is_link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let interface = if is_link_local { Some(settle::way_out().await?) } else { None };
    ping::ping(ping::Target { address, interface }, PINGS, PING_PATIENCE)
        .await
        .context("open a socket for ICMP")
}
