//! The scenarios of the notes on an emulated virtual machine, and the same in sandboxes: the answers are laid side by
//! side, and where they differ, docs/findings.md says why.
//!
//! The first trial needs the tools that `nspawn-matrix setup --host vm` installs and no root, the second root and a
//! sandbox too. Where they are missing a trial is ignored, and with `NSPAWN_MATRIX_REQUIRE=1` it fails.

mod support;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::comparison::{Difference, Fact, Kind};
use nspawn_matrix_reports::{Comparison, Excerpt, Report, Verdict, json};
use support::{program, trial, vm_trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // An emulated machine takes all cores.
    arguments.test_threads = Some(1);
    let trials = vec![
        vm_trial("are-as-claimed-on-a-virtual-machine", are_as_claimed_on_a_virtual_machine),
        trial("have-the-same-answers-in-sandboxes", have_the_same_answers_in_sandboxes),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn are_as_claimed_on_a_virtual_machine() -> Result<(), Failed> {
    let report = on_a_virtual_machine()?;
    let left: Vec<String> = report.hosts.iter().flat_map(|host| host.left.clone()).collect();
    match (report.cases.len(), wrong(report).as_slice(), left.as_slice()) {
        (0, _, _) => Err("nothing was asked".into()),
        (_, [], []) => Ok(()),
        (_, wrong, left) => Err([wrong, left].concat().join("\n").into()),
    }
}

fn have_the_same_answers_in_sandboxes() -> Result<(), Failed> {
    // More lookups than on the virtual machine: what is left to chance is met whole on one side at least.
    let sandboxes = run(&["--host=sandbox", "--samples=16"])?;
    let machine = on_a_virtual_machine()?;
    let comparison = compare(&sandboxes, machine)?;
    let told = differences(&comparison);
    let unexplained: Vec<String> = told.iter().flat_map(unexplained).collect();
    let lacking = comparison.gaps.iter().map(|gap| format!("only one side has {gap:?}"));
    let stale = EXPLAINED.iter().filter(|explained| explained.always && !explained.is_met(&told));
    let stale = stale.map(|explained| format!("no longer differs: {} {}", explained.check, explained.value));
    let untold = EXPLAINED.iter().filter(|explained| !explained.is_told());
    let untold = untold.map(|explained| format!("docs/findings.md says nothing of {}", explained.check));
    let wrong: Vec<String> =
        wrong(&sandboxes).into_iter().chain(unexplained).chain(lacking).chain(stale).chain(untold).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Lays the sandboxes beside the virtual machine.
fn compare(sandboxes: &Report, machine: &Report) -> Result<Comparison, Failed> {
    let excerpt = |name: &str, report: &Report| {
        let text = json::render(report).map_err(|error| error.to_string())?;
        Excerpt::parse(name, text.as_bytes()).map_err(|error| error.to_string())
    };
    let sides = [excerpt("sandbox", sandboxes)?, excerpt("virtual machine", machine)?];
    Ok(Comparison::of(&sides)?)
}

/// A difference that counts, and the facts that could explain it.
struct Told<'a> {
    kind: Kind,
    difference: &'a Difference,
    facts: Vec<&'a Fact>,
}

impl Told<'_> {
    /// The values that differ, by name, in a sandbox and on a virtual machine.
    fn values(&self) -> BTreeMap<&str, [&str; 2]> {
        let [sandbox, machine] = self.difference.views.as_slice() else { return BTreeMap::new() };
        if sandbox.values.is_empty() || self.kind == Kind::Verdict {
            return [(self.kind.name(), [sandbox.answer.as_str(), &machine.answer])].into();
        }
        let names = sandbox
            .values
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), [value.as_str(), machine.values.get(name)?])));
        names.collect()
    }
}

fn differences(comparison: &Comparison) -> Vec<Told<'_>> {
    let groups = comparison.groups.iter().filter(|group| group.kind.counts());
    let told = groups.flat_map(|group| {
        let facts = || comparison.facts.iter().chain(&group.facts).collect();
        group.differences.iter().map(move |difference| Told { kind: group.kind, difference, facts: facts() })
    });
    told.collect()
}

