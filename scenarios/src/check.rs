//! The questions.

use std::fmt;
use std::str::FromStr;

use nspawn_matrix_reports::Family;
use serde::{Deserialize, Serialize};

/// One question, named `subject/object/detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Which address the machine was given.
    AddressLease,
    /// Whether the machine's default gateway answers.
    PingGatewayIpv4,
    /// Whether the other machine answers at its IPv4 address.
    PingPeerIpv4,
    /// Whether the other machine answers at its fe80 address.
    PingPeerIpv6LinkLocal,
    /// Whether the machine answers the host.
    PingMachineFromHostIpv4,
    /// Whether an address beyond the host answers.
    PingOutsideIpv4,
    /// What the other machine's name resolves to.
    ResolvePeer(Family),
    /// What the host's name resolves to in the machine.
    ResolveHost,
    /// What the machine's name resolves to on the host.
    ResolveMachineFromHost,
    /// What a name beyond the host resolves to.
    ResolveOutside,
    /// Who owns the files of the bind mount, seen from the machine.
    BindOwner,
    /// Which kinds and permission bits they have, seen from the machine.
    BindMode,
    /// How the bind mount is mounted.
    BindOptions,
    /// What a file that the machine makes looks like on the host.
    BindWrite,
    /// Whether the machine is back after the host was rebooted.
    AutostartAfterReboot,
}

/// Who a question goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Each machine, about itself.
    Machine,
    /// Each machine, about the other one.
    Pair,
    /// The host, about each machine.
    Host,
}

impl Check {
    /// Every question, in the order in which they are reported.
    pub const ALL: [Self; 17] = [
        Self::AddressLease,
        Self::PingGatewayIpv4,
        Self::PingPeerIpv4,
        Self::PingPeerIpv6LinkLocal,
        Self::PingMachineFromHostIpv4,
        Self::PingOutsideIpv4,
        Self::ResolvePeer(Family::Any),
        Self::ResolvePeer(Family::Ipv4),
        Self::ResolvePeer(Family::Ipv6),
        Self::ResolveHost,
        Self::ResolveMachineFromHost,
        Self::ResolveOutside,
        Self::BindOwner,
        Self::BindMode,
        Self::BindOptions,
        Self::BindWrite,
        Self::AutostartAfterReboot,
    ];

