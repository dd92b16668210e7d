//! The settings of a `.nspawn` file: in which section they stand, since which systemd, and what they take.
//!
//! After systemd.nspawn(5) and the table that systemd-nspawn itself looks them up in, 252 to 262. What a setting takes
//! is checked where systemd ignores a wrong value; settings of [`Kind::Text`] take anything.

use super::value::Kind;

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    pub section: &'static str,
    pub name: &'static str,
    /// Major version of systemd that knew it first.
    pub since: u32,
    pub kind: Kind,
}

/// The sections, in the order of the manual page.
pub(super) const SECTIONS: [&str; 3] = ["Exec", "Files", "Network"];

/// The setting of this section and name.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

const fn exec(name: &'static str, since: u32, kind: Kind) -> Key {
    Key { section: "Exec", name, since, kind }
}

const fn files(name: &'static str, since: u32, kind: Kind) -> Key {
    Key { section: "Files", name, since, kind }
}

const fn network(name: &'static str, since: u32, kind: Kind) -> Key {
    Key { section: "Network", name, since, kind }
}

/// Every setting.
pub(super) const KEYS: [Key; 62] = [
    exec("Boot", 226, Kind::Boolean),
    exec("Ephemeral", 240, Kind::BooleanOrUnset),
    exec("ProcessTwo", 229, Kind::Boolean),
    exec("Parameters", 226, Kind::Text),
    exec("Environment", 226, Kind::Text),
    exec("User", 226, Kind::Text),
    exec("WorkingDirectory", 229, Kind::Path),
    exec("PivotRoot", 233, Kind::PivotRoot),
    exec("Capability", 226, Kind::Capabilities),
    exec("DropCapability", 226, Kind::Capabilities),
    exec("AmbientCapability", 248, Kind::Capabilities),
    exec("NoNewPrivileges", 239, Kind::BooleanOrUnset),
    exec("KillSignal", 230, Kind::Signal),
    exec("Personality", 226, Kind::Text),
    exec("MachineID", 226, Kind::Id),
    exec("PrivateUsers", 230, Kind::PrivateUsers),
    exec("NotifyReady", 231, Kind::BooleanOrUnset),
    exec("SystemCallFilter", 235, Kind::Text),
    exec("RestrictAddressFamilies", 261, Kind::Text),
    exec("LimitCPU", 239, Kind::Text),
    exec("LimitFSIZE", 239, Kind::Text),
    exec("LimitDATA", 239, Kind::Text),
    exec("LimitSTACK", 239, Kind::Text),
    exec("LimitCORE", 239, Kind::Text),
    exec("LimitRSS", 239, Kind::Text),
    exec("LimitNOFILE", 239, Kind::Text),
    exec("LimitAS", 239, Kind::Text),
    exec("LimitNPROC", 239, Kind::Text),
    exec("LimitMEMLOCK", 239, Kind::Text),
    exec("LimitLOCKS", 239, Kind::Text),
    exec("LimitSIGPENDING", 239, Kind::Text),
    exec("LimitMSGQUEUE", 239, Kind::Text),
    exec("LimitNICE", 239, Kind::Text),
    exec("LimitRTPRIO", 239, Kind::Text),
    exec("LimitRTTIME", 239, Kind::Text),
    exec("OOMScoreAdjust", 239, Kind::OomScore),
    exec("CPUAffinity", 239, Kind::Text),
    exec("Hostname", 239, Kind::Hostname),
    exec(
        "ResolvConf",
        239,
        Kind::BooleanOr(&[
            ("off", 239),
            ("copy-host", 239),
            ("copy-static", 239),
            ("copy-uplink", 245),
            ("copy-stub", 245),
            ("replace-host", 245),
            ("replace-static", 245),
            ("replace-uplink", 245),
            ("replace-stub", 245),
            ("bind-host", 239),
            ("bind-static", 239),
            ("bind-uplink", 245),
            ("bind-stub", 245),
            ("delete", 239),
            ("auto", 239),
        ]),
    ),
    exec(
        "Timezone",
        239,
        Kind::BooleanOr(&[
            ("off", 239),
            ("copy", 239),
            ("bind", 239),
            ("symlink", 239),
            ("delete", 239),
            ("auto", 239),
        ]),
    ),
    exec(
        "LinkJournal",
        239,
        Kind::BooleanOr(&[
            ("auto", 239),
            ("guest", 239),
            ("try-guest", 239),
            ("host", 239),
            ("try-host", 239),
        ]),
    ),
    exec("SuppressSync", 250, Kind::BooleanOrUnset),
    files("ReadOnly", 226, Kind::BooleanOrUnset),
    files("Volatile", 226, Kind::BooleanOr(&[("state", 226), ("overlay", 241)])),
    files("Bind", 226, Kind::Bind),
    files("BindReadOnly", 226, Kind::Bind),
    files("BindUser", 249, Kind::Text),
    files("TemporaryFileSystem", 226, Kind::PathThen),
    files("Inaccessible", 242, Kind::Path),
    files("Overlay", 233, Kind::Overlay),
    files("OverlayReadOnly", 233, Kind::Overlay),
    files(
        "PrivateUsersOwnership",
        249,
        Kind::OneOf(&[("off", 249), ("chown", 249), ("map", 249), ("auto", 249), ("foreign", 258)]),
    ),
    files("PrivateUsersChown", 230, Kind::BooleanOrUnset),
    network("Private", 226, Kind::BooleanOrUnset),
    network("VirtualEthernet", 226, Kind::BooleanOrUnset),
    network("VirtualEthernetExtra", 228, Kind::Text),
    network("Interface", 226, Kind::Text),
    network("MACVLAN", 226, Kind::Text),
    network("IPVLAN", 226, Kind::Text),
    network("Bridge", 226, Kind::LinkName),
    network("Zone", 230, Kind::ZoneName),
    network("Port", 226, Kind::Port),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_is_there_once_and_in_a_section_that_there_is() {
        let names: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
        assert!(KEYS.iter().all(|key| SECTIONS.contains(&key.section)));
    }
}
