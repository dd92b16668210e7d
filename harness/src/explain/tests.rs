//! A host as the questions saw it, in as few values as a cause needs.

use nspawn_matrix_reports::{AddressSpace, Observation, Ping, Properties, Verdict};
use nspawn_matrix_scenarios::{Check, Expectation, Subject};

use super::*;

mod inside;
mod links;
mod names;
mod starting;

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

/// What is claimed of a question to a pair, as of machines on one link.
fn expected(question: &Question) -> Option<Expectation> {
    let Subject::Pair { .. } = question.subject else { return None };
    Some(if let Check::Name(_) = question.check {
        Expectation::resolves(&[AddressSpace::Lease])
    } else {
        Expectation::ANSWERS_ON_LINK
    })
}

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
        ("settings/overridden", host_of("alpha"), &[("mounts", "nothing"), ("network", "nothing")], false),
        ("settings/binds", machine("alpha"), &[], true),
        ("start/refusal", host_of("alpha"), &[("started", "yes")], true),
        ("identity/machine-id", machine("alpha"), &[("set", "yes"), ("shared with", "nobody")], true),
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
    let told: Vec<(Question, Case, Option<Expectation>, bool)> = rows
        .into_iter()
        .map(|(check, subject, values, is_surprising)| {
            let values = values.iter().map(|(name, value)| (*name, (*value).to_owned()));
            let observed = Some(Observation::Properties(Properties::new("", values)));
            let question = question(check, subject);
            let expected = expected(&question);
            (question, case(observed), expected, is_surprising)
        })
        .collect();
    let cells: Vec<Cell<'_>> = told
        .iter()
        .map(|(question, case, expected, is_surprising)| Cell {
            question,
            case,
            expected: expected.as_ref(),
            is_surprising: *is_surprising,
        })
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
fn what_another_cause_brings_about_is_no_cause() {
    let faults: [Row; 2] = [
        ("environment/services", machine("alpha"), &[("systemd-networkd", "inactive")], false),
        ("environment/resolv-conf", machine("alpha"), &[("answering", "none"), ("servers", "none")], false),
    ];
    let explained = codes(&faults);
    assert!(explained.contains(&"resolve/outside/ipv4: machine-networkd-off".to_owned()), "{explained:?}");
    assert_eq!(codes(&faults[1..]), ["resolve/outside/ipv4: no-name-server"]);
    for cause in CAUSES {
        assert!(!cause.leads_to(cause), "{}", cause.code);
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
fn where_nothing_that_was_seen_decides_it_is_told_what_would() {
    let told = |expected: &Expectation, received, error: Option<&str>| -> Vec<(String, String)> {
        let ping = Ping {
            target: Some("fe80::1%host0".to_owned()),
            sent: 3,
            received,
            rtt_us: None,
            ttl: None,
            size: None,
            error: error.map(str::to_owned),
        };
        let question = question("ping/peer/ipv6-link-local", pair());
        let case = case(Some(Observation::Ping(ping)));
        let expected = Some(expected);
        let cells = [Cell { question: &question, case: &case, expected, is_surprising: true }];
        explain(&cells).concat().into_iter().map(|reason| (reason.code, reason.evidence)).collect()
    };
    let undecided = |would: &str| vec![("undecided".to_owned(), would.to_owned())];
    let on_link = &Expectation::ANSWERS_ON_LINK;
    assert_eq!(told(on_link, 0, None), undecided("`tcpdump -ni any host fe80::1` shows how far it gets"));
    let unsent = undecided("`ip route get fe80::1` in alpha shows why nothing is sent");
    assert_eq!(told(on_link, 0, Some("Network is unreachable")), unsent);
    assert!(told(on_link, 3, None).is_empty(), "that somebody answers who should not is no riddle");
    assert!(told(&Expectation::Unreached, 0, None).is_empty(), "no answer was claimed");
}
