//! A host as the questions saw it, in as few values as a cause needs.

use nspawn_matrix_reports::{Observation, Properties, Verdict};
use nspawn_matrix_scenarios::Subject;

use super::*;

fn question(check: &str, subject: Subject) -> Question {
    Question { check: check.parse().unwrap(), subject }
}

fn machine(name: &str) -> Subject {
    Subject::Machine { machine: name.to_owned() }
}

fn host_of(name: &str) -> Subject {
    Subject::Host { machine: name.to_owned() }
}

fn pair() -> Subject {
    Subject::Pair { machine: "alpha".to_owned(), peer: "beta".to_owned() }
}

fn case(observed: Option<Observation>) -> Case {
    Case {
        host: String::new(),
        scenario: String::new(),
        check: String::new(),
        subject: String::new(),
        verdict: Verdict::Fail,
        expected: String::new(),
        observed,
        reason: None,
        link: None,
        attempts: 1,
        explanations: Vec::new(),
        duration_ms: 0,
    }
}

/// A question, what it saw, and whether that is surprising.
type Row = (&'static str, Subject, &'static [(&'static str, &'static str)], bool);

/// The address that every link has.
const FE80: &str = "fe80::1/64, 192.168.1.1/28";

/// What a host without faults has for the causes to look at.
fn healthy() -> Vec<Row> {
    const SERVICES: &[(&str, &str)] = &[("systemd-networkd", "active"), ("systemd-resolved", "active")];
    const LINK: &[(&str, &str)] = &[
        ("name", "ve-alpha"),
        ("file", "80-container-ve.network"),
        ("setup", "configured"),
        ("addresses", FE80),
        ("mtu", "1500"),
        ("way-back", "ve-alpha"),
        ("rp-filter", "1"),
        ("pool", "13"),
        ("leases", "192.168.1.2 02:00:00:00:00:01"),
    ];
    const FORWARD: &[(&str, &str)] = &[("IPv4", "accepted"), ("chains", "none"), ("docker", "absent")];
    vec![
        ("environment/host-services", Subject::HostItself, SERVICES, false),
        ("environment/services", machine("alpha"), SERVICES, false),
        ("environment/services", machine("beta"), SERVICES, false),
        ("link/host", host_of("alpha"), LINK, false),
        ("environment/network-files", Subject::HostItself, &[("findings", "none")], false),
        ("firewall/input", Subject::HostItself, &[("DHCP", "accepted"), ("chains", "none")], false),
        (
            "environment/forwarding",
            Subject::HostItself,
            &[("IPv4", "1"), ("IPv4 of the links", "ve-alpha 1")],
            false,
        ),
        ("firewall/forward", Subject::HostItself, FORWARD, false),
        (
            "firewall/masquerade",
            host_of("alpha"),
            &[("masqueraded", "yes"), ("subnet", "192.168.1.2/28")],
            false,
        ),
        (
            "environment/multicast",
            machine("alpha"),
            &[("LLMNR", "yes"), ("LLMNR on the host's end", "yes")],
            false,
        ),
        (
            "environment/multicast",
            machine("beta"),
            &[("LLMNR", "yes"), ("LLMNR on the host's end", "yes")],
            false,
        ),
        (
            "environment/resolv-conf",
            machine("alpha"),
            &[("answering", "all"), ("servers", "192.0.2.53"), ("hosts", "files resolve dns")],
            false,
        ),
        (
            "link/machine",
            machine("alpha"),
            &[("name", "host0"), ("addresses", FE80), ("mtu", "1500"), ("mac", "02:00:00:00:00:01")],
            false,
        ),
        (
            "link/machine",
            machine("beta"),
            &[("name", "host0"), ("addresses", FE80), ("mtu", "1500"), ("mac", "02:00:00:00:00:02")],
            false,
        ),
        ("link/host", host_of("beta"), LINK, false),
        ("identity/hostname", machine("beta"), &[("host name", "beta")], false),
        ("ping/gateway/ipv6-link-local", machine("alpha"), &[], true),
        ("address/lease", machine("alpha"), &[], true),
        ("ping/outside/ipv4", machine("alpha"), &[], true),
        ("ping/outside/ipv4-largest", machine("alpha"), &[], true),
        ("ping/peer/ipv4", pair(), &[], true),
        ("ping/peer/ipv6-link-local", pair(), &[], true),
        ("resolve/peer/any", pair(), &[], true),
        ("resolve/outside/ipv4", machine("alpha"), &[], true),
        ("bind/owner", machine("alpha"), &[], true),
        ("settings/warnings", host_of("alpha"), &[("lines", ""), ("priority", "none")], false),
        ("settings/binds", machine("alpha"), &[], true),
        ("bind/idmap", machine("alpha"), &[("mapped", "yes"), ("directory", "1000:1000")], true),
    ]
}

