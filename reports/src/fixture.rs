//! Reports for the tests of the writers: small pieces, and [`matrix`], which looks like a real run.

use std::collections::BTreeMap;

use time::macros::datetime;

use crate::{
    AddressSpace, Autostart, BindFile, BindFiles, BindWrite, Case, Explanation, Facts, Family, FileKind,
    HostRecord, LastStretch, Lease, LinkSetup, LookupPath, Mount, Names, Network, Observation, Ping,
    Properties, RecordType, Report, Route, Run, SCHEMA, SeenAddress, TimelineEvent, Times, Transport,
    Utilisation, Verdict, Wire, WireRecord, Written,
};

pub(crate) fn lease(address: Option<&str>) -> Observation {
    let link_local = ["169.254.11.2/16", "fe80::5054:ff:fe12:1/64"].map(str::to_owned);
    Observation::Lease(Lease {
        link: Some("host0".to_owned()),
        address: address.map(|address| address.parse().unwrap()),
        addresses: address.map(str::to_owned).into_iter().chain(link_local).collect(),
    })
}

/// Three requests, of which `received` were answered.
pub(crate) fn ping(received: u32) -> Observation {
    Observation::Ping(Ping {
        received,
        rtt_us: (received > 0).then_some(85),
        ttl: (received > 0).then_some(64),
        ..some_ping()
    })
}

fn some_ping() -> Ping {
    Ping {
        target: Some("10.0.55.103".to_owned()),
        sent: 3,
        received: 3,
        rtt_us: None,
        ttl: None,
        size: None,
        error: None,
    }
}

pub(crate) fn names(spaces: &[(AddressSpace, u32)]) -> Observation {
    let address = |space| match space {
        AddressSpace::Lease => Some("10.0.55.38"),
        AddressSpace::Ipv4LinkLocal => Some("169.254.11.2"),
        AddressSpace::Ipv6LinkLocal => Some("fe80::5054:ff:fe12:1%2"),
        AddressSpace::Global => Some("192.0.2.1"),
        AddressSpace::Ipv6UniqueLocal | AddressSpace::Other | AddressSpace::None => None,
    };
    Observation::Names(Names {
        name: "beta".to_owned(),
        family: Family::Any,
        path: LookupPath::Nss,
        samples: spaces.iter().map(|(_, count)| count).sum(),
        overlapped: 0,
        repeated: 0,
        spaces: spaces.iter().copied().collect(),
        addresses: spaces
            .iter()
            .filter_map(|(space, count)| {
                Some(SeenAddress { address: address(*space)?.to_owned(), space: *space, count: *count })
            })
            .collect(),
        unanswered: 0,
        first_answers: u32::try_from(spaces.len()).unwrap(),
        took: Times { min_us: 230, median_us: 410, p90_us: 520, max_us: 610 },
        times_us: BTreeMap::new(),
        winners: BTreeMap::new(),
        origins: BTreeMap::new(),
        failures: BTreeMap::new(),
        cached: BTreeMap::new(),
        not_flushed: None,
    })
}

pub(crate) fn file_kind(owner: u32, mode: &str) -> FileKind {
    FileKind { kind: "file".to_owned(), uid: owner, gid: owner, mode: mode.to_owned() }
}

/// A case that passed, with a ping that was answered.
pub(crate) fn case(host: &str, scenario: &str, check: &str, subject: &str) -> Case {
    Case {
        host: host.to_owned(),
        scenario: scenario.to_owned(),
        check: check.to_owned(),
        subject: subject.to_owned(),
        verdict: Verdict::Pass,
        expected: "3 of 3 replies".to_owned(),
        observed: Some(ping(3)),
        reason: None,
        link: None,
        attempts: 1,
        explanations: Vec::new(),
        duration_ms: 204,
    }
}

