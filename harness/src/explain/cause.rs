//! Causes: what keeps machines from being reached or resolved, and which of several is the one to remove.

use nspawn_matrix_scenarios::Check;

/// Something that changes what machines reach or resolve. The order is that of a packet's way: what comes first has to be
/// removed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// systemd-nspawn does not trust the file that says so.
    Untrusted,
    /// systemd-nspawn does not know a key of the file that says so.
    UnknownSetting,
    /// A bind mount does not map ids, into a machine that has ids of its own.
    Unmapped,
    /// systemd-networkd does not run on the host.
    HostNetworkd,
    /// systemd-networkd does not run in a machine.
    MachineNetworkd,
    /// The host's end of a link is configured by another file than that which systemd ships for it.
    ForeignNetworkFile,
    /// The file that is meant for the host's end of a link has the name of another kind.
    MisnamedFile,
    /// No file is about the host's end of a link.
    Unmanaged,
    /// Two machines on one bridge have the same hardware address.
    SameMac,
    /// The host's firewall drops what machines ask of its DHCP server.
    DhcpDropped,
    /// The host's DHCP server has given away all that it has.
    PoolUsedUp,
    /// The host has no address in the subnet of a machine's lease.
    StrayLease,
    /// The host would answer a machine by another link than that which it is on.
    OtherWayBack,
    /// The machine's port of its bridge is isolated from other ports that are.
    PortIsolated,
    /// An end of a link has no fe80 address.
    NoFe80,
    /// The two ends of a link carry packets of two sizes.
    Mtu,
    /// The host does not forward IPv4.
    ForwardingOff,
    /// The host's firewall drops what it forwards for machines.
    ForwardDropped,
    /// The addresses of a machine leave the host as they are.
    NotMasqueraded,
    /// systemd-resolved does not run on the host.
    HostResolved,
    /// systemd-resolved does not run in a machine.
    MachineResolved,
    /// The machine's nsswitch.conf leads to no resolver.
    NoResolverInNsswitch,
    /// The machine's programs ask DNS, and its resolv.conf leads to no server that answers.
    ResolvConf,
    /// The machine calls itself otherwise than it is called.
    OtherHostname,
    /// LLMNR is off, or only asks, at one of the two ends.
    LlmnrOff,
    /// None of the DNS servers of a machine answers.
    NoNameServer,
}

impl Cause {
    /// Every cause, in the order in which they are to be removed.
    pub(crate) const ALL: [Self; 26] = [
        Self::Untrusted,
        Self::UnknownSetting,
        Self::Unmapped,
        Self::HostNetworkd,
        Self::MachineNetworkd,
        Self::ForeignNetworkFile,
        Self::MisnamedFile,
        Self::Unmanaged,
        Self::SameMac,
        Self::DhcpDropped,
        Self::PoolUsedUp,
        Self::StrayLease,
        Self::OtherWayBack,
        Self::PortIsolated,
        Self::NoFe80,
        Self::Mtu,
        Self::ForwardingOff,
        Self::ForwardDropped,
        Self::NotMasqueraded,
        Self::HostResolved,
        Self::MachineResolved,
        Self::NoResolverInNsswitch,
        Self::ResolvConf,
        Self::OtherHostname,
        Self::LlmnrOff,
        Self::NoNameServer,
    ];

    /// The code by which reports name it.
    #[must_use]
    pub(crate) fn code(self) -> &'static str {
        self.words().code
    }

    /// The cause in a sentence.
    #[must_use]
    pub(crate) fn sentence(self) -> &'static str {
        self.words().sentence
    }

    /// How it comes about.
    #[must_use]
    pub(crate) fn long(self) -> &'static str {
        self.words().long
    }

    /// Where it is written down.
    #[must_use]
    pub(crate) fn link(self) -> &'static str {
        self.words().link
    }

    /// Whether it is `check` itself that sees it, which it would not explain.
    pub(super) fn is_seen_by(self, check: Check) -> bool {
        check
            == match self {
                Self::Untrusted | Self::UnknownSetting => Check::SettingsWarnings,
                Self::Unmapped => Check::EnvironmentUserNamespace,
                Self::HostNetworkd | Self::HostResolved => Check::EnvironmentHostServices,
                Self::MachineNetworkd | Self::MachineResolved => Check::EnvironmentServices,
                Self::ForeignNetworkFile
                | Self::Unmanaged
                | Self::PoolUsedUp
                | Self::OtherWayBack
                | Self::PortIsolated
                | Self::NoFe80
                | Self::Mtu => Check::LinkHost,
                Self::SameMac => Check::LinkMachine,
                Self::MisnamedFile => Check::EnvironmentNetworkFiles,
                Self::OtherHostname => Check::IdentityHostname,
                Self::DhcpDropped => Check::FirewallInput,
                Self::ForwardingOff => Check::EnvironmentForwarding,
                Self::ForwardDropped => Check::FirewallForward,
                Self::NotMasqueraded | Self::StrayLease => Check::FirewallMasquerade,
                Self::LlmnrOff => Check::EnvironmentMulticast,
                Self::NoNameServer | Self::NoResolverInNsswitch | Self::ResolvConf => {
                    Check::EnvironmentResolvConf
                }
            }
    }

    /// Whether it brings `other` about, which is then no cause of its own.
    pub(super) fn brings_about(self, other: Self) -> bool {
        let no_server_answers = || matches!(other, Self::NoNameServer | Self::ResolvConf);
        match self {
            Self::HostNetworkd => {
                matches!(other, Self::Unmanaged | Self::NoFe80 | Self::ForwardingOff | Self::NotMasqueraded)
                    || no_server_answers()
            }
            Self::MisnamedFile => other == Self::Unmanaged || Self::Unmanaged.brings_about(other),
            Self::ForeignNetworkFile | Self::Unmanaged => {
                matches!(other, Self::NoFe80 | Self::ForwardingOff | Self::NotMasqueraded)
                    || no_server_answers()
            }
            Self::MachineNetworkd | Self::SameMac => other == Self::NoFe80 || no_server_answers(),
            Self::StrayLease => other == Self::NotMasqueraded || no_server_answers(),
            Self::DhcpDropped
            | Self::PoolUsedUp
            | Self::OtherWayBack
            | Self::ForwardingOff
            | Self::ForwardDropped
            | Self::NotMasqueraded
            | Self::MachineResolved => no_server_answers(),
            Self::ResolvConf => other == Self::NoNameServer,
            Self::Untrusted
            | Self::UnknownSetting
            | Self::Unmapped
            | Self::PortIsolated
            | Self::NoFe80
            | Self::Mtu
            | Self::HostResolved
            | Self::NoResolverInNsswitch
            | Self::OtherHostname
            | Self::LlmnrOff
            | Self::NoNameServer => false,
        }
    }
}
