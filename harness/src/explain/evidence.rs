//! How a cause is recognised: what was seen that it rests on.

use nspawn_matrix_scenarios::{Check, Subject};

use super::Cause;
use super::ends::{self, TwoSizes};
use super::lease;
use super::misnamed::Misnamed;
use super::needs::Needs;
use super::seen::Seen;
use super::settings::{Unknown, Untrusted};
use crate::agent::Question;

/// What a cause rests on.
pub(super) struct Evidence<'a> {
    /// The machine that it is about, or the first that the host's own fault concerns; none where there are no machines.
    pub(super) machine: Option<&'a str>,
    /// It, in words.
    pub(super) text: String,
}

impl Cause {
    /// What was seen that it rests on; none if it does not hold, or does not matter to the question.
    pub(super) fn evidence<'a>(self, question: &'a Question, seen: &Seen<'a>) -> Option<Evidence<'a>> {
        let needs = Needs::of(question);
        let machines = concerned(&question.subject, seen);
        let found = |of: &dyn Fn(&str) -> Option<String>| {
            machines.iter().find_map(|&machine| Some(Evidence { machine: Some(machine), text: of(machine)? }))
        };
        let of_host =
            |text: Option<String>| Some(Evidence { machine: machines.first().copied(), text: text? });
        let off_on_host = |service: &str| {
            of_host(off(seen.of_host(Check::EnvironmentHostServices, service)?, service, "the host"))
        };
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
            Self::Untrusted if needs.binds => {
                found(&|machine| Some(Untrusted::of(machine, seen)?.line.to_owned()))
            }
            Self::UnknownSetting if needs.binds => {
                found(&|machine| Some(Unknown::of(machine, seen)?.line.to_owned()))
            }
            Self::Unmapped if question.check == Check::BindIdmap => found(&|machine| {
                let value = |name| seen.of_machine(Check::BindIdmap, machine, name);
                let (at, owner) = (value("mount point")?, value("directory")?);
                let is_nobodys = value("mapped")? == "no" && owner == NOBODY;
                is_nobodys
                    .then(|| format!("{at} is mounted without idmap, and belongs to {owner} in {machine}"))
            }),
            Self::HostNetworkd if needs.link => off_on_host("systemd-networkd"),
            Self::MachineNetworkd if needs.link => off_in_machine("systemd-networkd"),
            Self::ForeignNetworkFile if needs.link => found(&|machine| {
                let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
                let (link, file) = (value("name")?, value("file")?);
                let is_foreign = !file.is_empty() && !file.ends_with(shipped_for(link)?);
                is_foreign.then(|| format!("{file} configures {link}"))
            }),
            Self::MisnamedFile if needs.link => {
                found(&|machine| Some(Misnamed::of(machine, seen)?.evidence()))
            }
            Self::Unmanaged if needs.link => found(&|machine| {
                let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
                let link = value("name")?;
                (value("setup")? == "unmanaged").then(|| format!("networkd calls {link} unmanaged"))
            }),
            Self::SameMac if needs.link => found(&|machine| ends::of_one_mac(machine, seen)),
            Self::DhcpDropped if needs.lease => {
                let chains = seen.of_host(Check::FirewallInput, "chains").unwrap_or("none");
                let is_dropped = seen.of_host(Check::FirewallInput, "DHCP")? == "dropped";
                of_host(is_dropped.then(|| format!("input: {chains}")))
            }
            Self::PoolUsedUp if needs.lease => found(&|machine| lease::used_up(machine, seen)),
            Self::StrayLease if needs.lease => found(&|machine| lease::stray(machine, seen)),
            Self::OtherWayBack if needs.lease => found(&|machine| lease::other_way_back(machine, seen)),
            // Isolated ports reach every port that is not.
            Self::PortIsolated if matches!(question.subject, Subject::Pair { .. }) => {
                let is_isolated = |machine: &&str| {
                    seen.on_host_of(Check::LinkHost, machine, "port-isolated") == Some("yes")
                };
                let all = machines.iter().all(is_isolated);
                let ports =
                    machines.iter().filter_map(|machine| seen.on_host_of(Check::LinkHost, machine, "port"));
                of_host(
                    all.then(|| format!("both ports are isolated: {}", ports.collect::<Vec<_>>().join(", "))),
                )
            }
            Self::NoFe80 if needs.fe80 => {
                let between = matches!(question.subject, Subject::Pair { .. });
                found(&|machine| ends::without_fe80(machine, between, seen))
            }
            Self::Mtu if needs.size => found(&|machine| Some(TwoSizes::of(machine, seen)?.evidence(machine))),
            Self::ForwardingOff if leaves => {
                let value = |name| seen.of_host(Check::EnvironmentForwarding, name);
                let (all, links) = (value("IPv4")?, value("IPv4 of the links")?);
                // What comes back from outside comes in by the uplink, and has to be forwarded from there.
                let uplink = value("IPv4 of the uplink").filter(|_| needs.outside).unwrap_or("none");
                let goes = links.split(", ").any(|link| link.ends_with(" 1"));
                let is_off = all == "0" && (!goes || uplink.ends_with(" 0"));
                of_host(is_off.then(|| {
                    format!("net.ipv4.conf.all.forwarding is {all}; links: {links}; uplink: {uplink}")
                }))
            }
            Self::ForwardDropped if leaves => {
                let value = |name| seen.of_host(Check::FirewallForward, name);
                let by =
                    ["docker", "ufw", "firewalld"].into_iter().find(|name| value(name) == Some("active"));
                let by = by.map(|name| format!("; {name} runs")).unwrap_or_default();
                let chains = value("chains").unwrap_or("none");
                of_host((value("IPv4")? == "dropped").then(|| format!("forward: {chains}{by}")))
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
            Self::HostResolved if needs.names && needs.host => off_on_host("systemd-resolved"),
            Self::NoResolverInNsswitch if needs.nss => {
                let machine = who_asks(&question.subject)?;
                let modules = seen.of_machine(Check::EnvironmentResolvConf, machine, "hosts")?;
                let leads = modules.split_whitespace().any(|module| matches!(module, "resolve" | "dns"));
                let text = format!("nsswitch.conf of {machine} says hosts: {modules}");
                (!leads).then_some(Evidence { machine: Some(machine), text })
            }
            Self::ResolvConf if needs.nss => {
                let machine = who_asks(&question.subject)?;
                let value = |name| seen.of_machine(Check::EnvironmentResolvConf, machine, name);
                let has = |module: &str| Some(value("hosts")?.split_whitespace().any(|own| own == module));
                let (target, servers) = (value("leads to")?, value("servers").unwrap_or("none"));
                let text = if value("exists")? == "no" {
                    format!("resolv.conf of {machine} leads to {target}, which is not there")
                } else {
                    // What systemd-resolved writes is as the lease says, and no fault of this file.
                    let is_own = !target.contains("/run/systemd/resolve/");
                    let is_dead = matches!(value("answering")?, "none" | "nobody is named");
                    (is_own && is_dead).then(|| format!("servers in resolv.conf of {machine}: {servers}"))?
                };
                (has("dns")? && !has("resolve")?).then_some(Evidence { machine: Some(machine), text })
            }
            Self::OtherHostname if needs.name_of_machine => {
                let machine = question.subject.about()?;
                let own = seen.of_machine(Check::IdentityHostname, machine, "host name")?;
                let text = format!("{machine} calls itself {own}");
                (own != machine).then_some(Evidence { machine: Some(machine), text })
            }
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
            Self::Untrusted
            | Self::UnknownSetting
            | Self::Unmapped
            | Self::HostNetworkd
            | Self::MachineNetworkd
            | Self::ForeignNetworkFile
            | Self::MisnamedFile
            | Self::Unmanaged
            | Self::SameMac
            | Self::DhcpDropped
            | Self::PoolUsedUp
            | Self::StrayLease
            | Self::OtherWayBack
            | Self::PortIsolated
            | Self::NoFe80
            | Self::Mtu
            | Self::ForwardingOff
            | Self::ForwardDropped
            | Self::NotMasqueraded
            | Self::HostResolved
            | Self::MachineResolved
            | Self::NoResolverInNsswitch
            | Self::ResolvConf
            | Self::OtherHostname
            | Self::LlmnrOff
            | Self::NoNameServer => None,
        }
    }
}

/// To whom files belong whose owner has no counterpart in a user namespace (`/proc/sys/kernel/overflowuid`).
const NOBODY: &str = "65534:65534";

/// What the names of links of machines begin with, and what the names of the files end with that systemd ships for them
/// (systemd-nspawn(1)): in front of that is a number, by which an administrator may have changed its place.
const SHIPPED: [(&str, &str); 2] = [("ve-", "-container-ve.network"), ("vz-", "-container-vz.network")];

/// The file that systemd ships for a link of machines, without its number; none for other links.
pub(super) fn shipped_for(link: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(prefix, _)| link.starts_with(prefix)).map(|(_, file)| *file)
}

pub(super) fn is_of_machines(link: &str) -> bool {
    shipped_for(link).is_some()
}

/// The machine whose programs look something up; none if it is the host.
fn who_asks(subject: &Subject) -> Option<&str> {
    match subject {
        Subject::Machine { machine } | Subject::Pair { machine, .. } => Some(machine),
        Subject::Host { .. } | Subject::HostItself => None,
    }
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
