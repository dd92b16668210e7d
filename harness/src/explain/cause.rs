//! Causes: what keeps machines from being reached or resolved, how it is recognised, and what to do about it.

use nspawn_matrix_reports::{Family, Transport};
use nspawn_matrix_scenarios::{Check, NameQuestion, Subject, Topic, Way, Whose};

use super::seen::Seen;
use crate::agent::Question;

/// Something that changes what machines reach or resolve. The order is that of a packet's way: what comes first has to be
/// removed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// systemd-networkd does not run on the host.
    HostNetworkd,
    /// systemd-networkd does not run in a machine.
    MachineNetworkd,
    /// The host's end of a link is configured by another file than that which systemd ships for it.
    ForeignNetworkFile,
    /// No file is about the host's end of a link.
    Unmanaged,
    /// The host's firewall drops what machines ask of its DHCP server.
    DhcpDropped,
    /// The host does not forward IPv4.
    ForwardingOff,
    /// The host's firewall drops what it forwards for machines.
    ForwardDropped,
    /// The addresses of a machine leave the host as they are.
    NotMasqueraded,
    /// systemd-resolved does not run in a machine.
    MachineResolved,
    /// LLMNR is off, or only asks, at one of the two ends.
    LlmnrOff,
    /// None of the DNS servers of a machine answers.
    NoNameServer,
}

impl Cause {
    /// Every cause, in the order in which they are to be removed.
    pub(crate) const ALL: [Self; 11] = [
        Self::HostNetworkd,
        Self::MachineNetworkd,
        Self::ForeignNetworkFile,
        Self::Unmanaged,
        Self::DhcpDropped,
        Self::ForwardingOff,
        Self::ForwardDropped,
        Self::NotMasqueraded,
        Self::MachineResolved,
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
                Self::HostNetworkd => Check::EnvironmentHostServices,
                Self::MachineNetworkd | Self::MachineResolved => Check::EnvironmentServices,
                Self::ForeignNetworkFile | Self::Unmanaged => Check::LinkHost,
                Self::DhcpDropped => Check::FirewallInput,
                Self::ForwardingOff => Check::EnvironmentForwarding,
                Self::ForwardDropped => Check::FirewallForward,
                Self::NotMasqueraded => Check::FirewallMasquerade,
                Self::LlmnrOff => Check::EnvironmentMulticast,
                Self::NoNameServer => Check::EnvironmentResolvConf,
            }
    }

    /// Whether it brings `other` about, which is then no cause of its own.
    pub(super) fn brings_about(self, other: Self) -> bool {
        match self {
            Self::HostNetworkd => matches!(
                other,
                Self::Unmanaged | Self::ForwardingOff | Self::NotMasqueraded | Self::NoNameServer
            ),
            Self::ForeignNetworkFile | Self::Unmanaged => {
                matches!(other, Self::ForwardingOff | Self::NotMasqueraded | Self::NoNameServer)
            }
            Self::MachineNetworkd
            | Self::DhcpDropped
            | Self::ForwardingOff
            | Self::ForwardDropped
            | Self::NotMasqueraded
            | Self::MachineResolved => other == Self::NoNameServer,
            Self::LlmnrOff | Self::NoNameServer => false,
        }
    }

    /// What was seen that it rests on; none if it does not hold, or does not matter to the question.
    pub(super) fn evidence(self, question: &Question, seen: &Seen<'_>) -> Option<String> {
        let needs = Needs::of(question);
        let machines = concerned(&question.subject, seen);
        let found = |of: &dyn Fn(&str) -> Option<String>| machines.iter().find_map(|machine| of(machine));
        let off_in_machine = |service: &str| {
            found(&|machine| {
                off(seen.of_machine(Check::EnvironmentServices, machine, service)?, service, machine)
            })
        };
        let is_separate = || {
            let link = |machine: &&str| seen.on_host_of(Check::LinkHost, machine, "name");
            machines.iter().filter_map(link).any(|link| link.starts_with("ve-"))
        };
        let leaves = needs.outside || needs.peer && is_separate();
        match self {
            Self::HostNetworkd if needs.link => off(
                seen.of_host(Check::EnvironmentHostServices, "systemd-networkd")?,
                "systemd-networkd",
                "the host",
            ),
            Self::MachineNetworkd if needs.link => off_in_machine("systemd-networkd"),
            Self::ForeignNetworkFile if needs.link => found(&|machine| {
                let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
                let (link, file) = (value("name")?, value("file")?);
                let is_foreign = is_of_machines(link) && !file.is_empty() && !file.starts_with(SHIPPED);
                is_foreign.then(|| format!("{file} configures {link}"))
            }),
            Self::Unmanaged if needs.link => found(&|machine| {
                let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
                let link = value("name")?;
                (value("setup")? == "unmanaged").then(|| format!("networkd calls {link} unmanaged"))
            }),
            Self::DhcpDropped if needs.lease => {
                let chains = seen.of_host(Check::FirewallInput, "chains").unwrap_or("none");
                (seen.of_host(Check::FirewallInput, "DHCP")? == "dropped").then(|| format!("input: {chains}"))
            }
            Self::ForwardingOff if leaves => {
                let value = |name| seen.of_host(Check::EnvironmentForwarding, name);
                let (all, links) = (value("IPv4")?, value("IPv4 of the links")?);
                let is_off = all == "0" && !links.split(", ").any(|link| link.ends_with(" 1"));
                is_off.then(|| format!("net.ipv4.conf.all.forwarding is {all}; links: {links}"))
            }
            Self::ForwardDropped if leaves => {
                let value = |name| seen.of_host(Check::FirewallForward, name);
                let by =
                    ["docker", "ufw", "firewalld"].into_iter().find(|name| value(name) == Some("active"));
                let by = by.map(|name| format!("; {name} runs")).unwrap_or_default();
                let chains = value("chains").unwrap_or("none");
                (value("IPv4")? == "dropped").then(|| format!("forward: {chains}{by}"))
            }
            Self::NotMasqueraded if needs.outside => found(&|machine| {
                let value = |name| seen.on_host_of(Check::FirewallMasquerade, machine, name);
                let is_missing = value("masqueraded")? == "no" && value("subnet")? != "none";
                let ranges = value("in the set").unwrap_or("nothing");
                is_missing.then(|| {
                    format!(
                        "io.systemd.nat masquerades {ranges}, and {machine} has {}",
                        value("subnet").unwrap_or("none")
                    )
                })
            }),
            Self::MachineResolved if needs.names => off_in_machine("systemd-resolved"),
            Self::LlmnrOff if needs.llmnr => found(&|machine| {
                let value = |name| seen.of_machine(Check::EnvironmentMulticast, machine, name);
                let (inside, outside) = (value("LLMNR")?, value("LLMNR on the host's end"));
                let on_host =
                    outside.filter(|outside| needs.host && *outside != "yes" && *outside != "no link");
                match (inside, on_host) {
                    // That resolved does not run is a cause of its own.
                    ("yes" | "no resolved", None) => None,
                    ("yes" | "no resolved", Some(outside)) => {
                        Some(format!("LLMNR is `{outside}` on the host's end of the link of {machine}"))
                    }
                    (inside, _) => Some(format!("LLMNR is `{inside}` in {machine}")),
                }
            }),
            Self::NoNameServer if needs.servers => found(&|machine| {
                let answering = seen.of_machine(Check::EnvironmentResolvConf, machine, "answering")?;
                let servers =
                    seen.of_machine(Check::EnvironmentResolvConf, machine, "servers").unwrap_or("none");
                matches!(answering, "none" | "nobody is named")
                    .then(|| format!("servers of {machine}: {servers}"))
            }),
            Self::HostNetworkd
            | Self::MachineNetworkd
            | Self::ForeignNetworkFile
            | Self::Unmanaged
            | Self::DhcpDropped
            | Self::ForwardingOff
            | Self::ForwardDropped
            | Self::NotMasqueraded
            | Self::MachineResolved
            | Self::LlmnrOff
            | Self::NoNameServer => None,
        }
    }

    /// What removes it, ready to paste on the host; none where that depends on what the host is for.
    pub(super) fn remedy(self, question: &Question, seen: &Seen<'_>) -> Option<String> {
        let machine = question.subject.asked_about()?;
        let enable = |service: &str| format!("systemctl --machine={machine} enable --now {service}");
        let link = || seen.on_host_of(Check::LinkHost, machine, "name");
        Some(match self {
            Self::HostNetworkd => "systemctl enable --now systemd-networkd".to_owned(),
            Self::MachineNetworkd => enable("systemd-networkd"),
            Self::MachineResolved => enable("systemd-resolved"),
            Self::ForwardingOff => "sysctl net.ipv4.conf.all.forwarding=1".to_owned(),
            Self::DhcpDropped => {
                let from = format!("iifname {} udp dport 67 accept", link()?);
                accept(seen.of_host(Check::FirewallInput, "chains")?, &[&from])
            }
            Self::ForwardDropped => {
                let link = link()?;
                let ways = [format!("iifname {link} accept"), format!("oifname {link} accept")];
                accept(seen.of_host(Check::FirewallForward, "chains")?, &ways.each_ref().map(String::as_str))
            }
            Self::ForeignNetworkFile
            | Self::Unmanaged
            | Self::NotMasqueraded
            | Self::LlmnrOff
            | Self::NoNameServer => return None,
        })
    }
}

