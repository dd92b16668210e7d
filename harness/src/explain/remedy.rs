//! Remedies: what removes a cause, ready to paste into a shell of the host, as root.
//!
//! Whatever lasts is written where an administrator writes it, and takes effect at once. None is told where the way out
//! depends on what the host is for.

use std::path::Path;

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::shell::quote;

use super::Cause;
use super::ends::TwoSizes;
use super::evidence::shipped_for;
use super::misnamed::Misnamed;
use super::seen::Seen;
use super::settings::{Unknown, Untrusted, with_idmap};

impl Cause {
    /// What removes it where `machine` is concerned.
    pub(super) fn remedy(self, machine: &str, seen: &Seen<'_>) -> Option<String> {
        // What a shell reads as more than a word is told by no remedy.
        let plain = |word: &&str| quote(word) == *word;
        let host_end = |name: &str| seen.on_host_of(Check::LinkHost, machine, name).filter(plain);
        let own_end = |name: &str| seen.of_machine(Check::LinkMachine, machine, name).filter(plain);
        let link = host_end("name");
        // The host's end may have another subnet when networkd has read its file again.
        let with_host_end = |text| {
            let changed = with_drop_in(host_end("file")?, text);
            Some(format!("{changed} && {}", asks_anew(machine, own_end("name")?)))
        };
        Some(match self {
            Self::Untrusted => Untrusted::of(machine, seen)?.remedy(machine),
            Self::UnknownSetting => Unknown::of(machine, seen)?.remedy(machine)?,
            Self::Unmapped => {
                with_idmap(machine, seen.of_machine(Check::BindIdmap, machine, "mount point").filter(plain)?)
            }
            Self::HostNetworkd => switch_on("systemctl", "systemd-networkd", &["service", "socket"]),
            Self::HostResolved => switch_on("systemctl", "systemd-resolved", &["service"]),
            Self::MachineNetworkd => {
                switch_on(&systemctl_of(machine), "systemd-networkd", &["service", "socket"])
            }
            Self::MachineResolved => switch_on(&systemctl_of(machine), "systemd-resolved", &["service"]),
            // The first file that matches is taken, in the order of their names.
            Self::ForeignNetworkFile if *host_end("file")? < *"00-" => return None,
            Self::ForeignNetworkFile => with_shipped(shipped_for(link?)?, "00"),
            Self::Unmanaged => with_shipped(shipped_for(link?)?, "80"),
            Self::DhcpDropped => {
                let from = format!("iifname {} udp dport 67 accept", link?);
                let opened = accept(seen.of_host(Check::FirewallInput, "chains")?, &[&from]);
                format!("{opened} && {}", asks_anew(machine, own_end("name")?))
            }
            Self::PortIsolated => match host_end("port-file") {
                Some(file) => with_drop_in(file, "[Bridge]\\nIsolated=no"),
                None => format!("bridge link set dev {} isolated off", host_end("port")?),
            },
            Self::NoFe80 => {
                let text = "[Network]\\nLinkLocalAddressing=yes";
                if seen.of_machine(Check::LinkMachine, machine, "addresses")?.contains("fe80:") {
                    with_host_end(text)?
                } else {
                    inside(machine, &with_drop_in(own_end("file")?, text))
                }
            }
            Self::ForwardingOff => "echo 1 >/proc/sys/net/ipv4/conf/all/forwarding".to_owned(),
            Self::ForwardDropped => {
                let link = link?;
                let ways = [format!("iifname {link} accept"), format!("oifname {link} accept")];
                accept(seen.of_host(Check::FirewallForward, "chains")?, &ways.each_ref().map(String::as_str))
            }
            Self::NotMasqueraded => with_host_end("[Network]\\nIPMasquerade=both")?,
            Self::NoResolverInNsswitch => inside(
                machine,
                "sed -i 's/^hosts:.*/hosts: files resolve [!UNAVAIL=return] dns myhostname/' /etc/nsswitch.conf",
            ),
            Self::ResolvConf
                if seen.of_machine(Check::EnvironmentServices, machine, "systemd-resolved")? != "active" =>
            {
                return None;
            }
            Self::ResolvConf => {
                inside(machine, "ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf")
            }
            Self::OtherHostname => {
                inside(machine, &format!("echo {machine} >/etc/hostname && hostname {machine}"))
            }
            Self::LlmnrOff => {
                if seen.of_machine(Check::EnvironmentMulticast, machine, "LLMNR")? == "yes" {
                    with_llmnr(link?, host_end("file")?)
                } else {
                    inside(machine, &with_llmnr(own_end("name")?, own_end("file")?))
                }
            }
            // Servers that do not answer are not the host's to choose.
            Self::NoNameServer
                if seen.of_machine(Check::EnvironmentResolvConf, machine, "servers")? != "none" =>
            {
                return None;
            }
            Self::NoNameServer => with_host_end("[DHCPServer]\\nEmitDNS=yes")?,
            Self::MisnamedFile => {
                let named = Misnamed::of(machine, seen)?.remedy()?;
                format!("{named} && {}", asks_anew(machine, own_end("name")?))
            }
            Self::Mtu => TwoSizes::of(machine, seen)?.remedy(),
            Self::PoolUsedUp => with_host_end("[DHCPServer]\\nPoolOffset=0\\nPoolSize=0")?,
            Self::StrayLease => with_host_end("[Network]\\nConfigureWithoutCarrier=yes")?,
            // Which of two machines keeps its address, or which of two networks its subnet, nobody else can know.
            Self::SameMac | Self::OtherWayBack => return None,
        })
    }
}

