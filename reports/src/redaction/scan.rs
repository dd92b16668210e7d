//! Addresses in texts of any kind: where they stand, and which they are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::class::Class;

/// The longest text of an address, an IPv4-mapped one.
const LONGEST: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();

/// The text of a hardware address.
const MAC: usize = "00:00:5e:00:53:01".len();

/// The domains in which addresses stand back to front (RFC 1035, RFC 3596).
const REVERSE_V4: &str = ".in-addr.arpa";
const REVERSE_V6: &str = "ip6.arpa";

/// An address in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it stands, in bytes.
    pub(super) at: Range<usize>,
    /// Which it is.
    pub(super) what: Address,
}

/// An address, as it is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// Of IPv4 or IPv6.
    Ip(IpAddr),
    /// Back to front, in front of `.in-addr.arpa` or `.ip6.arpa`.
    Reversed(IpAddr),
    /// Of hardware, after colons.
    Mac([u8; 6]),
}

/// Finds all addresses, in their order.
pub(super) fn find(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = (at..bytes.len()).find(|at| is_part(bytes[*at])) {
        let end = (start..bytes.len()).find(|at| !is_part(bytes[*at])).unwrap_or(bytes.len());
        in_run(text, start..end, &mut found);
        at = end;
    }
    found
}

/// What an address is written with.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b':' || byte == b'.'
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Finds the addresses in a run of what addresses are written with. What stands before or behind may belong to such a run
/// too: the full stop of a sentence, the colon of a key, a time, a port.
fn in_run(text: &str, run: Range<usize>, found: &mut Vec<Found>) {
    let mut at = run.start;
    while at < run.end {
        let begins = |at: &usize| *at == 0 || !is_word(text.as_bytes()[at - 1]);
        let next = begins(&at).then(|| first_in(text, at..run.end)).flatten();
        if let Some(next) = next {
            at = next.at.end;
            found.push(next);
        } else {
            at += 1;
        }
    }
}

/// The longest address that begins where `rest` does.
fn first_in(text: &str, rest: Range<usize>) -> Option<Found> {
    let bytes = text.as_bytes();
    let ends = |end: &usize| bytes.get(*end).is_none_or(|next| !is_word(*next));
    let found = |end, what| Found { at: rest.start..end, what };
    let longest = rest.end.min(rest.start + LONGEST);
    let nibbles = rest.start + 2 * 32;
    if let Some(address) = text.get(rest.start..nibbles).and_then(from_nibbles)
        && text[nibbles..].starts_with(REVERSE_V6)
    {
        return Some(found(nibbles - 1, Address::Reversed(address.into())));
    }
    for end in (rest.start + 2..=longest).rev().filter(ends) {
        let word = &text[rest.start..end];
        match word.parse::<IpAddr>() {
            Ok(IpAddr::V4(v4)) if stands_alone(bytes, rest.start, end) => {
                let reversed = text[end..].starts_with(REVERSE_V4).then(|| back_to_front(v4));
                let what = reversed.map_or(Address::Ip(v4.into()), |v4| Address::Reversed(v4.into()));
                return Some(found(end, what));
            }
            Ok(address @ IpAddr::V6(_)) if Class::of(address) != Class::Unassigned => {
                return Some(found(end, Address::Ip(address)));
            }
            Ok(_) | Err(_) => {}
        }
    }
    let end = rest.start + MAC;
    let mac = text.get(rest.start..end).and_then(mac).filter(|_| ends(&end));
    mac.map(|mac| found(end, Address::Mac(mac)))
}

/// Whether four numbers are all that there are: `1.3.6.1.4.1` is no address.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_number = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let is_dot = |at: Option<usize>| at.and_then(|at| bytes.get(at)) == Some(&b'.');
    let before = is_dot(start.checked_sub(1)) && is_number(start.checked_sub(2));
    let behind = is_dot(Some(end)) && is_number(Some(end + 1));
    !before && !behind
}

fn back_to_front(address: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits().swap_bytes())
}

/// `b.a.9.8.[...]`, the last digit first.
fn from_nibbles(text: &str) -> Option<Ipv6Addr> {
    let digit = |pair: &[u8]| (pair[1] == b'.').then(|| char::from(pair[0]).to_digit(16)).flatten();
    let bits = text
        .as_bytes()
        .chunks_exact(2)
        .rev()
        .try_fold(0, |bits: u128, pair| Some(bits << 4 | u128::from(digit(pair)?)));
    bits.map(Ipv6Addr::from_bits)
}

