//! `junit.xml`: the report for what reads JUnit (Jenkins, GitLab, GitHub actions).
//!
//! JUnit knows four outcomes and a report six, so `known` is a passed test that says so and `fixed` a failed one.
//! Each pair of host and scenario is a suite, with what is known of the host as properties.

pub(crate) mod finish;

use std::io;
use std::path::Path;

use junit_report::{Duration, ReportBuilder, TestCase, TestCaseBuilder, TestSuite};

use crate::clean::clean;
use crate::place::Places;
use crate::{Case, HostRecord, Report, Verdict, write_whole};
use finish::Property;

/// The report could not be made into JUnit, or not be written.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// The XML could not be composed.
    #[error("compose junit xml")]
    Compose(#[from] junit_report::Error),
    /// The composed XML is not text.
    #[error("junit xml is not utf-8")]
    Encoding(#[from] std::string::FromUtf8Error),
    /// The file could not be written.
    #[error("write junit xml")]
    Write(#[from] io::Error),
}

/// Renders the report as JUnit XML that the schema of Jenkins (`junit-10.xsd`) accepts.
///
/// # Errors
/// None in practice: what XML forbids is replaced before.
pub fn render(report: &Report) -> Result<String, JunitError> {
    let groups = groups(report);
    let places = Places::of(report);
    let suites = groups.iter().map(|group| suite(report, group, &places));
    let mut xml = Vec::new();
    ReportBuilder::new().add_testsuites(suites).build().write_xml(&mut xml)?;
    let properties: Vec<_> = groups.iter().map(|group| properties(report, group)).collect();
    Ok(finish::finish(&String::from_utf8(xml)?, &properties))
}

/// Writes the report to `path` as JUnit XML, whole or not at all.
///
/// # Errors
/// Whatever the file system says.
pub fn write(report: &Report, path: &Path) -> Result<(), JunitError> {
    Ok(write_whole(path, render(report)?.as_bytes())?)
}

/// The cases of one scenario on one host; a host without any case has one group without a scenario.
struct Group<'a> {
    host: &'a str,
    scenario: Option<&'a str>,
    cases: Vec<&'a Case>,
}

/// Groups the cases by host and scenario, in the order of the report; hosts without cases come last.
fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for case in &report.cases {
        let key = (case.host.as_str(), Some(case.scenario.as_str()));
        match groups.iter_mut().find(|group| (group.host, group.scenario) == key) {
            Some(group) => group.cases.push(case),
            None => groups.push(Group { host: key.0, scenario: key.1, cases: vec![case] }),
        }
    }
    for host in &report.hosts {
        if groups.iter().all(|group| group.host != host.id) {
            groups.push(Group { host: &host.id, scenario: None, cases: Vec::new() });
        }
    }
    groups
}

fn suite(report: &Report, group: &Group<'_>, places: &Places<'_>) -> TestSuite {
    let host = clean(group.host);
    let name = group.scenario.map_or(host.clone(), |scenario| format!("{} on {host}", clean(scenario)));
    let mut suite = TestSuite::new(&name);
    suite.package.clone_from(&host);
    suite.hostname = host;
    suite.set_timestamp(report.run.started.replace_nanosecond(0).unwrap_or(report.run.started));
    suite.add_testcases(group.cases.iter().map(|case| test_case(case, places)));
    suite
}

