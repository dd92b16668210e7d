//! What the columns of one row agree on: columns that say the same are one class.

use std::sync::Arc;

use super::chance::{self, Shares};
use super::excerpt::Cell;
use super::{Kind, pace};

/// Columns that say the same of a row.
pub(super) struct Class<'a> {
    /// Their numbers, ascending.
    pub(super) columns: Vec<usize>,
    /// What the first of them has.
    pub(super) first: &'a Cell,
    /// The lookups of all of them.
    pub(super) shares: Shares,
}

/// In what the columns of a row differ most, and their classes; none if they agree.
pub(super) fn difference<'a>(cells: &[Option<&'a Cell>]) -> Option<(Kind, Vec<Class<'a>>)> {
    if are_equal(cells) {
        return None;
    }
    let classes = classes(cells, |class, cell| class.first.verdict == cell.verdict && agrees(class, cell));
    if classes.len() > 1 {
        return Some((kind(&classes), classes));
    }
    let classes = self::classes(cells, |class, cell| !pace::differs(&class.first.took, &cell.took));
    (classes.len() > 1).then_some((Kind::Timing, classes))
}

/// The classes of columns that answer the same, whatever the verdict is.
pub(super) fn answers<'a>(cells: &[Option<&'a Cell>]) -> Vec<Class<'a>> {
    classes(cells, agrees)
}

/// Tells at little cost that there is no difference, as it is with most rows.
fn are_equal(cells: &[Option<&Cell>]) -> bool {
    let mut present = cells.iter().flatten();
    let Some(first) = present.next() else { return true };
    present.all(|cell| {
        cell.verdict == first.verdict && is_equal(first, cell) && !pace::differs(&first.took, &cell.took)
    })
}

fn is_equal(left: &Cell, right: &Cell) -> bool {
    match (&left.answer, &right.answer) {
        (Some(left), Some(right)) => {
            Arc::ptr_eq(left, right) || (left.values == right.values && left.shares == right.shares)
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Puts each column into the first class that takes it, and into one of its own if none does.
fn classes<'a>(cells: &[Option<&'a Cell>], takes: impl Fn(&Class<'a>, &Cell) -> bool) -> Vec<Class<'a>> {
    let mut classes: Vec<Class<'a>> = Vec::new();
    for (column, cell) in cells.iter().enumerate().filter_map(|(column, cell)| Some((column, (*cell)?))) {
        let at = classes.iter().position(|class| takes(class, cell)).unwrap_or_else(|| {
            classes.push(Class { columns: Vec::new(), first: cell, shares: Shares::new() });
            classes.len() - 1
        });
        classes[at].columns.push(column);
        for (space, count) in cell.answer.iter().flat_map(|answer| &answer.shares) {
            let total = classes[at].shares.entry(*space).or_default();
            *total = total.saturating_add(*count);
        }
    }
    classes
}

/// Tells whether a cell has the answer of a class: the same values, and shares that chance explains.
fn agrees(class: &Class<'_>, cell: &Cell) -> bool {
    match (&class.first.answer, &cell.answer) {
        (None, None) => true,
        (Some(first), Some(answer)) => {
            let has_shares = !class.shares.is_empty() && !answer.shares.is_empty();
            let is_chance = || {
                !chance::are_disjoint(&class.shares, &answer.shares)
                    && chance::explains(&class.shares, &answer.shares)
            };
            first.values == answer.values
                && if has_shares { is_chance() } else { class.shares == answer.shares }
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// What matters most of what differs between classes.
fn kind(classes: &[Class<'_>]) -> Kind {
    let any = |differ: fn(&Class<'_>, &Class<'_>) -> bool| {
        classes.iter().enumerate().any(|(at, left)| classes[..at].iter().any(|right| differ(left, right)))
    };
    if any(|left, right| left.first.verdict != right.first.verdict) {
        Kind::Verdict
    } else if any(has_another_answer) {
        Kind::Answer
    } else {
        Kind::Distribution
    }
}

fn has_another_answer(left: &Class<'_>, right: &Class<'_>) -> bool {
    match (&left.first.answer, &right.first.answer) {
        (Some(of_left), Some(of_right)) => {
            of_left.values != of_right.values
                || chance::are_disjoint(&left.shares, &right.shares)
                    && !(left.shares.is_empty() && right.shares.is_empty())
        }
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}
