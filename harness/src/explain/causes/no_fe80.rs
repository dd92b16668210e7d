//! An end of a link has no fe80 address.

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::Subject;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, inside, with_drop_in};
use crate::explain::seen::Seen;

pub(super) static CAUSE: Cause = Cause {
    code: "no-fe80",
    sentence: "an end of the link has no fe80 address",
    long: "Every link has a fe80 address unless IPv6 is off on it (net.ipv6.conf.*.disable_ipv6), or networkd is told not \
           to give it one (LinkLocalAddressing=no or ipv4). Without it there is no IPv6 on the link, no router is \
           heard, and LLMNR goes over IPv4 alone.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#LinkLocalAddressing=",
    seen_by: Some(Check::LinkHost),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let between = matches!(surprise.question.subject, Subject::Pair { .. });
    surprise.of_any(|machine| without_fe80(machine, between, surprise.seen)).filter(|_| surprise.needs.fe80)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let text = "[Network]\\nLinkLocalAddressing=yes";
    if mending.seen.of_machine(Check::LinkMachine, mending.machine, "addresses")?.contains("fe80:") {
        mending.with_host_end(text)
    } else {
        Some(inside(mending.machine, &with_drop_in(mending.own_end("file")?, text)))
    }
}

/// That an end of the link has no fe80 address; what lies `between` two machines is their own ends alone.
fn without_fe80(machine: &str, between: bool, seen: &Seen<'_>) -> Option<String> {
    let lacks = |addresses: &str| !addresses.contains("fe80:");
    let inside = seen.of_machine(Check::LinkMachine, machine, "addresses")?;
    let outside = seen.on_host_of(Check::LinkHost, machine, "addresses")?;
    let link = seen.on_host_of(Check::LinkHost, machine, "name")?;
    match (lacks(inside), lacks(outside) && !between) {
        (true, _) => Some(format!("the link in {machine} has none")),
        (false, true) => Some(format!("{link} has none")),
        (false, false) => None,
    }
}
