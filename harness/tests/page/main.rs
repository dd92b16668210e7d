//! report.html of a real run, as headless Chromium has it: opened, used by keyboard, on a phone, printed, light and dark.
//!
//! Chromium is what `nspawn-matrix setup --tests` installs. Where it is missing the trials are ignored, and with
//! `NSPAWN_MATRIX_REQUIRE=1` they fail.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use nspawn_matrix_reports::json::render;
use nspawn_matrix_reports::{
    Case, Comparison, Excerpt, HostRecord, Observation, Report, Verdict, comparison, html,
};
use serde_json::{Value, json};
use support::browser::Browser;
use support::{a_real_report, a_report_of_all_verdicts, reader_trial};
use tempfile::TempDir;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A browser has processes enough to keep the cores busy.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let of_page = |name, trial: fn(&mut Opened) -> Result<(), Failed>| {
        reader_trial(name, move || trial(&mut Opened::new()?))
    };
    vec![
        reader_trial("a-comparison-is-such-a-page", a_comparison_is_such_a_page),
        reader_trial("several-versions-share-a-row", several_versions_share_a_row),
        of_page("is-quiet-and-asks-for-nothing", is_quiet_and_asks_for_nothing),
        of_page("has-every-case-and-the-matrix-first", has_every_case_and_the_matrix_first),
        of_page("every-cell-opens-to-what-is-known", every_cell_opens_to_what_is_known),
        of_page("a-cell-opens-to-its-explanation", a_cell_opens_to_its_explanation),
        of_page("a-cell-opens-by-its-address", a_cell_opens_by_its_address),
        of_page("a-cell-opens-by-keyboard", a_cell_opens_by_keyboard),
        of_page("is-narrowed-by-words-and-by-verdict", is_narrowed_by_words_and_by_verdict),
        of_page("fits-a-phone", fits_a_phone),
        of_page("is-printed-whole", is_printed_whole),
        of_page("has-contrast-in-light-and-dark", has_contrast_in_light_and_dark),
        of_page("has-a-name-for-all-that-is-read-aloud", has_a_name_for_all_that_is_read_aloud),
    ]
}

/// A report, and its page in a browser.
struct Opened {
    report: Report,
    file: PathBuf,
    browser: Browser,
    _folder: TempDir,
}

impl Opened {
    fn new() -> Result<Self, Failed> {
        Self::of(a_report_of_all_verdicts())
    }

    fn of(report: Report) -> Result<Self, Failed> {
        let folder = TempDir::new()?;
        let file = folder.path().join("report.html");
        html::write(&report, &file)?;
        let mut browser = Browser::start()?;
        browser.open(&file, "")?;
        Ok(Self { report, file, browser, _folder: folder })
    }

    /// Whether an expression of JavaScript holds; what it is stands in the error.
    fn holds(&mut self, expression: &str) -> Result<(), Failed> {
        let value = self.browser.value(expression)?;
        if value == true { Ok(()) } else { Err(format!("{expression} is {value}").into()) }
    }

    /// What is focused: the name of a cell, or else of an element.
    fn focused(&mut self) -> Result<String, Failed> {
        let name =
            self.browser.value("document.activeElement.dataset.cell ?? document.activeElement.tagName")?;
        Ok(name.as_str().unwrap_or_default().to_owned())
    }

    fn screen(&mut self, width: u32, height: u32) -> Result<(), Failed> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        self.browser.call("Emulation.setDeviceMetricsOverride", &size)?;
        Ok(())
    }

    fn media(&mut self, media: &str, scheme: &str) -> Result<(), Failed> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.browser.call("Emulation.setEmulatedMedia", &json!({ "media": media, "features": features }))?;
        Ok(())
    }
}

/// The lists are empty, or what is in them is wrong.
fn expect_none(what: &str, list: &[String]) -> Result<(), Failed> {
    if list.is_empty() { Ok(()) } else { Err(format!("{what}: {}", list.join("\n")).into()) }
}

fn a_comparison_is_such_a_page() -> Result<(), Failed> {
    let reports = [a_real_report(), a_report_of_all_verdicts()];
    let excerpt = |report| Ok::<_, Failed>(Excerpt::parse("report.json", render(report)?.as_bytes())?);
    let excerpts = reports.iter().map(excerpt).collect::<Result<Vec<_>, _>>()?;
    let folder = TempDir::new()?;
    let file = folder.path().join("comparison.html");
    fs::write(&file, comparison::html::render(&Comparison::of(&excerpts).ok_or("one column")?))?;
    let mut browser = Browser::start()?;
    browser.open(&file, "")?;
    let cell = browser.value("document.querySelector('button[data-cell]').dataset.cell")?;
    browser.open(&file, cell.as_str().unwrap_or_default())?;
    let opened = browser.value(
        "[document.querySelector('dialog').open, document.querySelectorAll('dialog article').length, \
         document.querySelectorAll('tbody tr[data-row]').length]",
    )?;
    expect_none("said by the console", &browser.complaints())?;
    // Each verdict but `pass` differs from it.
    if opened == json!([true, 2, 5]) { Ok(()) } else { Err(opened.to_string().into()) }
}

