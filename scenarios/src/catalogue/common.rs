//! Steps and claims that several scenarios share.
//!
//! The claims are grouped by what they follow from: how the machines are linked, and whether they run in a user
//! namespace.

use nspawn_matrix_reports::{AddressSpace, Family};

use crate::{Check, Claim, Expectation, MACHINES, MountClaim, Step, launch, pacman_cache};

/// A kind of link between host and machines, with why it is as it is.
pub(super) struct Link {
    prefix: u8,
    lease: &'static str,
    gateway: &'static str,
    masquerade: &'static str,
}

/// A veth link for each machine.
pub(super) const VETH: Link = Link {
    prefix: 28,
    lease: "80-container-ve.network: DHCPServer=yes with a pool of 0.0.0.0/28",
    gateway: "the gateway is the host's end of the machine's own veth link",
    masquerade: "80-container-ve.network: IPMasquerade=both turns forwarding on and masquerades the subnet",
};

/// The bridge of a zone.
pub(super) const ZONE: Link = Link {
    prefix: 24,
    lease: "80-container-vz.network: DHCPServer=yes with a pool of 0.0.0.0/24",
    gateway: "the gateway is the host's address on the bridge of the zone",
    masquerade: "80-container-vz.network: IPMasquerade=both turns forwarding on and masquerades the subnet",
};

/// The bridge of the notes.
pub(super) const BR0: Link = Link {
    prefix: 24,
    lease: "50-br0.network: DHCPServer=yes with Address=10.0.55.1/24",
    gateway: "the gateway is the host's address on br0",
    masquerade: "50-br0.network: IPMasquerade=yes turns IPv4 forwarding on and masquerades the subnet",
};

/// The bridge of the notes, by its two files: `.netdev` makes it, `.network` configures it.
pub(super) fn br0() -> Vec<Step> {
    vec![
        Step::config("/etc/systemd/network/50-br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n"),
        Step::config(
            "/etc/systemd/network/50-br0.network",
            "[Match]\nName=br0\n\n[Network]\nAddress=10.0.55.1/24\nDHCPServer=yes\nIPMasquerade=yes\n",
        ),
        Step::run(&["systemctl", "restart", "systemd-networkd"]),
        Step::AwaitLink { name: "br0".to_owned() },
    ]
}

/// A .nspawn file for each machine that binds the package cache; `network` is what it says about the network.
pub(super) fn nspawn_files(network: &str) -> Vec<Step> {
    let content = format!("[Files]\nBind={}\n{network}", pacman_cache::PATH);
    MACHINES
        .iter()
        .map(|machine| Step::config(format!("/etc/systemd/nspawn/{machine}.nspawn"), content.clone()))
        .collect()
}

/// Has the machines started at boot.
pub(super) fn enable() -> Vec<Step> {
    let mut argv = vec!["systemctl".to_owned(), "enable".to_owned(), "machines.target".to_owned()];
    argv.extend(MACHINES.iter().map(|machine| launch::unit(machine)));
    vec![Step::Run { argv }]
}

/// Every machine has a lease and reaches its gateway and the outside.
pub(super) fn routed(link: &Link) -> Vec<Claim> {
    vec![
        Claim::new(Check::AddressLease, Expectation::Lease { prefix: link.prefix }, link.lease),
        Claim::new(Check::PingGatewayIpv4, Expectation::Answers, link.gateway),
        Claim::new(
            Check::PingMachineFromHostIpv4,
            Expectation::Answers,
            "the host has an address in the machine's subnet",
        ),
        Claim::new(Check::PingOutsideIpv4, Expectation::Answers, link.masquerade),
        Claim::new(
            Check::ResolveOutside,
            resolves(&[AddressSpace::Global]),
            "the host's DHCP server hands on the DNS servers of the uplink",
        ),
    ]
}

/// The machines are on links of their own: what is link-local does not cross.
pub(super) fn separate_links() -> Vec<Claim> {
    let llmnr = "LLMNR is link-local (RFC 4795), and each machine has a link of its own to the host";
    vec![
        Claim::new(
            Check::PingPeerIpv4,
            Expectation::Answers,
            "the host routes between the links of its machines",
        ),
        Claim::new(
            Check::PingPeerIpv6LinkLocal,
            Expectation::NoAnswer,
            "fe80 addresses are valid on one link only (RFC 4291), and the peer is on another",
        ),
        Claim::new(Check::ResolvePeer(Family::Any), resolves(&[AddressSpace::None]), llmnr),
        Claim::new(Check::ResolvePeer(Family::Ipv4), resolves(&[AddressSpace::None]), llmnr),
        Claim::new(Check::ResolvePeer(Family::Ipv6), resolves(&[AddressSpace::None]), llmnr),
    ]
}

