//! What a cause is: something that changes what machines reach or resolve, and how it is told.

use nspawn_matrix_scenarios::Check;

use super::evidence::{Evidence, Surprise};
use super::remedy::Mending;

/// Something that changes what machines reach or resolve.
pub(crate) struct Cause {
    /// The code by which reports name it: `llmnr-off`.
    pub(crate) code: &'static str,
    /// The cause in a sentence.
    pub(crate) sentence: &'static str,
    /// How it comes about.
    pub(crate) long: &'static str,
    /// Where it is written down.
    pub(crate) link: &'static str,
    /// The question that sees it, which it does not explain; none where what that shows is not the cause itself.
    pub(super) seen_by: Option<Check>,
    /// Whether a machine does not start for it. Then nothing else is of account, and else this is not.
    pub(super) keeps_from_starting: bool,
    /// What it brings about, which is then no cause of its own; and so is what that brings about.
    pub(super) brings_about: &'static [&'static Self],
    /// What was seen that it rests on; none if it does not hold, or does not matter to the question.
    pub(super) evidence: for<'a> fn(&Surprise<'a>) -> Option<Evidence<'a>>,
    /// What removes it where a machine is concerned, ready to paste into a shell of the host, as root; none where the way
    /// out depends on what the host is for.
    pub(super) remedy: fn(&Mending<'_>) -> Option<String>,
}

impl Cause {
    /// Whether it brings `other` about.
    pub(super) fn leads_to(&self, other: &Self) -> bool {
        self.brings_about.iter().any(|next| next.code == other.code || next.leads_to(other))
    }
}
