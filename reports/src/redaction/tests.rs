use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::class::Class;
use super::scan::{self, Address};
use super::*;
use crate::fixture::{case, host, matrix, report};
use crate::{Facts, Network, Observation, Properties, Resolver, html, json, junit, markdown, table};

fn redacted(text: &str) -> String {
    let report = report(Vec::new());
    Redaction::new(&report, [text]).text(text)
}

#[test]
fn equal_things_have_equal_pseudonyms_and_neighbours_stay_neighbours() {
    let text = "inet 45.79.1.2/24 brd 45.79.1.255 via 45.79.1.1 dev eth0, 8.8.8.8 and 45.79.1.2:22\n\
        inet6 2a01:7e00::f03c:91ff:feab:cdef/64, 2a01:7e00::/64 via fe80::f03c:91ff:feab:cdef%eth0\n\
        link/ether f2:3c:91:ab:cd:ef brd ff:ff:ff:ff:ff:ff, enxf23c91abcdef, ec2-45-79-1-2.example.com\n\
        10.0.0.1 127.0.0.1 203.0.113.7 2001:db8::1 fe80::1 ff02::fb 255.255.255.0 2001:db8:0:2::7\n\
        2.1.79.45.in-addr.arpa machine 0123456789abcdef0123456789abcdef and \
        01234567-89ab-cdef-0123-456789abcdef, image a3f5, DUID-EN/Vendor:0000ab11e86684c8730a9d90";
    insta::assert_snapshot!(redacted(text), @"
    inet 240.0.1.1/24 brd 240.0.1.2 via 240.0.1.3 dev eth0, 240.0.2.1 and 240.0.1.1:22
    inet6 2001:db8:0:1::1/64, 2001:db8:0:1::/64 via fe80::5eff:fe00:1%eth0
    link/ether 02:00:5e:00:00:01 brd ff:ff:ff:ff:ff:ff, enx02005e000001, ec2-240-0-1-1.example.com
    10.0.0.1 127.0.0.1 203.0.113.7 2001:db8::1 fe80::1 ff02::fb 255.255.255.0 2001:db8:0:2::7
    1.1.0.240.in-addr.arpa machine id-1 and id-1, image a3f5, DUID-EN/Vendor:id-2
    ");
}

/// A host of somebody's, with all that is to be redacted.
fn own_host() -> Report {
    let mut own = host("ssh://me@web1.example.com/trixie/nat", 257);
    let resolver =
        Resolver { search: vec!["corp.example".to_owned(), "lan".to_owned()], ..Resolver::default() };
    let network = Network { resolver: Some(resolver), ..Network::default() };
    let facts = own.facts.take().unwrap_or_default();
    own.facts = Some(Facts {
        hostname: Some("web1".to_owned()),
        kernel: "6.1.2.3".to_owned(),
        network: Some(network),
        ..facts
    });
    let mut told = report(vec![own]);
    told.run.argv.extend(["--host", "ssh://me@web1.example.com"].map(str::to_owned));
    let mut one = case("ssh://me@web1.example.com/trixie/nat", "nat", "link/host", "alpha");
    let values = BTreeMap::from([("gateway".to_owned(), "45.79.1.1 on web1".to_owned())]);
    one.observed = Some(Observation::Properties(Properties { answer: "lease".to_owned(), values }));
    one.reason = Some("web1 (web10, web1-a) of example.com asks corp.example, web1.example.com".to_owned());
    told.cases.push(one);
    told
}

#[test]
fn names_are_known_by_what_the_report_tells() {
    let own = own_host();
    let told = Redaction::new(&own, []).report(&own);
    assert_eq!(told.run.argv[2..], ["--host", "ssh://redacted@host-1"]);
    assert_eq!(told.hosts[0].id, "ssh://redacted@host-1/trixie/nat");
    assert_eq!(told.cases[0].host, told.hosts[0].id);
    assert_eq!(
        told.cases[0].reason.as_deref(),
        Some("host-1 (web10, web1-a) of domain-2 asks domain-3, host-1")
    );
    let facts = told.hosts[0].facts.as_ref().unwrap();
    assert_eq!((facts.hostname.as_deref(), &*facts.kernel), (Some("host-1"), "6.1.2.3"));
    assert!(told.run.redacted);
}

#[test]
fn a_host_that_is_called_like_a_word_of_reports_spoils_none() {
    for name in ["lease", "sandbox", "nat", "link", "debian", "properties", "pass", "localhost", "trixie"] {
        let mut own = own_host();
        own.hosts[0].facts.as_mut().unwrap().hostname = Some(name.to_owned());
        let told = Redaction::new(&own, []).report(&own);
        assert_eq!(told.hosts[0].facts.as_ref().unwrap().hostname.as_deref(), Some(name));
        assert_eq!(told.cases[0].verdict, own.cases[0].verdict);
    }
}

#[test]
fn a_report_that_has_nothing_to_hide_is_the_same_but_for_the_mark() {
    let plain = matrix(&[254, 257]);
    let told = Redaction::new(&plain, []).report(&plain);
    let [plain, told] = [plain, told].map(|report| json::render(&report).unwrap());
    let changed: BTreeSet<(&str, &str)> =
        plain.lines().zip(told.lines()).filter(|(before, after)| before != after).collect();
    assert_eq!(plain.lines().count(), told.lines().count());
    // The interface id is made from a hardware address.
    assert_eq!(
        changed.into_iter().map(|(before, after)| (before.trim(), after.trim())).collect::<Vec<_>>(),
        [
            ("\"address\": \"fe80::5054:ff:fe12:1%2\",", "\"address\": \"fe80::5eff:fe00:1%2\","),
            ("\"fe80::5054:ff:fe12:1/64\"", "\"fe80::5eff:fe00:1/64\""),
            ("\"redacted\": false", "\"redacted\": true"),
        ]
    );
}

fn public() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<Ipv4Addr>().prop_map(IpAddr::V4);
    let v6 = (0x2000_u16..0x4000, any::<[u16; 7]>())
        .prop_map(|(a, [b, c, d, e, f, g, h])| IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)));
    prop_oneof![v4, v6].prop_filter("it belongs to somebody", |address| Class::of(*address) == Class::Public)
}

