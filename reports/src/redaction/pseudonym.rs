//! What stands for what: a pseudonym for each address, in the order in which they come.
//!
//! Pseudonyms are addresses too, since readers of reports take them apart: nobody has been given those of 240.0.0.0/4
//! (RFC 1112; the documentation ranges of IPv4 have 768, which a journal on the internet soon uses up), 2001:db8::/32 is
//! for documentation (RFC 3849), and hardware addresses begin with 02:00:5e, which is locally administered. Addresses of
//! one /24 or /64 have pseudonyms of one /24 or /64.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::class::{Class, embed, embedded};
use super::scan::Address;

/// The first 24 bits of hardware addresses that are pseudonyms.
const MAC: [u8; 3] = [0x02, 0x00, 0x5e];

/// The first /24 and /64 of pseudonyms, as numbers of such networks.
const FIRST_V4: u32 = Ipv4Addr::new(240, 0, 0, 0).to_bits() >> 8;
const FIRST_V6: u64 = 0x2001_0db8 << 32;

/// The pseudonyms that have been given so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Pseudonyms {
    v4: Networks<u32, u8>,
    v6: Networks<u64, u64>,
    macs: Numbers<[u8; 6]>,
}

/// Numbers for networks, and in each for hosts; that of no bits stays.
#[derive(Clone, Debug, Default)]
struct Networks<N, H> {
    numbers: Numbers<N>,
    hosts: BTreeMap<N, Numbers<H>>,
}

/// Numbers from 1 up, without those that are taken.
#[derive(Clone, Debug)]
pub(super) struct Numbers<T> {
    taken: BTreeSet<u64>,
    given: BTreeMap<T, u64>,
    last: u64,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { taken: BTreeSet::new(), given: BTreeMap::new(), last: 0 }
    }
}

impl<T: Ord> Numbers<T> {
    /// The number of `what`: always the same, and nobody else's.
    pub(super) fn of(&mut self, what: T) -> u64 {
        *self.given.entry(what).or_insert_with(|| {
            self.last = (self.last + 1..).find(|number| !self.taken.contains(number)).unwrap_or(u64::MAX);
            self.last
        })
    }

    /// Gives `number` to nobody.
    pub(super) fn take(&mut self, number: u64) {
        self.taken.insert(number);
    }
}

impl<N: Ord + Copy, H: Ord + Default> Networks<N, H> {
    fn of(&mut self, network: N, host: H) -> (u64, u64) {
        let number = self.numbers.of(network);
        let hosts = self.hosts.entry(network).or_default();
        (number, if host == H::default() { 0 } else { hosts.of(host) })
    }
}

impl Pseudonyms {
    /// Keeps a pseudonym that is in use already from being given.
    pub(super) fn take(&mut self, address: Address) {
        match address {
            Address::Ip(IpAddr::V4(v4)) | Address::Reversed(IpAddr::V4(v4)) => {
                let network = (v4.to_bits() >> 8).checked_sub(FIRST_V4);
                network.into_iter().for_each(|network| self.v4.numbers.take(network.into()));
            }
            Address::Ip(IpAddr::V6(v6)) | Address::Reversed(IpAddr::V6(v6)) => {
                let network = upper(v6).checked_sub(FIRST_V6);
                network.into_iter().for_each(|network| self.v6.numbers.take(network));
                hardware(v6).into_iter().for_each(|mac| self.take(Address::Mac(mac)));
            }
            Address::Mac([a, b, c, number @ ..]) => {
                if [a, b, c] == MAC {
                    let [d, e, f] = number;
                    self.macs.take(u32::from_be_bytes([0, d, e, f]).into());
                }
            }
        }
    }

    /// What stands for `address`; itself, if it belongs to nobody.
    pub(super) fn of(&mut self, address: Address) -> Address {
        match address {
            Address::Ip(address) => Address::Ip(self.ip(address)),
            Address::Reversed(address) => Address::Reversed(self.ip(address)),
            Address::Mac(mac) => Address::Mac(self.mac(mac)),
        }
    }

    fn ip(&mut self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => self.ipv4(v4).into(),
            IpAddr::V6(v6) => self.ipv6(v6).into(),
        }
    }

    fn ipv4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        if Class::of(address.into()) != Class::Public {
            return address;
        }
        let [.., host] = address.octets();
        let (network, host) = self.v4.of(address.to_bits() >> 8, host);
        let [.., a, b, c] = (u64::from(FIRST_V4) + network).to_be_bytes();
        let [.., d] = host.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    }

    fn ipv6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        if let Some(inner) = embedded(address) {
            return embed(address, self.ipv4(inner));
        }
        match (Class::of(address.into()), hardware(address)) {
            (Class::Public, _) => {
                let (network, host) = self.v6.of(upper(address), address.to_bits() as u64);
                Ipv6Addr::from_bits(u128::from(FIRST_V6 + network) << 64 | u128::from(host))
            }
            (Class::Special | Class::Unassigned, Some(mac)) => with_hardware(address, self.mac(mac)),
            (Class::Special | Class::Unassigned, None) => address,
        }
    }

    /// What stands for a hardware address; itself, if it is one of a group (RFC 9542) or of no bits.
    pub(super) fn mac(&mut self, mac: [u8; 6]) -> [u8; 6] {
        let is_group = mac[0] & 1 == 1;
        if is_group || mac == [0; 6] || mac.starts_with(&MAC) {
            return mac;
        }
        let [.., d, e, f] = self.macs.of(mac).to_be_bytes();
        let [a, b, c] = MAC;
        [a, b, c, d, e, f]
    }
}

fn upper(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

/// The hardware address that an interface id was made from (RFC 4291, appendix A).
fn hardware(address: Ipv6Addr) -> Option<[u8; 6]> {
    let [.., a, b, c, 0xff, 0xfe, d, e, f] = address.octets() else { return None };
    Some([a ^ 2, b, c, d, e, f])
}

fn with_hardware(address: Ipv6Addr, [a, b, c, d, e, f]: [u8; 6]) -> Ipv6Addr {
    let id = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    Ipv6Addr::from_bits(u128::from(upper(address)) << 64 | u128::from(id))
}
