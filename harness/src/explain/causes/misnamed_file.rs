//! The file that is meant for the host's end of a link has the name of another kind.

use nspawn_matrix_scenarios::Check;

use super::link_unmanaged;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::Seen;

pub(super) static CAUSE: Cause = Cause {
    code: "misnamed-file",
    sentence: "the file that is meant for the host's end of the link, or the bridge, has the name of another kind",
    long: "A bridge takes two files: one ending with .netdev, whose [NetDev] section makes it, and one ending with \
           .network, whose [Match] and [Network] sections configure it. systemd-networkd tells them by their names \
           alone, and passes over sections of the other kind with a line in its journal: then there is a bridge \
           without address and DHCP server. `misnamed-netdev` is the reverse.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.netdev.html",
    seen_by: Some(Check::EnvironmentNetworkFiles),
    keeps_from_starting: false,
    brings_about: &[&link_unmanaged::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let misnamed = |machine| Some(Misnamed::of(machine, surprise.seen)?.finding.to_owned());
    surprise.of_any(misnamed).filter(|_| surprise.needs.link)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let named = Misnamed::of(mending.machine, mending.seen)?.remedy()?;
    Some(format!("{named} && {}", mending.asks_anew()?))
}

/// Such a file, as the lint of the host's files has found it.
struct Misnamed<'a> {
    /// What is wrong, with the path of the file.
    finding: &'a str,
    path: &'a str,
    /// Whether it is a .netdev file as well.
    is_both: bool,
}

impl<'a> Misnamed<'a> {
    /// The file that is meant for the machine's link or bridge, if no other is about that.
    fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
        let link = value("name").filter(|_| value("setup") == Some("unmanaged"))?;
        let findings = seen.of_host(Check::EnvironmentNetworkFiles, "findings")?;
        let finding = findings.split("; ").find(|finding| is_meant_for(finding, link))?;
        let path = finding.split(' ').next()?;
        let lacks_netdev = format!("{path} has no [NetDev] section");
        let is_both = !findings.split("; ").any(|other| other.starts_with(&lacks_netdev));
        Some(Self { finding, path, is_both })
    }

    /// Gives the file its name; none if it has to be taken apart.
    fn remedy(&self) -> Option<String> {
        let stem = self.path.strip_suffix(".netdev").filter(|_| !self.is_both)?;
        Some(format!("mv --no-clobber {stem}.netdev {stem}.network; networkctl reload"))
    }
}

fn is_meant_for(finding: &str, link: &str) -> bool {
    let names = finding.split_once(" holds [Network] for ").and_then(|(_, rest)| rest.split(',').next());
    let matches = |name: &str| glob::Pattern::new(name).is_ok_and(|pattern| pattern.matches(link));
    names.is_some_and(|names| names.split_whitespace().any(matches))
}
