//! Comparisons as a reader finds them.
use super::*;
use crate::fixture::{matrix, one_case, report};
use crate::{AddressSpace, HostRecord, Observation, Report, STOCK, Verdict};

/// What of a report is compared, by way of its JSON.
fn excerpt(source: &str, report: &Report) -> Excerpt {
    Excerpt::parse(source, crate::json::render(report).unwrap().as_bytes()).unwrap()
}

pub(super) fn excerpts(reports: &[Report]) -> Vec<Excerpt> {
    reports.iter().enumerate().map(|(at, report)| excerpt(&format!("{at}.json"), report)).collect()
}

pub(super) fn compare(reports: &[Report]) -> Comparison {
    Comparison::of(&excerpts(reports)).unwrap()
}

/// Compares the report of one case, a name that is left to chance, with what `change` makes of it.
fn with(change: impl Fn(&mut Report)) -> Comparison {
    let mut other = one_case();
    change(&mut other);
    compare(&[one_case(), other])
}

fn resolves_to(report: &mut Report, spaces: &[(AddressSpace, u32)]) {
    let Some(Observation::Names(names)) = &mut report.cases[0].observed else { unreachable!() };
    names.spaces = spaces.iter().copied().collect();
    names.samples = names.spaces.values().sum();
}

fn takes(report: &mut Report, us: u64) {
    let Some(Observation::Names(names)) = &mut report.cases[0].observed else { unreachable!() };
    names.took = crate::Times::of(vec![us; 32]);
}

fn kinds(comparison: &Comparison) -> Vec<Kind> {
    comparison.differing.keys().copied().collect()
}

fn all_differences(comparison: &Comparison) -> Vec<&Difference> {
    comparison.groups.iter().flat_map(|group| &group.differences).collect()
}

/// Two versions of one matrix, with something of each kind that differs, and a gap.
pub(super) fn a_change_of_each_kind() -> Comparison {
    compare(&two_with_a_change_of_each_kind())
}

pub(super) fn two_with_a_change_of_each_kind() -> [Report; 2] {
    let mut left = matrix(&[254]);
    let mut right = matrix(&[257]);
    let of = |check: &'static str| move |case: &&mut crate::Case| case.check == check;
    for case in right.cases.iter_mut().filter(of("ping/peer/ipv4")) {
        case.verdict = Verdict::Pass;
    }
    for case in right.cases.iter_mut().filter(of("bind/write")).take(4) {
        case.observed = Some(Observation::BindWrite(crate::BindWrite::Refused { errno: "EPERM".to_owned() }));
    }
    let changed = |case: &mut crate::Case, change: fn(&mut crate::Names)| {
        let Some(Observation::Names(names)) = &mut case.observed else { return };
        change(names);
    };
    for case in
        right.cases.iter_mut().filter(|case| case.check == "resolve/peer/any" && case.scenario == "nat")
    {
        changed(case, |names| {
            names.spaces = [(AddressSpace::Lease, 32)].into();
            names.samples = 32;
        });
    }
    for case in
        right.cases.iter_mut().filter(|case| case.check == "resolve/host/any" && case.scenario == "zone")
    {
        changed(case, |names| names.took = crate::Times::of(vec![4_200_000; 32]));
    }
    for (report, word) in [(&mut left, "yes"), (&mut right, "no")] {
        let facts = report.hosts[0].facts.as_mut().unwrap();
        facts.settings.insert("llmnr".to_owned(), word.to_owned());
    }
    right.cases.retain(|case| case.scenario != "bridge");
    [left, right]
}

#[test]
fn a_report_does_not_differ_from_itself() {
    let same = compare(&[matrix(&[257]), matrix(&[257])]);
    assert!(same.is_same() && same.groups.is_empty() && same.facts.is_empty());
    assert_eq!(same.cells, 8 * 17 * 2);
}

#[test]
fn one_system_is_not_enough() {
    let one = [excerpt("a.json", &matrix(&[257]))];
    assert_eq!(Comparison::of(&one), Err(NothingToCompare::OneSystem));
    assert_eq!(Comparison::of(&[]), Err(NothingToCompare::OneSystem));
    assert_eq!(Since::of(&one), Err(NothingToCompare::OneSystem));
}

