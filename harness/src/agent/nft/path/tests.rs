use serde_json::json;

use super::*;

fn rules(chains: &[(&str, Option<&str>, Value)]) -> Ruleset {
    let mut objects = Vec::new();
    for (name, policy, rules) in chains {
        let mut chain = json!({"family": "inet", "table": "filter", "name": name});
        if let Some(policy) = policy {
            chain["hook"] = json!("forward");
            chain["policy"] = json!(policy);
        }
        objects.push(json!({ "chain": chain }));
        for statements in rules.as_array().unwrap() {
            objects.push(json!({"rule":
                {"family": "inet", "table": "filter", "chain": name, "expr": statements}}));
        }
    }
    Ruleset::parse(&json!({ "nftables": objects }).to_string()).unwrap()
}

fn fate(rules: &Ruleset) -> Fate {
    let (from, to) = ("ve-alpha".to_owned(), Some("uplink0".to_owned()));
    rules.fate(Hook::Forward, &Packet { from, to, ipv6: false, protocol: Protocol::Udp(5355) })
}

fn one(policy: &str, statements: &Value) -> Fate {
    fate(&rules(&[("f", Some(policy), json!([statements]))]))
}

fn meta(key: &str, right: &Value) -> Value {
    json!({"match": {"op": "==", "left": {"meta": {"key": key}}, "right": right}})
}

#[test]
fn the_policy_counts_where_no_rule_decides() {
    assert_eq!(fate(&Ruleset::default()), Fate::Accepted);
    assert_eq!(one("accept", &json!([{"counter": null}])), Fate::Accepted);
    assert_eq!(one("drop", &json!([{"counter": null}])), Fate::Dropped);
}

#[test]
fn a_rule_counts_if_it_is_about_the_packet() {
    let from = |name: &str| meta("iifname", &json!(name));
    assert_eq!(one("drop", &json!([from("ve-*"), {"accept": null}])), Fate::Accepted);
    assert_eq!(one("drop", &json!([from("docker0"), {"accept": null}])), Fate::Dropped);
    assert_eq!(one("accept", &json!([meta("l4proto", &json!("udp")), {"drop": null}])), Fate::Dropped);
    let port = |right: Value| {
        json!({"match": {"op": "==",
        "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": right}})
    };
    assert_eq!(one("drop", &json!([port(json!({"set": [67, 5355]})), {"accept": null}])), Fate::Accepted);
    assert_eq!(one("drop", &json!([port(json!({"range": [60, 70]})), {"accept": null}])), Fate::Dropped);
    let state = json!({"match": {"op": "in", "left": {"ct": {"key": "state"}},
        "right": ["established", "related"]}});
    assert_eq!(one("drop", &json!([state, {"accept": null}])), Fate::Dropped);
}

#[test]
fn what_the_rules_do_not_tell_is_said_to_depend() {
    let address = json!({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
        "right": "10.0.0.1"}});
    assert_eq!(one("drop", &json!([address.clone(), {"accept": null}])), Fate::Depends);
    assert_eq!(one("drop", &json!([address, {"drop": null}])), Fate::Dropped);
    assert_eq!(one("accept", &json!([{"xt": null}])), Fate::Depends);
    assert_eq!(one("accept", &json!([{"xt": null}, {"accept": null}])), Fate::Accepted);
}

#[test]
fn a_chain_that_decides_nothing_comes_back() {
    let chains = |user: Value| {
        rules(&[
            ("f", Some("drop"), json!([[{"jump": {"target": "user"}}], [{"accept": null}]])),
            ("user", None, user),
        ])
    };
    assert_eq!(fate(&chains(json!([[{"return": null}]]))), Fate::Accepted);
    assert_eq!(fate(&chains(json!([[{"drop": null}]]))), Fate::Dropped);
    assert_eq!(fate(&chains(json!([[{"jump": {"target": "user"}}]]))), Fate::Accepted);
    let goto = json!([[{"goto": {"target": "user"}}], [{"accept": null}]]);
    assert_eq!(fate(&rules(&[("f", Some("drop"), goto), ("user", None, json!([]))])), Fate::Dropped);
}

#[test]
fn each_chain_of_a_hook_must_let_it_pass() {
    let two = [("f", Some("accept"), json!([[{"accept": null}]])), ("g", Some("drop"), json!([]))];
    assert_eq!(fate(&rules(&two)), Fate::Dropped);
}
fn input(from: &str, ipv6: bool, protocol: Protocol) -> Fate {
    let rules = Ruleset::parse(include_str!("../ruleset.json")).unwrap();
    rules.fate(Hook::Input, &Packet { from: from.to_owned(), to: None, ipv6, protocol })
}

fn forward(to: &str, protocol: Protocol) -> Fate {
    let rules = Ruleset::parse(include_str!("../ruleset.json")).unwrap();
    let (from, to) = ("ve-alpha".to_owned(), Some(to.to_owned()));
    rules.fate(Hook::Forward, &Packet { from, to, ipv6: false, protocol })
}

#[test]
fn packets_find_their_way_through_rules_that_nft_has_listed() {
    assert_eq!(input("ve-alpha", false, Protocol::Udp(67)), Fate::Accepted);
    assert_eq!(input("ve-alpha", true, Protocol::Udp(5355)), Fate::Accepted);
    assert_eq!(input("ve-alpha", true, Protocol::Udp(53)), Fate::Dropped);
    assert_eq!(input("br0", false, Protocol::Udp(67)), Fate::Accepted);
    assert_eq!(input("br0", true, Protocol::Udp(5355)), Fate::Dropped);
    assert_eq!(input("br0", true, Protocol::Echo), Fate::Accepted);
    // Whether the address is in 10.0.0.0/8 is not known.
    assert_eq!(input("br0", false, Protocol::Udp(5355)), Fate::Depends);
    assert_eq!(forward("eth0", Protocol::Echo), Fate::Dropped);
    assert_eq!(forward("uplink0", Protocol::Udp(67)), Fate::Depends);
}