/// Some of them from one network, and pseudonyms among them.
fn addresses() -> impl Strategy<Value = Vec<IpAddr>> {
    let near = any::<u8>().prop_map(|host| IpAddr::from([45, 79, 1, host]));
    let taken = (0_u8..3, 0_u8..3).prop_map(|(network, host)| IpAddr::from([240, 0, network, host]));
    let v6 = (0_u16..3, 0_u16..3)
        .prop_map(|(network, host)| IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, host]));
    prop::collection::vec(prop_oneof![public(), near, taken, v6], 1..20)
}

fn somebodys(text: &str) -> Vec<Address> {
    let found = scan::find(text).into_iter().map(|found| found.what);
    let is_public = |what: &Address| matches!(what, Address::Ip(address) | Address::Reversed(address) if Class::of(*address) == Class::Public);
    found.filter(is_public).collect()
}

proptest! {
    #[test]
    fn equality_is_kept_and_nothing_public_is_left(addresses in addresses()) {
        let words: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
        let text = redacted(&words.join(" "));
        prop_assert_eq!(somebodys(&text), []);
        let told: Vec<&str> = text.split(' ').collect();
        let pairs: BTreeSet<(IpAddr, &str)> = addresses.iter().copied().zip(told).collect();
        let [before, after]: [BTreeSet<String>; 2] =
            [pairs.iter().map(|(one, _)| one.to_string()).collect(), pairs.iter().map(|(_, one)| (*one).to_owned()).collect()];
        prop_assert_eq!((before.len(), after.len()), (pairs.len(), pairs.len()));
    }

    #[test]
    fn to_redact_twice_is_to_redact_once(
        parts in prop::collection::vec(
            prop_oneof![
                public().prop_map(|address| address.to_string()),
                any::<[u8; 6]>().prop_map(|mac| scan::written(Address::Mac(mac))),
                "[0-9a-f]{32}|[0-9a-f:.]{1,40}|host-[0-9]|id-[0-9]|psk=[a-z]{3}|[ -~]{0,10}",
            ],
            0..12,
        ),
        between in "[ ,/=\n]",
    ) {
        let once = redacted(&parts.join(&between));
        prop_assert_eq!(redacted(&once), once);
    }

    #[test]
    fn no_name_of_a_host_makes_a_report_unreadable(
        name in "[a-zA-Z][a-z0-9-]{0,9}(\\.[a-z]{1,5}){0,2}|pass|lease|kind|ping|nss|true|null|udp|aaaa"
    ) {
        let mut own = own_host();
        own.hosts[0].facts.as_mut().unwrap().hostname = Some(name.clone());
        own.cases[0].reason = Some(format!("asked {name}: {name}, {}", name.to_ascii_lowercase()));
        let told = Redaction::new(&own, []).report(&own);
        prop_assert_eq!(told.cases.len(), own.cases.len());
        let is_told = told.hosts[0].facts.as_ref().unwrap().hostname.as_deref() == Some(&*name);
        prop_assert_eq!(is_told, told.cases[0].reason == own.cases[0].reason);
    }

    #[test]
    fn nothing_public_is_left_in_any_form_of_a_report(
        address in public(), other in public(), mac: [u8; 5], id in "[0-9a-f]{32}"
    ) {
        let mac = scan::written(Address::Mac([0, mac[0], mac[1], mac[2], mac[3], mac[4]]));
        prop_assume!(mac != "00:00:00:00:00:00");
        let mut own = own_host();
        let said = format!("{address} by {other}, {mac}, {id}, [{address}]:53 of web1.example.com");
        own.run.argv.push(said.clone());
        own.hosts[0].warnings.push(said.clone());
        own.hosts[0].left.push(said.clone());
        own.cases[0].reason = Some(said.clone());
        own.cases[0].verdict = crate::Verdict::Fail;
        let values = BTreeMap::from([(address.to_string(), said.clone())]);
        own.cases[0].observed = Some(Observation::Properties(Properties { answer: said.clone(), values }));
        let mut redaction = Redaction::new(&own, [&*said]);
        let told = redaction.report(&own);
        let style = table::Style { width: 100, colour: false };
        let forms = [
            json::render(&told).unwrap(), junit::render(&told).unwrap(), html::render(&told),
            markdown::render(&told), table::render(&told, style), redaction.text(&said),
        ];
        for form in forms {
            for secret in [&*address.to_string(), &*other.to_string(), &mac, &id, "web1.example", "me@"] {
                prop_assert!(!form.contains(secret), "{}", secret);
            }
        }
        let mut again = Redaction::new(&told, []);
        prop_assert_eq!(again.report(&told), told);
    }
}
