//! What surrounds the machines: services, files, settings of the kernel, identities.

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, Setting, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let network = if kind.network == Network::Host { host_network() } else { own_network(kind.network) };
    [network, vec![user_namespace(kind.user_namespace)], machines(), host()].concat()
}

/// What no service that competes with networkd may be.
const AWAY: &[&str] = &["absent", "inactive"];

/// What is so in every machine.
fn machines() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::EnvironmentSystemd,
            Expectation::properties(&[("virtualization", "systemd-nspawn")]),
            "systemd-nspawn tells what it is by container= in the environment of the first process",
            links::DETECT_VIRT,
        ),
        Claim::new(
            Check::EnvironmentCgroups,
            Expectation::properties(&[("as on the host", "yes")]),
            "systemd-nspawn gives a machine the version that the host has, if its systemd is new enough for it",
            links::SYSTEMD_NSPAWN,
        ),
        Claim::new(
            Check::IdentityHostname,
            Expectation::properties(&[("the machine's name", "yes")]),
            "systemd-nspawn sets the name of the machine, and the image has no /etc/hostname that would replace it",
            links::SYSTEMD_NSPAWN,
        ),
        Claim::new(
            Check::IdentityMachineId,
            Expectation::properties(&[("set", "yes"), ("unique", "yes")]),
            "the image's machine id is empty, so systemd makes one at the first boot of each machine",
            links::MACHINE_ID,
        ),
    ]
}

/// What is so on every host.
fn host() -> Vec<Claim> {
    let here: &[&str] = &["active"];
    vec![
        Claim::new(
            Check::EnvironmentHostServices,
            Expectation::properties_among(&[
                ("systemd-networkd", here),
                ("systemd-resolved", here),
                ("systemd-machined", here),
                ("NetworkManager", AWAY),
                ("netplan", AWAY),
                ("ifupdown", AWAY),
            ]),
            "the notes have the host use systemd-networkd and systemd-resolved, and nothing beside them",
            links::SYSTEMD_NETWORK,
        ),
        Claim::new(
            Check::EnvironmentNetworkFiles,
            Expectation::properties(&[("findings", "none")]),
            "every file has the sections of its kind, and none takes the links of machines before the shipped ones",
            links::SYSTEMD_NETWORK,
        ),
        bridge_netfilter_off(),
        Claim::new(
            Check::EnvironmentIpv6DefaultRoute,
            Expectation::properties(&[("before", "yes"), ("after", "yes")]),
            "the uplink's route is configured, not learnt from a router, so forwarding does not take it away",
            links::ISSUE_IPV6_DEFAULT_ROUTE,
        ),
        Claim::new(
            Check::EnvironmentLeftovers,
            Expectation::properties(&[
                ("links", "none"),
                ("units", "none"),
                ("mounts", "none"),
                ("masquerading", "none"),
                ("registered", "no"),
            ]),
            "systemd-nspawn takes away what it has made when its machine ends, and networkd what it made for the link",
            links::SYSTEMD_NSPAWN,
        ),
    ]
}

/// No machine's frames pass the firewall, and none did before.
fn bridge_netfilter_off() -> Claim {
    let (off, none): (&[&str], &[&str]) = (&["off", "absent"], &["none"]);
    let are = [
        ("IPv4", off),
        ("IPv6", off),
        ("IPv4 before", off),
        ("IPv6 before", off),
        ("bridges of their own accord", none),
    ];
    Claim::new(
        Check::EnvironmentBridgeNetfilter,
        Expectation::properties_among(&are),
        "systemd neither loads br_netfilter nor turns it on, so a host on which it is off keeps it so",
        links::BRIDGE_NETFILTER,
    )
}

/// sysctl.d files have turned it on, where the kernel has it.
pub(in crate::catalogue) fn bridge_netfilter_on() -> Vec<Claim> {
    let claim = |state, reason| {
        let are = [("IPv4", state), ("IPv6", state), ("bridges of their own accord", "none")];
        let expectation = Expectation::properties(&are);
        Claim::new(Check::EnvironmentBridgeNetfilter, expectation, reason, links::BRIDGE_NETFILTER)
    };
    vec![
        claim("on", "systemd-sysctl has written the settings, and nothing of systemd's writes them again"),
        claim("absent", "the kernel has no br_netfilter loaded, and so no such settings")
            .when(Setting::BridgeNetfilter, "absent"),
    ]
}

