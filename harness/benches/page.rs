//! How long a page with 10,000 cells takes to open in headless Chromium: the cells of a real report, repeated.
//!
//! It prints what each step takes, the median of some rounds, and ends with 1 where opening takes more than is promised.

#[path = "../tests/support/browser.rs"]
#[allow(dead_code, reason = "the trials use more of it")]
mod browser;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use browser::Browser;
use nspawn_matrix_reports::{Report, html, json};
use tempfile::TempDir;

const CELLS: usize = 10_000;

/// The most that may pass until the page has been painted.
const PROMISE: Duration = Duration::from_secs(2);

const ROUNDS: usize = 5;

/// Resolves once what was asked for before has been painted.
const PAINTED: &str = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))";

fn main() -> ExitCode {
    match measure() {
        Ok(opened) if opened <= PROMISE => ExitCode::SUCCESS,
        Ok(_) => {
            println!("opening takes more than the {PROMISE:.0?} that are promised");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the time that opening takes.
fn measure() -> Result<Duration, String> {
    let report = with_cells(&real_report()?);
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let file = folder.path().join("report.html");
    let began = Instant::now();
    html::write(&report, &file).map_err(|error| error.to_string())?;
    let rendered = began.elapsed();
    let size = std::fs::metadata(&file).map_err(|error| error.to_string())?.len();

    let mut browser = Browser::start()?;
    let mut opened = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        browser.open(&file, "")?;
        browser.value(PAINTED)?;
        opened.push(began.elapsed());
    }
    let cells = browser.value("document.querySelectorAll('main td button').length")?;
    let cell = step(&mut browser, "buttons[5000].click()")?;
    browser.value("dialog.close()")?;
    let narrowed = step(&mut browser, "words.value = 'zone-3 peer'; narrow()")?;
    let opened = median(opened);
    println!("{cells} cells, {:.1} MB", f64::from(u32::try_from(size).unwrap_or(u32::MAX)) / 1e6);
    println!(
        "rendered in {rendered:.2?}, opened in {opened:.2?}, a cell in {cell:.0?}, narrowed in {narrowed:.0?}"
    );
    Ok(opened)
}

/// Gives the time until what an expression does has been painted.
fn step(browser: &mut Browser, expression: &str) -> Result<Duration, String> {
    let began = Instant::now();
    browser.value(&format!("{{ {expression} }} {PAINTED}"))?;
    Ok(began.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn real_report() -> Result<Report, String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report.json");
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    json::parse(&bytes).map_err(|error| error.to_string())
}

/// Repeats the cases of a report, each time with scenarios of other names, until they fill the cells.
fn with_cells(real: &Report) -> Report {
    let mut large = Report { cases: Vec::new(), ..real.clone() };
    let mut cells = BTreeSet::new();
    for (copy, case) in (0..).flat_map(|copy| real.cases.iter().map(move |case| (copy, case))) {
        let mut case = case.clone();
        case.scenario = format!("{}-{copy}", case.scenario);
        if cells.len() == CELLS && !cells.contains(&(case.scenario.clone(), case.check.clone())) {
            break;
        }
        cells.insert((case.scenario.clone(), case.check.clone()));
        large.cases.push(case);
    }
    large
}
