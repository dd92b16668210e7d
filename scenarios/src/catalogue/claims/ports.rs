//! Ports of the host that are forwarded to a machine.

use crate::{Check, Claim, Expectation, links};

/// `Port=` in the .nspawn file of a machine on a veth link.
pub(in crate::catalogue) fn forwarded() -> Vec<Claim> {
    let machine = || Expectation::properties(&[("answered-by", "machine")]);
    let nobody = Expectation::properties(&[("answered-by", "nobody")]);
    vec![
        Claim::new(
            Check::PortPeerIpv4,
            machine(),
            "systemd-nspawn has the host's firewall change the destination to the machine's lease",
            links::NSPAWN_FILE,
        ),
        Claim::new(
            Check::PortMachineFromHostIpv4,
            machine(),
            "the destination of what the host itself sends to its address is changed too",
            links::NSPAWN_FILE,
        ),
        Claim::new(
            Check::PortPeerIpv6,
            nobody,
            "systemd-nspawn forwards IPv6 to a global address of the machine only, and there is none",
            links::ISSUE_PORT_IPV6,
        ),
    ]
}