/// The reasons for each surprising cell, by its question, when `fault` was seen in the place of what is healthy.
fn reasons(fault: &[Row]) -> Vec<(String, Vec<Explanation>)> {
    let mut rows = healthy();
    for changed in fault {
        let row = rows.iter_mut().find(|row| (row.0, &row.1) == (changed.0, &changed.1)).unwrap();
        row.2 = changed.2;
    }
    let told: Vec<(Question, Case, bool)> = rows
        .into_iter()
        .map(|(check, subject, values, is_surprising)| {
            let values = values.iter().map(|(name, value)| (*name, (*value).to_owned()));
            let observed = Some(Observation::Properties(Properties::new("", values)));
            (question(check, subject), case(observed), is_surprising)
        })
        .collect();
    let cells: Vec<Cell<'_>> = told
        .iter()
        .map(|(question, case, is_surprising)| Cell { question, case, is_surprising: *is_surprising })
        .collect();
    let names = told.iter().map(|(question, ..)| question.check.name().into_owned());
    names.zip(explain(&cells)).filter(|(_, reasons)| !reasons.is_empty()).collect()
}

/// The questions that `fault` explains, and the codes of the reasons.
fn codes(fault: &[Row]) -> Vec<String> {
    let line = |(check, reasons): (String, Vec<Explanation>)| {
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        format!("{check}: {}", codes.join(", "))
    };
    reasons(fault).into_iter().map(line).collect()
}

#[test]
fn nothing_is_explained_where_nothing_is_wrong() {
    assert_eq!(codes(&[]), Vec::<String>::new());
}

#[test]
fn a_file_that_takes_links_of_machines_explains_all_that_goes_over_them() {
    let greedy: Row = (
        "link/host",
        host_of("alpha"),
        &[("name", "ve-alpha"), ("file", "05-eth0.network"), ("setup", "configured")],
        false,
    );
    let explained = reasons(&[greedy]);
    let checks: Vec<&str> = explained.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(
        checks,
        [
            "ping/gateway/ipv6-link-local",
            "address/lease",
            "ping/outside/ipv4",
            "ping/outside/ipv4-largest",
            "ping/peer/ipv4",
            "ping/peer/ipv6-link-local",
            "resolve/peer/any",
            "resolve/outside/ipv4"
        ]
    );
    assert_eq!(explained[0].1[0].code, "foreign-network-file");
    assert_eq!(explained[0].1[0].evidence, "05-eth0.network configures ve-alpha");
}

#[test]
fn a_file_of_another_kinds_name_explains_a_bridge_that_nobody_configures() {
    const UNMANAGED: &[(&str, &str)] = &[("name", "br0"), ("file", ""), ("setup", "unmanaged")];
    const BRIDGE: &[(&str, &str)] = &[(
        "findings",
        "/etc/a.netdev has no [NetDev] section, so it makes no link; \
         /etc/a.netdev holds [Network] for br*, which is read in a .network file only",
    )];
    const ANOTHER: &[(&str, &str)] =
        &[("findings", "/etc/a.netdev holds [Network] for lan0, which is read in a .network file only")];
    let link = ("link/host", host_of("alpha"), UNMANAGED, false);
    let files = |found| ("environment/network-files", Subject::HostItself, found, false);
    let explained = reasons(&[link.clone(), files(BRIDGE)]);
    let [reason] = &explained[0].1[..] else { panic!("the link is unmanaged for no reason of its own") };
    assert_eq!(reason.code, "misnamed-file");
    assert_eq!(
        reason.evidence,
        "/etc/a.netdev holds [Network] for br*, which is read in a .network file only"
    );
    assert_eq!(
        reason.remedy.as_deref(),
        Some(
            "mv --no-clobber /etc/a.netdev /etc/a.network; networkctl reload && systemd-run --quiet --machine=alpha \
             --wait --collect --pipe sh -c \"networkctl reconfigure host0\""
        )
    );
    let explained = reasons(&[link, files(ANOTHER)]);
    assert_eq!(explained[0].1[0].code, "link-unmanaged");
}

