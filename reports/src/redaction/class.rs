//! Which addresses belong to somebody: the special-purpose registries of IANA for IPv4 and IPv6 (RFC 6890) say which do
//! not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is to a reader who is not to learn whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It belongs to somebody.
    Public,
    /// The same wherever it is used: private, link-local, loopback, multicast, for documentation, reserved.
    Special,
    /// Nobody has been given such addresses, so this is a time or a number that looks like one.
    Unassigned,
}

/// IPv4 addresses that belong to nobody, by first address and length of the prefix.
const SPECIAL_V4: [(Ipv4Addr, u32); 14] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Netmasks are here too.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The same of IPv6, beside `::/96`, `::ffff:0:0/96` and `64:ff9b::/96`, which have an IPv4 address in them.
const SPECIAL_V6: [(Ipv6Addr, u32); 7] = [
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// What IANA gives out of IPv6.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

impl Class {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_ipv4(v4),
            IpAddr::V6(v6) => Self::of_ipv6(v6),
        }
    }

    fn of_ipv4(address: Ipv4Addr) -> Self {
        let is_in = |(first, length): &(Ipv4Addr, u32)| {
            (address.to_bits() ^ first.to_bits()).leading_zeros() >= *length
        };
        if SPECIAL_V4.iter().any(is_in) { Self::Special } else { Self::Public }
    }

    fn of_ipv6(address: Ipv6Addr) -> Self {
        let is_in = |(first, length): &(Ipv6Addr, u32)| {
            (address.to_bits() ^ first.to_bits()).leading_zeros() >= *length
        };
        if let Some(inner) = embedded(address) {
            Self::of_ipv4(inner)
        } else if SPECIAL_V6.iter().any(is_in) {
            Self::Special
        } else if is_in(&GLOBAL_V6) {
            Self::Public
        } else {
            Self::Unassigned
        }
    }
}

/// The IPv4 address in an IPv4-compatible, IPv4-mapped (RFC 4291) or IPv4-embedded address (RFC 6052).
pub(super) fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let inner = Ipv4Addr::from_bits(address.to_bits() as u32);
    matches!(address.segments(), [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _])
        .then_some(inner)
}

/// The same address around another IPv4 address.
pub(super) fn embed(around: Ipv6Addr, inner: Ipv4Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(around.to_bits() >> 32 << 32 | u128::from(inner.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(address: &str) -> Class {
        Class::of(address.parse().unwrap())
    }

    #[test]
    fn addresses_that_somebody_has_are_public() {
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.255"] {
            assert_eq!(class(public), Class::Public, "{public}");
        }
        for public in ["2a01:7e00::1", "2000::", "3ffe::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"] {
            assert_eq!(class(public), Class::Public, "{public}");
        }
    }

    #[test]
    fn addresses_that_are_the_same_everywhere_are_not() {
        let v4 = ["10.0.0.1", "172.31.255.255", "192.168.1.1", "169.254.0.1", "127.0.0.1", "224.0.0.252"];
        let documentation = ["192.0.2.1", "198.51.100.2", "203.0.113.3", "2001:db8::1", "3fff:fff::1"];
        let v6 = ["::", "::1", "fe80::1", "fd00::1", "ff02::1:3", "::ffff:10.0.0.1", "255.255.255.0"];
        for special in v4.into_iter().chain(documentation).chain(v6) {
            assert_eq!(class(special), Class::Special, "{special}");
        }
    }

    #[test]
    fn what_nobody_was_given_is_a_number() {
        assert_eq!(class("12:34:56:78:9a:bc:de:f0"), Class::Unassigned);
        assert_eq!(class("4000::1"), Class::Unassigned);
    }

    #[test]
    fn an_embedded_address_can_be_changed_alone() {
        let mapped: Ipv6Addr = "::ffff:8.8.8.8".parse().unwrap();
        assert_eq!(embedded(mapped), Some(Ipv4Addr::new(8, 8, 8, 8)));
        assert_eq!(embed(mapped, Ipv4Addr::new(240, 0, 1, 1)).to_string(), "::ffff:240.0.1.1");
    }
}
