//! What is wrong with the files of systemd-networkd: mistakes that it passes over in silence or with one line in the
//! journal.

use std::fmt;

use super::NetworkFile;
use super::ini::{Section, parse};

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::agent) struct Finding {
    /// The path of the file.
    pub(in crate::agent) path: String,
    /// What is wrong.
    pub(in crate::agent) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.what)
    }
}

/// Looks for mistakes in files that are sorted by name.
pub(in crate::agent) fn lint(files: &[NetworkFile]) -> Vec<Finding> {
    let finding = |file: &NetworkFile, what| Finding { path: file.path.clone(), what };
    files
        .iter()
        // An empty file is a mask, and meant to do nothing.
        .filter(|file| !file.content.trim().is_empty())
        .flat_map(|file| mistakes(file).into_iter().map(move |what| finding(file, what)))
        .collect()
}

fn mistakes(file: &NetworkFile) -> Vec<String> {
    let sections = parse(&file.content);
    let has = |name: &str| sections.iter().any(|section| section.name == name);
    let is_netdev = file.name().ends_with(".netdev");
    let mut found = Vec::new();
    if is_netdev && !has("NetDev") {
        found.push("has no [NetDev] section, so it makes no link".to_owned());
    }
    if is_netdev && has("Network") {
        found.push(format!("holds [Network]{}, which is read in a .network file only", meant_for(&sections)));
    }
    if !is_netdev && has("NetDev") {
        found.push(format!("holds [NetDev]{}, which is read in a .netdev file only", made_by(&sections)));
    }
    if !is_netdev && !sections.iter().any(is_match_with_content) {
        found.push("matches nothing: a [Match] section that says something is missing".to_owned());
    }
    if !is_netdev {
        found.extend(greed(file.name(), &sections));
    }
    found
}

/// Which links a `[Match]` section names: ` for br0`.
fn meant_for(sections: &[Section]) -> String {
    names(sections, "Match")
}

/// Which link a `[NetDev]` section makes: ` for br0`.
fn made_by(sections: &[Section]) -> String {
    names(sections, "NetDev")
}

fn names(sections: &[Section], wanted: &str) -> String {
    let wanted = sections.iter().filter(|section| section.name == wanted);
    let names = wanted.flat_map(|section| &section.assignments).filter(|(key, _)| key == "Name");
    let names: Vec<&str> = names.map(|(_, value)| value.as_str()).collect();
    if names.is_empty() { String::new() } else { format!(" for {}", names.join(" ")) }
}

fn is_match_with_content(section: &Section) -> bool {
    section.name == "Match" && section.assignments.iter().any(|(_, value)| !value.is_empty())
}

/// A link that systemd-nspawn makes, and the file that is shipped for it.
struct Link {
    /// What its name looks like, for people.
    shown: &'static str,
    /// A name of that kind.
    name: &'static str,
    /// `Kind=` and `Driver=`.
    kind: &'static str,
    /// `Type=`: the kernel's `DEVTYPE`, or `ether`.
    link_type: &'static str,
    /// The shipped file.
    shipped: &'static str,
}

const LINKS: [Link; 4] = [
    Link {
        shown: "ve-*",
        name: "ve-nspawn",
        kind: "veth",
        link_type: "ether",
        shipped: "80-container-ve.network",
    },
    Link {
        shown: "vb-*",
        name: "vb-nspawn",
        kind: "veth",
        link_type: "ether",
        shipped: "80-container-vb.network",
    },
    Link {
        shown: "vz-*",
        name: "vz-nspawn",
        kind: "bridge",
        link_type: "bridge",
        shipped: "80-container-vz.network",
    },
    Link {
        shown: "host0",
        name: "host0",
        kind: "veth",
        link_type: "ether",
        shipped: "80-container-host0.network",
    },
];

/// A file that comes before the shipped one and takes its links away: the first file that matches is the one that
/// counts.
fn greed(file: &str, sections: &[Section]) -> Option<String> {
    let taken: Vec<&str> = LINKS
        .iter()
        .filter(|link| file < link.shipped && is_matched(link, sections))
        .map(|link| link.shown)
        .collect();
    (!taken.is_empty()).then(|| format!("takes {} before the file that is shipped for it", taken.join(", ")))
}

