//! The page as a browser and a reader find it.

use super::*;
use crate::fixture::{case, host, matrix, one_case, report};

#[test]
fn every_cell_with_a_case_opens_to_it() {
    let page = render(&matrix(&[257]));
    let buttons = page.matches("data-cell=").count();
    assert_eq!(buttons, 8 * 17);
    assert_eq!(page.matches("<script type=\"text/html\" id=").count(), buttons);
    assert!(page.contains("data-cell=\"nat/resolve/peer/any\""));
}

#[test]
fn a_scenario_has_one_row_for_all_versions_and_another_where_they_differ() {
    let mut several = matrix(&[252, 254, 257]);
    let same = render(&several);
    assert_eq!(same.matches("data-cell=").count(), 8 * 17);
    assert!(!same.contains('≠') && !same.contains("Where versions differ"));
    let newest = |case: &&mut crate::Case| case.host.contains("257") && case.check == "ping/peer/ipv4";
    for case in
        several.cases.iter_mut().filter(newest).filter(|case| case.scenario.starts_with("nspawn-file"))
    {
        case.observed = Some(crate::fixture::ping(0));
    }
    let page = render(&several);
    let (matrix, by_version) = page.split_once("Where versions differ").unwrap();
    assert_eq!(matrix.matches(">≠<").count(), 2);
    let row = by_version.split("<tr data-row=").nth(1).unwrap();
    let cells: Vec<&str> =
        row.split("<td class=\"pass\">").skip(1).map(|cell| cell.split('<').next().unwrap()).collect();
    assert_eq!(cells, ["yes", "yes", "no"]);
    assert!(row.starts_with("\"ping/peer/ipv4 nspawn-file-bridge nspawn-file-veth\""), "{row}");
    // What a cell opens to is unfolded for the first version, and for the one that says something else.
    let opened = page
        .split("id=\"nspawn-file-veth/ping/peer/ipv4\"")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let places: Vec<&str> = opened
        .split("<details class=\"place\"")
        .skip(1)
        .map(|place| place.split("</summary>").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            " open><summary class=\"pass\">252: yes",
            "><summary class=\"pass\">254: yes",
            " open><summary class=\"pass\">257: no"
        ]
    );
}

#[test]
fn a_distribution_is_drawn_with_a_stroke_for_each_lookup() {
    let mut one = one_case();
    let Some(crate::Observation::Names(names)) = &mut one.cases[0].observed else { unreachable!() };
    names.times_us.insert(crate::AddressSpace::Lease, vec![230; 12]);
    names.times_us.insert(crate::AddressSpace::Ipv6LinkLocal, vec![61_000; 20]);
    let page = render(&one);
    let strokes: Vec<usize> = page
        .split("class=\"lookups\" d=\"")
        .skip(1)
        .map(|path| path.split('"').next().unwrap().matches('v').count())
        .collect();
    assert_eq!(strokes, [20, 12]);
    assert!(page.contains("aria-label=\"fe80 20 of 32, lease 12 of 32\""));
    assert!(page.contains("+0.00 s alpha: lease"));
}

#[test]
fn what_comes_from_outside_makes_no_markup() {
    let mut hostile = report(vec![host("a<b>", 257)]);
    let mut one = case("a<b>", "</script><script>", "ping/\"onclick=\"", "<img src=x>");
    one.verdict = Verdict::Fail;
    one.reason = Some("javascript:alert(1) https://x/\"><script>\u{1b}[31m".to_owned());
    hostile.cases.push(one);
    let page = render(&hostile);
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    assert!(!page.contains("<img") && !page.contains('\u{1b}') && !page.contains("href=\"javascript"));
    assert!(page.contains("href=\"https://x/&quot;&gt;&lt;script&gt;\""));
}

#[test]
fn nothing_is_fetched() {
    let page = render(&matrix(&[257]));
    for fetched in ["src=", "@import", "url(", "<link"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

#[test]
fn only_addresses_of_the_web_can_be_followed() {
    assert_eq!(
        linked("see (https://x.org/a), docs/findings.md").into_string(),
        "see (<a href=\"https://x.org/a\">https://x.org/a</a>), docs/findings.md"
    );
}
