//! The cases as a matrix: one row for each scenario on each host, one column for each question.

use std::collections::BTreeMap;

use crate::clean::clean;
use crate::headings::title;
use crate::place::Places;
use crate::scenario::Scenario;
use crate::{Case, Report};

/// All cases, by row and question.
pub(crate) struct Matrix<'a> {
    /// The questions, in the order of the plan.
    pub(crate) checks: Vec<&'a str>,
    /// The rows; those of one scenario stand together.
    pub(crate) rows: Vec<Row<'a>>,
    /// Where the hosts are.
    pub(crate) places: Places<'a>,
}

/// One scenario on one host.
pub(crate) struct Row<'a> {
    /// The scenario.
    pub(crate) scenario: &'a str,
    /// The place of the host.
    pub(crate) place: String,
    /// Id of the host.
    pub(crate) host: &'a str,
    cases: BTreeMap<&'a str, Vec<&'a Case>>,
}

impl<'a> Row<'a> {
    /// The cases of one question, one for each subject.
    pub(crate) fn cases(&self, check: &str) -> &[&'a Case] {
        self.cases.get(check).map_or(&[], Vec::as_slice)
    }
}

impl<'a> Matrix<'a> {
    pub(crate) fn of(report: &'a Report) -> Self {
        let places = Places::of(report);
        Self { checks: checks(report), rows: rows(report, &places), places }
    }
}

impl<'a> Matrix<'a> {
    /// The rows by scenario.
    pub(crate) fn scenarios(&self) -> impl Iterator<Item = Scenario<'_, 'a>> {
        let by_scenario = self.rows.chunk_by(|row, next| row.scenario == next.scenario);
        by_scenario.map(|rows| Scenario::of(rows, &self.places))
    }

    /// Whether hosts of any scenario gave different answers to any question.
    pub(crate) fn has_differences(&self) -> bool {
        self.scenarios().any(|scenario| self.checks.iter().any(|check| scenario.differs(check)))
    }

    /// The blocks that the questions belong to, in the order of the questions.
    pub(crate) fn titles(&self) -> Vec<&'a str> {
        let mut titles: Vec<&str> = Vec::new();
        for check in &self.checks {
            if !titles.contains(&title(check)) {
                titles.push(title(check));
            }
        }
        titles
    }
}

fn rows<'a>(report: &'a Report, places: &Places<'_>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for case in &report.cases {
        let at = rows.iter().position(|row| row.scenario == case.scenario && row.host == case.host);
        let at = at.unwrap_or_else(|| {
            let last = rows.iter().rposition(|row| row.scenario == case.scenario);
            let at = last.map_or(rows.len(), |last| last + 1);
            let (scenario, host) = (case.scenario.as_str(), case.host.as_str());
            let place = one_line(places.of_host(host));
            rows.insert(at, Row { scenario, place, host, cases: BTreeMap::new() });
            at
        });
        rows[at].cases.entry(&case.check).or_default().push(case);
    }
    rows
}

/// Text from outside, for a place where a line must not be broken.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}

/// Every question once; one that an earlier scenario lacks stands behind the one it was asked after.
fn checks(report: &Report) -> Vec<&str> {
    let mut checks: Vec<&str> = Vec::new();
    let mut previous: Option<&Case> = None;
    for case in &report.cases {
        if !checks.contains(&case.check.as_str()) {
            let before =
                previous.filter(|previous| previous.scenario == case.scenario && previous.host == case.host);
            let at = before.and_then(|before| checks.iter().position(|check| *check == before.check));
            checks.insert(at.map_or(checks.len(), |at| at + 1), &case.check);
        }
        previous = Some(case);
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{case, host, report};

    #[test]
    fn rows_of_one_scenario_stand_together_and_say_which_systemd_they_ran_on() {
        let mut two = report(vec![host("a", 254), host("b", 257)]);
        for id in ["a", "b"] {
            two.cases.extend(["nat", "zone"].map(|scenario| case(id, scenario, "address/lease", "alpha")));
        }
        let matrix = Matrix::of(&two);
        let rows: Vec<_> = matrix.rows.iter().map(|row| (row.scenario, row.place.as_str())).collect();
        assert_eq!(rows, [("nat", "254"), ("nat", "257"), ("zone", "254"), ("zone", "257")]);
        let scenarios: Vec<_> = matrix.scenarios().map(|one| (one.label, one.rows.len())).collect();
        assert_eq!(scenarios, [("nat".to_owned(), 2), ("zone".to_owned(), 2)]);
    }

    #[test]
    fn a_question_that_the_first_scenario_lacks_keeps_its_place() {
        let mut two = report(vec![host("a", 257)]);
        for (scenario, check) in
            [("nat", "a/1"), ("nat", "c/3"), ("zone", "a/1"), ("zone", "b/2"), ("zone", "c/3")]
        {
            two.cases.push(case("a", scenario, check, "alpha"));
        }
        assert_eq!(Matrix::of(&two).checks, ["a/1", "b/2", "c/3"]);
    }
}
