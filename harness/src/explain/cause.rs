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
    /// The subnet of a machine is in use elsewhere on the host.
    PoolOverlap,
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

/// What is always said of a cause.
struct Words {
    code: &'static str,
    sentence: &'static str,
    long: &'static str,
    link: &'static str,
}

impl Cause {
    /// Every cause, in the order in which they are to be removed.
    pub(crate) const ALL: [Self; 12] = [
        Self::HostNetworkd,
        Self::MachineNetworkd,
        Self::ForeignNetworkFile,
        Self::Unmanaged,
        Self::DhcpDropped,
        Self::PoolOverlap,
        Self::ForwardingOff,
        Self::ForwardDropped,
        Self::NotMasqueraded,
        Self::MachineResolved,
        Self::LlmnrOff,
        Self::NoNameServer,
    ];

    const fn words(self) -> Words {
        match self {
            Self::HostNetworkd => Words {
                code: "host-networkd-off",
                sentence: "nobody configures the host's ends of the links: systemd-networkd does not run there",
                long: "A virtual Ethernet link between host and machine needs somebody at either end. On the host that is \
                       systemd-networkd, with the files that systemd ships for links whose names begin with ve- and vz-: it gives \
                       the end an address, serves DHCP on it, forwards and masquerades. Where the host uses NetworkManager or \
                       ifupdown alone, the end stays down and the machine never has an address.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html#--network-veth",
            },
            Self::MachineNetworkd => Words {
                code: "machine-networkd-off",
                sentence: "nobody asks for an address in the machine: systemd-networkd does not run there",
                long: "host0, the machine's end of its link, is configured by systemd-networkd with \
                       80-container-host0.network. Many images do not enable it.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-networkd.service.html",
            },
            Self::ForeignNetworkFile => Words {
                code: "foreign-network-file",
                sentence: "the host's end of the link is configured by a file that is not the one for links of machines",
                long: "systemd-networkd configures a link by the first file that matches it, in the order of the files' names. \
                       A file of the host's own, or of its provider, whose [Match] is as wide as Name=* or Type=ether and whose \
                       name sorts before 80-container-ve.network takes the links of machines too: they then have no DHCP \
                       server, no masquerading and no address. A bridge that has a file of its own with a smaller number is \
                       not affected, which is why br0 works where ve- links do not.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html",
            },
            Self::Unmanaged => Words {
                code: "link-unmanaged",
                sentence: "systemd-networkd has no file for the host's end of the link",
                long: "80-container-ve.network and 80-container-vz.network are part of systemd, and some distributions pack \
                       them apart, or an empty file or a link to /dev/null in /etc/systemd/network takes their place.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html",
            },
            Self::DhcpDropped => Words {
                code: "dhcp-dropped",
                sentence: "the host's firewall drops what machines ask of its DHCP server",
                long: "The host serves DHCP on its end of the link, at UDP port 67. A firewall that lets in only what it knows \
                       drops that; then the machine has a fe80 address and nothing else.",
                link: "https://github.com/systemd/systemd/issues/19338",
            },
            Self::PoolOverlap => Words {
                code: "pool-overlap",
                sentence: "the subnet of the machine is in use elsewhere on the host",
                long: "systemd-networkd takes a free subnet from 192.168/16, 172.16/12 and 10/8. Free is what no address of a \
                       link and no configuration has; routes are not looked at. A provider's private network that is only \
                       routed can therefore be taken twice.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#Address=",
            },
            Self::ForwardingOff => Words {
                code: "forwarding-off",
                sentence: "the host does not forward IPv4 packets",
                long: "What a machine sends beyond its link has to be forwarded by the host: net.ipv4.conf.all.forwarding, or \
                       that of the link. systemd-networkd turns it on where a file says IPMasquerade=, and whatever writes \
                       sysctls later turns it off again.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#IPMasquerade=",
            },
            Self::ForwardDropped => Words {
                code: "forward-dropped",
                sentence: "the host's firewall drops what the host forwards for machines",
                long: "Docker sets the policy of FORWARD to drop when it turns forwarding on, and ufw and firewalld drop what \
                       they do not know. The rules of systemd-networkd are in a table of their own and cannot take that back: \
                       a packet that any table drops is gone.",
                link: "https://docs.docker.com/engine/network/packet-filtering-firewalls/",
            },
            Self::NotMasqueraded => Words {
                code: "not-masqueraded",
                sentence: "the addresses of the machine leave the host as they are, and no answer finds back",
                long: "A private address is not routed beyond the host. IPMasquerade= in the .network file of the host's end of \
                       the link, or of the bridge, has them replaced by the host's own.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#IPMasquerade=",
            },
            Self::MachineResolved => Words {
                code: "machine-resolved-off",
                sentence: "systemd-resolved does not run in the machine: nobody asks there by LLMNR, and nobody answers",
                long: "Names of one label are asked of the other machines on the link, by LLMNR. Both who asks and who answers is \
                       systemd-resolved. Without it a machine can be pinged and cannot be resolved.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html",
            },
            Self::LlmnrOff => Words {
                code: "llmnr-off",
                sentence: "LLMNR is off or only asks at one of the ends, so that names of one label have no answer",
                long: "LLMNR= is set for the whole of systemd-resolved and for each link, and the more restrictive counts. \
                       Both ends need it: `resolve` asks and does not answer, `no` does neither. Ubuntu and Fedora turn it \
                       off. The .network files that systemd ships for machines do not turn it on.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/resolved.conf.html#LLMNR=",
            },
            Self::NoNameServer => Words {
                code: "no-name-server",
                sentence: "none of the DNS servers that the machine knows answers",
                long: "The host's DHCP server tells machines the DNS servers of its uplink; where it has none to tell, or they \
                       cannot be reached from the machine, only names on the link resolve.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#EmitDNS=",
            },
        }
    }

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
                Self::PoolOverlap => Check::AddressPoolOverlap,
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
            | Self::PoolOverlap
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
            Self::MachineNetworkd if needs.link => found(&|machine| {
                off(
                    seen.of_machine(Check::EnvironmentServices, machine, "systemd-networkd")?,
                    "systemd-networkd",
                    machine,
                )
            }),
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
            Self::PoolOverlap if needs.lease => found(&|machine| {
                let overlaps = seen.on_host_of(Check::AddressPoolOverlap, machine, "overlaps")?;
                (overlaps != "nothing").then(|| format!("the subnet of {machine} overlaps {overlaps}"))
            }),
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
            Self::MachineResolved if needs.names => found(&|machine| {
                off(
                    seen.of_machine(Check::EnvironmentServices, machine, "systemd-resolved")?,
                    "systemd-resolved",
                    machine,
                )
            }),
            Self::LlmnrOff if needs.llmnr => found(&|machine| {
                let value = |name| seen.of_machine(Check::EnvironmentMulticast, machine, name);
                let (inside, outside) = (value("LLMNR")?, value("LLMNR on the host's end"));
                let on_host =
                    outside.filter(|outside| needs.host && *outside != "yes" && *outside != "no link");
                match (inside, on_host) {
                    ("yes", None) => None,
                    ("yes", Some(outside)) => {
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
            | Self::PoolOverlap
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
            | Self::PoolOverlap
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
