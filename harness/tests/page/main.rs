//! report.html of a real run, and the page of a comparison, as headless Chromium has them: opened, used by keyboard, on a
//! phone, printed, light and dark.
//!
//! Chromium is what `nspawn-matrix setup --tests` installs. Where it is missing the trials are ignored, and with
//! `NSPAWN_MATRIX_REQUIRE=1` they fail.

mod comparison;
mod opened;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use nspawn_matrix_reports::{Case, HostRecord, Observation, Report, Verdict, html};
use opened::{
    Aloud, Opened, a_cell_opens_by_keyboard, expect_none, fits_a_phone,
    has_a_name_for_all_that_is_read_aloud, has_contrast_in_light_and_dark, is_printed_whole,
    is_quiet_and_asks_for_nothing,
};
use support::{a_real_report, a_report_of_all_verdicts, reader_trial};

/// What is opened on the page of a run.
const CELL: &str = "zone/resolve/peer/any";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A browser has processes enough to keep the cores busy.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

type OfPage = fn(&mut Opened) -> Result<(), Failed>;

fn trials() -> Vec<Trial> {
    let of_any: [(&str, OfPage); 6] = [
        ("is-quiet-and-asks-for-nothing", is_quiet_and_asks_for_nothing),
        ("a-cell-opens-by-keyboard", a_cell_opens_by_keyboard),
        ("fits-a-phone", fits_a_phone),
        ("is-printed-whole", is_printed_whole),
        ("has-contrast-in-light-and-dark", has_contrast_in_light_and_dark),
        ("has-a-name-for-all-that-is-read-aloud", has_a_name_for_all_that_is_read_aloud),
    ];
    let of_report: [(&str, OfPage); 5] = [
        ("has-every-case-and-the-matrix-first", has_every_case_and_the_matrix_first),
        ("every-cell-opens-to-what-is-known", every_cell_opens_to_what_is_known),
        ("a-cell-opens-to-its-explanation", a_cell_opens_to_its_explanation),
        ("a-cell-opens-by-its-address", a_cell_opens_by_its_address),
        ("is-narrowed-by-words-and-by-verdict", is_narrowed_by_words_and_by_verdict),
    ];
    let of_comparison: [(&str, OfPage); 2] = [
        ("every-difference-opens-to-what-both-saw", comparison::every_difference_opens_to_what_both_saw),
        (
            "a-difference-opens-to-claim-reasons-and-distributions",
            comparison::a_difference_opens_to_claim_reasons_and_distributions,
        ),
    ];
    let report = of_any
        .into_iter()
        .chain(of_report)
        .map(|(name, trial)| reader_trial(name, move || trial(&mut opened(&a_report_of_all_verdicts())?)));
    let comparison = of_any.into_iter().chain(of_comparison).map(|(name, trial)| {
        reader_trial(&format!("comparison-{name}"), move || trial(&mut comparison::opened()?))
    });
    let versions = reader_trial("several-versions-share-a-row", several_versions_share_a_row);
    [versions].into_iter().chain(report).chain(comparison).collect()
}

/// Opens the page of a report.
fn opened(report: &Report) -> Result<Opened, Failed> {
    let aloud = Aloud {
        dialog: &[("dialog", "zone: resolve/peer/any"), ("button", "Close")],
        page: &[("button", "as claimed"), ("region", "Names of peers"), ("rowheader", "zone")],
    };
    Opened::of(&html::render(report), CELL, aloud)
}

/// The cell that is another one in one of two versions.
const DIFFERING: &str = "zone/ping/peer/ipv4";

fn several_versions_share_a_row() -> Result<(), Failed> {
    let page = &mut opened(&a_report_of_two_versions())?;
    page.holds(
        "[...document.querySelectorAll('main > section:first-of-type tbody tr')].map(row => row.dataset.row).join() === 'nat,zone'",
    )?;
    // It stands in the matrix, and below it with a column for each version.
    page.holds(&format!(
        "[...document.querySelectorAll('td [data-cell=\"{DIFFERING}\"]')].map(it => it.textContent).join() === '≠ !, differs'"
    ))?;
    page.holds(&format!(
        "[...document.querySelector('th [data-cell=\"{DIFFERING}\"]').closest('tr').cells].slice(1).map(it => it.textContent).join('; ') \
         === 'yes, as claimed; no !, differs'"
    ))?;
    page.browser.open(&page.file, DIFFERING)?;
    page.holds("[...document.querySelectorAll('dialog .place')].map(it => it.open).join() === 'true,true'")?;
    page.holds("[...document.querySelectorAll('dialog .place > summary')].map(it => it.textContent).join('; ') === '257: yes; 262: no !'")?;
    // What both have said is unfolded once.
    page.browser.open(&page.file, page.cell)?;
    page.holds("[...document.querySelectorAll('dialog .place')].map(it => it.open).join() === 'true,false'")?;
    has_contrast_in_light_and_dark(page)?;
    fits_a_phone(page)?;
    is_printed_whole(page)?;
    expect_none("said by the console", &page.browser.complaints())
}