fn user_namespace(has: bool) -> Claim {
    let (expectation, reason) = if has {
        let own = [("mapped", "yes"), ("size", "65536")];
        (
            Expectation::properties(&own),
            "-U gives the machine 65536 ids that begin with another one on the host",
        )
    } else {
        (Expectation::properties(&[("mapped", "no")]), "without -U or --private-users ids are the host's own")
    };
    Claim::new(Check::EnvironmentUserNamespace, expectation, reason, links::SYSTEMD_NSPAWN)
}

/// The machines have a network namespace of their own.
fn own_network(network: Network) -> Vec<Claim> {
    let overlap = "networkd takes a subnet that no address of the host is in";
    let br0 = "nothing else on the host is in 10.0.55.0/24";
    vec![
        Claim::new(
            Check::EnvironmentCapabilities,
            Expectation::properties(&[("CAP_NET_ADMIN", "yes")]),
            "with a network of its own the machine keeps CAP_NET_ADMIN, which is then about that network only",
            links::SYSTEMD_NSPAWN,
        ),
        services("active", "networkd runs in a container that may configure its network"),
        Claim::new(
            Check::EnvironmentResolvConf,
            Expectation::properties(&[("exists", "yes"), ("answering", "all")]),
            "resolved of the machine writes the servers of the lease, and the machine reaches them",
            links::RESOLVED,
        ),
        Claim::new(
            Check::AddressPoolOverlap,
            Expectation::properties(&[("overlaps", "nothing")]),
            if network == Network::Br0 { br0 } else { overlap },
            links::SYSTEMD_NETWORK,
        ),
    ]
    .into_iter()
    // What resolved has of its own is the distribution's choice, and what that has names do is claimed of names.
    .chain([multicast(
        &[("LLMNR of the link as of resolved", "yes"), ("multicast DNS of the link", "no")],
        "LLMNR= of a link is yes by default, so that resolved's own counts, and MulticastDNS= no (systemd.network(5))",
    )])
    .collect()
}

/// The machines use the host's network namespace.
fn host_network() -> Vec<Claim> {
    vec![
        Claim::new(
            Check::EnvironmentCapabilities,
            Expectation::properties(&[("CAP_NET_ADMIN", "no")]),
            "CAP_NET_ADMIN is dropped from a machine that shares the host's network",
            links::SYSTEMD_NSPAWN,
        ),
        services("inactive", "systemd-networkd.service has ConditionCapability=CAP_NET_ADMIN"),
        Claim::new(
            Check::EnvironmentResolvConf,
            Expectation::properties(&[("exists", "yes"), ("answering", "nobody is named")]),
            "resolved of the machine writes the file, and knows no server without networkd",
            links::FINDING_HOST_NETWORK,
        ),
        Claim::new(
            Check::AddressPoolOverlap,
            Expectation::properties(&[("subnet", "none"), ("overlaps", "nothing")]),
            "a machine without a lease has no subnet",
            links::NETWORK_NAMESPACES,
        ),
    ]
    .into_iter()
    .chain([multicast(
        &[("LLMNR", "no")],
        "resolved of the machine cannot have the LLMNR port that the host's has, and turns LLMNR off",
    )])
    .collect()
}

fn services(networkd: &str, reason: &str) -> Claim {
    let are = [
        ("systemd-networkd", &[networkd] as &[&str]),
        ("systemd-resolved", &["active"]),
        ("NetworkManager", AWAY),
        ("netplan", AWAY),
        ("ifupdown", AWAY),
    ];
    Claim::new(
        Check::EnvironmentServices,
        Expectation::properties_among(&are),
        reason,
        links::SYSTEMD_NETWORK,
    )
}

pub(in crate::catalogue) fn multicast(are: &[(&str, &str)], reason: &str) -> Claim {
    Claim::new(Check::EnvironmentMulticast, Expectation::properties(are), reason, links::RESOLVED_CONF)
}
