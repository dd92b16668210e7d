//! ICMP errors in the words of ping(8), by type and code (RFC 792 and RFC 1812; RFC 4443).

/// Puts an ICMP error in the words of ping(8); none if the type is no error.
pub(super) fn ipv4(kind: u8, code: u8) -> Option<String> {
    let text = match (kind, code) {
        (3, 0) => "Destination Net Unreachable",
        (3, 1) => "Destination Host Unreachable",
        (3, 2) => "Destination Protocol Unreachable",
        (3, 3) => "Destination Port Unreachable",
        (3, 4) => "Frag needed and DF set",
        (3, 9) => "Destination Net Prohibited",
        (3, 10) => "Destination Host Prohibited",
        (3, 13) => "Packet filtered",
        (3, other) => return Some(format!("Destination Unreachable, code {other}")),
        (11, _) => "Time to live exceeded",
        (12, _) => "Parameter problem",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Puts an ICMPv6 error in the words of ping(8); none if the type is no error.
pub(super) fn ipv6(kind: u8, code: u8) -> Option<String> {
    let text = match (kind, code) {
        (1, 0) => "Destination unreachable: No route",
        (1, 1) => "Destination unreachable: Administratively prohibited",
        (1, 2) => "Destination unreachable: Beyond scope of source address",
        (1, 3) => "Destination unreachable: Address unreachable",
        (1, 4) => "Destination unreachable: Port unreachable",
        (1, 5) => "Destination unreachable: Source address failed ingress/egress policy",
        (1, 6) => "Destination unreachable: Reject route to destination",
        (1, other) => return Some(format!("Destination unreachable, code {other}")),
        (2, _) => "Packet too big",
        (3, _) => "Time exceeded: Hop limit",
        (4, _) => "Parameter problem",
        _ => return None,
    };
    Some(text.to_owned())
}