/// The cell that is another one in one of two versions.
const DIFFERING: &str = "zone/ping/peer/ipv4";

fn several_versions_share_a_row() -> Result<(), Failed> {
    let page = &mut Opened::of(a_report_of_two_versions())?;
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
    page.browser.open(&page.file, "zone/resolve/peer/any")?;
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

fn is_quiet_and_asks_for_nothing(page: &mut Opened) -> Result<(), Failed> {
    page.browser.open(&page.file, "zone/resolve/peer/any")?;
    page.browser.press("Escape")?;
    page.browser.press("Tab")?;
    expect_none("said by the console", &page.browser.complaints())?;
    let own = format!("file://{}", page.file.display());
    let foreign: Vec<String> =
        page.browser.requests().into_iter().filter(|address| !address.starts_with(&own)).collect();
    expect_none("asked of others", &foreign)?;
    // Whoever listens hears what there is to hear.
    page.browser.value("console.warn('heard'); fetch('https://name.invalid/').catch(() => 0)")?;
    let heard = page.browser.complaints().iter().any(|said| said.contains("heard"));
    let asked = page.browser.requests().iter().any(|address| address.contains("name.invalid"));
    if heard && asked { Ok(()) } else { Err("the browser does not tell what a page does".into()) }
}

fn has_every_case_and_the_matrix_first(page: &mut Opened) -> Result<(), Failed> {
    let cells = "[...document.querySelectorAll('main td button')].map(button => button.dataset.cell)";
    let shown: BTreeSet<String> = serde_json::from_value(page.browser.value(cells)?)?;
    let known = page.report.cases.iter().map(|case| format!("{}/{}", case.scenario, case.check)).collect();
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
    let all: Vec<_> = page.report.cases.iter().filter_map(explained).collect();
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
    page.browser.open(&page.file, "zone/resolve/peer/any")?;
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

fn a_cell_opens_by_keyboard(page: &mut Opened) -> Result<(), Failed> {
    // The run, the words, the verdicts, the first block, its first cell.
    for _ in 0..5 {
        page.browser.press("Tab")?;
    }
    let first = page.focused()?;
    page.browser.press("ArrowRight")?;
    let right = page.focused()?;
    page.browser.press("ArrowDown")?;
    let below = page.focused()?;
    let (row, check) = right.split_once('/').ok_or("no cell is focused")?;
    if first == right || !first.starts_with(&format!("{row}/")) || !below.ends_with(&format!("/{check}")) {
        return Err(format!("{first}, to the right {right}, below {below}").into());
    }
    page.browser.press("Enter")?;
    page.holds("document.querySelector('dialog').open")?;
    page.holds("document.querySelector('dialog').contains(document.activeElement)")?;
    page.browser.press("Escape")?;
    page.holds("!document.querySelector('dialog').open")?;
    match page.focused()? {
        back if back == below => Ok(()),
        other => Err(format!("{below} was focused before, {other} is now").into()),
    }
}

fn is_narrowed_by_words_and_by_verdict(page: &mut Opened) -> Result<(), Failed> {
    let shown = "[...document.querySelectorAll('main td:not([hidden]) button')]
        .filter(button => button.checkVisibility()).map(button => button.dataset.cell)";
    page.browser.value("words.value = 'zone, peer/any'; narrow()")?;
    let cells: Vec<String> = serde_json::from_value(page.browser.value(shown)?)?;
    let foreign: Vec<String> =
        cells.iter().filter(|cell| !(cell.contains("zone") && cell.contains("peer/any"))).cloned().collect();
    expect_none("shown although not asked for", &foreign)?;
    if !cells.iter().any(|cell| cell == "zone/resolve/peer/any") {
        return Err("zone/resolve/peer/any is not shown".into());
    }
    page.browser.value("words.value = ''; differing.click()")?;
    page.holds(
        "[...document.querySelectorAll('main td.known button')].every(button => button.checkVisibility())",
    )?;
    page.holds("![...document.querySelectorAll('main tr:not(:has(td.known, td.fail, td.fixed, td.broken)) td')].some(cell => cell.checkVisibility())")
}

fn fits_a_phone(page: &mut Opened) -> Result<(), Failed> {
    page.screen(360, 740)?;
    for fragment in ["", "zone/resolve/peer/any"] {
        page.browser.open(&page.file, fragment)?;
        page.holds("document.documentElement.scrollWidth === 360")?;
        // What can be scrolled to the side says so itself; nothing else is cut off.
        page.holds(
            "[...document.querySelectorAll('body *, dialog[open], dialog[open] *')]
            .filter(it => it.checkVisibility() && !it.parentElement.closest('.scroll, svg, .hidden') && it.getBoundingClientRect().right > 361)
            .map(it => it.outerHTML.slice(0, 80)).join() || true",
        )?;
    }
    // A finger is 24 px wide (WCAG 2.2, 2.5.8).
    page.holds("[...document.querySelectorAll('main td button')].every(it => it.clientHeight >= 24)")
}

fn is_printed_whole(page: &mut Opened) -> Result<(), Failed> {
    let printed = page.browser.call("Page.printToPDF", &json!({ "printBackground": true }))?;
    let data = printed["data"].as_str().ok_or("nothing was printed")?;
    let size = data.len() / 4 * 3;
    if !data.starts_with("JVBERi") || size < 10_000 {
        return Err(format!("{size} bytes, no PDF").into());
    }
    // A4 without its margins: what is wider is cut off, since paper cannot be scrolled.
    page.media("print", "light")?;
    page.screen(718, 1046)?;
    page.holds("document.documentElement.scrollWidth === 718")?;
    page.holds(
        "[...document.querySelectorAll('main td, main th')].filter(it => it.getBoundingClientRect().right > 719)
        .map(it => it.outerHTML.slice(0, 80)).join() || true",
    )?;
    page.holds("!document.querySelector('search').checkVisibility()")
}

/// 4.5 to 1 is what WCAG 2.2 asks for (1.4.3).
const LOW_CONTRAST: &str = "(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const layers = it => it ? [...layers(it.parentElement), getComputedStyle(it).backgroundColor] : ['#fff'];
    const paint = colours => {
        colours.forEach(colour => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); });
        const light = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
    };
    const known = new Map();
    return [...document.querySelectorAll('body *')].filter(it => it.checkVisibility() && !it.closest('svg, .hidden'))
        .filter(it => [...it.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
        .filter(it => {
            const under = layers(it), over = getComputedStyle(it).color, key = [...under, over].join();
            if (!known.has(key)) {
                const [dark, bright] = [paint(under), paint([...under, over])].sort((a, b) => a - b);
                known.set(key, (bright + 0.05) / (dark + 0.05));
            }
            return known.get(key) < 4.5;
        }).map(it => it.outerHTML.slice(0, 80));
})()";

