//! Any number of reports side by side, cell by cell.
//!
//! An [`Excerpt`] holds what of a report is compared. Its columns are reports, or the systems of one report; a row is
//! known by scenario, question and subject, and by its system where a report has several, so that two runs of four
//! images line up. [`Comparison`] tells what differs, what matters most first, with the facts of the hosts that could
//! explain it; [`Since`] in which version of systemd each answer changed.

mod agreement;
mod chance;
mod columns;
mod detail;
mod excerpt;
mod facts;
mod gap;
pub mod html;
pub mod json;
pub mod junit;
mod layout;
pub mod markdown;
mod merged;
mod pace;
mod place;
mod reading;
mod seen;
mod since;
pub mod table;
mod version;
mod view;

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

pub use columns::Column;
pub use excerpt::Excerpt;
pub use facts::Fact;
pub use gap::Gap;
pub use layout::NothingToCompare;
pub use place::Place;
pub use since::{Change, Since, Step};
pub use version::Version;
pub use view::View;

use facts::Known;
use layout::{Layout, Row};
use place::Asked;

/// Names the form of a comparison; it changes with every incompatible change of these types.
pub const SCHEMA: &str = "nspawn-matrix/comparison/1";

/// What differs between columns.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The form of all this.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// What is laid side by side.
    pub columns: Vec<Column>,
    /// How many cells there are in any column.
    pub cells: usize,
    /// How many of them differ, by what matters most of what differs.
    pub differing: BTreeMap<Kind, usize>,
    /// Facts of the hosts that could explain each difference; each group has others.
    pub facts: Vec<Fact>,
    /// The differences, what matters most first; those that the same facts could explain stand together.
    pub groups: Vec<Group>,
    /// Cells that not all columns have.
    pub gaps: Vec<Gap>,
}

/// What columns differ in, what matters most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// How the answer stands to its claim.
    Verdict,
    /// What was answered.
    Answer,
    /// How often what was answered, beyond what chance explains.
    Distribution,
    /// How long answers took, beyond noise.
    Timing,
}

impl Kind {
    /// Every kind, what matters most first.
    pub const ALL: [Self; 4] = [Self::Verdict, Self::Answer, Self::Distribution, Self::Timing];

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Answer => "answer",
            Self::Distribution => "distribution",
            Self::Timing => "timing",
        }
    }

    /// Whether two runs that differ in it are not the same. Times are another machine's load as well, and are told only.
    #[must_use]
    pub fn counts(self) -> bool {
        match self {
            Self::Verdict | Self::Answer | Self::Distribution => true,
            Self::Timing => false,
        }
    }
}

/// Differences that the same facts could explain.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// What differs.
    pub kind: Kind,
    /// The facts, beside those that could explain every difference.
    pub facts: Vec<Fact>,
    /// The differences, in the order of the questions.
    pub differences: Vec<Difference>,
}

/// Cells of one question that differ in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// The question: `ping/peer/ipv4`.
    pub check: String,
    /// Where.
    pub places: Vec<Place>,
    /// What was seen there, each with the columns that saw it.
    pub views: Vec<View>,
}

impl Comparison {
    /// Compares reports, or the systems of one report.
    ///
    /// # Errors
    /// If there is nothing to lay side by side.
    pub fn of(excerpts: &[Excerpt]) -> Result<Self, NothingToCompare> {
        let layout = Layout::of_reports(excerpts).comparable()?;
        let mut groups = Groups::default();
        let asked = Asked::of(&layout);
        let mut known = Known::of(&layout);
        for row in &layout.rows {
            groups.add(row, &asked, &mut known);
        }
        let Groups { differing, mut groups, .. } = groups;
        groups.sort_by_key(|group| group.kind);
        let facts = take_common(&mut groups);
        Ok(Self {
            schema: SCHEMA.to_owned(),
            columns: columns::columns(&layout.sides),
            cells: layout.rows.len(),
            differing,
            facts,
            groups,
            gaps: gap::gaps(&layout),
        })
    }

    /// Tells whether nothing differs that counts ([`Kind::counts`]), and no column lacks a cell.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.gaps.is_empty() && !self.differing.keys().any(|kind| kind.counts())
    }
}

/// Groups as they are found.
#[derive(Default)]
struct Groups {
    differing: BTreeMap<Kind, usize>,
    groups: Vec<Group>,
    by_facts: HashMap<(Kind, Vec<Fact>), usize>,
    by_views: HashMap<(usize, String, Vec<View>), usize>,
}

impl Groups {
    fn add<'l, 'a>(&mut self, row: &'l Row<'a>, asked: &Asked<'_>, known: &mut Known<'l, 'a>) {
        let Some((kind, classes)) = agreement::difference(&row.cells) else { return };
        *self.differing.entry(kind).or_default() += 1;
        let facts = known.explaining(row, &classes);
        let groups = &mut self.groups;
        let group = *self.by_facts.entry((kind, facts.clone())).or_insert_with(|| {
            groups.push(Group { kind, facts, differences: Vec::new() });
            groups.len() - 1
        });
        let differences = &mut self.groups[group].differences;
        let views = view::views(kind, &classes);
        // Reasons name addresses; who differs in the same way may have others.
        let key = views.iter().map(View::without_reason).collect();
        let at = *self.by_views.entry((group, row.check.to_owned(), key)).or_insert_with(|| {
            differences.push(Difference { check: row.check.to_owned(), places: Vec::new(), views });
            differences.len() - 1
        });
        asked.add(row, &mut differences[at].places);
    }
}

/// Takes those facts out of the groups that all of them have.
fn take_common(groups: &mut [Group]) -> Vec<Fact> {
    let Some((first, others)) = groups.split_first() else { return Vec::new() };
    let is_common = |fact: &&Fact| others.iter().all(|group| group.facts.contains(fact));
    let common: Vec<Fact> = first.facts.iter().filter(is_common).cloned().collect();
    for group in groups {
        group.facts.retain(|fact| !common.contains(fact));
    }
    common
}

#[cfg(test)]
mod tests;