pub(crate) fn host(id: &str, systemd: u32) -> HostRecord {
    HostRecord {
        id: id.to_owned(),
        kind: "sandbox".to_owned(),
        profile: "stock".to_owned(),
        image: "trixie".to_owned(),
        payload: "trixie".to_owned(),
        facts: Some(Facts {
            os: "Debian GNU/Linux 13 (trixie)".to_owned(),
            systemd: format!("{systemd} ({systemd}.13-1~deb13u1)"),
            kernel: "6.12.48".to_owned(),
            virtualization: "systemd-nspawn".to_owned(),
            provider: None,
            roots: "btrfs".to_owned(),
            bridge_nf_call_iptables: Some(false),
            ..Facts::default()
        }),
        systemd: Some(systemd),
        payload_systemd: Some(systemd),
        warnings: Vec::new(),
        left: Vec::new(),
    }
}

pub(crate) fn report(hosts: Vec<HostRecord>) -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        run: Run {
            id: "3fa90c11".to_owned(),
            started: datetime!(2026-11-20 10:11:12.345 UTC),
            finished: datetime!(2026-11-20 10:12:40 UTC),
            tool_version: "0.1.0".to_owned(),
            argv: vec!["nspawn-matrix".to_owned(), "run".to_owned()],
            utilisation: Some(Utilisation {
                cores: 2,
                busy_percent: 86,
                last_stretch: Some(LastStretch { ms: 12_345, busy_percent: 71 }),
            }),
            redacted: false,
        },
        hosts,
        cases: Vec::new(),
        timeline: Vec::new(),
    }
}

/// One host, one case with an explanation, one event: all of the contract that fits on a page.
pub(crate) fn one_case() -> Report {
    let mut small = report(vec![host("sandbox/trixie/nat", 257)]);
    let mut one = case("sandbox/trixie/nat", "nat", "resolve/peer/any", "alpha->beta");
    one.verdict = Verdict::Fail;
    one.expected = "lease".to_owned();
    one.observed = Some(names(&[(AddressSpace::Lease, 12), (AddressSpace::Ipv6LinkLocal, 20)]));
    one.reason = Some("fe80 was answered".to_owned());
    one.explanations.push(Explanation {
        code: "llmnr-any".to_owned(),
        text: "LLMNR answers with every address of the link".to_owned(),
        evidence: "resolvectl: +LLMNR on host0".to_owned(),
        remedy: Some("resolvectl llmnr host0 no".to_owned()),
        link: None,
    });
    small.cases.push(one);
    small.timeline.push(TimelineEvent {
        host: "sandbox/trixie/nat".to_owned(),
        scenario: "nat".to_owned(),
        machine: Some("alpha".to_owned()),
        event: "lease".to_owned(),
        detail: None,
        at_ms: 2_130,
    });
    small
}