fn has_contrast_in_light_and_dark(page: &mut Opened) -> Result<(), Failed> {
    let mut papers = BTreeSet::new();
    for scheme in ["light", "dark"] {
        page.media("screen", scheme)?;
        page.browser.open(&page.file, "zone/resolve/peer/any")?;
        let low: Vec<String> = serde_json::from_value(page.browser.value(LOW_CONTRAST)?)?;
        expect_none(&format!("too little contrast, {scheme}"), &low)?;
        papers.insert(page.browser.value("getComputedStyle(document.body).backgroundColor")?.to_string());
    }
    if papers.len() == 2 { Ok(()) } else { Err(format!("light and dark are both {papers:?}").into()) }
}

fn has_a_name_for_all_that_is_read_aloud(page: &mut Opened) -> Result<(), Failed> {
    page.browser.open(&page.file, "zone/resolve/peer/any")?;
    let in_dialog = roles_and_names(page)?;
    page.browser.press("Escape")?;
    let in_page = roles_and_names(page)?;
    let nameless = |(role, name): &(String, String)| {
        let speaks = ["button", "dialog", "region", "image", "link", "searchbox", "checkbox", "columnheader"];
        (speaks.contains(&role.as_str()) && name.trim().is_empty()).then(|| role.clone())
    };
    let nameless: Vec<String> = in_dialog.iter().chain(&in_page).filter_map(nameless).collect();
    expect_none("has no name", &nameless)?;
    let has = |list: &[(String, String)], role: &str, name: &str| {
        list.iter().any(|(its_role, its_name)| its_role == role && its_name.contains(name))
    };
    let missing: Vec<String> = [
        (&in_dialog, "dialog", "zone: resolve/peer/any"),
        (&in_dialog, "button", "Close"),
        (&in_page, "button", "as claimed"),
        (&in_page, "region", "Names of peers"),
        (&in_page, "rowheader", "zone"),
    ]
    .into_iter()
    .filter(|(list, role, name)| !has(list, role, name))
    .map(|(_, role, name)| format!("{role} `{name}`"))
    .collect();
    expect_none("is not read aloud", &missing)
}

/// What a screen reader is told: roles, and names.
fn roles_and_names(page: &mut Opened) -> Result<Vec<(String, String)>, Failed> {
    let tree = page.browser.call("Accessibility.getFullAXTree", &json!({}))?;
    let text = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or_default().to_owned();
    let nodes = tree["nodes"].as_array().ok_or("there is no tree")?;
    let told = nodes.iter().filter(|node| node["ignored"] != true);
    Ok(told.map(|node| (text(node, "role"), text(node, "name"))).collect())
}
