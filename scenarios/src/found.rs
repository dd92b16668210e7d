//! Machines that somebody has: how they are linked, what they are asked, and what is claimed of them for that alone.
//!
//! Nothing is known of how such machines were set up. So no claim is about sizes of subnets, names of files or how many
//! routers lie between, which is as somebody likes it; what is claimed is what people set machines up for.

use nspawn_matrix_reports::AddressSpace::{
    self, Global, Ipv4LinkLocal, Ipv6LinkLocal, Ipv6UniqueLocal, Lease,
};
use nspawn_matrix_reports::{Family, LookupPath};
use serde::{Deserialize, Serialize};

use crate::nspawn_file::Group;
use crate::{Asked, Check, Claim, Expectation, NameQuestion, Versions, Way, Whose, links};

/// How a machine is linked to its host. Displayed as reports call it: `veth`, `zone-lab`, `bridge-br0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linked {
    /// By a veth link of its own, whose other end is the host's.
    Veth,
    /// By a port of the bridge of a zone.
    Zone(String),
    /// By a port of another bridge on which the host has an address.
    Bridge(String),
    /// By a port of a bridge on which the host has none.
    ForeignBridge(String),
    /// By a macvlan or ipvlan link that is made from this link of the host.
    Uplink(String),
    /// It uses the network of the host.
    Shared,
    /// No link of it belongs to one of the host.
    Nowhere,
}

impl std::fmt::Display for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Veth => f.write_str("veth"),
            Self::Zone(name) => write!(f, "zone-{name}"),
            Self::Bridge(name) | Self::ForeignBridge(name) => write!(f, "bridge-{name}"),
            Self::Uplink(name) => write!(f, "uplink-{name}"),
            Self::Shared => f.write_str("host-network"),
            Self::Nowhere => f.write_str("no-link"),
        }
    }
}

impl Linked {
    /// Whether the host has an address on the link.
    #[must_use]
    pub fn reaches_host(&self) -> bool {
        match self {
            Self::Veth | Self::Zone(_) | Self::Bridge(_) => true,
            Self::ForeignBridge(_) | Self::Uplink(_) | Self::Shared | Self::Nowhere => false,
        }
    }

    /// Whether all machines that are linked so are on one link.
    #[must_use]
    pub fn is_one_link(&self) -> bool {
        match self {
            Self::Zone(_) | Self::Bridge(_) | Self::ForeignBridge(_) | Self::Uplink(_) => true,
            Self::Veth | Self::Shared | Self::Nowhere => false,
        }
    }

    /// Why machines that are linked so are not asked `check`; none if they are.
    #[must_use]
    pub fn not_asked(&self, check: Check) -> Option<&'static str> {
        if check == Check::AddressOwn {
            return None;
        }
        let is_about_link = matches!(
            check,
            Check::LinkMachine
                | Check::LinkHost
                | Check::AddressLease
                | Check::AddressPoolOverlap
                | Check::PingGatewayIpv4
                | Check::PingGatewayIpv6LinkLocal
                | Check::PingMachineFromHostIpv4
                | Check::FirewallMasquerade
                | Check::EnvironmentMulticast
        ) || check.asked() == Asked::Pair
            || matches!(check, Check::Name(NameQuestion { whose: Whose::Host | Whose::Machine, .. }));
        let is_about_host_end =
            matches!(check, Check::LinkHost | Check::PingGatewayIpv6LinkLocal | Check::FirewallMasquerade);
        match self {
            Self::Veth | Self::Zone(_) | Self::Bridge(_) | Self::ForeignBridge(_) => None,
            Self::Uplink(_) => is_about_host_end.then_some("the host has no end of the machine's link"),
            Self::Shared => is_about_link.then_some("the machine uses the host's network"),
            Self::Nowhere => (is_about_link || check == Check::PingOutsideIpv4)
                .then_some("no link of the machine belongs to one of the host"),
        }
    }
}

