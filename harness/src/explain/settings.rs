//! Lines of a .nspawn file that systemd-nspawn does not take, by what it says of them itself.

use nspawn_matrix_scenarios::nspawn_file::{lint, parse};
use nspawn_matrix_scenarios::shell::quote;
use nspawn_matrix_scenarios::{Check, launch, nspawn_file};

use super::seen::Seen;

/// A file that lies where systemd-nspawn trusts none, and what it says of that.
pub(super) struct Untrusted<'a> {
    pub(super) line: &'a str,
    pub(super) file: &'a str,
}

impl<'a> Untrusted<'a> {
    /// The file whose bind mounts `machine` does not have for that.
    pub(super) fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        lines(machine, seen).find_map(|line| {
            let file = line.split_once(" Bind= ")?.1.split_once(", file ")?.1;
            Some(Self { line, file: file.strip_suffix(" is not trusted.")? })
        })
    }

    /// What has it trusted.
    pub(super) fn remedy(&self, machine: &str) -> String {
        let moved = format!("mkdir -p /etc/systemd/nspawn && mv {} /etc/systemd/nspawn/", quote(self.file));
        format!("{moved} && {}", restarts(machine))
    }
}

/// A key that the systemd-nspawn which read it does not know, and what it says of that.
pub(super) struct Unknown<'a> {
    pub(super) line: &'a str,
    file: &'a str,
    key: &'a str,
    section: &'a str,
}

impl<'a> Unknown<'a> {
    /// The first of those among `machine`'s settings of files and mounts.
    pub(super) fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        let mut unknown = lines(machine, seen).filter_map(Self::read);
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
    pub(super) fn remedy(&self, machine: &str) -> Option<String> {
        let Self { file, key, section, .. } = self;
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let findings = lint(&parse(format!("[{section}]\n{key}=\n").as_bytes()), None);
        let meant = findings.into_iter().find_map(|finding| finding.nearest)?;
        Some(format!("sed -i 's/^{key} *=/{meant}/' {} && {}", quote(file), restarts(machine)))
    }
}

/// Has the Bind= for `mount_point` in the .nspawn file of `machine` map ids; changes nothing if there is none.
pub(super) fn with_idmap(machine: &str, mount_point: &str) -> String {
    let file = nspawn_file::path(machine);
    let both_paths = format!("s|^Bind={mount_point}$|&:{mount_point}|");
    let with_option = format!("s|^Bind=[^:]*:{mount_point}$|&:idmap|");
    let says_so = format!("grep -q ':{mount_point}:idmap$' {file}");
    format!("sed -i -e '{both_paths}' -e '{with_option}' {file} && {says_so} && {}", restarts(machine))
}

/// What systemd-nspawn said when it started `machine`, if it did so for its unit: what a person has started by hand no
/// command can start again.
fn lines<'a>(machine: &str, seen: &Seen<'a>) -> impl Iterator<Item = &'a str> {
    let value = |name| seen.on_host_of(Check::SettingsWarnings, machine, name);
    let is_of_unit = value("priority").is_some_and(|priority| priority != "none");
    value("lines").filter(|_| is_of_unit).into_iter().flat_map(|lines| lines.split(" / "))
}

/// Settings are read when a machine starts.
fn restarts(machine: &str) -> String {
    format!("systemctl restart {}", launch::unit(machine))
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
