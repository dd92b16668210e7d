use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What networkd 257 makes of IPMasquerade=both, as nft 1.1.3 lists it, and a filter as docker leaves it.
fn listed() -> String {
    json!({"nftables": [
        {"metainfo": {"version": "1.1.3", "json_schema_version": 1}},
        {"table": {"family": "ip", "name": "io.systemd.nat", "handle": 1}},
        {"set": {"family": "ip", "name": "masq_saddr", "table": "io.systemd.nat", "type": "ipv4_addr",
                 "handle": 2, "flags": ["interval"],
                 "elem": [{"prefix": {"addr": "192.168.101.0", "len": 28}}, {"range": ["10.0.0.0", "10.0.0.47"]},
                          {"elem": {"val": "172.16.0.1", "expires": 3}}]}},
        {"chain": {"family": "ip", "table": "io.systemd.nat", "name": "postrouting", "handle": 3, "type": "nat",
                   "hook": "postrouting", "prio": 101, "policy": "accept"}},
        {"rule": {"family": "ip", "table": "io.systemd.nat", "chain": "postrouting", "handle": 4, "expr": [
            {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@masq_saddr"}},
            {"masquerade": null}]}},
        {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 5, "type": "filter",
                   "hook": "forward", "prio": 0, "policy": "drop"}}
    ]})
    .to_string()
}

fn subnet(text: &str) -> Subnet {
    text.parse().unwrap()
}

#[test]
fn a_subnet_is_masqueraded_if_all_of_it_is() {
    let rules = Ruleset::parse(&listed()).unwrap();
    assert!(rules.has_systemd_table());
    for inside in ["192.168.101.3/28", "10.0.0.0/27", "10.0.0.33/28", "172.16.0.1/32"] {
        assert!(rules.masquerades(subnet(inside)), "{inside}");
    }
    for outside in ["192.168.101.3/27", "10.0.0.33/27", "172.16.0.2/32", "192.168.102.1/28"] {
        assert!(!rules.masquerades(subnet(outside)), "{outside}");
    }
}

#[test]
fn the_chains_of_a_hook_are_named_with_their_policy() {
    let rules = Ruleset::parse(&listed()).unwrap();
    assert_eq!(rules.base_chains(Hook::Forward), ["ip filter FORWARD, policy drop"]);
    assert!(rules.base_chains(Hook::Input).is_empty());
}

#[test]
fn an_empty_ruleset_has_nothing_in_it() {
    let rules = Ruleset::parse(r#"{"nftables": [{"metainfo": {}}]}"#).unwrap();
    assert!(!rules.has_systemd_table() && rules.masqueraded().is_empty());
    assert!(Ruleset::parse("{}").is_err());
    assert!(Ruleset::parse("").is_err());
}

/// Any JSON at all.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(Value::from("forward")),
        Just(Value::from("ip")),
    ];
    let keys = "(nftables|chain|rule|set|elem|val|prefix|addr|len|range|family|table|name|hook|expr|match|left|right)";
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((keys, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_output_makes_the_reader_panic(objects in proptest::collection::vec(any_json(), 0..6)) {
        if let Ok(rules) = Ruleset::parse(&json!({ "nftables": objects }).to_string()) {
            let _ = (rules.base_chains(Hook::Forward), rules.masqueraded(), rules.has_systemd_table());
        }
    }

    #[test]
    fn a_prefix_covers_the_subnet_that_it_is(address: u32, prefix in 0_u8..=32) {
        let (first, last) = of_prefix(Ipv4Addr::from_bits(address), prefix);
        prop_assert!(first.to_bits() <= address && address <= last.to_bits());
        prop_assert_eq!(u64::from(last.to_bits() - first.to_bits()) + 1, 1_u64 << (32 - prefix));
    }
}
