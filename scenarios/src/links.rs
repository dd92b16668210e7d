//! Where the mechanisms behind the claims are written down.

/// systemd.network(5).
pub const SYSTEMD_NETWORK: &str =
    "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html";
/// systemd-nspawn(1).
pub const SYSTEMD_NSPAWN: &str =
    "https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html";
/// systemd.nspawn(5).
pub const NSPAWN_FILE: &str = "https://www.freedesktop.org/software/systemd/man/latest/systemd.nspawn.html";
/// systemd-resolved.service(8).
pub const RESOLVED: &str =
    "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html";
/// resolved.conf(5).
pub const RESOLVED_CONF: &str = "https://www.freedesktop.org/software/systemd/man/latest/resolved.conf.html";
/// nss-mymachines(8).
pub const NSS_MYMACHINES: &str =
    "https://www.freedesktop.org/software/systemd/man/latest/nss-mymachines.html";
/// nss-myhostname(8).
pub const NSS_MYHOSTNAME: &str =
    "https://www.freedesktop.org/software/systemd/man/latest/nss-myhostname.html";
/// Link-local multicast name resolution.
pub const RFC_LLMNR: &str = "https://www.rfc-editor.org/rfc/rfc4795";
/// The architecture of IPv6 addresses.
pub const RFC_IPV6_ADDRESSES: &str = "https://www.rfc-editor.org/rfc/rfc4291";
/// user_namespaces(7).
pub const USER_NAMESPACES: &str = "https://man7.org/linux/man-pages/man7/user_namespaces.7.html";
/// network_namespaces(7).
pub const NETWORK_NAMESPACES: &str = "https://man7.org/linux/man-pages/man7/network_namespaces.7.html";
/// mount(2).
pub const MOUNT: &str = "https://man7.org/linux/man-pages/man2/mount.2.html";
/// "LLMNR appears to be non-deterministic".
pub const ISSUE_LLMNR_RANDOM: &str = "https://github.com/systemd/systemd/issues/942";
/// The zone whose DHCP server keeps the subnet before last.
pub const FINDING_STRAY_LEASE: &str =
    "docs/findings.md#a-zone-whose-machines-have-leases-from-a-subnet-that-it-does-not-have";
/// Machines with the host's network resolve nothing.
pub const FINDING_HOST_NETWORK: &str = "docs/findings.md#machines-with-the-hosts-network-resolve-nothing";
