//! What becomes of a machine over a restart.

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, Setting, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let unit = kind.unit.then(|| {
        Claim::new(
            Check::AutostartAfterReboot,
            Expectation::BackAfterReboot,
            "the units are wanted by machines.target, which multi-user.target wants",
            links::SYSTEMD_NSPAWN,
        )
    });
    let late = (kind.unit && kind.network == Network::Br0).then(late_bridge);
    unit.into_iter().chain(late).chain(after_restart(kind.network)).collect()
}

/// systemd-nspawn@.service comes after network.target, which waits for networkd to run and not for what it makes.
fn late_bridge() -> Claim {
    Claim::new(
        Check::AutostartAfterReboot,
        Expectation::FailedAfterReboot,
        "the machine was started before networkd had made br0, and nothing tries again",
        links::FINDING_LATE_BRIDGE,
    )
    .when(Setting::LateBridge, "yes")
    .fault()
}

/// The first systemd whose networkd keeps the leases of its DHCP server, in /var/lib/systemd/network, and takes up the
/// subnet that they are from. That it is 256 is by the source; 254 and 257 have been run.
const KEEPS_LEASES: u32 = 256;

/// The first that keeps them in /run for the links of machines, and forgets the subnet with the last lease
/// (`PersistLeases=runtime`).
const KEEPS_AT_RUNTIME: u32 = 258;

/// The first in a machine that gives its lease back when the machine goes down (`SendRelease=`). Before it networkd closed
/// the socket too soon. That it is 260 follows from the date of systemd#40401; 257 and 262 have been run.
const GIVES_BACK: u32 = 260;

/// What a machine has after it was rebooted alone.
fn after_restart(network: Network) -> Vec<Claim> {
    let claim = |address, reason| {
        let are = Expectation::properties(&[("address", address), ("mac", "same")]);
        Claim::new(Check::AddressAfterRestart, are, reason, links::SYSTEMD_NETWORK)
    };
    let kept =
        "networkd keeps the leases of its DHCP server, and takes the subnet that they are from up again";
    // That it is the same by chance happens once in 4096 restarts.
    let anew = "the link is made anew, and networkd picks its subnet at random";
    let given_back = "the machine gives its lease back, networkd then has none to know the subnet by, and picks one at random";
    let bridge = "the bridge keeps its subnet, and its DHCP server knows the machine again";
    match network {
        // It has no address of its own, and is not asked.
        Network::Host => Vec::new(),
        Network::Veth => {
            vec![
                claim("new", anew).until(KEEPS_LEASES - 1),
                claim("same", kept).since(KEEPS_LEASES).until(KEEPS_AT_RUNTIME - 1),
                claim("same", kept).since(KEEPS_AT_RUNTIME).machines_until(GIVES_BACK - 1),
                Claim { link: links::ISSUE_RELEASE.to_owned(), ..claim("new", given_back) }
                    .since(KEEPS_AT_RUNTIME)
                    .machines_since(GIVES_BACK),
            ]
        }
        Network::Zone | Network::Br0 => vec![claim("same", bridge)],
    }
}
