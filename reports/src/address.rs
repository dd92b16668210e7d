//! Address spaces: what kind of address a name resolved to.
//!
//! "It resolves, at random to 10.x, 169.x or fe80::" is a statement about spaces, not about addresses, so lookups
//! are counted by [`AddressSpace`].

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Names the kind of an address that a lookup gave, or that it gave none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AddressSpace {
    /// An IPv4 address inside the subnet that a machine has its DHCP lease from.
    Lease,
    /// 169.254.0.0/16 (RFC 3927).
    Ipv4LinkLocal,
    /// fe80::/10 (RFC 4291).
    Ipv6LinkLocal,
    /// fc00::/7 (RFC 4193).
    Ipv6UniqueLocal,
    /// Any other unicast address that is not for private use; the documentation ranges count as global.
    Global,
    /// Loopback, IPv4-mapped, private addresses outside every lease, and what is not unicast.
    Other,
    /// The lookup gave no address.
    None,
}

impl AddressSpace {
    /// Classifies `address`; `leases` are the subnets that the machines of the scenario have leases in.
    #[must_use]
    pub fn of(address: IpAddr, leases: &[Subnet]) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_ipv4(v4, leases),
            IpAddr::V6(v6) => Self::of_ipv6(v6),
        }
    }

    fn of_ipv4(address: Ipv4Addr, leases: &[Subnet]) -> Self {
        if leases.iter().any(|subnet| subnet.contains(address)) {
            Self::Lease
        } else if address.is_link_local() {
            Self::Ipv4LinkLocal
        } else if address.is_private()
            || address.is_loopback()
            || address.is_multicast()
            || address.is_unspecified()
            || address.is_broadcast()
        {
            Self::Other
        } else {
            Self::Global
        }
    }

    fn of_ipv6(address: Ipv6Addr) -> Self {
        if address.is_unicast_link_local() {
            Self::Ipv6LinkLocal
        } else if address.is_unique_local() {
            Self::Ipv6UniqueLocal
        } else if address.is_loopback()
            || address.is_unspecified()
            || address.is_multicast()
            || address.to_ipv4_mapped().is_some()
        {
            Self::Other
        } else {
            Self::Global
        }
    }

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::Ipv4LinkLocal => "ipv4-link-local",
            Self::Ipv6LinkLocal => "ipv6-link-local",
            Self::Ipv6UniqueLocal => "ipv6-unique-local",
            Self::Global => "global",
            Self::Other => "other",
            Self::None => "none",
        }
    }
}

impl fmt::Display for AddressSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An IPv4 address with the length of its prefix, as in `10.0.55.38/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    address: Ipv4Addr,
    prefix: u8,
}

impl Subnet {
    /// Makes a subnet of an address and a prefix length; `None` if the length is over 32.
    #[must_use]
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        (prefix <= 32).then_some(Self { address, prefix })
    }

    /// The address itself, host bits included.
    #[must_use]
    pub fn address(self) -> Ipv4Addr {
        self.address
    }

    /// The length of the prefix in bits, 0 to 32.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Tells whether some address lies in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }

    /// Tells whether `address` lies in this subnet.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        self.address.to_bits() & mask == address.to_bits() & mask
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The text is not `a.b.c.d/len`.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an IPv4 address with a prefix length, such as 10.0.55.38/24")]
pub struct ParseSubnetError(String);

impl FromStr for Subnet {
    type Err = ParseSubnetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('/')
            .and_then(|(address, prefix)| Self::new(address.parse().ok()?, prefix.parse().ok()?))
            .ok_or_else(|| ParseSubnetError(text.to_owned()))
    }
}

impl JsonSchema for Subnet {
    fn schema_name() -> Cow<'static, str> {
        "Subnet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An IPv4 address with the length of its prefix: `10.0.55.38/28`.",
            "type": "string",
            "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+/[0-9]+$",
        })
    }
}

impl Serialize for Subnet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subnet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(text: &str) -> AddressSpace {
        AddressSpace::of(text.parse().unwrap(), &["10.0.55.38/24".parse().unwrap()])
    }

    #[test]
    fn every_space_is_told_from_the_others() {
        assert_eq!(space("10.0.55.103"), AddressSpace::Lease);
        assert_eq!(space("10.0.56.103"), AddressSpace::Other);
        assert_eq!(space("127.0.1.1"), AddressSpace::Other);
        assert_eq!(space("169.254.7.8"), AddressSpace::Ipv4LinkLocal);
        assert_eq!(space("192.0.2.1"), AddressSpace::Global);
        assert_eq!(space("fe80::1"), AddressSpace::Ipv6LinkLocal);
        assert_eq!(space("fd00::1"), AddressSpace::Ipv6UniqueLocal);
        assert_eq!(space("2001:db8::1"), AddressSpace::Global);
        assert_eq!(space("::1"), AddressSpace::Other);
        assert_eq!(space("::ffff:10.0.55.103"), AddressSpace::Other);
    }

    #[test]
    fn a_subnet_of_any_length_contains_its_own_address() {
        for prefix in 0..=32 {
            let subnet = Subnet::new(Ipv4Addr::new(192, 168, 7, 9), prefix).unwrap();
            assert!(subnet.contains(subnet.address()), "{subnet}");
        }
        assert!(Subnet::new(Ipv4Addr::LOCALHOST, 33).is_none());
        assert!("10.0.55.1".parse::<Subnet>().is_err());
    }
}
