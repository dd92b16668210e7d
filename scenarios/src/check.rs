//! The questions.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{NameQuestion, Topic, Whose};

/// Writes the questions down as two tables, one row for each: variant, name, topic, who is asked, the question in words.
/// Between them come the questions about names, which have a table of their own.
macro_rules! checks {
    (
        { $($before:ident $before_name:literal $before_topic:ident $before_asked:ident $before_question:literal)* }
        names
        { $($after:ident $after_name:literal $after_topic:ident $after_asked:ident $after_question:literal)* }
    ) => {
        /// One question, named `subject/object/detail`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $(#[doc = $before_question] $before,)*
            /// What a name resolves to.
            Name(NameQuestion),
            $(#[doc = $after_question] $after,)*
        }

        impl Check {
            /// Every question, in the order in which they are reported.
            #[must_use]
            pub fn all() -> &'static [Self] {
                static ALL: LazyLock<Vec<Check>> = LazyLock::new(|| {
                    let names = NameQuestion::all().map(Check::Name);
                    [$(Check::$before),*].into_iter().chain(names).chain([$(Check::$after),*]).collect()
                });
                &ALL
            }

            /// The name used in reports and on the command line.
            #[must_use]
            pub fn name(self) -> Cow<'static, str> {
                match self {
                    $(Self::$before => $before_name.into(),)*
                    Self::Name(question) => question.to_string().into(),
                    $(Self::$after => $after_name.into(),)*
                }
            }

            /// What the question is about.
            #[must_use]
            pub fn topic(self) -> Topic {
                match self {
                    $(Self::$before => Topic::$before_topic,)*
                    Self::Name(question) => question.topic(),
                    $(Self::$after => Topic::$after_topic,)*
                }
            }

            /// Who the question goes to.
            #[must_use]
            pub fn asked(self) -> Asked {
                match self {
                    $(Self::$before => Asked::$before_asked,)*
                    Self::Name(question) => question.whose.asked(),
                    $(Self::$after => Asked::$after_asked,)*
                }
            }

            /// The question in words.
            #[must_use]
            pub fn question(self) -> Cow<'static, str> {
                match self {
                    $(Self::$before => $before_question.into(),)*
                    Self::Name(question) => question.words().into(),
                    $(Self::$after => $after_question.into(),)*
                }
            }
        }
    };
}

