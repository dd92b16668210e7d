//! systemd-nspawn does not know a key of the file that says so.

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::nspawn_file::{lint, parse};
use nspawn_matrix_scenarios::shell::quote;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::Seen;
use crate::explain::settings::{restarts, said_by_nspawn};

pub(super) static CAUSE: Cause = Cause {
    code: "setting-unknown",
    sentence: "this systemd-nspawn does not know a key of the .nspawn file, and ignores the line",
    long: "A key that systemd-nspawn does not know is ignored with a warning, and the machine starts without it. It is \
           misspelt, or of a later version of systemd: the manual page of the installed version lists those that it \
           knows. Options of a command line, and those behind the paths of Bind=, are not ignored: with one that it \
           does not know the machine does not start.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.nspawn.html",
    seen_by: Some(Check::SettingsWarnings),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let unknown = |machine| Some(Unknown::of(machine, surprise.seen)?.line.to_owned());
    surprise.of_any(unknown).filter(|_| surprise.needs.binds)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    Unknown::of(mending.machine, mending.seen)?.remedy(mending.machine)
}

/// A key that the systemd-nspawn which read it does not know, and what it says of that.
struct Unknown<'a> {
    line: &'a str,
    file: &'a str,
    key: &'a str,
    section: &'a str,
}

impl<'a> Unknown<'a> {
    /// The first of those among `machine`'s settings of files and mounts.
    fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        let mut unknown = said_by_nspawn(machine, seen).filter_map(Self::read);
        unknown.find(|unknown| unknown.section == "Files")
    }

    /// Reads `/x.nspawn:2: Unknown key 'Binds' in section [Files], ignoring.`; up to systemd 255 it is `key name`, and the
    /// section is in quotes.
    fn read(line: &'a str) -> Option<Self> {
        let (place, rest) = line.split_once(": Unknown key ")?;
        let (file, _number) = place.rsplit_once(':')?;
        let section = rest.split_once("in section ")?.1.trim_start_matches(['\'', '[']);
        Some(Self { line, file, key: rest.split('\'').nth(1)?, section: section.split(['\'', ']']).next()? })
    }

    /// What has it understood, if it is a slip; none if it may be a key that only later versions know.
    fn remedy(&self, machine: &str) -> Option<String> {
        let Self { file, key, section, .. } = self;
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let findings = lint(&parse(format!("[{section}]\n{key}=\n").as_bytes()), None);
        let meant = findings.into_iter().find_map(|finding| finding.nearest)?;
        Some(format!("sed -i 's/^{key} *=/{meant}/' {} && {}", quote(file), restarts(machine)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: [&str; 2] = [
        "/etc/systemd/nspawn/a:b.nspawn:2: Unknown key name 'Binds' in section 'Files', ignoring.",
        "/etc/systemd/nspawn/a:b.nspawn:2: Unknown key 'Binds' in section [Files], ignoring.",
    ];

    #[test]
    fn a_key_is_read_from_the_words_of_each_version() {
        for line in SAID {
            let read = Unknown::read(line).unwrap();
            assert_eq!(
                [read.file, read.key, read.section],
                ["/etc/systemd/nspawn/a:b.nspawn", "Binds", "Files"]
            );
        }
        assert!(Unknown::read("Ignoring network settings, file /x is not trusted.").is_none());
    }

    #[test]
    fn a_slip_is_mended_and_a_key_of_later_versions_is_not() {
        let remedy = |key: &str| {
            let unknown = Unknown { line: "", file: "/x y.nspawn", key, section: "Files" };
            unknown.remedy("alpha")
        };
        let mended =
            "sed -i 's/^Binds *=/Bind=/' '/x y.nspawn' && systemctl restart systemd-nspawn@alpha.service";
        assert_eq!(remedy("Binds").as_deref(), Some(mended));
        for key in ["BindUser", "Qqqq", "Bind/;reboot"] {
            assert_eq!(remedy(key), None, "{key}");
        }
    }
}