/// One machine of one scenario, asked in every way there is, on a host of which something is known.
pub(crate) fn each_kind() -> Report {
    let mut all = matrix(&[257]);
    all.cases.retain(|case| case.scenario == "nat" && case.subject.starts_with("alpha"));
    for case in &mut all.cases {
        if let Some(Observation::Names(names)) = &mut case.observed {
            names.times_us = names.spaces.keys().map(|space| (*space, vec![230, 610])).collect();
            names.winners = [("llmnr-ipv4".to_owned(), 1)].into();
            names.origins = [(AddressSpace::Lease, names.winners.clone())].into();
            names.failures = [("timeout".to_owned(), 1)].into();
            names.cached = [("dns A".to_owned(), 1)].into();
        }
    }
    let asked = |check: &str, observed| Case {
        observed: Some(observed),
        ..case("sandbox/v257/stock", "nat", check, "alpha")
    };
    all.cases.push(asked("environment/forwarding", Observation::Properties(Properties::new("yes", []))));
    all.cases.push(asked("ping/outside/size", Observation::Ping(Ping { size: Some(1_500), ..some_ping() })));
    all.cases.push(asked(
        "resolve/peer/llmnr-ipv4",
        Observation::Wire(Wire {
            repeated: 0,
            name: "beta".to_owned(),
            transport: Transport::LlmnrIpv4,
            questions: 32,
            answered: [(RecordType::A, 32)].into(),
            records: vec![WireRecord {
                record: RecordType::A,
                address: "10.0.55.38".to_owned(),
                space: AddressSpace::Lease,
                responder: "10.0.55.38".to_owned(),
                count: 32,
            }],
            took: Times::once(410),
            not_sent: [("Network is unreachable".to_owned(), 1)].into(),
            sent: 64,
        }),
    ));
    let facts = all.hosts[0].facts.get_or_insert_default();
    let route = Route { to: "198.51.100.0/24".to_owned(), metric: Some(100), ..Route::default() };
    let link = LinkSetup { mtu: Some(1_500), accept_ra: Some(2), ..LinkSetup::default() };
    facts.user_namespaces = Some(10_000);
    facts.network = Some(Network {
        routes: Some(vec![route]),
        links: [("eth0".to_owned(), link)].into(),
        ..Network::default()
    });
    all.timeline = ["started", "lease"]
        .map(|event| TimelineEvent {
            host: "sandbox/v257/stock".to_owned(),
            event: event.to_owned(),
            ..one_case().timeline.remove(0)
        })
        .into();
    all
}

const SCENARIOS: [&str; 8] = [
    "host-network",
    "default-veth",
    "nat",
    "bridge",
    "zone",
    "service-override",
    "nspawn-file-bridge",
    "nspawn-file-veth",
];

const CHECKS: [&str; 17] = [
    "address/lease",
    "ping/gateway/ipv4",
    "ping/peer/ipv4",
    "ping/peer/ipv6-link-local",
    "ping/machine-from-host/ipv4",
    "ping/outside/ipv4",
    "resolve/peer/any",
    "resolve/peer/ipv4",
    "resolve/peer/ipv6",
    "resolve/host/any",
    "resolve/machine-from-host/any",
    "resolve/outside/any",
    "bind/owner",
    "bind/mode",
    "bind/options",
    "bind/write",
    "autostart/after-reboot",
];

/// Eight scenarios, seventeen questions, two machines, on one host for each version: one of each verdict and more.
pub(crate) fn matrix(versions: &[u32]) -> Report {
    let hosts = versions.iter().map(|version| host(&format!("sandbox/v{version}/stock"), *version)).collect();
    let mut full = report(hosts);
    for host in &full.hosts {
        for scenario in SCENARIOS {
            for check in CHECKS {
                for machine in ["alpha", "beta"] {
                    full.cases.push(one_of_matrix(&host.id, scenario, check, machine));
                }
            }
        }
    }
    full
}

fn one_of_matrix(host: &str, scenario: &str, check: &str, machine: &str) -> Case {
    let peer = if machine == "alpha" { "beta" } else { "alpha" };
    let is_pair = check.contains("/peer/");
    let subject = if is_pair { format!("{machine}->{peer}") } else { machine.to_owned() };
    let mut one = case(host, scenario, check, &subject);
    one.observed = Some(seen(scenario, check, machine));
    one.expected = one.observed.as_ref().unwrap().short(check);
    judge(&mut one, machine);
    one
}

