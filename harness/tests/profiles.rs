//! What a provider changes, for real: the profiles that decide why the shipped unit has no network where a bridge has.
//! docs/providers.md tells the whole.
//!
//! It needs what live trials need, and is ignored or fails for the same reasons.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::{Network, Observation, Report, STOCK};
use support::{program, texts_in, trial};
use tempfile::TempDir;

/// What a machine has: a lease, and an answer from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Outside,
    LeaseOnly,
    Nothing,
}
use Reach::{LeaseOnly, Nothing, Outside};

/// By profile: what machines have with the shipped unit, and what on br0.
const DECISIVE: [(&str, Reach, Reach); 9] = [
    (STOCK, Outside, Outside),
    // The answers to the question.
    ("networkd-off", Nothing, Outside),
    ("greedy-network-file", Nothing, Outside),
    ("no-ve-network-file", Nothing, Outside),
    ("interface-firewall", Nothing, Outside),
    ("pool-taken", Nothing, Outside),
    ("forwarding-taken-back", LeaseOnly, Outside),
    // No answers: what keeps the one from working keeps the other from it too.
    ("early-greedy-network-file", Nothing, Nothing),
    ("forward-drop", LeaseOnly, LeaseOnly),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("the-shipped-unit-fails-where-a-bridge-works", decisive),
        trial("facts-tell-how-the-network-was-set-up", facts),
        trial("a-host-says-what-its-uplink-does-not-carry", smaller_uplink),
        trial("what-belongs-to-somebody-does-not-leave-a-run", redacted),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn decisive() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let report = run(&out, &DECISIVE.map(|(profile, _, _)| format!("--profile={profile}")))?;
    let mut wrong = Vec::new();
    for (profile, shipped, bridge) in DECISIVE {
        for (scenario, wanted) in [("default-veth", shipped), ("bridge", bridge)] {
            let seen = reach(&report, profile, scenario)?;
            if seen.values().any(|reach| *reach != wanted) {
                wrong.push(format!("{scenario} as {profile}: {seen:?}, not {wanted:?}"));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Each fact of these hosts follows from the file of their profile.
fn facts() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let report = run(&out, &["linode", "forward-drop"].map(|profile| format!("--profile={profile}")))?;
    let network = |profile: &str| {
        let host = report.hosts.iter().find(|host| host.profile == profile);
        host.and_then(|host| host.facts.as_ref()?.network.as_ref()).ok_or("it has facts")
    };
    let (linode, docker) = (network("linode")?, network("forward-drop")?);
    let names = |set: &Option<BTreeSet<String>>| set.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let uplink = linode.links.get("uplink0").ok_or("it has an uplink")?;
    let sources: Vec<&str> = uplink.addresses.iter().map(|address| address.source.as_str()).collect();
    let default_route = |network: &Network| {
        let routes =
            network.routes.iter().flatten().filter(|route| route.to == "default" && route.family == "ipv6");
        routes.map(|route| route.protocol.clone()).collect::<Vec<_>>().join(", ")
    };
    let chains: Vec<(&str, Option<&str>)> =
        docker.chains.iter().flatten().map(|chain| (chain.name.as_str(), chain.policy.as_deref())).collect();
    let seen = format!(
        "{}; {} by {}; {}; {} on {}; ra {}, {}; {}, {} {chains:?}",
        names(&linode.managers),
        uplink.network_file.as_deref().unwrap_or("no file"),
        uplink.matched_by.join(", "),
        sources.join(", "),
        linode.resolver.as_ref().map(|resolver| resolver.options.join(", ")).unwrap_or_default(),
        linode.resolv_conf,
        default_route(linode),
        default_route(docker),
        names(&linode.firewalls),
        names(&docker.firewalls),
    );
    let wanted = "Network Helper, systemd-networkd; 05-uplink0.network by Name=uplink0; static, NDisc, foreign; \
        rotate on file; ra ra, static; , iptables-nft \
        [(\"ip filter FORWARD\", Some(\"drop\")), (\"ip6 filter FORWARD\", Some(\"drop\"))]";
    if seen == wanted { Ok(()) } else { Err(format!("{seen}\nis not\n{wanted}").into()) }
}

/// What the uplink carries is answered, and what is larger by a byte leaves the machine and is refused by the host.
fn smaller_uplink() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let sized = ["largest", "too-large"].map(|size| format!("--check=ping/outside/ipv4-{size}"));
    let report = run(&out, &[vec!["--profile=small-mtu".to_owned()], sized.to_vec()].concat())?;
    let mut seen = BTreeSet::new();
    for case in report.cases.iter().filter(|case| case.check.starts_with("ping/outside/ipv4-")) {
        let Some(Observation::Ping(ping)) = &case.observed else {
            return Err(format!("{} is broken: {:?}", case.name(), case.reason).into());
        };
        let error = ping.error.as_deref().unwrap_or("none");
        seen.insert(format!("{} {} {:?} {error} {}", case.scenario, case.check, ping.size, case.verdict));
    }
    let wanted = ["bridge", "default-veth"].into_iter().flat_map(|scenario| {
        [("largest", 1400, "none"), ("too-large", 1401, "Frag needed and DF set")].map(
            |(check, size, error)| format!("{scenario} ping/outside/ipv4-{check} Some({size}) {error} pass"),
        )
    });
    if seen == wanted.collect() { Ok(()) } else { Err(format!("{seen:#?}").into()) }
}

/// A host that has what people do not want to post, and something red, so that there is evidence.
const OWN: &str = r#"
name = "own"
summary = "addresses, a name and a key of somebody's"

[[step]]
step = "run"
argv = ["ip", "address", "add", "45.79.13.7/24", "dev", "uplink0"]

[[step]]
step = "run"
argv = ["ip", "address", "add", "2a01:7e00::f03c:91ff:feab:cdef/64", "dev", "uplink0", "nodad"]

[[step]]
step = "run"
argv = ["hostnamectl", "hostname", "web1.corp.example"]

[[step]]
step = "run"
argv = ["nft", "add table inet own; add chain inet own forward { type filter hook forward priority 0; policy drop; }; add rule inet own forward ip saddr 45.79.13.9 accept"]

[[step]]
step = "run"
argv = ["systemd-cat", "echo", "PrivateKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="]
"#;

/// What of that is searched for.
const SOMEBODYS: [&str; 6] =
    ["45.79.13.7", "45.79.13.9", "2a01:7e00:", "web1", "corp.example", "yAnz5TF+lXXJte14tji3zlMNq"];

fn redacted() -> Result<(), Failed> {
    let profile = tempfile::Builder::new().suffix(".toml").tempfile()?;
    fs::write(&profile, OWN)?;
    let profile = format!("--profile={}", profile.path().display());
    let seen = |arguments: &[String]| -> Result<(Report, Vec<&str>), Failed> {
        let out = tempfile::tempdir()?;
        let report = run(&out, arguments)?;
        let texts = texts_in(out.path())?;
        let stands = |wanted: &&str| texts.iter().any(|text| text.contains(wanted));
        Ok((report, SOMEBODYS.into_iter().filter(stands).collect()))
    };
    let (plain, whose) = seen(&[profile.clone(), "--no-redact".to_owned()])?;
    if whose != SOMEBODYS || plain.run.redacted {
        return Err(format!("as it is there are only {whose:?}").into());
    }
    let (told, whose) = seen(&[profile])?;
    if !whose.is_empty() || !told.run.redacted {
        return Err(format!("{whose:?} is left").into());
    }
    let verdicts =
        |report: &Report| report.cases.iter().map(|case| (case.name(), case.verdict)).collect::<Vec<_>>();
    if verdicts(&plain) != verdicts(&told) {
        return Err("what is redacted is judged otherwise".into());
    }
    Ok(())
}

/// What each machine of a scenario has on the host of a profile.
fn reach(report: &Report, profile: &str, scenario: &str) -> Result<BTreeMap<String, Reach>, Failed> {
    let is_of = |host: &str| report.hosts.iter().any(|record| record.id == host && record.profile == profile);
    let seen = |check: &str| -> Result<BTreeMap<String, bool>, Failed> {
        let cases = report.cases.iter().filter(|case| case.scenario == scenario && case.check == check);
        let seen = cases.filter(|case| is_of(&case.host)).map(|case| match &case.observed {
            Some(Observation::Lease(lease)) => Ok((case.subject.clone(), lease.address.is_some())),
            Some(Observation::Ping(ping)) => Ok((case.subject.clone(), ping.received > 0)),
            _ => Err(Failed::from(format!("{} as {profile} is broken: {:?}", case.name(), case.reason))),
        });
        seen.collect()
    };
    let (leases, outside) = (seen("address/lease")?, seen("ping/outside/ipv4")?);
    if leases.is_empty() || leases.keys().ne(outside.keys()) {
        return Err(format!("{scenario} as {profile}: not everybody was asked").into());
    }
    let reach = |(machine, has_lease)| {
        let reach = match (has_lease, outside[&machine]) {
            (_, true) => Outside,
            (true, false) => LeaseOnly,
            (false, false) => Nothing,
        };
        (machine, reach)
    };
    Ok(leases.into_iter().map(reach).collect())
}

fn run(out: &TempDir, arguments: &[String]) -> Result<Report, Failed> {
    let asked = [
        "--scenario=default-veth",
        "--scenario=bridge",
        "--check=address/lease",
        "--check=ping/outside/ipv4",
    ];
    let options = asked.map(str::to_owned).into_iter().chain(arguments.iter().cloned());
    // What is red is what is looked at.
    Ok(program::run_into(out.path(), options)?.report)
}
