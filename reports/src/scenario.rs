//! A scenario on all of its hosts: one answer to each question where they agree, and where they do not the answer of each
//! place.

use crate::cell::{self, Cell};
use crate::matrix::{Row, one_line};
use crate::place::Places;

/// A scenario on all of its hosts.
pub(crate) struct Scenario<'m, 'a> {
    /// Its name, and where it ran if not on all hosts that others ran on: `zone (252, 254)`.
    pub(crate) label: String,
    /// What each of its hosts answered.
    pub(crate) rows: &'m [Row<'a>],
}

impl<'m, 'a> Scenario<'m, 'a> {
    /// The scenario that all of `rows` are of.
    pub(crate) fn of(rows: &'m [Row<'a>], places: &Places<'_>) -> Self {
        let scenario = rows.first().map_or("", |row| row.scenario);
        let hosts: Vec<&str> = rows.iter().map(|row| row.host).collect();
        Self { rows, label: one_line(&places.label(scenario, &hosts)) }
    }

    /// Whether the question was asked.
    pub(crate) fn is_asked(&self, check: &str) -> bool {
        self.rows.iter().any(|row| !row.cases(check).is_empty())
    }

    /// The answer that all hosts gave, or the sign that they did not give the same.
    pub(crate) fn cell(&self, check: &str) -> Cell {
        let hosts: Vec<_> = self.rows.iter().map(|row| row.cases(check)).collect();
        cell::common(&hosts).unwrap_or_else(|| cell::differing(&hosts))
    }

    /// Whether hosts gave different answers.
    pub(crate) fn differs(&self, check: &str) -> bool {
        let hosts: Vec<_> = self.rows.iter().map(|row| row.cases(check)).collect();
        cell::common(&hosts).is_none()
    }

    /// The answer of the host at this place.
    pub(crate) fn cell_at(&self, place: &str, check: &str) -> Cell {
        let row = self.rows.iter().find(|row| row.place == one_line(place));
        cell::of(row.map_or(&[], |row| row.cases(check)))
    }
}
