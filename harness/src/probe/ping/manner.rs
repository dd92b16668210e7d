//! Manners: how an echo request is sent, where that is the question.

use serde::{Deserialize, Serialize};

/// The way in which a series is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// As root, over a raw socket, 84 bytes in IPv4.
    #[default]
    Usual,
    /// In IPv4 packets of this size in bytes, at least 36, which may not be fragmented (`IP_MTU_DISCOVER`, ip(7)).
    Sized(u16),
    /// With a cookie of one's own choice, by which others know the requests.
    Marked(u64),
    /// After connecting to the address, as ping(8) and every TCP client do, so that a link-local one needs its link.
    Connected,
    /// By a user without privileges, over a datagram socket (icmp(7)).
    Unprivileged,
}

impl Manner {
    /// Whether being refused a socket is an answer.
    pub(super) fn may_be_refused(self) -> bool {
        match self {
            Self::Connected | Self::Unprivileged => true,
            Self::Usual | Self::Sized(_) | Self::Marked(_) => false,
        }
    }
}
