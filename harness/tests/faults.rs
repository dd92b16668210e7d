//! Faults: what keeps a healthy scenario from working is done to its host on purpose, and every reason that the report
//! then gives must name that, and nothing else; of two at once both. What the reasons say is then done, and must help.
//!
//! They need what live trials need, and are ignored or fail for the same reasons. `NSPAWN_MATRIX_IMAGES` names what hosts
//! and machines are made from, with commas between (trixie if it says nothing).

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::{Case, Report, TimelineEvent, Verdict};
use nspawn_matrix_scenarios::{Fault, fault, found};
use support::{program, trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("each-fault-is-named-alone-and-mended", each_fault_is_named_and_mended),
        trial("a-prefix-that-nobody-announces-is-named-and-mended", a_missing_prefix_is_named_and_mended),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Two faults of one host, of which neither hides what the other breaks, by their names.
const PAIRS: [[&str; 2]; 8] = [
    ["separate-links", "forward-dropped"],
    ["machine-id-shared", "machine-llmnr-off"],
    ["forward-dropped", "llmnr-off"],
    ["no-name-server", "llmnr-off"],
    ["machine-resolved-off", "forward-dropped"],
    ["dhcp-dropped", "llmnr-off"],
    ["mtu", "llmnr-off"],
    ["other-way-back", "machine-llmnr-off"],
];

/// What becomes of a scenario now and then without a fault, with the cause that is then told rightly.
const BY_ITSELF: [(&str, &str); 1] = [("zone", "stray-lease")];

/// Faults that leave to chance which address a name gives, so that it takes many lookups to see one that is not usual.
const OF_CHANCE: [&str; 1] = ["resolve-before-mymachines"];

/// How many lookups of a name are enough for that.
const LOOKUPS: u32 = 24;

/// Causes of which no remedy is told, as only the person can know what is to give way.
const WITHOUT_REMEDY: [&str; 4] = ["separate-links", "systemd-too-old", "bind-unmappable", "link-name-taken"];

/// What is asked beside what people's machines are asked: the addresses beyond the host, and what systemd-nspawn takes.
const CHECKS: [&str; 5] =
    ["ping/outside/*", "resolve/outside/*", "settings/*", "bind/idmap", "start/refusal"];

fn each_fault_is_named_and_mended() -> Result<(), Failed> {
    let all = fault::all();
    let of =
        |name: &str| all.iter().find(|fault| fault.name == name).ok_or(format!("no fault is named {name}"));
    let mut sets: Vec<Vec<&Fault>> = all.iter().map(|fault| vec![fault]).collect();
    for pair in PAIRS {
        sets.push(pair.map(of).into_iter().collect::<Result<_, _>>()?);
    }
    let scenarios: BTreeSet<&str> = all.iter().map(|fault| fault.scenario.as_str()).collect();
    let healthy = run(1, scenarios.into_iter().map(|scenario| format!("--scenario={scenario}")))?;
    let mut wrong: Vec<String> = wrong(&healthy, &[], "");
    let is_of_chance = |set: &Vec<&Fault>| set.iter().any(|fault| OF_CHANCE.contains(&fault.name.as_str()));
    let (of_chance, sure): (Vec<_>, Vec<_>) = sets.into_iter().partition(is_of_chance);
    for (sets, lookups) in [(sure, 1), (of_chance, LOOKUPS)] {
        let faults = sets.iter().map(|set| format!("--fault={}", joined(set)));
        let faulty = run(lookups, ["--remedy".to_owned()].into_iter().chain(faults))?;
        for set in &sets {
            let scenario = format!("{}+{}", set[0].scenario, joined(set));
            wrong.extend(self::wrong(&faulty, set, &scenario));
            wrong.extend(still_wrong(&faulty, set, &format!("{scenario}+remedied")));
        }
        println!("{}\n{}", table(&faulty), remedies(&faulty));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// A set-up of a person's own that has IPv6 beyond the host, as no scenario of the catalogue has; and the same without what
/// announces the prefix.
const WITH_PREFIX: &str = include_str!("own/ipv6-prefix.toml");

fn a_missing_prefix_is_named_and_mended() -> Result<(), Failed> {
    let announced = ["IPv6SendRA=yes\n", "\n[IPv6Prefix]\nPrefix=fd0a:8::/64\n"];
    let without = announced.iter().fold(WITH_PREFIX.to_owned(), |text, lines| text.replace(lines, ""));
    let folder = tempfile::tempdir()?;
    let told = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text)?;
        let options = [format!("--scenario-file={}", file.display()), "--scenario=ipv6-prefix".to_owned()];
        run(1, options.into_iter().chain(["--remedy".to_owned()]))
    };
    let (healthy, faulty) = (told("healthy.toml", WITH_PREFIX)?, told("faulty.toml", &without)?);
    let mut wrong = wrong(&healthy, &[], "");
    for (host, cases) in by_host(&faulty) {
        let is_mended = host.ends_with("+remedied");
        let expected = if is_mended { BTreeSet::new() } else { BTreeSet::from(["no-ipv6-prefix"]) };
        if codes(&cases) != expected {
            wrong.push(format!("{host}: the reasons are not {expected:?}: {}", examples(&cases)));
        }
        let asked = cases.iter().filter(|case| case.check == "ping/outside/ipv6");
        let failed = asked.filter(|case| case.verdict != Verdict::Pass).count();
        if (failed == 0) != is_mended {
            wrong.push(format!("{host}: {failed} machines do not reach IPv6"));
        }
    }
    if by_host(&faulty).len() != 2 * by_host(&healthy).len() {
        wrong.push("not each host has been mended".to_owned());
    }
    println!("{}\n{}", table(&faulty), remedies(&faulty));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn joined(faults: &[&Fault]) -> String {
    faults.iter().map(|fault| fault.name.as_str()).collect::<Vec<_>>().join("+")
}

/// What is not as it should be on each host of `scenario`, or on all hosts if it is empty: that other causes are named than
/// those of `faults`, or that what a fault breaks has no reason.
fn wrong(report: &Report, faults: &[&Fault], scenario: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (host, cases) in by_host(report) {
        if !scenario.is_empty() && !cases.iter().any(|case| case.scenario == scenario) {
            continue;
        }
        let faults: Vec<&Fault> =
            faults.iter().copied().filter(|fault| is_one_on(fault, host, report)).collect();
        let expected: BTreeSet<&str> = faults.iter().map(|fault| fault.cause.as_str()).collect();
        let mut named = codes(&cases);
        named.retain(|code| expected.contains(code) || !happens_by_itself(report, host, code));
        if named != expected {
            wrong.push(format!(
                "{host}: the reasons are {named:?}, and not {expected:?}: {}",
                examples(&cases)
            ));
        }
        let remedied =
            cases.iter().flat_map(|case| &case.explanations).filter(|reason| reason.remedy.is_some());
        wrong.extend(
            remedied
                .filter(|reason| WITHOUT_REMEDY.contains(&reason.code.as_str()))
                .map(|reason| format!("{host}: {} has a remedy: {:?}", reason.code, reason.remedy)),
        );
        for Fault { name, cause, breaks, .. } in faults {
            let is_told = |case: &&Case| {
                case.check == breaks.name() && case.explanations.iter().any(|reason| reason.code == *cause)
            };
            if !cases.iter().copied().any(|case| is_told(&case)) {
                wrong.push(format!("{host}: {name} is no reason of {breaks}"));
            }
        }
    }
    wrong
}

/// Whether the systemd of `host` is one on which `fault` is one at all.
fn is_one_on(fault: &Fault, host: &str, report: &Report) -> bool {
    let record = report.hosts.iter().find(|record| record.id == host);
    let systemd = record.and_then(|record| record.systemd);
    fault.until.is_none_or(|last| systemd.is_some_and(|systemd| systemd <= last))
}

/// Whether `code` is told rightly of a host on which there is no fault.
fn happens_by_itself(report: &Report, host: &str, code: &str) -> bool {
    let is_by_chance = |(scenario, cause): &(&str, &str)| {
        *cause == code && report.cases.iter().any(|case| case.host == host && case.scenario == *scenario)
    };
    let facts = report.hosts.iter().find(|record| record.id == host).and_then(|record| record.facts.as_ref());
    let asks_first = facts.and_then(|facts| facts.settings.get("nss-first"));
    BY_ITSELF.iter().any(is_by_chance)
        || code == "first-scope-wins" && asks_first.is_some_and(|module| module == "resolve")
}

/// What the remedies have not mended on each host of `scenario`: that an answer which `faults` had broken is not as it should
/// be, that anything still has a reason that has a remedy, or that nothing was done at all.
fn still_wrong(report: &Report, faults: &[&Fault], scenario: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let hosts: Vec<_> = by_host(report)
        .into_iter()
        .filter(|(_, cases)| cases.iter().any(|case| case.scenario == scenario))
        .collect();
    let is_left = |fault: &Fault| WITHOUT_REMEDY.contains(&fault.cause.as_str());
    let left: BTreeSet<&str> =
        faults.iter().filter(|fault| is_left(fault)).map(|fault| fault.cause.as_str()).collect();
    let faulty = by_host(report).into_iter();
    let faulty = faulty
        .filter(|(_, cases)| cases.iter().any(|case| format!("{}+remedied", case.scenario) == scenario));
    for (host, _) in faulty {
        // Where a fault is none, nothing is mended.
        let is_to_mend = faults.iter().any(|fault| !is_left(fault) && is_one_on(fault, host, report));
        if is_to_mend && !hosts.iter().any(|(mended, _)| *mended == format!("{host}+remedied")) {
            wrong.push(format!("{host}: there is no remedy"));
        }
    }
    for (host, cases) in hosts {
        let mut named = codes(&cases);
        named.retain(|code| left.contains(code) || !happens_by_itself(report, host, code));
        if named != left {
            wrong.push(format!("{host}: there is still {}", examples(&cases)));
        }
        for Fault { name, breaks, scenario, .. } in faults.iter().filter(|fault| !is_left(fault)) {
            let broken = cases.iter().filter(|case| case.check == breaks.name());
            // Where a scenario is left to chance any outcome is known, and what is not as it should be still has its reason.
            let is_left_to_chance = BY_ITSELF.iter().any(|(by_itself, _)| by_itself == scenario);
            let is_mended = |case: &Case| {
                case.verdict == Verdict::Pass || is_left_to_chance && case.verdict == Verdict::Known
            };
            for case in broken.filter(|case| !is_mended(case)) {
                let reason = case.reason.as_deref().unwrap_or_default();
                wrong.push(format!("{host}: {name} still breaks {breaks} of {}: {reason}", case.subject));
            }
        }
    }
    wrong
}

/// What was done on each host.
fn remedies(report: &Report) -> String {
    let done = report.timeline.iter().filter(|event| event.event == "remedy");
    let line =
        |event: &TimelineEvent| format!("{}: {}", event.host, event.detail.as_deref().unwrap_or_default());
    done.map(line).collect::<Vec<_>>().join("\n")
}

fn by_host(report: &Report) -> BTreeMap<&str, Vec<&Case>> {
    let mut hosts: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in &report.cases {
        hosts.entry(&case.host).or_default().push(case);
    }
    hosts
}

fn codes<'a>(cases: &[&'a Case]) -> BTreeSet<&'a str> {
    cases.iter().flat_map(|case| &case.explanations).map(|reason| reason.code.as_str()).collect()
}

