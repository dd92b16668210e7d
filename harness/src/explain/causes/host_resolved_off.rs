//! systemd-resolved does not run on the host.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, switch_on};

pub(super) static CAUSE: Cause = Cause {
    code: "host-resolved-off",
    sentence: "systemd-resolved does not run on the host: nobody asks there by LLMNR, and nobody answers",
    long: "The host's name is one that machines ask for by LLMNR, which systemd-resolved of the host answers. Debian does \
           not install it by default. The names of machines are known on the host by nss-mymachines all the same.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html",
    seen_by: Some(Check::EnvironmentHostServices),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.off_on_host("systemd-resolved").filter(|_| surprise.needs.names && surprise.needs.host)
}

fn remedy(_: &Mending<'_>) -> Option<String> {
    Some(switch_on("systemctl", "systemd-resolved", &["service"]))
}