#[test]
fn reports_without_cases_are_not_the_same() {
    let empty = |source| excerpt(source, &report(Vec::new()));
    let nothing = [empty("a.json"), empty("b.json")];
    assert_eq!(Comparison::of(&nothing), Err(NothingToCompare::NoCases));
    assert_eq!(Since::of(&nothing), Err(NothingToCompare::NoCases));
    let half = [empty("a.json"), excerpt("b.json", &one_case())];
    assert!(!Comparison::of(&half).unwrap().is_same());
    let since = Since::of(&half).unwrap();
    assert_eq!((since.is_same(), since.gaps[0].cells), (false, 1));
}

#[test]
fn neither_the_name_of_the_host_nor_a_time_is_an_answer() {
    let same = with(|other| {
        other.cases[0].host = "vm/trixie/nat".into();
        other.hosts[0].id = "vm/trixie/nat".into();
        other.cases[0].duration_ms += 1000;
        takes(other, 9_000);
    });
    assert!(same.is_same() && same.differing.is_empty());
}

#[test]
fn seconds_instead_of_milliseconds_are_told_and_do_not_count() {
    let slow = with(|other| takes(other, 4_200_000));
    assert_eq!(kinds(&slow), [Kind::Timing]);
    assert!(slow.is_same());
    let views = &all_differences(&slow)[0].views;
    assert_eq!(
        [&views[0].answer, &views[1].answer],
        ["fe80 63%, lease 37%, 410 us", "fe80 63%, lease 37%, 4.2 s"]
    );
}

#[test]
fn what_is_left_to_chance_differs_where_chance_does_not_explain_it() {
    use AddressSpace::{Ipv6LinkLocal, Lease, Other};
    let seen = |spaces: &'static [(AddressSpace, u32)]| with(move |other| resolves_to(other, spaces));
    assert!(seen(&[(Lease, 2)]).is_same(), "few lookups give a part of what many give");
    assert!(seen(&[(Lease, 20), (Ipv6LinkLocal, 12)]).is_same());
    assert_eq!(kinds(&seen(&[(Lease, 32)])), [Kind::Distribution]);
    assert_eq!(kinds(&seen(&[(Other, 2)])), [Kind::Answer]);
}

#[test]
fn of_what_differs_the_gravest_is_told() {
    let all = with(|other| {
        other.cases[0].verdict = Verdict::Known;
        resolves_to(other, &[(AddressSpace::Other, 32)]);
        takes(other, 4_200_000);
    });
    assert_eq!(kinds(&all), [Kind::Verdict]);
    assert!(!all.is_same());
}

#[test]
fn a_difference_comes_with_the_facts_that_differ() {
    let with_lease = |word: &str, verdict| {
        let mut report = one_case();
        report.cases[0].verdict = verdict;
        report.hosts[0].facts.as_mut().unwrap().settings.insert("stray-lease".into(), word.into());
        report
    };
    let of = |word: &str| compare(&[with_lease(word, Verdict::Fail), with_lease("yes", Verdict::Known)]);
    let fact = Fact { name: "stray-lease".into(), values: vec![Some("no".into()), Some("yes".into())] };
    assert_eq!(of("no").facts, [fact]);
    assert_eq!(of("no").groups[0].facts, []);
    assert_eq!(of("unknown").facts, [], "what is not known explains nothing");
}

#[test]
fn what_an_older_report_does_not_know_explains_nothing() {
    let differences = with(|newer| {
        newer.cases[0].verdict = Verdict::Known;
        let facts = newer.hosts[0].facts.as_mut().unwrap();
        facts.network = Some(crate::Network { resolv_conf: "file".into(), ..crate::Network::default() });
        facts.cgroups = Some("v2".into());
        facts.settings.insert("llmnr".into(), "no".into());
    });
    assert_eq!((differences.groups.len(), differences.facts), (1, vec![]));
}

#[test]
fn what_was_looked_for_and_is_not_there_explains_as_any_value_does() {
    let with_rule = |rules: &[&'static str], verdict| {
        let mut report = one_case();
        let values = rules.iter().map(|rule| (*rule, "yes".to_owned()));
        let seen = Observation::Properties(crate::Properties::new("seen", values));
        let about = crate::fixture::case("sandbox/trixie/nat", "nat", "firewall/rules", "alpha");
        report.cases[0].verdict = verdict;
        report.cases.push(crate::Case { observed: Some(seen), ..about });
        report
    };
    let comparison = compare(&[with_rule(&["ufw"], Verdict::Fail), with_rule(&[], Verdict::Known)]);
    let of_verdict = &comparison.groups[0];
    let values = ["yes", "absent"].map(|value| Some(value.to_owned())).into();
    assert_eq!(of_verdict.kind, Kind::Verdict);
    assert!(of_verdict.facts.contains(&Fact { name: "firewall/rules ufw".into(), values }), "{comparison:?}");
}

