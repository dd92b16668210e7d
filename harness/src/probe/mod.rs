//! The probe: asks its questions from inside a machine.
//!
//! It is this program in the namespaces of the machine's leader, so nothing is installed in what is tested, and
//! what it sees is what a program in the machine sees. The agent speaks to it by [`crate::rpc`]. One more probe runs
//! on the host itself, for the questions that the host is asked.

mod attributes;
mod change;
mod end;
mod files;
pub mod link;
mod milestone;
mod mount;
pub(crate) mod multicast;
mod names;
pub(crate) mod networkd;
pub mod ping;
mod port;
mod resolv_conf;
pub(crate) mod services;
pub(crate) mod settle;
pub(crate) mod surroundings;
mod sysctl;
mod witness;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_reports::{FileKind, Ping, Transport};
use serde::{Deserialize, Serialize};

pub use attributes::Attributes;
pub use change::{Change, Outcome};
pub use end::{End, Which};
pub(crate) use files::look;
pub(crate) use mount::file_system;
pub use multicast::Multicast;
pub use names::established::Established;
pub use names::{Answer, Known, Lookup, Nss, NssSeries};
pub use port::Connection;
pub use resolv_conf::ResolvConf;
pub use services::Service;
pub use settle::{Held, Network, OwnLink, Settled};
pub use surroundings::Surroundings;

use self::ping::Manner;
use self::witness::Witnesses;
use crate::rpc;

/// What a probe can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Waits until the machine has booted and its link has its addresses; answers with [`Settled`].
    Settle {
        /// Which network the machine has.
        network: Network,
        /// Longest wait in milliseconds.
        patience_ms: u64,
    },
    /// Looks at the machine as it is, whatever is still to come; answers with [`Settled`].
    AsItIs {
        /// The link of the machine; none if it shares the host's network namespace, or has none.
        link: Option<String>,
    },
    /// Waits until a name is established on the links; answers with [`Established`].
    AwaitName {
        /// The name.
        name: String,
        /// The families over which it is awaited.
        wanted: Established,
        /// Longest wait in milliseconds.
        patience_ms: u64,
    },
    /// Waits for a lease on a link; answers with [`Held`].
    AwaitLease {
        /// Name of the link.
        link: String,
        /// Longest wait in milliseconds.
        patience_ms: u64,
    },
    /// Looks at one end of a link; answers with an [`End`], or none if it is not there.
    End {
        /// The link.
        which: Which,
        /// Whether networkd is waited for until it is done with it.
        settled: bool,
    },
    /// Lists the addresses of all links but `lo`; answers with `Vec<IpAddr>`.
    Addresses,
    /// Waits for an IPv6 default route; answers with whether there is one.
    AwaitRouter {
        /// Longest wait in milliseconds.
        patience_ms: u64,
    },
    /// Pings; answers with [`nspawn_matrix_reports::Ping`].
    Ping {
        /// The address.
        address: IpAddr,
        /// The link on which a link-local address is meant; else it is the one that leads out.
        link: Option<String>,
        /// In which manner.
        manner: Manner,
    },
    /// Listens for echo requests with a mark from now on; answers when it does.
    Listen {
        /// The mark.
        mark: u64,
        /// Over IPv6, or else over IPv4.
        over_ipv6: bool,
    },
    /// Tells where the echo requests with a mark came from; answers with `Option<IpAddr>`.
    Seen {
        /// The mark.
        mark: u64,
    },
    /// Says a name to whoever connects to a port; answers when the port is open.
    Serve {
        /// The port.
        port: u16,
        /// What is said.
        name: String,
    },
    /// Connects to a port and hears who is there; answers with [`Connection`].
    Connect {
        /// Address and port.
        to: SocketAddr,
    },
    /// Looks a name up many times; answers with a [`nspawn_matrix_reports::Names`], or two if something is asked right
    /// after each lookup.
    Names {
        /// What is looked up.
        lookup: Lookup,
        /// Number of lookups.
        samples: u32,
        /// What is known of addresses.
        known: Known,
    },
    /// Asks for a name on the wire; answers with [`nspawn_matrix_reports::Wire`].
    Wire {
        /// The name.
        name: String,
        /// What carries the questions.
        transport: Transport,
        /// Number of questions for each type of record.
        questions: u32,
        /// What is known of addresses.
        known: Known,
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
    /// Lists what is directly in a directory with all that there is to it; answers with `Vec<Attributes>`.
    Attributes {
        /// Absolute path.
        path: String,
    },
    /// What the system says of itself; answers with [`Surroundings`].
    Surroundings,
    /// How services are; answers with `Vec<Service>`.
    Services {
        /// The names of their units.
        units: Vec<String>,
    },
    /// What LLMNR and multicast DNS are set to on a link; answers with a [`Multicast`], or none if
    /// systemd-resolved does not run.
    Multicast {
        /// The link; else it is the one that leads out.
        link: Option<String>,
    },
    /// What /etc/resolv.conf is, and whether its servers answer; answers with [`ResolvConf`].
    ResolvConf {
        /// How long a server may take to answer, in milliseconds.
        patience_ms: u64,
    },
    /// Which of these files there are; answers with `Vec<String>`.
    Existing {
        /// Absolute paths.
        paths: Vec<String>,
    },
    /// Tries to change a file; answers with [`Outcome`].
    Change {
        /// Absolute path.
        path: String,
        /// The change.
        change: Change,
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
    /// What happened: `link-up`, `lease`, `booted`, `first-ping`, `first-name`.
    pub event: String,
    /// With what or whom, where that belongs to it.
    pub detail: Option<String>,
}

/// Echo requests in one series.
const PINGS: u32 = 3;

/// How long a series of pings waits for its last answer.
const PING_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Probe {
    witnesses: Witnesses,
    asked_for_names: names::Asked,
}

/// Serves requests on the standard streams until they end. The namespaces have been entered already.
///
/// # Errors
/// If no runtime can be had.
pub fn run() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, rpc::serve(Rc::new(Probe::default())));
    Ok(())
}

