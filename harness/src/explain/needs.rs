//! What there must be for the usual answer to a question.

use nspawn_matrix_reports::{Family, LookupPath, Transport};
use nspawn_matrix_scenarios::{Check, NameQuestion, Subject, Topic, Way, Whose};

use crate::agent::Question;

/// What there must be for the usual answer to a question.
#[derive(Default)]
pub(super) struct Needs {
    /// A link with its addresses.
    pub(super) link: bool,
    /// An IPv4 address by DHCP.
    pub(super) lease: bool,
    /// A way to the other machine.
    pub(super) peer: bool,
    /// A way beyond the host.
    pub(super) outside: bool,
    /// A resolver in each machine.
    pub(super) names: bool,
    /// LLMNR at both ends.
    pub(super) llmnr: bool,
    /// One of the ends is the host's.
    pub(super) host: bool,
    /// A server of DNS.
    pub(super) servers: bool,
    /// The name of a machine, which has to bear it.
    pub(super) name_of_machine: bool,
    /// A resolver that nsswitch.conf(5) leads to.
    pub(super) nss: bool,
    /// The bind mounts, or the links, that were asked for.
    pub(super) binds: bool,
    /// fe80 addresses at both ends.
    pub(super) fe80: bool,
    /// Both ends of a link to carry packets of one size.
    pub(super) size: bool,
}

impl Needs {
    pub(super) fn of(question: &Question) -> Self {
        if let Check::Name(name) = question.check {
            return Self::of_name(name);
        }
        let is_ipv6 = question.check.name().contains("ipv6");
        let is_told_by_dhcp = question.check == Check::EnvironmentResolvConf;
        let link = matches!(question.check.topic(), Topic::Reach | Topic::Ports)
            || is_told_by_dhcp
            || matches!(
                question.check,
                Check::AddressAfterRestart | Check::FirewallMasquerade | Check::EnvironmentForwarding
            );
        let lease = link && !is_ipv6 && question.check != Check::EnvironmentForwarding;
        let outside = is_told_by_dhcp
            || matches!(
                question.check,
                Check::PingOutsideIpv4 | Check::PingOutsideIpv4Unprivileged | Check::PingOutsideIpv4Largest
            );
        let peer = matches!(question.subject, Subject::Pair { .. }) && !is_ipv6;
        let fe80 = question.check.name().contains("ipv6-link-local");
        let size = matches!(question.check, Check::PingOutsideIpv4Largest | Check::LinkHost);
        let binds = matches!(
            question.check,
            Check::SettingsBinds | Check::SettingsNetwork | Check::SettingsOverridden
        ) || matches!(question.check.topic(), Topic::Binds | Topic::BindOptions);
        Self { link, lease, peer, outside, fe80, size, binds, ..Self::default() }
    }

    fn of_name(NameQuestion { whose, way }: NameQuestion) -> Self {
        let is_ipv6 = match way {
            Way::Lookup(_, family) | Way::After { then: family, .. } => family == Family::Ipv6,
            Way::Wire(transport) => matches!(transport, Transport::LlmnrIpv6 | Transport::MdnsIpv6),
        };
        // The servers are told by DHCP, whatever they are asked for.
        let servers = matches!(whose, Whose::Outside | Whose::PeerDhcp);
        Self {
            link: true,
            lease: servers || !is_ipv6,
            outside: servers,
            names: whose != Whose::Own,
            llmnr: matches!(whose, Whose::Peer | Whose::Host | Whose::Machine),
            host: matches!(whose, Whose::Host | Whose::Machine),
            servers,
            name_of_machine: matches!(whose, Whose::Peer | Whose::PeerLocal | Whose::Machine),
            nss: matches!(way, Way::Lookup(LookupPath::Nss, _) | Way::After { .. }),
            ..Self::default()
        }
    }
}