#[test]
fn a_fact_that_columns_share_which_differ_explains_nothing() {
    let setting = |value: &str| {
        let mut report = one_case();
        report.hosts[0].facts.as_mut().unwrap().settings.insert("llmnr".into(), value.into());
        report
    };
    let mut third = setting("no");
    third.cases[0].verdict = Verdict::Known;
    assert_eq!(compare(&[setting("yes"), setting("no"), third.clone()]).facts, []);
    let names =
        |comparison: Comparison| comparison.facts.into_iter().map(|fact| fact.name).collect::<Vec<_>>();
    assert_eq!(names(compare(&[setting("yes"), setting("yes"), third])), ["llmnr"]);
}

#[test]
fn a_cell_that_one_side_has_not_is_a_difference() {
    let empty = Report { cases: Vec::new(), ..one_case() };
    for (reports, lacking) in [([one_case(), empty.clone()], 1), ([empty, one_case()], 0)] {
        let comparison = compare(&reports);
        assert_eq!(comparison.gaps[0].columns, [lacking]);
        assert!(!comparison.is_same() && comparison.groups.is_empty());
    }
}

/// One report of several images.
fn images(images: &[(&str, u32)]) -> Report {
    let mut several = matrix(&images.iter().map(|(_, version)| *version).collect::<Vec<_>>());
    let names = images.iter().map(|(image, _)| (*image).to_owned());
    let renamed =
        |(host, name): (HostRecord, String)| HostRecord { image: name.clone(), payload: name, ..host };
    several.hosts = several.hosts.into_iter().zip(names).map(renamed).collect();
    several
}

fn headings(comparison: &Comparison) -> Vec<&str> {
    comparison.columns.iter().map(|column| column.heading.as_str()).collect()
}

#[test]
fn the_systems_of_one_report_are_its_columns() {
    let systems = compare(&[images(&[("bookworm", 252), ("trixie", 257)])]);
    assert_eq!(headings(&systems), ["252", "257"]);
    assert_eq!(systems.cells, 8 * 17 * 2);
    assert!(systems.is_same());
}

#[test]
fn the_profiles_of_one_report_are_its_columns() {
    let mut profiles = images(&[("trixie", 252), ("trixie", 257)]);
    for (host, profile) in profiles.hosts.iter_mut().zip([STOCK, "linode"]) {
        host.profile = profile.to_owned();
        (host.systemd, host.payload_systemd) = (Some(257), Some(257));
    }
    assert_eq!(headings(&compare(&[profiles.clone()])), ["linode", "stock"]);
    let mut later = profiles.clone();
    later.cases[3].verdict = Verdict::Fail;
    let runs = compare(&[profiles, later]);
    assert_eq!((headings(&runs), runs.gaps.len()), (vec!["0.json", "1.json"], 0));
    let [difference] = all_differences(&runs)[..] else { panic!("{runs:?}") };
    assert_eq!(difference.places[0].system.as_deref(), Some("trixie"));
}

#[test]
fn two_runs_of_several_images_line_up_by_image() {
    let both = [("bookworm", 252), ("trixie", 257)];
    let mut later = images(&both);
    later.cases[3].verdict = Verdict::Fail;
    let runs = compare(&[images(&both), later]);
    assert_eq!(headings(&runs), ["0.json", "1.json"]);
    assert_eq!(runs.cells, 2 * 8 * 17 * 2);
    assert_eq!(runs.gaps, []);
    let [difference] = all_differences(&runs)[..] else { panic!("{runs:?}") };
    assert_eq!(difference.places[0].system.as_deref(), Some("bookworm"));
}

