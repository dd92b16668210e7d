//! What becomes of a machine over a restart.

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, Versions, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let unit = kind.unit.then(|| {
        Claim::new(
            Check::AutostartAfterReboot,
            Expectation::BackAfterReboot,
            "the units are wanted by machines.target, which multi-user.target wants",
            links::SYSTEMD_NSPAWN,
        )
    });
    unit.into_iter().chain(after_restart(kind.network)).collect()
}

/// The systemd whose networkd keeps the leases of its DHCP server in /var/lib/systemd/network for every link; 256 does by
/// its source. Since 258 80-container-ve.network says PersistLeases=runtime, and they go with the link.
const KEEPS_LEASES: Versions = Versions { first: 256, last: 257 };

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
    let bridge = "the bridge keeps its subnet, and its DHCP server knows the machine again";
    match network {
        // It has no address of its own, and is not asked.
        Network::Host => Vec::new(),
        Network::Veth => {
            vec![
                claim("new", anew).until(KEEPS_LEASES.first - 1),
                claim("same", kept).since(KEEPS_LEASES.first).until(KEEPS_LEASES.last),
                claim("new", anew).since(KEEPS_LEASES.last + 1),
            ]
        }
        Network::Zone | Network::Br0 => vec![claim("same", bridge)],
    }
}
