//! A page in a browser, and what any page is to be: quiet, used by keyboard, on a phone, printed, in light and dark, and
//! read aloud.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use libtest_mimic::Failed;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::browser::Browser;

/// What a screen reader is to be told, among other things: roles, and what their names contain.
#[derive(Clone, Copy)]
pub(crate) struct Aloud {
    /// Where its cell is opened.
    pub(crate) dialog: &'static [(&'static str, &'static str)],
    /// Elsewhere.
    pub(crate) page: &'static [(&'static str, &'static str)],
}

/// A page in a browser.
pub(crate) struct Opened {
    pub(crate) file: PathBuf,
    /// The address of a cell with a distribution.
    pub(crate) cell: &'static str,
    pub(crate) browser: Browser,
    aloud: Aloud,
    _folder: TempDir,
}

impl Opened {
    /// Opens a page of HTML, which has a cell with a distribution.
    pub(crate) fn of(page: &str, cell: &'static str, aloud: Aloud) -> Result<Self, Failed> {
        let folder = TempDir::new()?;
        let file = folder.path().join("page.html");
        fs::write(&file, page)?;
        let mut browser = Browser::start()?;
        browser.open(&file, "")?;
        Ok(Self { file, cell, browser, aloud, _folder: folder })
    }

    /// Whether an expression of JavaScript holds; what it is stands in the error.
    pub(crate) fn holds(&mut self, expression: &str) -> Result<(), Failed> {
        let value = self.browser.value(expression)?;
        if value == true { Ok(()) } else { Err(format!("{expression} is {value}").into()) }
    }

    /// Which cell is focused, as table, row and column; none if none is.
    fn focused(&mut self) -> Result<Option<[u32; 3]>, Failed> {
        let place = "(() => {
            const cell = document.activeElement.closest('td'), table = cell?.closest('table');
            return cell && [[...document.querySelectorAll('table')].indexOf(table), cell.parentElement.rowIndex, cell.cellIndex];
        })()";
        Ok(serde_json::from_value(self.browser.value(place)?)?)
    }

    pub(crate) fn screen(&mut self, width: u32, height: u32) -> Result<(), Failed> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        self.browser.call("Emulation.setDeviceMetricsOverride", &size)?;
        Ok(())
    }

    pub(crate) fn media(&mut self, media: &str, scheme: &str) -> Result<(), Failed> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.browser.call("Emulation.setEmulatedMedia", &json!({ "media": media, "features": features }))?;
        Ok(())
    }
}

/// The lists are empty, or what is in them is wrong.
pub(crate) fn expect_none(what: &str, list: &[String]) -> Result<(), Failed> {
    if list.is_empty() { Ok(()) } else { Err(format!("{what}: {}", list.join("\n")).into()) }
}

pub(crate) fn is_quiet_and_asks_for_nothing(page: &mut Opened) -> Result<(), Failed> {
    page.browser.open(&page.file, page.cell)?;
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

pub(crate) fn a_cell_opens_by_keyboard(page: &mut Opened) -> Result<(), Failed> {
    // The first cell comes after what is above the tables, and the block that it is in.
    let mut first = None;
    for _ in 0..8 {
        page.browser.press("Tab")?;
        first = page.focused()?;
        if first.is_some() {
            break;
        }
    }
    let [table, row, column] = first.ok_or("no cell is focused")?;
    page.browser.press("ArrowRight")?;
    let right = page.focused()?;
    page.browser.press("ArrowDown")?;
    let below = page.focused()?;
    if (right, below) != (Some([table, row, column + 1]), Some([table, row + 1, column + 1])) {
        return Err(format!("{first:?}, to the right {right:?}, below {below:?}").into());
    }
    page.browser.press("Enter")?;
    page.holds("document.querySelector('dialog').open")?;
    page.holds("document.querySelector('dialog').contains(document.activeElement)")?;
    page.browser.press("Escape")?;
    page.holds("!document.querySelector('dialog').open")?;
    match page.focused()? {
        back if back == below => Ok(()),
        other => Err(format!("{below:?} was focused before, {other:?} is now").into()),
    }
}

pub(crate) fn fits_a_phone(page: &mut Opened) -> Result<(), Failed> {
    page.screen(360, 740)?;
    for fragment in ["", page.cell] {
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

pub(crate) fn is_printed_whole(page: &mut Opened) -> Result<(), Failed> {
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

pub(crate) fn has_contrast_in_light_and_dark(page: &mut Opened) -> Result<(), Failed> {
    let mut papers = BTreeSet::new();
    for scheme in ["light", "dark"] {
        page.media("screen", scheme)?;
        page.browser.open(&page.file, page.cell)?;
        let low: Vec<String> = serde_json::from_value(page.browser.value(LOW_CONTRAST)?)?;
        expect_none(&format!("too little contrast, {scheme}"), &low)?;
        papers.insert(page.browser.value("getComputedStyle(document.body).backgroundColor")?.to_string());
    }
    if papers.len() == 2 { Ok(()) } else { Err(format!("light and dark are both {papers:?}").into()) }
}

pub(crate) fn has_a_name_for_all_that_is_read_aloud(page: &mut Opened) -> Result<(), Failed> {
    page.browser.open(&page.file, page.cell)?;
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
    let Aloud { dialog, page } = page.aloud;
    let wanted = dialog.iter().map(|one| (&in_dialog, one)).chain(page.iter().map(|one| (&in_page, one)));
    let missing = wanted.filter(|(list, (role, name))| !has(list, role, name));
    let missing: Vec<String> = missing.map(|(_, (role, name))| format!("{role} `{name}`")).collect();
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