/// Puts the file that systemd ships in a place in the order of all files, in that of whatever hides it there.
fn with_shipped(file: &str, place: &str) -> String {
    let folder = "/etc/systemd/network";
    format!("ln -sf /usr/lib/systemd/network/80{file} {folder}/{place}{file} && networkctl reload")
}

/// Starts a service, now and at each boot, even if somebody has masked it.
fn switch_on(systemctl: &str, service: &str, kinds: &[&str]) -> String {
    let units: Vec<String> = kinds.iter().map(|kind| format!("{service}.{kind}")).collect();
    format!("{systemctl} unmask {} && {systemctl} enable --now {service}", units.join(" "))
}

fn systemctl_of(machine: &str) -> String {
    format!("systemctl --machine={machine}")
}

/// Has a shell of `machine` do `command`, which has no double quotes and no dollar signs.
fn inside(machine: &str, command: &str) -> String {
    format!("systemd-run --quiet --machine={machine} --wait --collect --pipe sh -c \"{command}\"")
}

/// Has the machine ask for a lease, for which it may have given up asking often.
fn asks_anew(machine: &str, link: &str) -> String {
    inside(machine, &format!("networkctl reconfigure {link}"))
}

/// Adds to a .network file, by its name, and has networkd read it.
fn with_drop_in(file: &str, text: &str) -> String {
    format!("{} && networkctl reload", drop_in("network", file, text))
}

/// LLMNR on a link, for which it must be on in all of resolved too.
fn with_llmnr(link: &str, file: &str) -> String {
    let everywhere = drop_in("", "resolved.conf", "[Resolve]\\nLLMNR=yes");
    let on_link = drop_in("network", file, "[Network]\\nLLMNR=yes");
    // To read the .network file again could cost the link its subnet.
    format!("{everywhere} && {on_link} && systemctl restart systemd-resolved && resolvectl llmnr {link} yes")
}

/// Writes a drop-in for the file of this name in a folder below /etc/systemd. It is called after what it sets, so that
/// none takes the place of another, and late in the alphabet, since the last one counts.
fn drop_in(folder: &str, file: &str, text: &str) -> String {
    let folder = Path::new("/etc/systemd").join(folder).join(format!("{file}.d"));
    let folder = folder.display();
    let key = text.split("\\n").nth(1).and_then(|line| line.split('=').next()).unwrap_or("machines");
    format!("mkdir -p {folder} && printf '{text}\\n' >{folder}/90-{key}.conf")
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