checks! {
    {
        // Links, addresses, and who answers whom.
        LinkMachine "link/machine" Reach Machine "is the machine's end of its link up, and which file configures it?"
        LinkHost "link/host" Reach Host "is the host's end of it up, or its bridge, and which file configures it?"
        AddressLease "address/lease" Reach Machine "which address is the machine given?"
        AddressOwn "address/own" Reach Machine "are its addresses its own, or the host's?"
        PingGatewayIpv4 "ping/gateway/ipv4" Reach Machine "does its default gateway answer?"
        PingGatewayIpv4Unprivileged "ping/gateway/ipv4-unprivileged" Reach Machine "... when an ordinary user of the machine asks?"
        PingGatewayIpv6LinkLocal "ping/gateway/ipv6-link-local" Reach Machine "does the host answer at its fe80 address on the link?"
        PingPeerIpv4 "ping/peer/ipv4" Reach Pair "does the other machine answer at its IPv4 address?"
        PingPeerIpv4Unprivileged "ping/peer/ipv4-unprivileged" Reach Pair "... when an ordinary user of the machine asks?"
        PingPeerIpv6LinkLocal "ping/peer/ipv6-link-local" Reach Pair "does the other machine answer at its fe80 address?"
        PingPeerIpv6LinkLocalUnprivileged "ping/peer/ipv6-link-local-unprivileged" Reach Pair "... when an ordinary user of the machine asks?"
        PingPeerIpv6LinkLocalUnscoped "ping/peer/ipv6-link-local-unscoped" Reach Pair "... when no link is named with the fe80 address?"
        PingPeerSourceIpv4 "ping/peer/source-ipv4" Reach Pair "from which address does the other machine see it ask?"
        PingPeerSourceIpv6LinkLocal "ping/peer/source-ipv6-link-local" Reach Pair "... when it is asked at its fe80 address?"
        PingMachineFromHostIpv4 "ping/machine-from-host/ipv4" Reach Host "does the machine answer the host?"
        PingMachineFromHostIpv6LinkLocal "ping/machine-from-host/ipv6-link-local" Reach Host "... at its fe80 address?"
        PingOutsideIpv4 "ping/outside/ipv4" Reach Machine "does an address beyond the host answer?"
        PingOutsideIpv4Unprivileged "ping/outside/ipv4-unprivileged" Reach Machine "... when an ordinary user of the machine asks?"
        PingOutsideIpv4Largest "ping/outside/ipv4-largest" Reach Machine "... a packet as large as the uplink carries?"
        PingOutsideIpv4TooLarge "ping/outside/ipv4-too-large" Reach Machine "... one byte more, that may not be fragmented?"
        PingOutsideIpv6 "ping/outside/ipv6" Reach Machine "does an IPv6 address beyond the host answer?"
        PingNobodyIpv4 "ping/nobody/ipv4" Reach Machine "does an address answer that nobody has?"

        // Ports that the host forwards to a machine.
        PortPeerIpv4 "port/peer/ipv4" Ports Pair "does the other machine answer at its port of the host?"
        PortPeerIpv6 "port/peer/ipv6" Ports Pair "... at the IPv6 address of the host?"
        PortMachineFromHostIpv4 "port/machine-from-host/ipv4" Ports Host "does the machine answer the host at its port of the host?"
    }
    names
    {
        // The bind mount of the package cache.
        BindOwner "bind/owner" Binds Machine "who owns the files of the bind mount, seen from the machine?"
        BindMode "bind/mode" Binds Machine "which kinds and permission bits do they have?"
        BindOptions "bind/options" Binds Machine "how is the bind mount mounted?"
        BindAttributes "bind/attributes" Binds Machine "what becomes of links, devices, lists and attributes?"
        BindWrite "bind/write" Binds Machine "what does a file that the machine makes look like on the host?"
        BindChown "bind/chown" Binds Machine "what becomes of a file of the host's that the machine gives away?"
        BindChmod "bind/chmod" Binds Machine "what becomes of a file of the host's whose mode the machine changes?"
        BindMountPointOwner "bind/mount-point-owner" Binds Host "who owns the mount point in the image of the machine?"
        ImageOwner "image/owner" Binds Host "who owns the image of the machine on the disk of the host?"

        // Bind mounts with options of their own.
        BindIdmap "bind/idmap" BindOptions Machine "what does a bind mount do with idmap?"
        BindRootidmap "bind/rootidmap" BindOptions Machine "... with rootidmap?"
        BindOwneridmap "bind/owneridmap" BindOptions Machine "... with owneridmap?"
        BindRbind "bind/rbind" BindOptions Machine "is what is mounted below the source there, with rbind?"
        BindNorbind "bind/norbind" BindOptions Machine "... with norbind?"
        BindReadOnly "bind/read-only" BindOptions Machine "is a read-only bind mount read-only?"
        BindDevice "bind/device" BindOptions Machine "can a device node be opened through its bind mount?"
        BindSymlink "bind/symlink" BindOptions Machine "where does a source lead that is a symbolic link?"

        // Which settings came into effect.
        SettingsBinds "settings/binds" Settings Machine "which of the bind mounts that were asked for are there?"
        SettingsNetwork "settings/network" Settings Machine "which of the links that were asked for is there?"
        SettingsWarnings "settings/warnings" Settings Host "what does systemd-nspawn warn of?"
        SettingsOverridden "settings/overridden" Settings Host "which settings of its .nspawn file or command line have no effect beside the other?"

        // Machines that are not meant to start.
        StartRefusal "start/refusal" Refusal Host "does the machine start, and if not, why and what is left of it?"

        // What surrounds the machines.
        EnvironmentSystemd "environment/systemd" Environment Machine "which systemd runs in the machine, and what does it take to be around it?"
        EnvironmentCapabilities "environment/capabilities" Environment Machine "may the machine configure its network (CAP_NET_ADMIN)?"
        EnvironmentUserNamespace "environment/user-namespace" Environment Machine "are the machine's user ids a range of their own?"
        EnvironmentCgroups "environment/cgroups" Environment Machine "which version of control groups does the machine see?"
        EnvironmentServices "environment/services" Environment Machine "which services configure links and names in the machine?"
        EnvironmentHostServices "environment/host-services" Environment HostItself "which services configure links and names on the host?"
        EnvironmentNetworkFiles "environment/network-files" Environment HostItself "is anything wrong with the host's .netdev and .network files?"
        EnvironmentResolvConf "environment/resolv-conf" Environment Machine "where does /etc/resolv.conf lead, and does anybody answer there?"
        EnvironmentMulticast "environment/multicast" Environment Machine "what are LLMNR and multicast DNS set to on the machine's link?"
        EnvironmentForwarding "environment/forwarding" Environment HostItself "which families does the host forward?"
        EnvironmentBridgeNetfilter "environment/bridge-netfilter" Environment HostItself "do frames between machines on one bridge pass the host's firewall?"
        EnvironmentIpv6DefaultRoute "environment/ipv6-default-route" Environment HostItself "does the host keep its IPv6 default route when the machines start?"
        FirewallForward "firewall/forward" Environment HostItself "does the host's firewall let through what a machine sends to the outside?"
        FirewallInput "firewall/input" Environment HostItself "does the host's firewall let in what a machine asks of DHCP and LLMNR?"
        FirewallMasquerade "firewall/masquerade" Environment Host "does systemd masquerade the machine's subnet?"
        AddressPoolOverlap "address/pool-overlap" Environment Host "is the machine's subnet in use elsewhere on the host?"
        IdentityHostname "identity/hostname" Environment Machine "is the machine's host name the name that it was started by?"
        IdentityMachineId "identity/machine-id" Environment Machine "does the machine have a machine id of its own?"

        // What becomes of a machine over a restart, and what is left of it.
        AddressAfterRestart "address/after-restart" Life Machine "has the machine its addresses again after it was rebooted?"
        AutostartAfterReboot "autostart/after-reboot" Life Machine "is the machine back after the host was rebooted?"
        EnvironmentLeftovers "environment/leftovers" Environment Host "what is left of the machine on the host when it is powered off?"
    }
}

