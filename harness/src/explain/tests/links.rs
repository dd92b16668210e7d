//! What is wrong on links, and with the leases that machines have by them.

use super::*;

#[test]
fn what_is_on_a_link_explains_who_is_heard_there() {
    let bare: Row = ("link/machine", machine("alpha"), &[("addresses", "10.0.0.2/28")], false);
    assert_eq!(
        codes(&[bare]),
        ["ping/gateway/ipv6-link-local: no-fe80", "ping/peer/ipv6-link-local: no-fe80"]
    );
    let isolated: &[(&str, &str)] = &[("name", "ve-alpha"), ("port", "vb-x"), ("port-isolated", "yes")];
    let ports = ["alpha", "beta"].map(|name| ("link/host", host_of(name), isolated, false));
    let explained = codes(&ports);
    assert!(explained.contains(&"ping/peer/ipv4: port-isolated".to_owned()), "{explained:?}");
    assert_eq!(codes(&ports[..1]), Vec::<String>::new(), "the other port is not");
}

#[test]
fn a_lease_from_where_the_host_is_not_explains_what_goes_by_ipv4() {
    let masquerade: &[(&str, &str)] = &[("masqueraded", "no"), ("subnet", "192.168.7.2/24")];
    let stray: Row = ("firewall/masquerade", host_of("alpha"), masquerade, false);
    let explained = reasons(&[stray]);
    assert_eq!(
        explained[0].1[0].evidence,
        "alpha has 192.168.7.2/24, and ve-alpha has fe80::1/64, 192.168.1.1/28"
    );
    let all = explained.iter().flat_map(|(_, reasons)| reasons).map(|reason| reason.code.as_str());
    assert!(all.into_iter().all(|code| code == "stray-lease"));
}

#[test]
fn a_pool_that_is_used_up_explains_the_want_of_a_lease_of_whoever_has_none_of_it() {
    let none: Row =
        ("firewall/masquerade", host_of("alpha"), &[("masqueraded", "no"), ("subnet", "none")], false);
    let served =
        |leases: &'static [(&'static str, &'static str)]| ("link/host", host_of("alpha"), leases, false);
    let others = served(&[("name", "ve-alpha"), ("pool", "1"), ("leases", "10.0.55.100 02:00:00:00:00:02")]);
    let explained = reasons(&[none.clone(), others.clone()]);
    let lease = explained.iter().find(|(check, _)| check == "address/lease").unwrap();
    assert_eq!(lease.1[0].code, "pool-used-up");
    assert_eq!(
        lease.1[0].evidence,
        "the DHCP server on ve-alpha has 1 to give, and has given 10.0.55.100 02:00:00:00:00:02; \
         alpha is 02:00:00:00:00:01"
    );
    let own = served(&[("name", "ve-alpha"), ("pool", "1"), ("leases", "10.0.55.100 02:00:00:00:00:01")]);
    let left = served(&[("name", "ve-alpha"), ("pool", "2"), ("leases", "10.0.55.100 02:00:00:00:00:02")]);
    for link in [own, left] {
        assert_eq!(codes(&[none.clone(), link]), Vec::<String>::new());
    }
    assert_eq!(codes(&[others]), Vec::<String>::new(), "alpha has a lease from elsewhere");
}

#[test]
fn a_way_back_by_another_link_explains_what_goes_by_ipv4() {
    const WAY_BACK: &[(&str, &str)] = &[
        ("name", "ve-alpha"),
        ("addresses", FE80),
        ("way-back", "vpn0"),
        ("rp-filter", "1"),
        ("rp-filter-drops", "7"),
    ];
    let explained = reasons(&[("link/host", host_of("alpha"), WAY_BACK, false)]);
    assert_eq!(
        explained[0].1[0].evidence,
        "alpha has 192.168.1.2 on ve-alpha, and the route leads by vpn0; rp_filter of ve-alpha is 1, and has had 7 packets dropped"
    );
    assert!(explained.iter().all(|(_, reasons)| reasons[0].code == "other-way-back"));
    assert_eq!(explained[0].1[0].remedy.as_deref(), Some("ip route replace 192.168.1.2/32 dev ve-alpha"));
    const ELSEWHERE: &[(&str, &str)] =
        &[("name", "br0"), ("addresses", "fe80::1/64"), ("way-back", "eth0"), ("rp-filter", "1")];
    let foreign = ["alpha", "beta"].map(|name| ("link/host", host_of(name), ELSEWHERE, false));
    assert_eq!(
        codes(&foreign),
        Vec::<String>::new(),
        "the host is not on the bridge, and answers nobody there"
    );
}

#[test]
fn one_hardware_address_for_two_machines_explains_what_goes_over_their_bridge() {
    const PORT: &[(&str, &str)] = &[("name", "br0"), ("port", "vb-x"), ("addresses", FE80)];
    const INSIDE: &[(&str, &str)] = &[
        ("name", "host0"),
        ("file", "80-container-host0.network"),
        ("mac", "02:00:00:00:00:01"),
        ("addresses", FE80),
    ];
    let ports = ["alpha", "beta"].map(|name| ("link/host", host_of(name), PORT, false));
    let inside = ["alpha", "beta"].map(|name| ("link/machine", machine(name), INSIDE, false));
    let explained = reasons(&[ports.clone(), inside.clone()].concat());
    let (_, to_peer) = explained.iter().find(|(check, _)| check == "ping/peer/ipv4").unwrap();
    assert_eq!(to_peer[0].code, "same-mac");
    assert_eq!(to_peer[0].evidence, "alpha and beta are both 02:00:00:00:00:01 on br0");
    let remedy = to_peer[0].remedy.as_deref().unwrap();
    assert!(remedy.contains("MACAddress=02:"), "{remedy}");
    assert_eq!(codes(&inside), Vec::<String>::new(), "each is on a link of its own");
    assert_eq!(codes(&ports), Vec::<String>::new(), "each has its own");
}