#[test]
fn headings_are_unique_and_as_short_as_may_be() {
    let of = |named: &[(&str, u32)]| {
        let excerpts: Vec<Excerpt> =
            named.iter().map(|(source, version)| excerpt(source, &matrix(&[*version]))).collect();
        headings(&Comparison::of(&excerpts).unwrap()).join(", ")
    };
    assert_eq!(of(&[("a/report.json", 252), ("b/report.json", 257)]), "252, 257");
    assert_eq!(of(&[("/x/a/report.json", 257), ("/x/b/report.json", 257)]), "a, b");
    assert_eq!(of(&[("/x/a.json", 257), ("/x/b.json", 257), ("-", 257)]), "/x/a.json, /x/b.json, -");
    assert_eq!(of(&[("a.json", 257), ("a.json", 257)]), "257 a.json (1), 257 a.json (2)");
    assert_eq!(of(&[("a.json", 257), ("a.json", 252), ("a.json", 262)]), "257, 252, 262");
}

#[test]
fn what_differs_in_the_same_way_is_told_once() {
    let comparison = a_change_of_each_kind();
    let told: Vec<(Kind, usize)> =
        comparison.groups.iter().map(|group| (group.kind, group.differences.len())).collect();
    assert_eq!(kinds(&comparison), Kind::ALL);
    assert!(told.is_sorted(), "{told:?}");
    assert!(all_differences(&comparison).len() < comparison.differing.values().sum());
}

#[test]
fn a_terminal_shows_what_differs_beside_the_facts() {
    let style = crate::table::Style { colour: false, width: 80 };
    insta::assert_snapshot!(table::render(&a_change_of_each_kind(), style));
    let same = table::render(&compare(&[one_case(), one_case()]), style);
    assert!(same.ends_with("sandbox stock\n    as is 1.json\n\n0 of 1 cells differ\n"), "{same}");
}

/// Three versions in any order, and an answer that is another from the second on.
pub(super) fn a_change_in_the_second_of_three() -> Since {
    let mut several = images(&[("sid", 262), ("bookworm", 252), ("trixie", 257)]);
    let bridged = |case: &crate::Case| case.check == "ping/peer/ipv4" && case.scenario == "bridge";
    for case in several.cases.iter_mut().filter(|case| bridged(case) && !case.host.contains("252")) {
        case.observed = Some(crate::fixture::ping(0));
    }
    Since::of(&[excerpt("a.json", &several)]).unwrap()
}

#[test]
fn since_tells_the_first_version_in_which_an_answer_is_another() {
    let since = a_change_in_the_second_of_three();
    let style = crate::table::Style { colour: false, width: 80 };
    let told = "ping/peer/ipv4 bridge: 252: yes, from 257: no\n\n2 of 272 answers changed\n";
    assert_eq!(table::render_since(&since, style), told);
    let page = html::render_since(&since);
    let row = page.split("<tr data-row=\"ping/peer/ipv4 bridge\">").nth(1).unwrap();
    let cells = row.split("</tr>").next().unwrap().split("<td").skip(1);
    let cells: Vec<&str> = cells.map(|cell| cell.split(['>', '<']).nth(1).unwrap()).collect();
    assert_eq!(cells, ["yes", "no", ""]);
}

#[test]
fn what_a_report_of_a_series_lacks_is_told_and_counts() {
    let (mut old, mut new) = (matrix(&[252]), matrix(&[257]));
    old.cases.retain(|case| case.scenario != "zone");
    new.cases.retain(|case| !(case.check == "bind/write" && case.scenario == "nat"));
    let since = Since::of(&[excerpt("old.json", &old), excerpt("new.json", &new)]).unwrap();
    assert!(since.changes.is_empty() && !since.is_same());
    let style = crate::table::Style { colour: false, width: 80 };
    insta::assert_snapshot!(table::render_since(&since, style), @r"
    Not in 257: nat, 2 cells: bind/write
    Not in 252: zone, 34 cells: all of it

    0 of 272 answers changed, 36 not asked everywhere
    ");
    insta::assert_snapshot!(markdown::render_since(&since), @r"
    # 0 of 272 answers changed, 36 not asked everywhere

    - **252** (old.json): systemd 252 (252.13-1\~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48, roots on btrfs, sandbox stock
    - **257** (new.json): systemd 257 (257.13-1\~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48, roots on btrfs, sandbox stock

    - Not in 257: nat, 2 cells: bind/write
    - Not in 252: zone, 34 cells: all of it
    ");
    assert!(html::render_since(&since).contains("<li>Not in 252: zone, 34 cells: all of it</li>"));
}
