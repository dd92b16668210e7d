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
/// Multicast DNS.
pub const RFC_MDNS: &str = "https://www.rfc-editor.org/rfc/rfc6762";
/// The architecture of IPv6 addresses.
pub const RFC_IPV6_ADDRESSES: &str = "https://www.rfc-editor.org/rfc/rfc4291";
/// user_namespaces(7).
pub const USER_NAMESPACES: &str = "https://man7.org/linux/man-pages/man7/user_namespaces.7.html";
/// network_namespaces(7).
pub const NETWORK_NAMESPACES: &str = "https://man7.org/linux/man-pages/man7/network_namespaces.7.html";
/// systemd.netdev(5).
pub const SYSTEMD_NETDEV: &str =
    "https://www.freedesktop.org/software/systemd/man/latest/systemd.netdev.html";
/// ipv6(7).
pub const IPV6: &str = "https://man7.org/linux/man-pages/man7/ipv6.7.html";
/// ip(7).
pub const IP: &str = "https://man7.org/linux/man-pages/man7/ip.7.html";
/// icmp(7).
pub const ICMP: &str = "https://man7.org/linux/man-pages/man7/icmp.7.html";
/// ip-link(8), on macvlan.
pub const IP_LINK: &str = "https://man7.org/linux/man-pages/man8/ip-link.8.html";
/// IPv4 address blocks for documentation.
pub const RFC_TEST_NETS: &str = "https://www.rfc-editor.org/rfc/rfc5737";
/// "nspawn: set ping_group_range".
pub const ISSUE_PING_GROUP_RANGE: &str = "https://github.com/systemd/systemd/issues/41603";
/// mount(2).
pub const MOUNT: &str = "https://man7.org/linux/man-pages/man2/mount.2.html";
/// "LLMNR appears to be non-deterministic".
pub const ISSUE_LLMNR_RANDOM: &str = "https://github.com/systemd/systemd/issues/942";
/// "nss-mymachines: returns addresses that nobody outside the machine reaches".
pub const ISSUE_INNER_ADDRESS: &str = "https://github.com/systemd/systemd/issues/19253";
/// "nspawn: port forwarding over IPv6".
pub const ISSUE_PORT_IPV6: &str = "https://github.com/systemd/systemd/issues/30475";
/// "resolved: any machine named like a TLD breaks resolution of that TLD".
pub const ISSUE_BELOW_MACHINE: &str = "https://github.com/systemd/systemd/issues/43783";
/// The names of machines and leases are told to the host alone.
pub const ISSUE_HOOK_HOST_ONLY: &str = "https://github.com/systemd/systemd/issues/41046";
/// What an IPv4 lookup leaves in the cache decides the lookup after it.
pub const FINDING_IN_TURN: &str = "docs/findings.md#one-lookup-decides-the-next";
/// The zone whose DHCP server keeps the subnet before last.
pub const FINDING_STRAY_LEASE: &str =
    "docs/findings.md#a-zone-whose-machines-have-leases-from-a-subnet-that-it-does-not-have";
/// Machines with the host's network resolve nothing.
pub const FINDING_HOST_NETWORK: &str = "docs/findings.md#machines-with-the-hosts-network-resolve-nothing";
/// The host's end of a link has addresses of two subnets.
pub const FINDING_TWO_SUBNETS: &str =
    "docs/findings.md#systemd-252-gives-the-hosts-end-of-a-veth-link-two-subnets";
/// What is asked for one family has no scope, and is sorted last.
pub const FINDING_SCOPELESS: &str = "docs/findings.md#asked-for-one-family-fe80-comes-without-its-link";
/// resolved has the addresses of DNS in the order in which they come.
pub const FINDING_DNS_ORDER: &str = "docs/findings.md#a-name-that-dns-knows-has-either-family-first";
/// A machine can be quicker than its bridge when the host boots.
pub const FINDING_LATE_BRIDGE: &str =
    "docs/findings.md#a-machine-can-be-quicker-than-its-bridge-when-the-host-boots";
/// Bridged frames can be masqueraded.
pub const FINDING_BRIDGE_NETFILTER: &str = "docs/findings.md#bridged-frames-can-be-masqueraded";
/// systemd-detect-virt(1).
pub const DETECT_VIRT: &str =
    "https://www.freedesktop.org/software/systemd/man/latest/systemd-detect-virt.html";
/// capabilities(7).
pub const CAPABILITIES: &str = "https://man7.org/linux/man-pages/man7/capabilities.7.html";
/// cgroups(7).
pub const CGROUPS: &str = "https://man7.org/linux/man-pages/man7/cgroups.7.html";
/// resolv.conf(5).
pub const RESOLV_CONF: &str = "https://man7.org/linux/man-pages/man5/resolv.conf.5.html";
/// machine-id(5).
pub const MACHINE_ID: &str = "https://www.freedesktop.org/software/systemd/man/latest/machine-id.html";
/// `net.bridge.bridge-nf-call-*` of the kernel.
pub const BRIDGE_NETFILTER: &str =
    "https://docs.kernel.org/networking/ip-sysctl.html#proc-sys-net-bridge-variables";
/// Images on file systems that cannot map ids.
pub const FINDING_ID_MAPPING: &str =
    "docs/findings.md#a-file-system-that-cannot-map-ids-changes-what--u-does";
/// "systemd-networkd shuts down DHCPv4 before releasing lease".
pub const ISSUE_RELEASE: &str = "https://github.com/systemd/systemd/issues/39299";
/// nft(8).
pub const NFT: &str = "https://www.netfilter.org/projects/nftables/manpage.html";
/// "IPMasquerade=both drops the IPv6 default route".
pub const ISSUE_IPV6_DEFAULT_ROUTE: &str = "https://github.com/systemd/systemd/issues/37029";
/// "Per-link forwarding leaves a machine without internet".
pub const ISSUE_FORWARDING: &str = "https://github.com/systemd/systemd/issues/34010";
/// Mount points that systemd-nspawn makes belong to root of the machine.
pub const PULL_MOUNT_POINT_OWNER: &str = "https://github.com/systemd/systemd/pull/26249";
/// chown(2) in a bind mount with mapped ids gives EOVERFLOW.
pub const ISSUE_CHOWN_EOVERFLOW: &str = "https://github.com/systemd/systemd/issues/38771";
/// Bound device nodes cannot be opened where a unit has started systemd-nspawn.
pub const ISSUE_DEVICE_OF_UNIT: &str = "https://github.com/systemd/systemd/issues/26890";
/// The command line and the .nspawn file are not merged.
pub const ISSUE_SETTINGS_NOT_MERGED: &str = "https://github.com/systemd/systemd/issues/14372";
/// mount_setattr(2).
pub const MOUNT_SETATTR: &str = "https://man7.org/linux/man-pages/man2/mount_setattr.2.html";
/// The mapping of idmap has an id twice where there is no user namespace.
pub const FINDING_IDMAP_NO_USERNS: &str = "docs/findings.md#idmap-without-a-user-namespace-never-starts";
/// Mount points that systemd 252 gives to an id of its own.
pub const FINDING_MOUNT_POINT_OWNER: &str = "docs/findings.md#a-mount-point-that-belongs-to-2147483646";
/// Users and groups of access control lists in a user namespace.
pub const FINDING_ACL: &str = "docs/findings.md#an-access-control-list-keeps-its-place-but-not-its-names";
/// Warnings of systemd-nspawn that the journal takes for ordinary output.
pub const FINDING_WARNINGS_WITHOUT_PRIORITY: &str =
    "docs/findings.md#warnings-that-journalctl--p-warning-does-not-show";