#[test]
fn ends_of_two_sizes_explain_what_is_too_large_for_one_of_them() {
    let small: Row = ("link/host", host_of("alpha"), &[("name", "ve-alpha"), ("mtu", "1300")], false);
    let explained = reasons(&[small]);
    let reason = &explained[0].1[0];
    assert_eq!(reason.evidence, "the link in alpha carries 1500 bytes, and ve-alpha 1300");
    assert_eq!(reason.remedy.as_deref(), Some("ip link set dev ve-alpha mtu 1500"));
    let port: &[(&str, &str)] =
        &[("name", "ve-alpha"), ("mtu", "1500"), ("port", "vb-alpha"), ("port-mtu", "1400")];
    let port: Row = ("link/host", host_of("alpha"), port, false);
    assert_eq!(codes(&[port]), ["ping/outside/ipv4-largest: mtu"]);
}

#[test]
fn two_links_explain_what_takes_one() {
    let elsewhere: Row = ("link/host", host_of("beta"), &[("name", "br1"), ("addresses", FE80)], false);
    let explained = reasons(&[elsewhere]);
    let told: Vec<(&str, &str)> =
        explained.iter().map(|(check, reasons)| (check.as_str(), reasons[0].code.as_str())).collect();
    let checks = ["ping/peer/ipv4", "ping/peer/ipv6-link-local", "resolve/peer/any"];
    assert_eq!(told, checks.map(|check| (check, "separate-links")));
    assert_eq!(explained[0].1[0].evidence, "alpha is on ve-alpha, and beta on br1");
}

#[test]
fn a_machine_with_no_address_beyond_its_link_is_told_the_prefix_that_its_host_has() {
    const HOST: &[(&str, &str)] = &[
        ("name", "lan0"),
        ("file", "50-lan0.network"),
        ("addresses", "10.8.0.1/24, fd0a:8::1/64, fe80::1/64"),
    ];
    const INSIDE: &[(&str, &str)] = &[("name", "host0"), ("addresses", "10.8.0.2/24, fe80::2/64")];
    const WITH: &[(&str, &str)] = &[("addresses", "10.8.0.2/24, fd0a:8::2/64, fe80::2/64")];
    let told = |inside: &[(&'static str, &str)]| {
        let seen = |values: &[(&'static str, &str)]| {
            let values = values.iter().map(|(name, value)| (*name, (*value).to_owned()));
            case(Some(Observation::Properties(Properties::new("", values))))
        };
        let (host, machine_end, ping) = (seen(HOST), seen(inside), case(None));
        let asked = [
            question("link/host", host_of("alpha")),
            question("link/machine", machine("alpha")),
            question("ping/outside/ipv6", machine("alpha")),
        ];
        let cell = |question, case, expected, is_surprising| Cell { question, case, expected, is_surprising };
        explain(&[
            cell(&asked[0], &host, None, false),
            cell(&asked[1], &machine_end, None, false),
            cell(&asked[2], &ping, Some(&Expectation::ANSWERS_ROUTED), true),
        ])
        .remove(2)
    };
    let reasons = told(INSIDE);
    assert_eq!(reasons[0].code, "no-ipv6-prefix");
    assert_eq!(reasons[0].evidence, "alpha has 10.8.0.2/24, fe80::2/64");
    let remedy = reasons[0].remedy.as_deref().unwrap();
    assert!(
        remedy.starts_with(
            "mkdir -p /etc/systemd/network/50-lan0.network.d && \
             printf '[Network]\\nIPv6SendRA=yes\\n\\n[IPv6Prefix]\\nPrefix=fd0a:8::/64\\n' \
             >/etc/systemd/network/50-lan0.network.d/90-IPv6SendRA.conf && networkctl reload"
        ),
        "{remedy}"
    );
    assert!(told(WITH).is_empty());
}

#[test]
fn a_file_of_several_links_is_changed_once_for_all_machines_on_them() {
    const MASQUERADE: &[(&str, &str)] = &[("masqueraded", "no"), ("subnet", "192.168.1.2/28")];
    let explained = reasons(&[("firewall/masquerade", host_of("alpha"), MASQUERADE, false)]);
    let (_, outside) = explained.iter().find(|(check, _)| check == "ping/outside/ipv4").unwrap();
    let anew = |machine: &str| {
        format!(
            "systemd-run --quiet --machine={machine} --wait --collect --pipe sh -c \"networkctl reconfigure host0\""
        )
    };
    let asking = format!("networkctl reload && {} && {}", anew("alpha"), anew("beta"));
    assert!(outside[0].remedy.as_deref().unwrap().ends_with(&asking), "{:?}", outside[0].remedy);
}
