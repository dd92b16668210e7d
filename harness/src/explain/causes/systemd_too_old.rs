//! systemd-nspawn is given an option that only later versions have.

use nspawn_matrix_scenarios::nspawn_option::{TooNew, too_new};

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};

pub(super) static CAUSE: Cause = Cause {
    code: "systemd-too-old",
    sentence: "systemd of the host is too old for an option that systemd-nspawn is given, and the machine does not start",
    long: "What systemd-nspawn does not know on its command line, or behind the paths of Bind= and --bind=, keeps the machine \
           from starting; a key of a .nspawn file that it does not know does not (`setting-unknown`). systemd-nspawn(1) \
           of later versions says of each option from which version on it is there. A unit or a file that was made for one \
           host meets that where it is copied to an older one. An option that no version has is misspelt, and has no \
           reason here: what systemd-nspawn says names it.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html",
    seen_by: None,
    keeps_from_starting: true,
    brings_about: &[],
    evidence,
    // Whether the option is to go or systemd to be renewed, nobody else can know.
    remedy: |_| None,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| {
        let said = surprise.seen.said_of(machine);
        let (said, TooNew { option, since }) = said.iter().find_map(|said| Some((said, too_new(said)?)))?;
        Some(format!("{option} is there from systemd {since} on; systemd-nspawn of {machine}: {said}"))
    })
}
