//! Two machines, or a machine and its host, have one machine id.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, inside};

pub(super) static CAUSE: Cause = Cause {
    code: "machine-id-shared",
    sentence: "the machine is a copy of another with a machine id in it, which both now have",
    long: "/etc/machine-id is to be one machine's alone. An image that was booted before it was copied has one, and each copy \
           keeps it; an image that is to be copied has an empty file, which systemd fills at the first boot. systemd-networkd \
           tells a DHCP server who it is by a DUID made of the machine id and by an IAID, which it makes of the hardware \
           address where udev does not name the link. So machines of systemd-nspawn, whose addresses differ, have leases of \
           their own all the same; a server that goes by the DUID alone, as with DHCPv6, takes both for one. What is kept by \
           machine id is mixed up: journals, and what other programs derive from it. Programs that \
           run keep the id that they know until the machine boots again.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/machine-id.html",
    seen_by: None,
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let is_about_it = surprise.question.check == Check::IdentityMachineId;
    surprise.of_any(|machine| shared(machine, surprise)).filter(|_| is_about_it)
}

/// Who else has the id of `machine`.
fn shared(machine: &str, surprise: &Surprise<'_>) -> Option<String> {
    let value = |name| surprise.seen.of_machine(Check::IdentityMachineId, machine, name);
    let is_set = value("set")? == "yes";
    let (id, others) = (value("machine id")?, value("shared with")?);
    (is_set && others != "nobody").then(|| format!("{machine} and {others} are both {id}"))
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    Some(inside(mending.machine, "systemd-id128 new >/etc/machine-id"))
}
