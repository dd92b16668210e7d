//! Machines that do not start.

use crate::{Check, Claim, Expectation};

/// The machine does not start, for what systemd-nspawn says, and nothing is left of it.
pub(in crate::catalogue) fn refused(said: &str, reason: &str, link: &str) -> Claim {
    let values =
        [("started", "no"), ("status", "1"), ("said", said), ("registered", "no"), ("left", "nothing")];
    Claim::new(Check::StartRefusal, Expectation::properties(&values), reason, link)
}