/// The class is the scenario and where it ran: readers tell cases by class and name, also those of several reports.
fn test_case(case: &Case, places: &Places<'_>) -> TestCase {
    let name = clean(&format!("{}::{}", case.check, case.subject));
    let time = duration(case.duration_ms);
    let reason = clean(case.reason.as_deref().unwrap_or("no reason is given"));
    let mut builder = match case.verdict {
        Verdict::Pass | Verdict::Known => TestCaseBuilder::success(&name, time),
        Verdict::Fail => TestCaseBuilder::failure(&name, time, "fail", &reason),
        Verdict::Fixed => {
            TestCaseBuilder::failure(&name, time, "fixed", &format!("a known fault is gone: {reason}"))
        }
        Verdict::Broken => TestCaseBuilder::error(&name, time, "broken", &reason),
        Verdict::Skip => TestCaseBuilder::skipped_with_cause(&name, "skip", &reason),
    };
    let account = cdata(&account(case));
    match case.verdict {
        Verdict::Fail | Verdict::Fixed | Verdict::Broken => builder.set_trace(&account),
        Verdict::Pass | Verdict::Known => builder.set_system_out(&account),
        Verdict::Skip => &mut builder,
    };
    builder.testcase.time = time;
    builder.set_classname(&clean(&places.class(&case.scenario, &case.host))).build()
}

/// The longest time that is told, 49 days: the times of a suite are added up, and sums must not overflow.
fn duration(milliseconds: u64) -> Duration {
    Duration::milliseconds(u32::try_from(milliseconds).unwrap_or(u32::MAX).into())
}

/// Tells the whole case: reason, claim, observation, explanations.
fn account(case: &Case) -> String {
    let observed =
        case.observed.as_ref().map_or("nothing".to_owned(), |observed| observed.sentence(&case.check));
    let label = if case.verdict == Verdict::Known { "known" } else { "reason" };
    let mut lines: Vec<String> = case.reason.iter().map(|reason| format!("{label}: {reason}")).collect();
    lines.extend((case.attempts > 1).then(|| format!("attempts: {}", case.attempts)));
    lines.extend([format!("claimed: {}", case.expected), format!("observed: {observed}")]);
    lines.extend(case.link.iter().map(|link| format!("see: {link}")));
    for explanation in &case.explanations {
        lines.push(format!("because: {} ({})", explanation.text, explanation.evidence));
        lines.extend(explanation.remedy.iter().map(|remedy| format!("remedy: {remedy}")));
        lines.extend(explanation.link.iter().map(|link| format!("see: {link}")));
    }
    lines.join("\n")
}

/// Cleans text for a CDATA section, which cannot hold its own end: the section is ended inside it and begun again.
pub(crate) fn cdata(text: &str) -> String {
    clean(text).replace("]]>", "]]]]><![CDATA[>")
}

fn properties(report: &Report, group: &Group<'_>) -> Vec<Property> {
    let mut properties =
        vec![("run", report.run.id.clone()), ("tool_version", report.run.tool_version.clone())];
    properties.push(("host", group.host.to_owned()));
    if let Some(host) = report.hosts.iter().find(|host| host.id == group.host) {
        properties.extend(host_properties(host));
    }
    properties.into_iter().map(|(name, value)| Property { name, value: clean(&value) }).collect()
}

fn host_properties(host: &HostRecord) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("kind", host.kind.clone()),
        ("profile", host.profile.clone()),
        ("image", host.image.clone()),
        ("payload", host.payload.clone()),
        ("booted", host.facts.is_some().to_string()),
    ];
    properties.extend(host.systemd.map(|version| ("systemd", version.to_string())));
    properties.extend(host.payload_systemd.map(|version| ("payload_systemd", version.to_string())));
    properties.extend(host.warnings.iter().map(|warning| ("warning", warning.clone())));
    if let Some(facts) = &host.facts {
        properties.extend([
            ("os", facts.os.clone()),
            ("systemd_full", facts.systemd.clone()),
            ("kernel", facts.kernel.clone()),
            ("roots", facts.roots.clone()),
        ]);
        let filtered = facts.bridge_nf_call_iptables;
        properties.extend(filtered.map(|on| ("bridge_nf_call_iptables", on.to_string())));
        let settings: Vec<String> =
            facts.settings.iter().map(|(setting, value)| format!("{setting}={value}")).collect();
        properties.extend((!settings.is_empty()).then(|| ("settings", settings.join(" "))));
    }
    properties
}

#[cfg(test)]
mod tests;