/// The machines are on one link: what is link-local reaches the peer.
pub(super) fn same_link() -> Vec<Claim> {
    vec![
        Claim::new(Check::PingPeerIpv4, Expectation::Answers, "both machines are in one subnet on one link"),
        Claim::new(Check::PingPeerIpv6LinkLocal, Expectation::Answers, "both machines are on one link"),
        Claim::new(
            Check::ResolvePeer(Family::Any),
            resolves(&[AddressSpace::Lease, AddressSpace::Ipv6LinkLocal]),
            "resolved asks LLMNR over IPv4 and over IPv6 at once, and the first scope that answers wins",
        ),
        Claim::new(
            Check::ResolvePeer(Family::Ipv4),
            resolves(&[AddressSpace::Lease]),
            "only the LLMNR scope of IPv4 is asked, and the peer answers with its lease",
        ),
        Claim::new(
            Check::ResolvePeer(Family::Ipv6),
            resolves(&[AddressSpace::Ipv6LinkLocal]),
            "only the LLMNR scope of IPv6 is asked, and fe80 is all the IPv6 that the peer has",
        ),
    ]
}

/// The host's name in a machine, and the machine's name on the host.
pub(super) fn host_and_machine() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::ResolveHost,
            resolves(&[AddressSpace::Lease, AddressSpace::Ipv6LinkLocal]),
            "the host's resolved answers LLMNR on the link, over IPv4 and IPv6, and the first scope that answers wins",
        ),
        Claim::new(
            Check::ResolveMachineFromHost,
            resolves(&[AddressSpace::Ipv6LinkLocal]),
            "nss-mymachines gives all addresses of the machine, and getaddrinfo sorts fe80 first (RFC 6724)",
        ),
    ]
}

/// The machines run without a user namespace: ids mean inside what they mean outside.
pub(super) fn bind_without_user_namespace() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::BindOwner,
            Expectation::SameOwner,
            "without a user namespace ids are the host's own",
        ),
        Claim::new(
            Check::BindWrite,
            Expectation::WrittenAs { uid: 0, gid: 0 },
            "root of the machine is root of the host",
        ),
    ]
    .into_iter()
    .chain(bind_in_any_case())
    .collect()
}

/// The machines run with `-U`: the host's ids have no counterpart inside.
fn bind_with_user_namespace() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::BindOwner,
            Expectation::OwnedByNobody,
            "the unit's -U gives the machine a range of ids of its own, and Bind= does not map ids unless told to",
        ),
        Claim::new(
            Check::BindWrite,
            Expectation::WriteRefused { errno: "EACCES".to_owned() },
            "the directory is root's and 0755, and root of the machine is someone else to the host",
        ),
    ]
    .into_iter()
    .chain(bind_in_any_case())
    .collect()
}

fn bind_in_any_case() -> [Claim; 2] {
    [
        Claim::new(
            Check::BindMode,
            Expectation::SameMode,
            "a bind mount does not change kinds and permission bits",
        ),
        Claim::new(
            Check::BindOptions,
            Expectation::Mounted(MountClaim { options: vec!["rw".to_owned()], idmapped: false }),
            "Bind= is read-write, and noidmap is its default (systemd.nspawn(5))",
        ),
    ]
}

/// The shipped unit with a veth link: NAT, `-U`, and started at boot.
pub(super) fn veth_by_unit() -> Vec<Claim> {
    by_unit([routed(&VETH), separate_links()])
}

/// A unit whose machines are on br0.
pub(super) fn br0_by_unit() -> Vec<Claim> {
    by_unit([routed(&BR0), same_link()])
}

fn by_unit(network: [Vec<Claim>; 2]) -> Vec<Claim> {
    let others = [host_and_machine(), bind_with_user_namespace(), vec![back_after_reboot()]];
    claims(network.into_iter().chain(others))
}

/// The machines are enabled.
fn back_after_reboot() -> Claim {
    Claim::new(
        Check::AutostartAfterReboot,
        Expectation::BackAfterReboot,
        "the units are wanted by machines.target, which multi-user.target wants",
    )
}

/// Shorthand for a distribution.
pub(super) fn resolves(to: &[AddressSpace]) -> Expectation {
    Expectation::Resolves { to: to.to_vec() }
}

/// Joins groups of claims.
pub(super) fn claims(groups: impl IntoIterator<Item = Vec<Claim>>) -> Vec<Claim> {
    groups.into_iter().flatten().collect()
}

/// Joins groups of steps.
pub(super) fn steps(groups: impl IntoIterator<Item = Vec<Step>>) -> Vec<Step> {
    groups.into_iter().flatten().collect()
}