/// What people's machines are asked: what changes nothing, and is answered within moments.
#[must_use]
pub fn checks() -> Vec<Check> {
    let quick = |check: &Check| {
        matches!(
            check,
            Check::LinkMachine
                | Check::LinkHost
                | Check::AddressLease
                | Check::AddressOwn
                | Check::PingGatewayIpv4
                | Check::PingGatewayIpv6LinkLocal
                | Check::PingPeerIpv4
                | Check::PingPeerIpv6LinkLocal
                | Check::PingMachineFromHostIpv4
                | Check::PingOutsideIpv4
                | Check::EnvironmentServices
                | Check::EnvironmentHostServices
                | Check::EnvironmentNetworkFiles
                | Check::EnvironmentResolvConf
                | Check::EnvironmentMulticast
                | Check::EnvironmentForwarding
                | Check::EnvironmentBridgeNetfilter
                | Check::FirewallForward
                | Check::FirewallInput
                | Check::FirewallMasquerade
                | Check::AddressPoolOverlap
                | Check::IdentityHostname
                | Check::IdentityMachineId
                | Check::SettingsOverridden
        ) || [Whose::Peer, Whose::Host, Whose::Machine].map(name).contains(check)
    };
    Check::all().iter().copied().filter(quick).collect()
}

/// The lookup of a name as programs make it.
fn name(whose: Whose) -> Check {
    Check::Name(NameQuestion { whose, way: Way::Lookup(LookupPath::Nss, Family::Any) })
}

/// What is claimed of machines that are linked so, and of pairs of them.
#[must_use]
pub fn claims(linked: &Linked) -> Vec<Claim> {
    let own = |whose| vec![row(Check::AddressOwn, are("whose", &[whose]), OWN, links::NETWORK_NAMESPACES)];
    match linked {
        Linked::Veth => [own("own"), with_host(), anywhere(), separate()].concat(),
        Linked::Zone(_) | Linked::Bridge(_) => [own("own"), with_host(), anywhere(), one_link()].concat(),
        Linked::ForeignBridge(_) => [own("own"), anywhere(), one_link()].concat(),
        Linked::Uplink(_) => [own("own"), identity()].concat(),
        Linked::Nowhere => identity(),
        Linked::Shared => [own("host"), outside(), identity()].concat(),
    }
}

/// What is claimed of pairs of machines on two links; nothing if the host does not stand between.
#[must_use]
pub fn claims_across(from: &Linked, to: &Linked) -> Vec<Claim> {
    if from.reaches_host() && to.reaches_host() { separate() } else { Vec::new() }
}

/// What is claimed of the host itself.
#[must_use]
pub fn claims_of_host() -> Vec<Claim> {
    let reason = "systemd-networkd takes the files as they are meant";
    vec![row(Check::EnvironmentNetworkFiles, are("findings", &["none"]), reason, links::SYSTEMD_NETWORK)]
}

const OWN: &str = "addresses belong to a network namespace, and the machine has one of its own or the host's";

/// Any address of whoever bears the name.
const OWNED: [AddressSpace; 5] = [Lease, Ipv4LinkLocal, Ipv6LinkLocal, Ipv6UniqueLocal, Global];

/// A claim whose mechanism is that of every version of systemd that has links for machines.
fn row(check: Check, expectation: Expectation, reason: &str, link: &str) -> Claim {
    let any = Versions { first: 0, last: u32::MAX };
    Claim { host: any, payload: any, ..Claim::new(check, expectation, reason, link) }
}

fn are(property: &str, values: &[&str]) -> Expectation {
    Expectation::properties_among(&[(property, values)])
}

fn answers(check: Check, reason: &str) -> Claim {
    row(check, Expectation::Answers { ttl: None }, reason, links::SYSTEMD_NSPAWN)
}

fn resolves(whose: Whose, reason: &str, link: &str) -> Claim {
    row(name(whose), Expectation::ResolvesAmong { to: OWNED.to_vec() }, reason, link)
}

/// The host is at the other end of the link.
fn with_host() -> Vec<Claim> {
    let up = Expectation::properties(&[("exists", "yes"), ("state", "up"), ("one-mtu", "yes")]);
    let end = "systemd-nspawn makes a link with two ends of one MTU, and the host configures its own";
    let fe80 = "every link that is up has a fe80 address at either end (RFC 4291)";
    let on_link = "host and machine have addresses on one link";
    let llmnr = "a name of one label is asked for on the link by LLMNR, and the host answers to its own";
    vec![
        row(Check::LinkHost, up, end, links::SYSTEMD_NSPAWN),
        answers(Check::PingGatewayIpv6LinkLocal, fe80),
        answers(Check::PingMachineFromHostIpv4, on_link),
        resolves(Whose::Host, llmnr, links::RFC_LLMNR),
        resolves(Whose::Machine, "the host asks machined, or the link by LLMNR", links::NSS_MYMACHINES),
    ]
}

