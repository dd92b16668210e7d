//! Milestones: what a machine reaches on its way, told once each, at the moment when it happens.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::Notice;
use crate::rpc;

thread_local! {
    static REACHED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Tells that `event` happened, if it is the first time; `detail` says with what or whom.
pub(super) fn reach(event: &'static str, detail: Option<String>) {
    let is_first = REACHED.with_borrow_mut(|reached| reached.insert(event));
    if is_first {
        rpc::notify(&Notice { event: event.to_owned(), detail });
    }
}