/// Six pairs of digits.
fn mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut pairs = text.split(':');
    for byte in &mut mac {
        let pair = pairs.next().filter(|pair| pair.len() == 2)?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(mac)
}

/// The address as it is written.
pub(super) fn written(what: Address) -> String {
    match what {
        Address::Ip(address) => address.to_string(),
        Address::Reversed(IpAddr::V4(v4)) => back_to_front(v4).to_string(),
        Address::Reversed(IpAddr::V6(v6)) => {
            let digit = |place: u32| char::from_digit((v6.to_bits() >> (4 * place) & 0xf) as u32, 16);
            let digits: Vec<String> = (0..32).filter_map(digit).map(String::from).collect();
            digits.join(".")
        }
        Address::Mac(mac) => mac.map(|byte| format!("{byte:02x}")).join(":"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|found| &text[found.at]).collect()
    }

    #[test]
    fn addresses_are_found_where_programs_put_them() {
        let v4 = "SRC=45.79.1.2 to 45.79.1.3:22, 45.79.0.0/20 45.79.1.4-45.79.1.9 addr:45.79.1.5.";
        assert_eq!(seen(v4), ["45.79.1.2", "45.79.1.3", "45.79.0.0", "45.79.1.4", "45.79.1.9", "45.79.1.5"]);
        let v6 =
            "[2a01::1]:22 via fe80::1%eth0 at 12:34:56:2a01::2: 2a01:7e00::/64 ::ffff:45.79.1.2 2a01::3.";
        assert_eq!(seen(v6), ["2a01::1", "fe80::1", "2a01::2", "2a01:7e00::", "::ffff:45.79.1.2", "2a01::3"]);
        let mac = "ether f2:3C:91:aa:bb:cc brd MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00";
        assert_eq!(seen(mac), ["f2:3C:91:aa:bb:cc", "00:11:22:33:44:55", "66:77:88:99:aa:bb"]);
        assert_eq!(seen("45.79.1.2.example.com eth0:2a01::1"), ["45.79.1.2", "2a01::1"]);
    }

    #[test]
    fn addresses_back_to_front_are_those_that_they_mean() {
        let meant = |text: &str| find(text).into_iter().map(|found| found.what).collect::<Vec<_>>();
        let v4 = "10.0.0.5.in-addr.arpa";
        assert_eq!(meant(v4), [Address::Reversed(IpAddr::from([5, 0, 0, 10]))]);
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(meant(v6), [Address::Reversed("2001:db8::1".parse().unwrap())]);
        assert_eq!(written(meant(v6)[0]) + ".ip6.arpa", v6);
    }

    #[test]
    fn what_only_looks_like_an_address_is_none() {
        for text in
            ["12:34:56.789", "1.3.6.1.4.1.311", "257.13-1~deb13u1", "std::fs::de::add", "a.b.c.d", "::f_"]
        {
            assert_eq!(seen(text), Vec::<&str>::new(), "{text}");
        }
        assert_eq!(seen("2026-11-20T10:11:12.345Z 00:11:22:33:44:555"), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_scan_panic(text in "[0-9a-f:.%éx_ -]{0,80}|\\PC{0,40}") {
            for found in find(&text) {
                prop_assert!(text.get(found.at).is_some());
            }
        }

        #[test]
        fn an_address_is_found_between_whatever_ends_a_word(
            address: IpAddr, before in "[ =(\\[,'\"/@-]", behind in "[ )\\],'\"/%;-]?"
        ) {
            prop_assume!(Class::of(address) != Class::Unassigned);
            let text = format!("x{before}{address}{behind}");
            prop_assert_eq!(find(&text), [Found { at: 2..2 + address.to_string().len(), what: Address::Ip(address) }]);
        }

        #[test]
        fn an_address_that_was_written_is_found_again(address: IpAddr, mac: [u8; 6]) {
            for what in [Address::Ip(address), Address::Mac(mac)] {
                prop_assume!(what != Address::Ip(address) || Class::of(address) != Class::Unassigned);
                let text = written(what);
                prop_assert_eq!(find(&text), [Found { at: 0..text.len(), what }]);
            }
        }
    }
}