/// Whoever is at the other end.
fn anywhere() -> Vec<Claim> {
    let up = Expectation::properties(&[("exists", "yes"), ("state", "up")]);
    let subnet = "a subnet that is used twice on a host leads to one of both places";
    [
        vec![
            row(Check::LinkMachine, up, "somebody configures the machine's end", links::SYSTEMD_NSPAWN),
            answers(Check::PingGatewayIpv4, "a machine with an address has a way out, and somebody is there"),
            row(Check::AddressPoolOverlap, are("overlaps", &["nothing"]), subnet, links::SYSTEMD_NETWORK),
            row(
                Check::EnvironmentResolvConf,
                are("answering", &["all", "some"]),
                "names beyond the link are asked of the servers in resolv.conf",
                links::RESOLV_CONF,
            ),
        ],
        outside(),
        identity(),
    ]
    .concat()
}

fn outside() -> Vec<Claim> {
    vec![answers(
        Check::PingOutsideIpv4,
        "the host's own gateway answers the host, and so it does a machine of it",
    )]
}

/// Who the machine is, and what it was told to be.
fn identity() -> Vec<Claim> {
    let reason = "a DHCP client is known by the machine id, and so is much else";
    let nothing = Group::ALL.map(|group| (group.name(), "nothing"));
    let meant = "whoever writes a setting down means it to have an effect";
    vec![
        row(Check::IdentityMachineId, are("unique", &["yes"]), reason, links::MACHINE_ID),
        row(Check::SettingsOverridden, Expectation::properties(&nothing), meant, links::NSPAWN_FILE),
    ]
}

/// The two machines hear each other.
fn one_link() -> Vec<Claim> {
    let on_link = "the two machines are on one link";
    vec![
        answers(Check::PingPeerIpv4, on_link),
        answers(Check::PingPeerIpv6LinkLocal, on_link),
        resolves(Whose::Peer, "whoever bears a name answers to it on the link by LLMNR", links::RFC_LLMNR),
    ]
}

/// The host stands between the two machines. Who resolves their names is not said: LLMNR does not.
fn separate() -> Vec<Claim> {
    let scope = "fe80 addresses are valid on one link only (RFC 4291), and the peer is on another";
    vec![
        answers(Check::PingPeerIpv4, "the host routes between the links of its machines"),
        row(Check::PingPeerIpv6LinkLocal, Expectation::Unreached, scope, links::RFC_IPV6_ADDRESSES),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn kinds() -> [Linked; 7] {
        let name = || "lab".to_owned();
        [
            Linked::Veth,
            Linked::Zone(name()),
            Linked::Bridge(name()),
            Linked::ForeignBridge(name()),
            Linked::Uplink(name()),
            Linked::Shared,
            Linked::Nowhere,
        ]
    }

    #[test]
    fn what_is_claimed_is_asked_and_claimed_once() {
        let asked: BTreeSet<Check> = checks().into_iter().collect();
        for kind in kinds() {
            let claims = claims(&kind);
            let about: BTreeSet<Check> = claims.iter().map(|claim| claim.check).collect();
            assert_eq!(about.len(), claims.len(), "{kind}");
            for check in about {
                assert!(asked.contains(&check) && kind.not_asked(check).is_none(), "{kind}: {check}");
            }
        }
        assert!(claims_of_host().iter().all(|claim| asked.contains(&claim.check)));
    }

    #[test]
    fn pairs_on_two_links_are_claimed_to_reach_each_other_where_the_host_stands_between() {
        let [veth, zone, bridge, foreign, ..] = kinds();
        assert!(claims_across(&veth, &zone).iter().any(|claim| claim.check == Check::PingPeerIpv4));
        assert!(claims_across(&bridge, &foreign).is_empty());
    }

    #[test]
    fn nothing_is_asked_that_changes_a_file() {
        use crate::Topic::{Environment, Names, Reach, Settings};
        assert!(checks().iter().all(|check| [Environment, Names, Reach, Settings].contains(&check.topic())));
    }
}
