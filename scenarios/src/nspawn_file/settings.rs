//! What systemd takes of a `.nspawn` file, as far as it decides what a host must have and how a machine is linked.

use super::bind::Bind;
use super::keys;
use super::syntax::{Content, Line};
use super::value::{Kind, boolean};
use crate::port::Forward;

/// The settings that count. What systemd ignores is not among them; of several values the last one wins, and an empty
/// one unsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `Bind=` and `BindReadOnly=`, in the order of the file.
    pub binds: Vec<Bind>,
    /// `Private=`.
    pub private: Option<bool>,
    /// `VirtualEthernet=`.
    pub veth: Option<bool>,
    /// `Bridge=`.
    pub bridge: Option<String>,
    /// `Zone=`.
    pub zone: Option<String>,
    /// `PrivateUsers=no`: ids mean in the machine what they mean on the host.
    pub host_users: bool,
    /// Links of the host that go into the machine or below one of its own: `Interface=`, `MACVLAN=`, `IPVLAN=`; each
    /// with its key.
    pub links: Vec<(String, String)>,
    /// Whether there is any `VirtualEthernetExtra=`.
    pub extra_veth: bool,
    /// `Port=`, in the order of the file.
    pub ports: Vec<Forward>,
}

impl Settings {
    /// Takes the settings of a file.
    #[must_use]
    pub fn of(lines: &[Line]) -> Self {
        let mut settings = Self::default();
        let mut section = "";
        for line in lines {
            match &line.content {
                Content::Section(name) => section = name,
                Content::Assignment { key, value } => settings.take(section, key, value),
                Content::NoEquals(_) | Content::NoKey | Content::Refused(_) => {}
            }
        }
        settings
    }

    fn take(&mut self, section: &str, name: &str, value: &str) {
        let Some(key) = keys::find(section, name) else { return };
        if key.kind.check(value, None).is_err() {
            return;
        }
        let text = (!value.is_empty()).then(|| value.to_owned());
        match (name, &key.kind) {
            (_, Kind::Bind) => self.binds.extend(Bind::parse(value, name == "BindReadOnly")),
            ("Private", _) => self.private = boolean(value),
            ("VirtualEthernet", _) => self.veth = boolean(value),
            ("Bridge", _) => self.bridge = text,
            ("Zone", _) => self.zone = text,
            ("VirtualEthernetExtra", _) => self.extra_veth = text.is_some(),
            ("Port", _) => self.ports.extend(Forward::parse(value)),
            ("PrivateUsers", _) => self.host_users = boolean(value) == Some(false),
            ("Interface" | "MACVLAN" | "IPVLAN", _) if text.is_none() => {
                self.links.retain(|(key, _)| key != name);
            }
            ("Interface" | "MACVLAN" | "IPVLAN", _) => {
                let names = value.split_ascii_whitespace().map(|link| link.split(':').next().unwrap_or(link));
                self.links.extend(names.map(|link| (name.to_owned(), link.to_owned())));
            }
            _ => {}
        }
    }

    /// The scenario of the catalogue whose machines are linked in the same way; none if there is none like it.
    ///
    /// A file that says anything about the network replaces all that the unit says about it, which is
    /// `--network-veth`.
    #[must_use]
    pub fn nearest_scenario(&self) -> Option<&'static str> {
        if !self.links.is_empty() {
            return None;
        }
        if self.bridge.is_some() {
            return Some("nspawn-file-bridge");
        }
        if self.zone.is_some() {
            return Some("zone");
        }
        match (self.veth, self.private.or(self.extra_veth.then_some(true))) {
            (Some(true), _) => Some("nspawn-file-veth"),
            (None, None) => Some("default-veth"),
            (Some(false) | None, Some(true)) => None,
            (Some(false), Some(false) | None) | (None, Some(false)) => Some("host-network"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::of(&parse(text.as_bytes()))
    }

    #[test]
    fn only_what_systemd_takes_counts() {
        let read = settings(
            "Bridge=a\n[Files]\nBridge=b\nBind=/srv\nBind=no\nBind=/a:/b:idmpa\n[Network]\nBridge=c\nVirtualEthernet=maybe",
        );
        assert_eq!(read.bridge.as_deref(), Some("c"));
        assert_eq!(read.binds.len(), 1);
        assert_eq!(read.veth, None);
    }

    #[test]
    fn the_last_value_wins_and_an_empty_one_unsets() {
        assert_eq!(settings("[Network]\nBridge=a\nBridge=b").bridge.as_deref(), Some("b"));
        assert_eq!(settings("[Network]\nBridge=a\nBridge=").bridge, None);
        assert_eq!(settings("[Network]\nMACVLAN=a b\nMACVLAN=\nMACVLAN=c").links.len(), 1);
    }

    #[test]
    fn the_nearest_scenario_has_the_same_kind_of_link() {
        let nearest = |network: &str| settings(&format!("[Network]\n{network}")).nearest_scenario();
        assert_eq!(nearest(""), Some("default-veth"));
        assert_eq!(nearest("VirtualEthernet=yes"), Some("nspawn-file-veth"));
        assert_eq!(nearest("Bridge=br0"), Some("nspawn-file-bridge"));
        assert_eq!(nearest("Zone=lab"), Some("zone"));
        assert_eq!(nearest("VirtualEthernet=no"), Some("host-network"));
        assert_eq!(nearest("Private=yes"), None);
        assert_eq!(nearest("MACVLAN=eth0"), None);
    }
}