/// Puts `rules` at the beginning of each of `chains`: a packet passes if no chain drops it.
fn accept(chains: &str, rules: &[&str]) -> String {
    let chains = chains.split("; ").filter_map(|chain| chain.split(',').next());
    let insert = |chain: &str| {
        let chain = chain.to_owned();
        rules.iter().map(move |rule| format!("nft insert rule {chain} {rule}")).collect::<Vec<_>>()
    };
    chains.flat_map(insert).collect::<Vec<_>>().join("; ")
}

/// What the names of the files begin with that systemd ships for links of machines (systemd-nspawn(1)).
const SHIPPED: &str = "80-container-";

fn is_of_machines(link: &str) -> bool {
    ["ve-", "vz-"].iter().any(|prefix| link.starts_with(prefix))
}

fn off(state: &str, service: &str, whose: &str) -> Option<String> {
    (state != "active").then(|| format!("{service} is {state} in {whose}"))
}

/// The machines that a question concerns: all of them, if it is about the host itself.
fn concerned<'a>(subject: &'a Subject, seen: &Seen<'a>) -> Vec<&'a str> {
    match subject {
        Subject::Machine { machine } | Subject::Host { machine } => vec![machine],
        Subject::Pair { machine, peer } => vec![machine, peer],
        Subject::HostItself => seen.machines(),
    }
}

/// What there must be for the usual answer to a question.
#[derive(Default)]
struct Needs {
    /// A link with its addresses.
    link: bool,
    /// An IPv4 address by DHCP.
    lease: bool,
    /// A way to the other machine.
    peer: bool,
    /// A way beyond the host.
    outside: bool,
    /// A resolver in each machine.
    names: bool,
    /// LLMNR at both ends.
    llmnr: bool,
    /// One of the ends is the host's.
    host: bool,
    /// A server of DNS.
    servers: bool,
}

impl Needs {
    fn of(question: &Question) -> Self {
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
        Self { link, lease, peer, outside, ..Self::default() }
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
            peer: false,
        }
    }
}