/// A value that is another one on a virtual machine than in sandboxes, for a reason that stands in docs/findings.md.
struct Explained {
    /// The question.
    check: &'static str,
    /// What differs of its answer; * stands for anything.
    value: &'static str,
    /// Whether it differs wherever this runs; else it depends on the machine that has the sandboxes.
    always: bool,
}

const EXPLAINED: [Explained; 7] = [
    Explained { check: "environment/network-files", value: "files", always: true },
    Explained { check: "environment/systemd", value: "kernel", always: false },
    Explained { check: "environment/bridge-netfilter", value: "*", always: false },
    Explained { check: "environment/capabilities", value: "bounding set", always: false },
    Explained { check: "bind/options", value: "fs-type", always: false },
    Explained { check: "bind/options", value: "options", always: false },
    // The claim leaves it open: the address comes when nobody else was heard to have it, seconds after the link is up.
    Explained { check: "resolve/host/llmnr-ipv4", value: "A ipv4-link-local", always: false },
];

/// What the reasons stand under.
const SECTION: &str = "## The VM and the sandbox side by side\n";

/// What is detected on a host may differ from one start to the next. Where it does, other things are claimed, and each
/// side is judged by its own.
const LEFT_TO_CHANCE: [&str; 2] = ["stray-lease", "late-bridge"];

impl Explained {
    fn is_about(&self, check: &str, value: &str) -> bool {
        self.check == check && (self.value == "*" || self.value == value)
    }

    /// Whether docs/findings.md says something of it.
    fn is_told(&self) -> bool {
        let findings = include_str!("../../docs/findings.md");
        let section = findings.split_once(SECTION).and_then(|(_, rest)| rest.split("\n## ").next());
        section.is_some_and(|section| section.contains(&format!("`{}`", self.check)))
    }

    fn is_met(&self, told: &[Told<'_>]) -> bool {
        told.iter().any(|told| told.values().keys().any(|value| self.is_about(&told.difference.check, value)))
    }
}

/// What of a difference nothing explains.
fn unexplained(told: &Told<'_>) -> Vec<String> {
    let is_by_chance = |fact: &&Fact| {
        fact.values.iter().all(Option::is_some) && LEFT_TO_CHANCE.contains(&fact.name.as_str())
    };
    if told.facts.iter().any(is_by_chance) {
        return Vec::new();
    }
    let Difference { check, places, .. } = told.difference;
    let places = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let is_explained = |value: &str| EXPLAINED.iter().any(|explained| explained.is_about(check, value));
    let say = |(value, [sandbox, machine]): (&str, [&str; 2])| {
        format!("{check} of {places}: {value} is {sandbox} in a sandbox and {machine} on a virtual machine")
    };
    told.values().into_iter().filter(|(value, _)| !is_explained(value)).map(say).collect()
}

/// The cases that are not as claimed.
fn wrong(report: &Report) -> Vec<String> {
    let is_right = |verdict| matches!(verdict, Verdict::Pass | Verdict::Known | Verdict::Skip);
    let wrong = report.cases.iter().filter(|case| !is_right(case.verdict));
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in wrong {
        let reason = format!("{}: {}", case.verdict, case.reason.as_deref().unwrap_or_default());
        by_reason.entry(reason).or_default().push(case.name());
    }
    by_reason.into_iter().map(|(reason, cases)| format!("{reason}\n  {}", cases.join("\n  "))).collect()
}

/// The report of the virtual machine, for both trials; under nextest, which gives each a process, it is made twice.
fn on_a_virtual_machine() -> Result<&'static Report, Failed> {
    static REPORT: OnceLock<Result<Report, String>> = OnceLock::new();
    let run = || {
        let report = run(&["--host=vm", "--samples=2"]);
        report.map_err(|error| error.message().unwrap_or_default().to_owned())
    };
    REPORT.get_or_init(run).as_ref().map_err(|error| error.clone().into())
}

fn run(options: &[&str]) -> Result<Report, Failed> {
    Ok(program::run(["--scenario=notes"].iter().chain(options))?.report)
}