/// A real report, with all of it once more as another version has it, but for [`DIFFERING`].
fn a_report_of_two_versions() -> Report {
    let mut report = a_real_report();
    let of_newer = |id: &str| format!("{id}/newer");
    let newer = report.hosts.clone().into_iter().map(|host| HostRecord {
        id: of_newer(&host.id),
        systemd: Some(262),
        payload_systemd: Some(262),
        ..host
    });
    let cases = report.cases.clone().into_iter().map(|case| Case { host: of_newer(&case.host), ..case });
    let mut cases: Vec<Case> = cases.collect();
    for case in cases.iter_mut().filter(|case| format!("{}/{}", case.scenario, case.check) == DIFFERING) {
        let Some(Observation::Ping(ping)) = &mut case.observed else { continue };
        ping.received = 0;
        case.verdict = Verdict::Fail;
        case.reason = Some("no answer".to_owned());
    }
    report.hosts.extend(newer);
    report.cases.extend(cases);
    report
}

fn has_every_case_and_the_matrix_first(page: &mut Opened) -> Result<(), Failed> {
    let cells = "[...document.querySelectorAll('main td button')].map(button => button.dataset.cell)";
    let shown: BTreeSet<String> = serde_json::from_value(page.browser.value(cells)?)?;
    let known = a_report_of_all_verdicts()
        .cases
        .iter()
        .map(|case| format!("{}/{}", case.scenario, case.check))
        .collect();
    let differ: Vec<String> = shown.symmetric_difference(&known).cloned().collect();
    expect_none("only in the report or only in the page", &differ)?;
    page.holds("document.querySelector('main > section').querySelector('table') !== null")
}

fn every_cell_opens_to_what_is_known(page: &mut Opened) -> Result<(), Failed> {
    let wrong = "[...document.querySelectorAll('main td button')].filter(button => {
        button.click();
        const dialog = document.querySelector('dialog');
        const terms = [...dialog.querySelectorAll('dt')].map(term => term.textContent);
        const red = dialog.querySelector('article.fail, article.known, article.fixed, article.broken');
        const wanted = ['observed', 'claimed', 'took', 'host', ...(red ? ['reason', 'evidence'] : [])];
        const title = dialog.querySelector('h2').textContent.replace(': ', '/');
        const whole = dialog.open && title === button.dataset.cell && wanted.every(term => terms.includes(term))
            && dialog.querySelector('details svg circle') !== null;
        dialog.close();
        return !whole;
    }).map(button => button.dataset.cell)";
    let wrong: Vec<String> = serde_json::from_value(page.browser.value(wrong)?)?;
    expect_none("does not open to all that is known", &wrong)?;
    page.holds("document.querySelectorAll('main td.known').length > 0")
}

fn a_cell_opens_to_its_explanation(page: &mut Opened) -> Result<(), Failed> {
    let explained = |case: &Case| Some((case.clone(), case.explanations.first()?.clone()));
    let all: Vec<_> = a_report_of_all_verdicts().cases.iter().filter_map(explained).collect();
    if all.is_empty() {
        return Err("no case has an explanation".into());
    }
    for (case, explanation) in all {
        page.browser.open(&page.file, &format!("{}/{}", case.scenario, case.check))?;
        let rows = page.browser.value(
            "[...document.querySelectorAll('dialog article dt')].map(it => `${it.textContent}: ${it.nextElementSibling.textContent}`)",
        )?;
        let rows: Vec<String> = serde_json::from_value(rows)?;
        let because = format!("because: {} ({})", explanation.text, explanation.evidence);
        let remedy = format!("remedy: {}", explanation.remedy.ok_or("there is no remedy")?);
        let missing: Vec<String> =
            [because, remedy].into_iter().filter(|wanted| !rows.contains(wanted)).collect();
        expect_none(&format!("not among {rows:?}"), &missing)?;
    }
    Ok(())
}

fn a_cell_opens_by_its_address(page: &mut Opened) -> Result<(), Failed> {
    page.browser.open(&page.file, page.cell)?;
    page.holds("document.querySelector('dialog').open")?;
    page.holds("document.querySelector('dialog h2').textContent === 'zone: resolve/peer/any'")?;
    page.holds("document.querySelectorAll('dialog .lookups').length > 0")?;
    // The event comes some time after the dialog has closed, and the page has been listening for longer.
    page.browser.value(
        "void (window.closed_again = new Promise(done => \
            document.querySelector('dialog').addEventListener('close', () => done(true), { once: true })))",
    )?;
    page.browser.press("Escape")?;
    page.holds("window.closed_again")?;
    page.holds("!document.querySelector('dialog').open && location.hash === ''")?;
    // An address that the page does not know opens nothing.
    page.browser.open(&page.file, "zone/no/such/question")?;
    page.holds("!document.querySelector('dialog').open")
}

fn is_narrowed_by_words_and_by_verdict(page: &mut Opened) -> Result<(), Failed> {
    let shown = "[...document.querySelectorAll('main td:not([hidden]) button')]
        .filter(button => button.checkVisibility()).map(button => button.dataset.cell)";
    page.browser.value("words.value = 'zone, peer/any'; narrow()")?;
    let cells: Vec<String> = serde_json::from_value(page.browser.value(shown)?)?;
    let foreign: Vec<String> =
        cells.iter().filter(|cell| !(cell.contains("zone") && cell.contains("peer/any"))).cloned().collect();
    expect_none("shown although not asked for", &foreign)?;
    if !cells.iter().any(|cell| cell == CELL) {
        return Err("zone/resolve/peer/any is not shown".into());
    }
    page.browser.value("words.value = ''; differing.click()")?;
    page.holds(
        "[...document.querySelectorAll('main td.known button')].every(button => button.checkVisibility())",
    )?;
    page.holds("![...document.querySelectorAll('main tr:not(:has(td.known, td.fail, td.fixed, td.broken)) td')].some(cell => cell.checkVisibility())")
}