#[test]
fn what_forwards_matters_to_what_is_forwarded() {
    let dropped: Row = (
        "firewall/forward",
        Subject::HostItself,
        &[("IPv4", "dropped"), ("chains", "ip filter FORWARD, policy drop"), ("docker", "active")],
        false,
    );
    let explained = reasons(std::slice::from_ref(&dropped));
    let checks: Vec<&str> = explained.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(
        checks,
        ["ping/outside/ipv4", "ping/outside/ipv4-largest", "ping/peer/ipv4", "resolve/outside/ipv4"]
    );
    let reason = &explained[0].1[0];
    assert_eq!(reason.evidence, "forward: ip filter FORWARD, policy drop; docker runs");
    assert_eq!(
        reason.remedy.as_deref(),
        Some(
            "nft insert rule ip filter FORWARD iifname ve-alpha accept; \
             nft insert rule ip filter FORWARD oifname ve-alpha accept"
        )
    );
}

#[test]
fn several_causes_hold_at_once_in_the_order_in_which_they_are_to_be_removed() {
    let faults: [Row; 3] = [
        ("environment/multicast", machine("beta"), &[("LLMNR", "resolve")], false),
        (
            "firewall/input",
            Subject::HostItself,
            &[("DHCP", "dropped"), ("chains", "inet filter input, policy drop")],
            false,
        ),
        (
            "environment/forwarding",
            Subject::HostItself,
            &[("IPv4", "0"), ("IPv4 of the links", "ve-alpha 0")],
            false,
        ),
    ];
    assert_eq!(
        codes(&faults),
        [
            "address/lease: dhcp-dropped",
            "ping/outside/ipv4: dhcp-dropped, forwarding-off",
            "ping/outside/ipv4-largest: dhcp-dropped, forwarding-off",
            "ping/peer/ipv4: dhcp-dropped, forwarding-off",
            "resolve/peer/any: dhcp-dropped, llmnr-off",
            "resolve/outside/ipv4: dhcp-dropped, forwarding-off",
        ]
    );
}

#[test]
fn what_a_machine_says_of_itself_explains_its_names() {
    let other: Row = ("identity/hostname", machine("beta"), &[("host name", "golden-image")], false);
    assert_eq!(codes(&[other]), ["resolve/peer/any: other-hostname"]);
    let hosts: &[(&str, &str)] = &[("answering", "all"), ("hosts", "files")];
    let nsswitch: Row = ("environment/resolv-conf", machine("alpha"), hosts, false);
    let explained = reasons(&[nsswitch]);
    assert_eq!(explained[0].1[0].evidence, "nsswitch.conf of alpha says hosts: files");
    let checks: Vec<&str> = explained.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(checks, ["resolve/peer/any", "resolve/outside/ipv4"]);
}

#[test]
fn a_resolv_conf_that_leads_nowhere_matters_to_those_that_read_it() {
    const RESOLV_CONF: &str = "environment/resolv-conf";
    let row = |values| -> [Row; 1] { [(RESOLV_CONF, machine("alpha"), values, false)] };
    let dangling: &[(&str, &str)] = &[
        ("exists", "no"),
        ("leads to", "/nowhere"),
        ("answering", "nobody is named"),
        ("hosts", "files dns"),
    ];
    let explained = reasons(&row(dangling));
    let told: Vec<(&str, &str)> =
        explained.iter().map(|(check, reasons)| (check.as_str(), reasons[0].code.as_str())).collect();
    assert_eq!(
        told,
        [("resolve/peer/any", "resolv-conf-wrong"), ("resolve/outside/ipv4", "resolv-conf-wrong")]
    );
    assert_eq!(explained[0].1[0].evidence, "resolv.conf of alpha leads to /nowhere, which is not there");
    let of_builder: &[(&str, &str)] = &[
        ("exists", "yes"),
        ("leads to", "nothing but itself"),
        ("servers", "10.0.2.3"),
        ("answering", "none"),
        ("hosts", "files dns"),
    ];
    assert_eq!(reasons(&row(of_builder))[0].1[0].evidence, "servers in resolv.conf of alpha: 10.0.2.3");
    let of_resolved: &[(&str, &str)] = &[
        ("exists", "yes"),
        ("leads to", "/run/systemd/resolve/resolv.conf"),
        ("answering", "none"),
        ("hosts", "files dns"),
    ];
    assert_eq!(codes(&row(of_resolved)), ["resolve/outside/ipv4: no-name-server"]);
    let by_resolved: &[(&str, &str)] =
        &[("exists", "no"), ("leads to", "/nowhere"), ("hosts", "resolve dns")];
    assert_eq!(codes(&row(by_resolved)), Vec::<String>::new());
}