impl rpc::Service<Request> for Probe {
    async fn answer(&self, request: Request) -> Result<serde_json::Value, String> {
        match request {
            Request::Settle { network, patience_ms } => {
                rpc::reply(settle::settle(&network, Duration::from_millis(patience_ms)).await)
            }
            Request::AsItIs { link } => rpc::reply(settle::as_it_is(link).await),
            Request::AwaitName { name, wanted, patience_ms } => {
                let patience = Duration::from_millis(patience_ms);
                rpc::reply(names::established::established(&name, wanted, patience).await)
            }
            Request::AwaitLease { link, patience_ms } => {
                rpc::reply(settle::held(&link, Duration::from_millis(patience_ms)).await)
            }
            Request::End { which, settled } => rpc::reply(end::look(&which, settled).await),
            Request::Addresses => rpc::reply(addresses()),
            Request::Ping { address, link, manner } => rpc::reply(ping(address, link, manner).await),
            Request::AwaitRouter { patience_ms } => {
                rpc::reply(settle::ipv6_router(Duration::from_millis(patience_ms)).await)
            }
            Request::Listen { mark, over_ipv6 } => rpc::reply(self.witnesses.listen(mark, over_ipv6)),
            Request::Seen { mark } => rpc::reply(self.witnesses.seen(mark)),
            Request::Serve { port, name } => rpc::reply(port::serve(port, name).await),
            Request::Connect { to } => rpc::reply(Ok(port::connect(to).await)),
            Request::Names { lookup, samples, known } => {
                rpc::reply(names::sample(&lookup, samples, &known, &self.asked_for_names).await)
            }
            Request::Wire { name, transport, questions, known } => {
                rpc::reply(names::ask_on_the_wire(&name, transport, questions, &known).await)
            }
            Request::Files { path } => rpc::reply(files::list(&path)),
            Request::Mount { path } => rpc::reply(mount::find(&path)),
            Request::Surroundings => rpc::reply(surroundings::look().await),
            Request::Services { units } => rpc::reply(services::states(&units).await),
            Request::Multicast { link } => rpc::reply(multicast::on(link).await),
            Request::ResolvConf { patience_ms } => {
                rpc::reply(resolv_conf::look(Duration::from_millis(patience_ms)).await)
            }
            Request::Existing { paths } => rpc::reply(anyhow::Ok(existing(paths))),
            Request::Attributes { path } => rpc::reply(attributes::list(&path)),
            Request::Change { path, change } => rpc::reply(change::attempt(&path, change)),
        }
    }
}

/// Those of `paths` at which there is something.
pub(crate) fn existing(paths: Vec<String>) -> Vec<String> {
    paths.into_iter().filter(|path| Path::new(path).exists()).collect()
}

/// A link-local address needs the link that it is meant on, unless it is asked what becomes of it without.
async fn ping(address: IpAddr, link: Option<String>, manner: Manner) -> anyhow::Result<Ping> {
    let is_link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let interface = if is_link_local && manner != Manner::Connected {
        Some(settle::interface(link).await?)
    } else {
        None
    };
    let seen = ping::ping_so(manner, ping::Target { address, interface }, PINGS, PING_PATIENCE)
        .await
        .context("open a socket for ICMP")?;
    if seen.received > 0 {
        milestone::reach("first-ping", seen.target.clone());
    }
    Ok(seen)
}

fn addresses() -> anyhow::Result<Vec<IpAddr>> {
    let entries = nix::ifaddrs::getifaddrs().context("list the addresses")?;
    let address = |entry: nix::ifaddrs::InterfaceAddress| {
        let address = entry.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    };
    Ok(entries.filter_map(address).filter(|address| !address.is_loopback()).collect())
}
