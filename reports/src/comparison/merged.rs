//! Columns that agree with each other in everything that differs: told once, be it a hundred.

use std::collections::BTreeMap;

use super::{Comparison, Fact};

/// Columns that nothing tells apart.
pub(super) struct Merged(Vec<usize>);

impl Merged {
    /// The number of the one that stands for all.
    pub(super) fn first(&self) -> usize {
        self.0[0]
    }

    /// The numbers of the others.
    pub(super) fn others(&self) -> &[usize] {
        &self.0[1..]
    }

    /// The lines above it.
    pub(super) fn heading(&self, comparison: &Comparison) -> Vec<String> {
        let more = self.others().len();
        let first = comparison.columns[self.first()].heading.clone();
        [first].into_iter().chain((more > 0).then(|| format!("and {more} more"))).collect()
    }
}

/// Puts columns together that have the same views, facts and gaps.
pub(super) fn merge(comparison: &Comparison) -> Vec<Merged> {
    let differences = || comparison.groups.iter().flat_map(|group| &group.differences);
    let facts = || comparison.facts.iter().chain(comparison.groups.iter().flat_map(|group| &group.facts));
    let mut merged: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for column in 0..comparison.columns.len() {
        let has = |columns: &Vec<usize>| columns.contains(&column);
        let views: Vec<_> =
            differences().map(|one| one.views.iter().position(|view| has(&view.columns))).collect();
        let facts: Vec<_> = facts().map(|Fact { values, .. }| &values[column]).collect();
        let gaps: Vec<_> = comparison.gaps.iter().map(|gap| has(&gap.columns)).collect();
        merged.entry((views, facts, gaps)).or_default().push(column);
    }
    let mut merged: Vec<Merged> = merged.into_values().map(Merged).collect();
    merged.sort_by_key(Merged::first);
    merged
}
