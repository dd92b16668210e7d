//! Places: where a question was asked.

use std::collections::HashMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::{Layout, Row};
use crate::clean::clean;

/// The cells of a question in one scenario, or some of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    /// The images of host and machines, and the profile, where a report has several: `trixie`, `bookworm in sid`, `trixie as
    /// linode`.
    pub system: Option<String>,
    /// The scenario.
    pub scenario: String,
    /// Who was asked, and it is about them: `alpha`, `alpha->beta`.
    pub subjects: Vec<String>,
    /// How many were asked.
    pub asked: usize,
}

impl fmt::Display for Place {
    /// `zone` if it is about all who were asked, else `zone (alpha)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, scenario, subjects, asked } = self;
        let system = system.as_ref().map_or_else(String::new, |system| format!(" on {system}"));
        let of_whom =
            if subjects.len() < *asked { format!(" ({})", subjects.join(", ")) } else { String::new() };
        f.write_str(&clean(&format!("{scenario}{system}{of_whom}")).replace(['\n', '\t'], " "))
    }
}

/// How many were asked a question, by system, scenario and question.
pub(super) struct Asked<'l>(HashMap<(Option<&'l str>, &'l str, &'l str), usize>);

impl<'l> Asked<'l> {
    pub(super) fn of(layout: &'l Layout<'_>) -> Self {
        let mut asked = HashMap::new();
        for row in &layout.rows {
            *asked.entry((row.system.as_deref(), row.scenario, row.check)).or_default() += 1;
        }
        Self(asked)
    }

    /// Adds the cell of `row` to the places of its question.
    pub(super) fn add(&self, row: &Row<'_>, places: &mut Vec<Place>) {
        let is_there = |place: &&mut Place| place.system == row.system && place.scenario == row.scenario;
        // Rows of one scenario follow each other.
        if let Some(place) = places.last_mut().filter(is_there) {
            place.subjects.push(row.subject.to_owned());
            return;
        }
        places.push(Place {
            system: row.system.clone(),
            scenario: row.scenario.to_owned(),
            subjects: vec![row.subject.to_owned()],
            asked: self.0.get(&(row.system.as_deref(), row.scenario, row.check)).copied().unwrap_or(1),
        });
    }
}
