//! A .network file of the host whose name says that it is a .netdev file, so that no link is configured by it.

use nspawn_matrix_scenarios::Check;

use super::seen::Seen;

/// Such a file, as the lint of the host's files has found it.
pub(super) struct Misnamed<'a> {
    /// What is wrong, with the path of the file.
    finding: &'a str,
    path: &'a str,
    /// Whether it is a .netdev file as well.
    is_both: bool,
}

impl<'a> Misnamed<'a> {
    /// The file that is meant for the machine's link or bridge, if no other is about that.
    pub(super) fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
        let link = value("name").filter(|_| value("setup") == Some("unmanaged"))?;
        let findings = seen.of_host(Check::EnvironmentNetworkFiles, "findings")?;
        let finding = findings.split("; ").find(|finding| is_meant_for(finding, link))?;
        let path = finding.split(' ').next()?;
        let lacks_netdev = format!("{path} has no [NetDev] section");
        let is_both = !findings.split("; ").any(|other| other.starts_with(&lacks_netdev));
        Some(Self { finding, path, is_both })
    }

    pub(super) fn evidence(&self) -> String {
        self.finding.to_owned()
    }

    /// Gives the file its name; none if it has to be taken apart.
    pub(super) fn remedy(&self) -> Option<String> {
        let stem = self.path.strip_suffix(".netdev").filter(|_| !self.is_both)?;
        Some(format!("mv --no-clobber {stem}.netdev {stem}.network; networkctl reload"))
    }
}

fn is_meant_for(finding: &str, link: &str) -> bool {
    let names = finding.split_once(" holds [Network] for ").and_then(|(_, rest)| rest.split(',').next());
    let matches = |name: &str| glob::Pattern::new(name).is_ok_and(|pattern| pattern.matches(link));
    names.is_some_and(|names| names.split_whitespace().any(matches))
}
