//! No file is about the host's end of a link.

use nspawn_matrix_scenarios::Check;

use super::{forwarding_off, no_fe80, not_masqueraded};
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::shipped;

pub(super) static CAUSE: Cause = Cause {
    code: "link-unmanaged",
    sentence: "systemd-networkd has no file for the host's end of the link",
    long: "80-container-ve.network and 80-container-vz.network are part of systemd, and some distributions pack \
           them apart, or an empty file or a link to /dev/null in /etc/systemd/network takes their place.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html",
    seen_by: Some(Check::LinkHost),
    keeps_from_starting: false,
    brings_about: &[&no_fe80::CAUSE, &forwarding_off::CAUSE, &not_masqueraded::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let unmanaged = |machine| {
        let value = |name| surprise.seen.on_host_of(Check::LinkHost, machine, name);
        let link = value("name")?;
        (value("setup")? == "unmanaged").then(|| format!("networkd calls {link} unmanaged"))
    };
    surprise.of_any(unmanaged).filter(|_| surprise.needs.link)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    Some(shipped::put_in_place(shipped::of(mending.host_end("name")?)?, "80"))
}