/// What an ordinary run sees.
fn seen(scenario: &str, check: &str, machine: &str) -> Observation {
    use AddressSpace::{Global, Ipv4LinkLocal, Ipv6LinkLocal, Lease, None};
    let is_bridged = scenario.ends_with("bridge") || scenario == "zone";
    match check {
        "address/lease" => lease(Some(if is_bridged { "10.0.55.38/24" } else { "10.0.55.38/28" })),
        "ping/outside/ipv4" if scenario == "zone" => ping(2),
        "resolve/peer/any" if is_bridged => names(&[(Lease, 12), (Ipv4LinkLocal, 3), (Ipv6LinkLocal, 17)]),
        "resolve/peer/any" => {
            names(&[(Lease, if machine == "alpha" { 11 } else { 14 }), (Ipv6LinkLocal, 20)])
        }
        "resolve/peer/ipv6" if is_bridged => names(&[(Ipv6LinkLocal, 32)]),
        "resolve/peer/ipv6" => names(&[(None, 32)]),
        "resolve/outside/any" => names(&[(Global, 32)]),
        "bind/owner" => Observation::BindFiles(BindFiles {
            files: vec![BindFile {
                name: "plain".to_owned(),
                outside: Some(file_kind(0, "644")),
                inside: Some(file_kind(if is_bridged { 65_534 } else { 0 }, "644")),
            }],
        }),
        "bind/mode" => Observation::BindFiles(BindFiles {
            files: vec![BindFile {
                name: "setuid".to_owned(),
                outside: Some(file_kind(0, "4755")),
                inside: Some(file_kind(0, "4755")),
            }],
        }),
        "bind/options" => Observation::Mount(Mount {
            fs_type: "btrfs".to_owned(),
            options: vec!["rw".to_owned(), "relatime".to_owned()],
            propagation: vec!["slave".to_owned()],
            idmapped: !is_bridged,
        }),
        "bind/write" if is_bridged => {
            Observation::BindWrite(BindWrite::Refused { errno: "EACCES".to_owned() })
        }
        "bind/write" => Observation::BindWrite(BindWrite::Written(Written {
            inside: file_kind(0, "644"),
            outside: Some(file_kind(0, "644")),
        })),
        "autostart/after-reboot" => Observation::Autostart(Autostart {
            enabled: "enabled".to_owned(),
            active: "active".to_owned(),
            registered: true,
        }),
        lookup if lookup.starts_with("resolve/") => names(&[(Lease, 32)]),
        _ => ping(3),
    }
}

/// Gives some cases another verdict than pass.
fn judge(one: &mut Case, machine: &str) {
    let (verdict, observed, reason) = match (one.scenario.as_str(), one.check.as_str(), machine) {
        ("host-network", check, _) if !check.starts_with("bind/") && !check.starts_with("autostart/") => {
            (Verdict::Skip, None, "the machine shares the network of the host and has no link of its own")
        }
        ("nat", "ping/peer/ipv4", _) => (
            Verdict::Fail,
            Some(ping(0)),
            "the claim is 3 of 3 replies: the host forwards between the links of its machines, and its \u{1b}[31mfirewall\u{1b}[0m has no rule against it",
        ),
        ("default-veth", "ping/peer/ipv6-link-local", "beta") => {
            (Verdict::Fail, Some(ping(0)), "the claim is 3 of 3 replies")
        }
        ("nat", "resolve/host/any", "beta") => {
            (Verdict::Broken, None, "enter namespaces of `beta`: the leader 4711 is gone")
        }
        ("zone", "bind/owner", _) => (
            Verdict::Known,
            one.observed.take(),
            "https://github.com/systemd/systemd/issues/28844: without idmap the owner is nobody",
        ),
        ("nspawn-file-veth", "autostart/after-reboot", _) => (
            Verdict::Fixed,
            one.observed.take(),
            "https://github.com/systemd/systemd/issues/1234 seems to be repaired",
        ),
        _ => return,
    };
    (one.verdict, one.observed, one.reason) = (verdict, observed, Some(reason.to_owned()));
    if verdict == Verdict::Fail && one.scenario == "nat" {
        one.explanations.push(Explanation {
            code: "bridge-nf".to_owned(),
            text: "frames between machines pass the firewall of the host".to_owned(),
            evidence: "net.bridge.bridge-nf-call-iptables = 1".to_owned(),
            remedy: Some("sysctl net.bridge.bridge-nf-call-iptables=0".to_owned()),
            link: None,
        });
    }
}