#[test]
fn what_systemd_nspawn_says_of_a_file_explains_bind_mounts() {
    let said = |lines| -> Row { ("settings/warnings", host_of("alpha"), lines, false) };
    let untrusted: &[(&str, &str)] = &[
        (
            "lines",
            "Ignoring TemporaryFileSystem=, Bind= and BindReadOnly= settings, file /x is not trusted. / Else.",
        ),
        ("priority", "info"),
    ];
    let explained = reasons(&[said(untrusted)]);
    let checks: Vec<&str> = explained.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(checks, ["bind/owner", "settings/binds", "bind/idmap"]);
    let moved = "mkdir -p /etc/systemd/nspawn && mv /x /etc/systemd/nspawn/ && systemctl restart systemd-nspawn@alpha.service";
    assert_eq!(explained[0].1[0].remedy.as_deref(), Some(moved));
    let misspelt: &[(&str, &str)] =
        &[("lines", "/x:2: Unknown key 'Binds' in section [Files], ignoring."), ("priority", "warning")];
    let told: Vec<String> = checks.iter().map(|check| format!("{check}: setting-unknown")).collect();
    assert_eq!(codes(&[said(misspelt)]), told);
    let of_network: &[(&str, &str)] =
        &[("lines", "/x:2: Unknown key 'Zones' in section [Network], ignoring."), ("priority", "warning")];
    assert_eq!(codes(&[said(of_network)]), Vec::<String>::new());
}

#[test]
fn a_bind_mount_without_idmap_explains_that_it_is_nobodys() {
    const NOBODYS: &[(&str, &str)] =
        &[("mount point", "/srv/x"), ("mapped", "no"), ("directory", "65534:65534")];
    const ROOTS: &[(&str, &str)] = &[("mount point", "/srv/x"), ("mapped", "no"), ("directory", "0:0")];
    let seen = |values| codes(&[("bind/idmap", machine("alpha"), values, true)]);
    assert_eq!(seen(NOBODYS), ["bind/idmap: bind-not-mapped"]);
    assert_eq!(seen(ROOTS), Vec::<String>::new(), "there is no user namespace");
}

#[test]
fn what_is_on_a_link_explains_who_is_heard_there() {
    let bare: Row = ("link/machine", machine("alpha"), &[("addresses", "10.0.0.2/28")], false);
    assert_eq!(
        codes(&[bare]),
        ["ping/gateway/ipv6-link-local: no-fe80", "ping/peer/ipv6-link-local: no-fe80"]
    );
    let isolated: &[(&str, &str)] = &[("name", "br0"), ("port", "vb-x"), ("port-isolated", "yes")];
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
    let others = served(&[("name", "br0"), ("pool", "1"), ("leases", "10.0.55.100 02:00:00:00:00:02")]);
    let explained = reasons(&[none.clone(), others.clone()]);
    let lease = explained.iter().find(|(check, _)| check == "address/lease").unwrap();
    assert_eq!(lease.1[0].code, "pool-used-up");
    assert_eq!(
        lease.1[0].evidence,
        "the DHCP server on br0 has 1 to give, and has given 10.0.55.100 02:00:00:00:00:02; \
         alpha is 02:00:00:00:00:01"
    );
    let own = served(&[("name", "br0"), ("pool", "1"), ("leases", "10.0.55.100 02:00:00:00:00:01")]);
    let left = served(&[("name", "br0"), ("pool", "2"), ("leases", "10.0.55.100 02:00:00:00:00:02")]);
    for link in [own, left] {
        assert_eq!(codes(&[none.clone(), link]), Vec::<String>::new());
    }
    assert_eq!(codes(&[others]), Vec::<String>::new(), "alpha has a lease from elsewhere");
}

