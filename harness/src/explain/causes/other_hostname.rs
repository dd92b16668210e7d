//! The machine calls itself otherwise than it is called.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, inside};

pub(super) static CAUSE: Cause = Cause {
    code: "other-hostname",
    sentence: "the machine calls itself otherwise, and answers by LLMNR to that name alone",
    long: "systemd-nspawn gives a machine its name as host name, and an /etc/hostname in the image replaces it. By LLMNR \
           and multicast DNS a machine answers to its host name; nss-mymachines on the host knows it by the name that \
           it was started by. Copies of an image with the same /etc/hostname are in conflict besides.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/hostname.html",
    seen_by: Some(Check::IdentityHostname),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let machine = surprise.question.subject.about().filter(|_| surprise.needs.name_of_machine)?;
    let own = surprise.seen.of_machine(Check::IdentityHostname, machine, "host name")?;
    let text = format!("{machine} calls itself {own}");
    (own != machine).then_some(Evidence { machine: Some(machine), text })
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let machine = mending.machine;
    Some(inside(machine, &format!("echo {machine} >/etc/hostname && hostname {machine}")))
}
