//! systemd-networkd does not run in a machine.

use nspawn_matrix_scenarios::Check;

use super::{no_fe80, resolv_conf_wrong};
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, switch_on};

pub(super) static CAUSE: Cause = Cause {
    code: "machine-networkd-off",
    sentence: "nobody asks for an address in the machine: systemd-networkd does not run there",
    long: "host0, the machine's end of its link, is configured by systemd-networkd with \
           80-container-host0.network. Many images do not enable it.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-networkd.service.html",
    seen_by: Some(Check::EnvironmentServices),
    keeps_from_starting: false,
    brings_about: &[&no_fe80::CAUSE, &resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.off_in_machine("systemd-networkd").filter(|_| surprise.needs.link)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    Some(switch_on(&mending.systemctl(), "systemd-networkd", &["service", "socket"]))
}
