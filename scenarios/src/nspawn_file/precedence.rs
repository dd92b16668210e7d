//! Which settings are without effect where a command line of systemd-nspawn and a `.nspawn` file say something about the
//! same.
//!
//! Settings go by groups: of two sources that say anything of a group one counts, for all of it, and the other has no
//! effect, about which systemd-nspawn says nothing. The command line counts, and with `--settings=override`, as the
//! shipped unit has it, the file (systemd.nspawn(5), `merge_settings()` of systemd 252 to 262).

use super::keys;
use super::syntax::{Content, Line};
use super::value::boolean;
use crate::nspawn_option::given;

/// Settings that count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What is mounted beside the root.
    Mounts,
    /// How the machine is linked.
    Network,
    /// Ports of the host that lead to it.
    Ports,
    /// Its user and group ids.
    Users,
    /// Its host name.
    HostName,
    /// Its /etc/resolv.conf.
    ResolvConf,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 6] =
        [Self::Mounts, Self::Network, Self::Ports, Self::Users, Self::HostName, Self::ResolvConf];

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mounts => "mounts",
            Self::Network => "network",
            Self::Ports => "ports",
            Self::Users => "users",
            Self::HostName => "host name",
            Self::ResolvConf => "resolv.conf",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Mounts => &["bind", "bind-ro", "tmpfs", "overlay", "overlay-ro", "inaccessible"],
            Self::Network => &[
                "private-network",
                "network-veth",
                "network-veth-extra",
                "network-bridge",
                "network-zone",
                "network-interface",
                "network-macvlan",
                "network-ipvlan",
                "network-namespace-path",
            ],
            Self::Ports => &["port"],
            Self::Users => &["U", "private-users", "private-users-ownership", "private-users-chown"],
            Self::HostName => &["hostname"],
            Self::ResolvConf => &["resolv-conf"],
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Mounts => {
                &["Bind", "BindReadOnly", "TemporaryFileSystem", "Overlay", "OverlayReadOnly", "Inaccessible"]
            }
            Self::Network => &[
                "Private",
                "VirtualEthernet",
                "VirtualEthernetExtra",
                "Bridge",
                "Zone",
                "Interface",
                "MACVLAN",
                "IPVLAN",
            ],
            Self::Ports => &["Port"],
            Self::Users => &["PrivateUsers", "PrivateUsersOwnership", "PrivateUsersChown"],
            Self::HostName => &["Hostname"],
            Self::ResolvConf => &["ResolvConf"],
        }
    }

    /// Whether what lies beside an image says nothing of it, as it is not trusted.
    fn takes_trust(self) -> bool {
        match self {
            Self::Mounts | Self::Network | Self::Ports | Self::Users => true,
            Self::HostName | Self::ResolvConf => false,
        }
    }
}

/// Settings of one source that are without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    /// What they are about.
    pub group: Group,
    /// They, as they are written there: `Bind=/srv` in a file, `--bind=/srv` on a command line.
    pub lost: Vec<String>,
    /// What counts instead, of the other source.
    pub by: Vec<String>,
}

/// What the shipped unit says of any machine, and a file may well say otherwise: nobody misses that.
const SHIPPED: [&str; 2] = ["--network-veth", "-U"];

/// The settings that are without effect where systemd-nspawn has `arguments`, without its own name, and found a file with
/// these `lines`, in a place where it trusts it or not.
#[must_use]
pub fn overridden(arguments: &[String], lines: &[Line], is_trusted: bool) -> Vec<Overridden> {
    let options = given(arguments);
    let mode =
        options.iter().rfind(|option| option.name == "settings").and_then(|option| option.value.as_deref());
    let is_trusted = is_trusted || mode == Some("trusted");
    let each = |group: Group| {
        let of_options = options.iter().filter(|option| group.options().contains(&option.name.as_str()));
        let of_options: Vec<String> = of_options.map(|option| option.written.clone()).collect();
        let of_file = if group.takes_trust() && !is_trusted { Vec::new() } else { settings(group, lines) };
        let (lost, by) = match mode {
            Some(mode) if boolean(mode) == Some(false) => (of_file, vec![format!("--settings={mode}")]),
            Some("override") => {
                let own = of_options.into_iter().filter(|option| !SHIPPED.contains(&option.as_str()));
                (own.collect(), of_file)
            }
            Some(_) | None => (of_file, of_options),
        };
        (!lost.is_empty() && !by.is_empty()).then_some(Overridden { group, lost, by })
    };
    Group::ALL.into_iter().filter_map(each).collect()
}

/// The settings of a group that systemd-nspawn takes of a file.
fn settings(group: Group, lines: &[Line]) -> Vec<String> {
    let mut section = "";
    let mut found = Vec::new();
    for line in lines {
        match &line.content {
            Content::Section(name) => section = name,
            Content::Assignment { key, value } => {
                let is_taken =
                    keys::find(section, key).is_some_and(|key| key.kind.check(value, None).is_ok());
                if is_taken && !value.is_empty() && group.keys().contains(&key.as_str()) {
                    found.push(format!("{key}={value}"));
                }
            }
            Content::NoEquals(_) | Content::NoKey | Content::Refused(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const FILE: &str = "[Files]\nBind=/a\nBind=no\n[Network]\nZone=lab\n[Exec]\nHostname=web\n";

    /// What loses to what, a line for each group.
    fn told(command_line: &str, file: &str, is_trusted: bool) -> Vec<String> {
        let arguments: Vec<String> = command_line.split(' ').map(str::to_owned).collect();
        let all = overridden(&arguments, &parse(file.as_bytes()), is_trusted).into_iter();
        all.map(|one| format!("{}: {} to {}", one.group.name(), one.lost.join(" "), one.by.join(" ")))
            .collect()
    }

    #[test]
    fn the_command_line_counts_unless_it_says_otherwise() {
        assert_eq!(
            told("-b -n --bind=/b --bind-ro=/c", FILE, true),
            ["mounts: Bind=/a to --bind=/b --bind-ro=/c", "network: Zone=lab to --network-veth"]
        );
        assert_eq!(told("--settings=no -b", FILE, true).len(), 3);
        assert!(told("-b -U --port=80", FILE, true).is_empty());
    }

    #[test]
    fn with_override_the_file_counts_and_nobody_misses_what_the_shipped_unit_says() {
        let shipped =
            "--quiet --keep-unit --boot --link-journal=try-guest --network-veth -U --settings=override";
        assert!(told(shipped, "[Network]\nZone=lab\n[Exec]\nPrivateUsers=no\n", true).is_empty());
        assert_eq!(told(&format!("{shipped} --bind=/b"), FILE, true), ["mounts: --bind=/b to Bind=/a"]);
    }

    #[test]
    fn what_is_not_trusted_neither_counts_nor_loses() {
        let all = "-n --bind=/b --hostname=db";
        assert_eq!(told(all, FILE, false), ["host name: Hostname=web to --hostname=db"]);
        assert_eq!(told(&format!("{all} --settings=trusted"), FILE, false).len(), 3);
    }
}
