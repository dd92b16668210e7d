//! The cases as a matrix: one row for each scenario on each host, one column for each question.

use std::collections::BTreeMap;

use crate::clean::clean;
use crate::headings::title;
use crate::{Case, HostRecord, Report};

/// All cases, by row and question.
pub(crate) struct Matrix<'a> {
    /// The questions, in the order of the plan.
    pub(crate) checks: Vec<&'a str>,
    /// The rows; those of one scenario stand together.
    pub(crate) rows: Vec<Row<'a>>,
}

/// One scenario on one host.
pub(crate) struct Row<'a> {
    /// The scenario, and where it is asked on several hosts, what tells them apart.
    pub(crate) label: String,
    scenario: &'a str,
    host: &'a str,
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
        let mut rows = rows(report);
        label(&mut rows, &report.hosts);
        Self { checks: checks(report), rows }
    }
}

impl<'a> Matrix<'a> {
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

fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for case in &report.cases {
        let at = rows.iter().position(|row| row.scenario == case.scenario && row.host == case.host);
        let at = at.unwrap_or_else(|| {
            let last = rows.iter().rposition(|row| row.scenario == case.scenario);
            let at = last.map_or(rows.len(), |last| last + 1);
            let (scenario, host) = (case.scenario.as_str(), case.host.as_str());
            rows.insert(at, Row { label: String::new(), scenario, host, cases: BTreeMap::new() });
            at
        });
        rows[at].cases.entry(&case.check).or_default().push(case);
    }
    rows
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

/// What may tell hosts apart, the most telling first. The id always does.
const DISTINCTIONS: [fn(&HostRecord) -> String; 6] = [
    |_| String::new(),
    |host| host.systemd.map_or(String::new(), |version| format!(" v{version}")),
    |host| format!(" {}", host.image),
    |host| format!(" {}", host.payload),
    |host| format!(" {}", host.profile),
    |host| format!(" {}", host.id),
];

fn label(rows: &mut [Row<'_>], hosts: &[HostRecord]) {
    let of_row = |row: &Row<'_>, distinction: fn(&HostRecord) -> String| {
        let host = hosts.iter().find(|host| host.id == row.host);
        let suffix = host.map_or_else(|| format!(" {}", row.host), distinction);
        clean(&format!("{}{suffix}", row.scenario)).replace(['\n', '\t'], " ")
    };
    for distinction in DISTINCTIONS {
        for row in rows.iter_mut() {
            row.label = of_row(row, distinction);
        }
        if are_distinct(rows) {
            return;
        }
    }
}

fn are_distinct(rows: &[Row<'_>]) -> bool {
    let labels: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    labels.len() == rows.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{case, host, report};

    fn labels(hosts: Vec<HostRecord>) -> Vec<String> {
        let mut two = report(hosts);
        let ids: Vec<String> = two.hosts.iter().map(|host| host.id.clone()).collect();
        for id in &ids {
            two.cases.extend(["nat", "zone"].map(|scenario| case(id, scenario, "address/lease", "alpha")));
        }
        Matrix::of(&two).rows.into_iter().map(|row| row.label).collect()
    }

    #[test]
    fn hosts_are_told_apart_by_the_first_thing_that_differs() {
        assert_eq!(labels(vec![host("a", 257)]), ["nat", "zone"]);
        assert_eq!(
            labels(vec![host("a", 254), host("b", 257)]),
            ["nat v254", "nat v257", "zone v254", "zone v257"]
        );
        let backport = HostRecord { profile: "firewall".to_owned(), ..host("b", 257) };
        assert_eq!(labels(vec![host("a", 257), backport])[..2], ["nat stock", "nat firewall"]);
        assert_eq!(labels(vec![host("a", 257), host("b", 257)])[..2], ["nat a", "nat b"]);
    }

    #[test]
    fn one_host_for_each_scenario_needs_no_telling_apart() {
        let mut each = report(vec![host("sandbox/trixie/nat", 257), host("sandbox/trixie/zone", 257)]);
        each.cases = vec![
            case("sandbox/trixie/nat", "nat", "address/lease", "alpha"),
            case("sandbox/trixie/zone", "zone", "address/lease", "alpha"),
        ];
        let labels: Vec<String> = Matrix::of(&each).rows.into_iter().map(|row| row.label).collect();
        assert_eq!(labels, ["nat", "zone"]);
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
