//! Names of machines and links, by the rules of systemd, and of packages, by those of Debian.

/// What [`is_hostname`] demands, in words.
pub const HOSTNAME_RULE: &str =
    "up to 64 letters, digits, hyphens and dots, with a letter or digit at both ends and beside each dot";

/// Tells whether `name` can be the name of a machine: a host name whose labels begin and end with a letter or digit, of
/// at most 64 characters (`hostname_is_valid()` of systemd).
#[must_use]
pub fn is_hostname(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.len() <= 64 && name.split('.').all(is_label)
}

/// Tells whether a host name can be a name of DNS: at most 63 characters between two dots, and 253 in all (RFC 1035,
/// 2.3.4).
#[must_use]
pub fn is_domain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Tells whether `name` can be the name of a link (`ifname_valid()` of systemd).
#[must_use]
pub fn is_link(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_graphic() && !":/%".contains(c);
    (1..=15).contains(&name.len())
        && !matches!(name, "." | ".." | "all" | "default")
        && name.chars().all(is_allowed)
        && !name.chars().all(|c| c.is_ascii_digit())
}

/// Tells whether `name` can be the name of a package (Debian Policy, 5.6.7).
#[must_use]
pub fn is_package(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() > 1 && name.starts_with(is_plain) && name.chars().all(|c| is_plain(c) || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_a_plain_name() {
        for name in ["ufw", "network-manager", "g++", "0ad", "libc6.1"] {
            assert!(is_package(name), "{name}");
        }
        for name in ["", "a", "-y", "../x", "a/b", "UFW", "a b", "a,b", "ä-"] {
            assert!(!is_package(name), "{name}");
        }
    }

    #[test]
    fn a_machine_has_the_name_of_a_host() {
        for name in ["web", "web-1", "a.b", "WEB", &"a".repeat(64)] {
            assert!(is_hostname(name), "{name}");
        }
        for name in ["", "-a", "a-", "a..b", ".host", "a_b", "a b", "ä", "../x", &"a".repeat(65)] {
            assert!(!is_hostname(name), "{name}");
        }
    }

    #[test]
    fn a_link_has_a_name_of_fifteen_characters_at_most() {
        for name in ["br0", "vz-lab", "a_b", "fifteen-letters"] {
            assert!(is_link(name), "{name}");
        }
        for name in ["", "all", "12", "a/b", "a b", "sixteen-letters-", "br%d", "ä"] {
            assert!(!is_link(name), "{name}");
        }
    }
}
