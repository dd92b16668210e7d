//! systemd-resolved does not run in a machine.

use nspawn_matrix_scenarios::Check;

use super::resolv_conf_wrong;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, switch_on};

pub(super) static CAUSE: Cause = Cause {
    code: "machine-resolved-off",
    sentence: "systemd-resolved does not run in the machine: nobody asks there by LLMNR, and nobody answers",
    long: "Names of one label are asked of the other machines on the link, by LLMNR. Both who asks and who answers is \
           systemd-resolved. Without it a machine can be pinged and cannot be resolved.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html",
    seen_by: Some(Check::EnvironmentServices),
    keeps_from_starting: false,
    brings_about: &[&resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.off_in_machine("systemd-resolved").filter(|_| surprise.needs.names)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    Some(switch_on(&mending.systemctl(), "systemd-resolved", &["service"]))
}
