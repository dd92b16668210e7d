//! A comparison for what reads JUnit: each difference is a test that failed, and what is the same is one that passed.

use junit_report::{Duration, ReportBuilder, TestCase, TestCaseBuilder, TestSuite};

use super::{Comparison, Difference, Kind, Place, View};
use crate::clean::clean;
use crate::junit::{JunitError, cdata, finish};

/// What the suite is called.
const SUITE: &str = "comparison";

/// Renders the comparison as JUnit XML that the schema of Jenkins (`junit-10.xsd`) accepts. Times that differ do not count,
/// so they are tests that passed.
///
/// # Errors
/// None in practice: what XML forbids is replaced before.
pub fn render(comparison: &Comparison) -> Result<String, JunitError> {
    let mut suite = TestSuite::new(SUITE);
    let differences = comparison.groups.iter().flat_map(|group| {
        let of_group = move |one| of_difference(comparison, group.kind, one);
        group.differences.iter().flat_map(of_group)
    });
    suite.add_testcases([the_same(comparison)].into_iter().chain(differences).chain(gaps(comparison)));
    let mut xml = Vec::new();
    ReportBuilder::new().add_testsuite(suite).build().write_xml(&mut xml)?;
    Ok(finish::finish(&String::from_utf8(xml)?, &[]))
}

/// So that two reports which are the same in everything give a test too.
fn the_same(comparison: &Comparison) -> TestCase {
    let differing: usize = comparison.differing.values().sum();
    let name = format!("{} of {} cells are the same", comparison.cells - differing, comparison.cells);
    TestCaseBuilder::success(&name, Duration::ZERO).set_classname(SUITE).build()
}

/// A test for each place.
fn of_difference<'c>(
    comparison: &'c Comparison,
    kind: Kind,
    difference: &'c Difference,
) -> impl Iterator<Item = TestCase> + 'c {
    let told: Vec<String> = difference.views.iter().map(|view| told(comparison, view)).collect();
    let (message, account) = (clean(&told.join("; ")), cdata(&told.join("\n")));
    difference.places.iter().map(move |place| {
        let name = clean(&format!("{}::{}", difference.check, place.subjects.join(", ")));
        let mut builder = if kind.counts() {
            TestCaseBuilder::failure(&name, Duration::ZERO, kind.name(), &message)
        } else {
            TestCaseBuilder::success(&name, Duration::ZERO)
        };
        if kind.counts() {
            builder.set_trace(&account)
        } else {
            builder.set_system_out(&account)
        };
        builder.set_classname(&class(place)).build()
    })
}

/// Readers tell tests by class and name.
fn class(place: &Place) -> String {
    let system = place.system.as_ref().map_or_else(String::new, |system| format!(" on {system}"));
    clean(&format!("{}{system}", place.scenario))
}

/// `252, 254: no (fail)`, and why.
fn told(comparison: &Comparison, view: &View) -> String {
    let columns: Vec<&str> =
        view.columns.iter().map(|column| comparison.columns[*column].heading.as_str()).collect();
    let reason = view.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{}: {} ({}{reason})", columns.join(", "), view.answer, view.verdict)
}

/// A failed test for each scenario that some columns lack cells of.
fn gaps(comparison: &Comparison) -> impl Iterator<Item = TestCase> + '_ {
    comparison.gaps.iter().map(|gap| {
        let told = gap.told(&comparison.columns);
        TestCaseBuilder::failure(&told, Duration::ZERO, "gap", &told)
            .set_classname(&clean(&gap.scenario))
            .build()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::{a_change_of_each_kind, compare};
    use crate::fixture::one_case;

    #[test]
    fn each_difference_is_a_test_that_failed() {
        let xml = render(&a_change_of_each_kind()).unwrap();
        // The suite says when it was made.
        let (before, rest) = xml.split_once(" timestamp=\"").unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        insta::assert_snapshot!(format!("{before}{after}").replace("><", ">\n<"));
    }

    #[test]
    fn what_is_the_same_is_a_test_that_passed() {
        let same = render(&compare(&[one_case(), one_case()])).unwrap();
        assert!(same.contains("tests=\"1\"") && same.contains("failures=\"0\""), "{same}");
        assert!(same.contains("1 of 1 cells are the same"), "{same}");
    }
}