fn is_matched(link: &Link, sections: &[Section]) -> bool {
    if !sections.iter().any(is_match_with_content) {
        return false;
    }
    let matches = sections.iter().filter(|section| section.name == "Match");
    let mut keys: Vec<(&str, Vec<&str>)> = Vec::new();
    for (key, value) in matches.flat_map(|section| &section.assignments) {
        let at = keys.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            keys.push((key.as_str(), Vec::new()));
            keys.len() - 1
        });
        // An empty value takes back what was said before.
        if value.is_empty() {
            keys[at].1.clear();
        }
        keys[at].1.extend(value.split_whitespace());
    }
    keys.iter().filter(|(_, patterns)| !patterns.is_empty()).all(|(key, patterns)| match *key {
        "Name" => any_of(patterns, link.name),
        "Kind" | "Driver" => any_of(patterns, link.kind),
        "Type" => any_of(patterns, link.link_type),
        // Whoever names hardware does not mean a virtual link.
        "MACAddress"
        | "PermanentMACAddress"
        | "Path"
        | "SSID"
        | "BSSID"
        | "WLANInterfaceType"
        | "Property" => false,
        // What is left is about the host, and taken to be true of it.
        _ => true,
    })
}

/// Tells whether a list of shell patterns takes `value`; `!` before the first inverts the list.
fn any_of(patterns: &[&str], value: &str) -> bool {
    let inverted = patterns.first().is_some_and(|first| first.starts_with('!'));
    let takes = |pattern: &&str| {
        let pattern = pattern.strip_prefix('!').unwrap_or(pattern);
        glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(value))
    };
    patterns.iter().any(takes) != inverted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn findings(path: &str, content: &str) -> Vec<String> {
        let file = NetworkFile { path: format!("/etc/{path}"), content: content.to_owned() };
        lint(&[file]).iter().map(ToString::to_string).collect()
    }

    const NETDEV: &str = "[NetDev]\nName=br0\nKind=bridge\n";
    const NETWORK: &str = "[Match]\nName=br0\n\n[Network]\nDHCPServer=yes\n";

    #[test]
    fn the_two_files_of_a_bridge_are_clean() {
        assert!(findings("50-br0.netdev", NETDEV).is_empty());
        assert!(findings("50-br0.network", NETWORK).is_empty());
        assert!(findings("50-br0.network", "").is_empty());
    }

    #[test]
    fn both_parts_in_files_of_one_ending_are_found() {
        assert_eq!(
            findings("50-br0.netdev", NETWORK),
            [
                "/etc/50-br0.netdev has no [NetDev] section, so it makes no link",
                "/etc/50-br0.netdev holds [Network] for br0, which is read in a .network file only"
            ]
        );
        assert_eq!(
            findings("50-br0.network", NETDEV),
            [
                "/etc/50-br0.network holds [NetDev] for br0, which is read in a .netdev file only",
                "/etc/50-br0.network matches nothing: a [Match] section that says something is missing"
            ]
        );
    }

    #[test]
    fn whoever_takes_the_links_of_machines_before_their_own_file_is_greedy() {
        let takes =
            |file: &str, rows: &str| findings(file, &format!("[Match]\n{rows}\n[Network]\nDHCP=yes\n"));
        let all = "takes ve-*, vb-*, vz-*, host0 before the file that is shipped for it";
        assert_eq!(takes("20-all.network", "Name=*"), [format!("/etc/20-all.network {all}")]);
        let veth = "takes ve-*, vb-*, host0 before the file that is shipped for it";
        assert_eq!(takes("20-e.network", "Type=ether"), [format!("/etc/20-e.network {veth}")]);
        assert_eq!(takes("20-e.network", "Driver=veth\nName=ve-* v?-n*").len(), 1);
        for rows in ["Type=ether\nKind=!*", "Name=en* eth*", "Name=*\nName=\nName=eth0", "Name=!v* host0"] {
            assert!(takes("20-e.network", rows).is_empty(), "{rows}");
        }
        assert!(takes("20-e.network", "Name=*\nMACAddress=00:11:22:33:44:55").is_empty());
        assert!(takes("99-all.network", "Name=*").is_empty());
    }

    proptest! {
        #[test]
        fn no_file_makes_the_lint_panic(
            name in "[0-9a-z-]{1,8}\\.net(dev|work)",
            content in "(\\[(Match|NetDev|Network)\\]\n|(Name|Kind|Type)=[ -~]{0,12}\n){0,8}",
        ) {
            let _ = findings(&name, &content);
        }
    }
}
