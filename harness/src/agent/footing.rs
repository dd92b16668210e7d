//! On which footing machines are asked: those that were stood up for it, or those that somebody runs.
//!
//! What is somebody's is left as it is: no cache is flushed, nothing is waited for that may never come, and nothing is sent
//! beyond the host's own gateway.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::pace::Pace;
use crate::host;

/// How long a lookup is waited for. LLMNR gives up after 8 s at most; DNS, where no server answers, after half a minute.
const LONGEST: Duration = Duration::from_secs(12);

/// The same where a person waits: who answers by LLMNR does so within a tenth of it (RFC 4795, 2.7), and who has not
/// answered then is not to be relied upon.
const SHORT: Duration = Duration::from_millis(1500);

/// How long a DNS server may take to answer. None of them is farther than the other side of the host, but a busy machine
/// may let the one that plays the internet wait.
const SERVER: Duration = Duration::from_secs(10);

/// Whose machines are asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Footing {
    /// They were stood up to be asked.
    Ours {
        /// How long things may take on this host.
        pace: Pace,
    },
    /// Somebody runs them.
    Somebodys {
        /// The gateway of the host.
        gateway: Option<Ipv4Addr>,
    },
}

impl Footing {
    /// How long a lookup of a name is waited for.
    pub(super) fn patience_for_names(self) -> Duration {
        match self {
            Self::Ours { pace } => pace.patience(LONGEST),
            Self::Somebodys { .. } => SHORT,
        }
    }

    /// How long a server of DNS is waited for.
    pub(super) fn patience_for_servers(self) -> Duration {
        match self {
            Self::Ours { .. } => SERVER,
            Self::Somebodys { .. } => SHORT,
        }
    }

    /// Whether the caches of resolvers are flushed before each lookup.
    pub(super) fn flushes(self) -> bool {
        self.waits()
    }

    /// Whether what has not come yet is waited for.
    pub(super) fn waits(self) -> bool {
        match self {
            Self::Ours { .. } => true,
            Self::Somebodys { .. } => false,
        }
    }

    /// How much longer than elsewhere things may take; as anywhere, where nothing is waited for.
    pub(super) fn pace(self) -> Pace {
        match self {
            Self::Ours { pace } => pace,
            Self::Somebodys { .. } => Pace::USUAL,
        }
    }

    /// An IPv4 address beyond the host that answers; none if none is known.
    pub(super) fn outside(self) -> Option<Ipv4Addr> {
        match self {
            Self::Ours { .. } => Some(host::OUTSIDE_V4),
            Self::Somebodys { gateway } => gateway,
        }
    }
}
