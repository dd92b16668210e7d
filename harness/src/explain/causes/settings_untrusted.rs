//! systemd-nspawn does not trust the file that says so.

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::shell::quote;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::Seen;
use crate::explain::settings::{restarts, said_by_nspawn};

pub(super) static CAUSE: Cause = Cause {
    code: "settings-untrusted",
    sentence: "the bind mounts are in a .nspawn file beside the image, where systemd-nspawn does not trust it",
    long: "A .nspawn file in /etc/systemd/nspawn or /run/systemd/nspawn is an administrator's, and is trusted. One that \
           lies beside the image may have come with it, so what would let the machine reach into the host is \
           ignored: bind mounts, network settings, capabilities, user namespaces. It says so when it starts, up to \
           systemd 255 without the priority of a warning, so that `journalctl -p warning` does not show it. A file of \
           the same name in /etc/systemd/nspawn hides the one beside the image.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.nspawn.html",
    seen_by: Some(Check::SettingsWarnings),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let untrusted = |machine| Some(Untrusted::of(machine, surprise.seen)?.line.to_owned());
    surprise.of_any(untrusted).filter(|_| surprise.needs.binds)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let Untrusted { file, .. } = Untrusted::of(mending.machine, mending.seen)?;
    let moved = format!("mkdir -p /etc/systemd/nspawn && mv {} /etc/systemd/nspawn/", quote(file));
    Some(format!("{moved} && {}", restarts(mending.machine)))
}

/// A file that lies where systemd-nspawn trusts none, and what it says of that.
struct Untrusted<'a> {
    line: &'a str,
    file: &'a str,
}

impl<'a> Untrusted<'a> {
    /// The file whose bind mounts `machine` does not have for that.
    fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        said_by_nspawn(machine, seen).find_map(|line| {
            let file = line.split_once(" Bind= ")?.1.split_once(", file ")?.1;
            Some(Self { line, file: file.strip_suffix(" is not trusted.")? })
        })
    }
}