/// Who a question goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Each machine, about itself.
    Machine,
    /// Each machine, about each other one.
    Pair,
    /// The host, about each machine.
    Host,
    /// The host, about itself.
    HostItself,
}

impl Check {
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
            Asked::HostItself => vec![Subject::HostItself],
        }
    }
}

impl Check {
    /// Whether it is about what lies beyond the host, where tests have somebody whom everything is known of.
    #[must_use]
    pub fn is_beyond_host(self) -> bool {
        matches!(
            self,
            Self::PingOutsideIpv4
                | Self::PingOutsideIpv4Unprivileged
                | Self::PingOutsideIpv4Largest
                | Self::PingOutsideIpv4TooLarge
                | Self::PingOutsideIpv6
                | Self::PingNobodyIpv4
                | Self::Name(NameQuestion { whose: Whose::Outside | Whose::BelowMachine, .. })
        )
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

/// No question has this name.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownCheck;

impl FromStr for Check {
    type Err = UnknownCheck;

    fn from_str(name: &str) -> Result<Self, UnknownCheck> {
        Self::all().iter().copied().find(|check| check.name() == name).ok_or(UnknownCheck)
    }
}

impl Serialize for Check {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
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
    /// The host about itself.
    HostItself,
}

impl Subject {
    /// The machine that the question is about; none if it is about the host alone.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Machine { machine } | Self::Host { machine } => Some(machine),
            Self::Pair { peer, .. } => Some(peer),
            Self::HostItself => None,
        }
    }

    /// The machine that must stand for there to be an answer; none if it is about the host alone.
    #[must_use]
    pub fn asked_about(&self) -> Option<&str> {
        match self {
            Self::Machine { machine } | Self::Pair { machine, .. } | Self::Host { machine } => Some(machine),
            Self::HostItself => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine { machine } => f.write_str(machine),
            Self::Pair { machine, peer } => write!(f, "{machine}->{peer}"),
            Self::Host { machine } => write!(f, "host->{machine}"),
            Self::HostItself => f.write_str("host"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_question() {
        for check in Check::all() {
            assert_eq!(check.name().parse(), Ok(*check));
        }
        assert_eq!("ping/peer".parse::<Check>(), Err(UnknownCheck));
    }

    #[test]
    fn what_is_called_outside_is_beyond_the_host() {
        for check in Check::all() {
            let name = check.name();
            let is_called_so =
                ["/outside", "/nobody", "/below-machine"].iter().any(|word| name.contains(word));
            assert_eq!(check.is_beyond_host(), is_called_so, "{name}");
        }
    }

    #[test]
    fn a_pair_is_asked_in_both_directions() {
        let machines = ["alpha".to_owned(), "beta".to_owned()];
        let names: Vec<String> =
            Check::PingPeerIpv4.subjects(&machines).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["alpha->beta", "beta->alpha"]);
    }
}