/// A case for each cause that is named.
fn examples(cases: &[&Case]) -> String {
    let mut told: BTreeMap<&str, String> = BTreeMap::new();
    for case in cases {
        for reason in &case.explanations {
            let line = || format!("{} of {} ({})", case.check, case.subject, reason.evidence);
            told.entry(&reason.code).or_insert_with(line);
        }
    }
    told.into_iter().map(|(code, line)| format!("{code}: {line}")).collect::<Vec<_>>().join("; ")
}

/// The faults with the causes that are named on each host.
fn table(report: &Report) -> String {
    let hosts = by_host(report).into_iter();
    let line = |(host, cases): (&str, Vec<&Case>)| {
        format!("{host}: {}", codes(&cases).into_iter().collect::<Vec<_>>().join(", "))
    };
    hosts.map(line).collect::<Vec<_>>().join("\n")
}

fn run(lookups: u32, options: impl Iterator<Item = String>) -> Result<Report, Failed> {
    let images = std::env::var("NSPAWN_MATRIX_IMAGES").unwrap_or_else(|_| "trixie".to_owned());
    let images = images.split(',').map(|image| format!("--image={image}"));
    let checks = found::checks().into_iter().map(|check| check.name().into_owned());
    let checks = checks.chain(CHECKS.map(str::to_owned)).map(|check| format!("--check={check}"));
    let options = options.chain(images).chain(checks).chain([format!("--samples={lookups}")]);
    // What is red is what is looked at.
    Ok(program::run(options)?.report)
}
