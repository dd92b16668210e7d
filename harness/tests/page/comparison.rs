//! The page of a comparison, which is to be all that the page of a report is.

use std::collections::BTreeSet;

use libtest_mimic::Failed;
use nspawn_matrix_reports::json::render;
use nspawn_matrix_reports::{
    AddressSpace, Case, Comparison, Excerpt, Observation, Report, Verdict, comparison,
};

use crate::opened::{Aloud, Opened, expect_none};
use crate::support::{a_real_report, a_report_of_all_verdicts};

/// What is opened, of one pair, since the other has been answered otherwise.
const CELL: &str = "zone/(alpha->beta)/resolve/peer/any";

/// A real report beside one in which each verdict is met, and no machine of a zone finds another.
pub(crate) fn opened() -> Result<Opened, Failed> {
    let excerpt = |report| Ok::<_, Failed>(Excerpt::parse("report.json", render(report)?.as_bytes())?);
    let excerpts = [excerpt(&a_real_report())?, excerpt(&later())?];
    let page = comparison::html::render(&Comparison::of(&excerpts)?, &excerpts);
    let aloud = Aloud {
        dialog: &[
            ("dialog", "resolve/peer/any: zone (alpha->beta)"),
            ("button", "Close"),
            ("heading", "differs"),
        ],
        page: &[("button", "as claimed"), ("region", "Verdicts"), ("rowheader", "zone")],
    };
    Opened::of(&page, CELL, aloud)
}

/// Whether a case is of the question that is opened.
fn is_opened(case: &Case) -> bool {
    case.scenario == "zone" && case.check == "resolve/peer/any"
}

fn later() -> Report {
    let mut later = a_report_of_all_verdicts();
    let explanations = later.cases.iter().find_map(|case| Some([case.explanations.first()?.clone()]));
    for case in later.cases.iter_mut().filter(|case| is_opened(case)) {
        let Some(Observation::Names(names)) = &mut case.observed else { continue };
        let times = names.times_us.values().flatten().copied().collect();
        names.spaces = [(AddressSpace::None, names.samples)].into();
        names.times_us = [(AddressSpace::None, times)].into();
        case.verdict = Verdict::Fail;
        case.reason = Some("nobody answers".to_owned());
        case.explanations = explanations.iter().flatten().cloned().collect();
    }
    later
}

pub(crate) fn every_difference_opens_to_what_both_saw(page: &mut Opened) -> Result<(), Failed> {
    // Each verdict but `pass` differs from it, and the lookups of two pairs do.
    page.holds("document.querySelectorAll('tbody tr[data-row]').length === 7")?;
    let wrong = "[...document.querySelectorAll('main td button')].filter(button => {
        button.click();
        const dialog = document.querySelector('dialog');
        const lists = [...dialog.querySelectorAll('article dl')].map(list => [...list.querySelectorAll('dt')].map(it => it.textContent));
        const whole = dialog.open && dialog.querySelectorAll('article').length === 2
            && lists.some(terms => ['observed', 'claimed', 'host', 'systemd'].every(term => terms.includes(term)))
            && dialog.querySelectorAll('details svg circle').length > 0;
        dialog.close();
        return !whole;
    }).map(button => button.dataset.cell)";
    let wrong: Vec<String> = serde_json::from_value(page.browser.value(wrong)?)?;
    expect_none("does not open to all that is known", &wrong)
}

pub(crate) fn a_difference_opens_to_claim_reasons_and_distributions(page: &mut Opened) -> Result<(), Failed> {
    page.browser.open(&page.file, page.cell)?;
    let rows = page.browser.value(
        "[...document.querySelectorAll('dialog article dt')].map(it => `${it.textContent}: ${it.nextElementSibling.textContent}`)",
    )?;
    let rows: BTreeSet<String> = serde_json::from_value(rows)?;
    let later = later();
    let case = later.cases.iter().find(|case| is_opened(case)).ok_or("nothing is asked there")?;
    let explanation = case.explanations.first().ok_or("nothing is explained")?;
    let wanted = [
        format!("claimed: {}", case.expected),
        "reason: nobody answers".to_owned(),
        format!("because: {} ({})", explanation.text, explanation.evidence),
        format!("remedy: {}", explanation.remedy.as_deref().unwrap_or_default()),
        format!("host: {}", case.host),
    ];
    let missing: Vec<String> = wanted.into_iter().filter(|wanted| !rows.contains(wanted)).collect();
    expect_none(&format!("not among {rows:?}"), &missing)?;
    if !rows.iter().any(|row| row.starts_with("evidence: ")) {
        return Err("it does not say where the evidence is".into());
    }
    // As many strokes as lookups, on both sides.
    page.holds(
        "[...document.querySelectorAll('dialog article')].every(it => it.querySelector('.lookups')?.getAttribute('d').includes('v'))",
    )?;
    page.holds("document.querySelectorAll('dialog article details svg circle').length > 0")
}