    /// The name used in reports and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AddressLease => "address/lease",
            Self::PingGatewayIpv4 => "ping/gateway/ipv4",
            Self::PingPeerIpv4 => "ping/peer/ipv4",
            Self::PingPeerIpv6LinkLocal => "ping/peer/ipv6-link-local",
            Self::PingMachineFromHostIpv4 => "ping/machine-from-host/ipv4",
            Self::PingOutsideIpv4 => "ping/outside/ipv4",
            Self::ResolvePeer(Family::Any) => "resolve/peer/any",
            Self::ResolvePeer(Family::Ipv4) => "resolve/peer/ipv4",
            Self::ResolvePeer(Family::Ipv6) => "resolve/peer/ipv6",
            Self::ResolveHost => "resolve/host/any",
            Self::ResolveMachineFromHost => "resolve/machine-from-host/any",
            Self::ResolveOutside => "resolve/outside/any",
            Self::BindOwner => "bind/owner",
            Self::BindMode => "bind/mode",
            Self::BindOptions => "bind/options",
            Self::BindWrite => "bind/write",
            Self::AutostartAfterReboot => "autostart/after-reboot",
        }
    }

    /// The question in words.
    #[must_use]
    pub fn question(self) -> &'static str {
        match self {
            Self::AddressLease => "which address is the machine given?",
            Self::PingGatewayIpv4 => "does its default gateway answer?",
            Self::PingPeerIpv4 => "does the other machine answer at its IPv4 address?",
            Self::PingPeerIpv6LinkLocal => "does the other machine answer at its fe80 address?",
            Self::PingMachineFromHostIpv4 => "does the machine answer the host?",
            Self::PingOutsideIpv4 => "does an address beyond the host answer?",
            Self::ResolvePeer(Family::Any) => "what does the other machine's name resolve to?",
            Self::ResolvePeer(Family::Ipv4) => "... when only IPv4 is asked for?",
            Self::ResolvePeer(Family::Ipv6) => "... when only IPv6 is asked for?",
            Self::ResolveHost => "what does the host's name resolve to in the machine?",
            Self::ResolveMachineFromHost => "what does the machine's name resolve to on the host?",
            Self::ResolveOutside => "what does a name beyond the host resolve to?",
            Self::BindOwner => "who owns the files of the bind mount, seen from the machine?",
            Self::BindMode => "which kinds and permission bits do they have?",
            Self::BindOptions => "how is the bind mount mounted?",
            Self::BindWrite => "what does a file that the machine makes look like on the host?",
            Self::AutostartAfterReboot => "is the machine back after the host was rebooted?",
        }
    }

    /// Who the question goes to.
    #[must_use]
    pub fn asked(self) -> Asked {
        match self {
            Self::PingPeerIpv4 | Self::PingPeerIpv6LinkLocal | Self::ResolvePeer(_) => Asked::Pair,
            Self::PingMachineFromHostIpv4 | Self::ResolveMachineFromHost => Asked::Host,
            Self::AddressLease
            | Self::PingGatewayIpv4
            | Self::PingOutsideIpv4
            | Self::ResolveHost
            | Self::ResolveOutside
            | Self::BindOwner
            | Self::BindMode
            | Self::BindOptions
            | Self::BindWrite
            | Self::AutostartAfterReboot => Asked::Machine,
        }
    }

    /// The subjects of the question, given the machines of a scenario.
    #[must_use]
    pub fn subjects(self, machines: &[String]) -> Vec<Subject> {
        let pair = |machine: &String| {
            let others = machines.iter().filter(move |other| *other != machine).cloned();
            let machine = machine.clone();
            others.map(move |peer| Subject::Pair { machine: machine.clone(), peer }).collect::<Vec<_>>()
        };
        match self.asked() {
            Asked::Machine => machines.iter().cloned().map(|machine| Subject::Machine { machine }).collect(),
            Asked::Host => machines.iter().cloned().map(|machine| Subject::Host { machine }).collect(),
            Asked::Pair => machines.iter().flat_map(pair).collect(),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No question has this name.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownCheck;

impl FromStr for Check {
    type Err = UnknownCheck;

    fn from_str(name: &str) -> Result<Self, UnknownCheck> {
        Self::ALL.into_iter().find(|check| check.name() == name).ok_or(UnknownCheck)
    }
}

impl Serialize for Check {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse()
            .map_err(|UnknownCheck| serde::de::Error::custom(format!("no question is named `{name}`")))
    }
}

/// Who a question is asked, and about whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "asked", rename_all = "kebab-case")]
pub enum Subject {
    /// A machine about itself.
    Machine {
        /// Its name.
        machine: String,
    },
    /// A machine about another.
    Pair {
        /// The one that asks.
        machine: String,
        /// The one that is asked about.
        peer: String,
    },
    /// The host about a machine.
    Host {
        /// The one that is asked about.
        machine: String,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine { machine } => f.write_str(machine),
            Self::Pair { machine, peer } => write!(f, "{machine}->{peer}"),
            Self::Host { machine } => write!(f, "host->{machine}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_question() {
        for check in Check::ALL {
            assert_eq!(check.name().parse(), Ok(check));
        }
        assert_eq!("ping/peer".parse::<Check>(), Err(UnknownCheck));
    }

    #[test]
    fn a_pair_is_asked_in_both_directions() {
        let machines = ["alpha".to_owned(), "beta".to_owned()];
        let names: Vec<String> =
            Check::PingPeerIpv4.subjects(&machines).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["alpha->beta", "beta->alpha"]);
    }
}
