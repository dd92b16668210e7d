//! Reports whose numbers are as small and as large as their types let them be, in every form that there is.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Number, Value};

use crate::comparison::{self, Since};
use crate::fixture::each_kind;
use crate::table::Style;
use crate::{
    Comparison, Excerpt, MOST_LOOKUPS, Observation, Redaction, Report, html, json, junit, markdown, table,
};

/// What a number may be replaced by, as far as its type lets it.
const EXTREMES: [u64; 6] = [0, 1, u8::MAX as u64, u16::MAX as u64, u32::MAX as u64, u64::MAX];

/// A report with numbers of all kinds, and what each of them can be.
struct Numbers {
    report: Value,
    /// Where each number is, as a JSON pointer, with the extremes that its type has.
    places: Vec<(String, Vec<u64>)>,
}

static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| {
    let report = serde_json::to_value(each_kind()).unwrap();
    let mut pointers = Vec::new();
    find(&report, "", &mut pointers);
    let fits = |pointer: &str, number: u64| {
        let mut changed = report.clone();
        *changed.pointer_mut(pointer).unwrap() = number.into();
        serde_json::from_value::<Report>(changed).is_ok()
    };
    let place = |pointer: String| {
        let extremes = EXTREMES.into_iter().filter(|number| fits(&pointer, *number)).collect();
        (pointer, extremes)
    };
    let places = pointers.into_iter().map(place).collect();
    Numbers { report, places }
});

/// Finds where numbers are in `value`, which is at `pointer`.
fn find(value: &Value, pointer: &str, pointers: &mut Vec<String>) {
    match value {
        Value::Number(_) => pointers.push(pointer.to_owned()),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                find(item, &format!("{pointer}/{at}"), pointers);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                find(member, &format!("{pointer}/{}", name.replace('/', "~1")), pointers);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The report with an extreme at each place.
fn extreme(chosen: &[Index]) -> Report {
    let mut report = NUMBERS.report.clone();
    for ((pointer, extremes), index) in NUMBERS.places.iter().zip(chosen) {
        *report.pointer_mut(pointer).unwrap() = Value::Number(Number::from(*index.get(extremes)));
    }
    serde_json::from_value(report).unwrap()
}

fn any_extreme() -> impl Strategy<Value = Report> {
    prop::collection::vec(any::<Index>(), NUMBERS.places.len()).prop_map(|chosen| extreme(&chosen))
}

/// Lets the counts of lookups add up.
fn made_possible(mut report: Report) -> Report {
    for case in &mut report.cases {
        if let Some(Observation::Names(names)) = &mut case.observed {
            names.spaces.values_mut().for_each(|count| *count %= MOST_LOOKUPS / 7);
            names.samples = names.spaces.values().sum();
        }
    }
    report
}

const STYLE: Style = Style { colour: false, width: 80 };

#[test]
fn numbers_of_every_type_are_among_them() {
    let widest: Vec<u64> =
        NUMBERS.places.iter().filter_map(|(_, extremes)| extremes.last().copied()).collect();
    assert_eq!(widest.len(), NUMBERS.places.len(), "each can be replaced");
    for most in [u64::from(u8::MAX), u16::MAX.into(), u32::MAX.into(), u64::MAX] {
        assert!(widest.contains(&most), "{most}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Also where what reads it would refuse it: a run renders what no reader has looked at.
    #[test]
    fn a_report_of_extremes_is_rendered_in_every_form(report in any_extreme()) {
        let report = Redaction::new(&report, []).report(&report);
        for text in [
            table::render(&report, STYLE),
            json::render(&report).unwrap(),
            junit::render(&report).unwrap(),
            html::render(&report),
            markdown::render(&report),
        ] {
            prop_assert!(!text.contains("NaN") && !text.contains("inf\""), "{}", text);
        }
    }

    #[test]
    fn reports_of_extremes_are_compared_in_every_form(one in any_extreme(), other in any_extreme()) {
        let read = |report| {
            let text = json::render(&made_possible(report)).unwrap();
            json::parse(text.as_bytes()).unwrap();
            Excerpt::parse("a.json", text.as_bytes()).unwrap()
        };
        let excerpts = [read(one), read(other)];
        let comparison = Comparison::of(&excerpts).unwrap();
        let since = Since::of(&excerpts).unwrap();
        for text in [
            comparison::table::render(&comparison, STYLE),
            comparison::json::render(&comparison).unwrap(),
            comparison::junit::render(&comparison).unwrap(),
            comparison::html::render(&comparison, &excerpts),
            comparison::html::render_since(&since),
            comparison::markdown::render_since(&since),
            comparison::markdown::render(&comparison),
            comparison::table::render_since(&since, STYLE),
        ] {
            prop_assert!(!text.contains("NaN") && !text.contains("inf\""), "{}", text);
        }
    }
}
