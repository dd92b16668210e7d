//! The host's end of a link is configured by another file than that which systemd ships for it.

use nspawn_matrix_scenarios::Check;

use super::{forwarding_off, no_fe80, not_masqueraded};
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::shipped;

pub(super) static CAUSE: Cause = Cause {
    code: "foreign-network-file",
    sentence: "the host's end of the link is configured by a file that is not the one for links of machines",
    long: "systemd-networkd configures a link by the first file that matches it, in the order of the files' names. \
           A file of the host's own, or of its provider, whose [Match] is as wide as Name=* or Type=ether and whose \
           name sorts before 80-container-ve.network takes the links of machines too: they then have no DHCP \
           server, no masquerading and no address. A bridge that has a file of its own with a smaller number is \
           not affected, which is why br0 works where ve- links do not.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html",
    seen_by: Some(Check::LinkHost),
    keeps_from_starting: false,
    brings_about: &[&no_fe80::CAUSE, &forwarding_off::CAUSE, &not_masqueraded::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let foreign = |machine| {
        let value = |name| surprise.seen.on_host_of(Check::LinkHost, machine, name);
        let (link, file) = (value("name")?, value("file")?);
        let is_foreign = !file.is_empty() && !file.ends_with(shipped::of(link)?);
        is_foreign.then(|| format!("{file} configures {link}"))
    };
    surprise.of_any(foreign).filter(|_| surprise.needs.link)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    // The first file that matches is taken, in the order of their names.
    let is_before_all = mending.host_end("file")? < "00-";
    let file = shipped::of(mending.host_end("name")?)?;
    (!is_before_all).then(|| shipped::put_in_place(file, "00"))
}
