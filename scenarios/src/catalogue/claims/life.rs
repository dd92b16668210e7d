//! What becomes of a machine over a restart.

use super::Kind;
use crate::{Check, Claim, Expectation, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let unit = kind.unit.then(|| {
        Claim::new(
            Check::AutostartAfterReboot,
            Expectation::BackAfterReboot,
            "the units are wanted by machines.target, which multi-user.target wants",
            links::SYSTEMD_NSPAWN,
        )
    });
    unit.into_iter().collect()
}