#[test]
fn a_way_back_by_another_link_explains_what_goes_by_ipv4() {
    const WAY_BACK: &[(&str, &str)] = &[
        ("name", "br0"),
        ("addresses", FE80),
        ("way-back", "vpn0"),
        ("rp-filter", "1"),
        ("rp-filter-drops", "7"),
    ];
    let explained = reasons(&[("link/host", host_of("alpha"), WAY_BACK, false)]);
    assert_eq!(
        explained[0].1[0].evidence,
        "alpha has 192.168.1.2 on br0, and the route leads by vpn0; rp_filter of br0 is 1, and has had 7 packets dropped"
    );
    assert!(explained.iter().all(|(_, reasons)| reasons[0].code == "other-way-back"));
    const ELSEWHERE: &[(&str, &str)] =
        &[("name", "br0"), ("addresses", "fe80::1/64"), ("way-back", "eth0"), ("rp-filter", "1")];
    let foreign = ("link/host", host_of("alpha"), ELSEWHERE, false);
    assert_eq!(
        codes(&[foreign]),
        Vec::<String>::new(),
        "the host is not on the bridge, and answers nobody there"
    );
}

#[test]
fn one_hardware_address_for_two_machines_explains_what_goes_over_their_bridge() {
    const PORT: &[(&str, &str)] = &[("name", "br0"), ("port", "vb-x"), ("addresses", FE80)];
    const INSIDE: &[(&str, &str)] = &[("mac", "02:00:00:00:00:01"), ("addresses", FE80)];
    let ports = ["alpha", "beta"].map(|name| ("link/host", host_of(name), PORT, false));
    let inside = ["alpha", "beta"].map(|name| ("link/machine", machine(name), INSIDE, false));
    let explained = reasons(&[ports.clone(), inside.clone()].concat());
    let (_, to_peer) = explained.iter().find(|(check, _)| check == "ping/peer/ipv4").unwrap();
    assert_eq!(to_peer[0].code, "same-mac");
    assert_eq!(to_peer[0].evidence, "alpha and beta are both 02:00:00:00:00:01 on br0");
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
        &[("name", "br0"), ("mtu", "1500"), ("port", "vb-alpha"), ("port-mtu", "1400")];
    let port: Row = ("link/host", host_of("alpha"), port, false);
    assert_eq!(codes(&[port]), ["ping/outside/ipv4-largest: mtu"]);
}

#[test]
fn what_another_cause_brings_about_is_no_cause() {
    let faults: [Row; 2] = [
        ("environment/services", machine("alpha"), &[("systemd-networkd", "inactive")], false),
        ("environment/resolv-conf", machine("alpha"), &[("answering", "none"), ("servers", "none")], false),
    ];
    let explained = codes(&faults);
    assert!(explained.contains(&"resolve/outside/ipv4: machine-networkd-off".to_owned()), "{explained:?}");
    assert_eq!(codes(&faults[1..]), ["resolve/outside/ipv4: no-name-server"]);
    for cause in Cause::ALL {
        assert!(!cause.brings_about(cause), "{}", cause.code());
    }
}

#[test]
fn a_remedy_is_for_the_machine_that_has_the_fault_and_each_is_told_once() {
    let off: Row = ("environment/services", machine("beta"), &[("systemd-resolved", "inactive")], false);
    let dropped: Row = (
        "firewall/forward",
        Subject::HostItself,
        &[("IPv4", "dropped"), ("chains", "ip filter FORWARD, policy drop")],
        false,
    );
    let cases: Vec<Case> = reasons(&[off, dropped])
        .into_iter()
        .map(|(_, explanations)| Case { explanations, ..case(None) })
        .collect();
    let opened = "nft insert rule ip filter FORWARD iifname ve-alpha accept; \
                  nft insert rule ip filter FORWARD oifname ve-alpha accept";
    let started = "systemctl --machine=beta unmask systemd-resolved.service && \
                   systemctl --machine=beta enable --now systemd-resolved";
    assert_eq!(remedies(&cases), [opened, started]);
}

#[test]
fn what_a_shell_would_read_otherwise_is_in_no_remedy() {
    let odd: &[(&str, &str)] = &[("name", "ve-$(reboot)"), ("file", ""), ("setup", "unmanaged")];
    let rows = ["alpha", "beta"].map(|name| ("link/host", host_of(name), odd, false));
    let explained = reasons(&rows);
    let all: Vec<_> = explained.iter().flat_map(|(_, reasons)| reasons).collect();
    assert!(!all.is_empty() && all.iter().all(|reason| reason.code == "link-unmanaged"));
    assert!(all.iter().all(|reason| reason.remedy.is_none()));
}

#[test]
fn codes_are_unique_and_every_cause_says_what_it_is() {
    let mut codes = Cause::ALL.map(Cause::code);
    codes.sort_unstable();
    assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
    for cause in Cause::ALL {
        assert!(cause.long().len() > cause.sentence().len() && cause.link().starts_with("https://"));
    }
}
