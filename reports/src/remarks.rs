//! What is to be said of hosts: what systemd said about settings that it does not take, and what was not put back.

use crate::place::Places;
use crate::{HostRecord, Report};

/// The same lines, said of one host or of several.
pub(crate) struct Remark<'a> {
    /// What is said of whom: `systemd warned on sandbox/trixie/zone (257)`.
    pub(crate) title: String,
    pub(crate) lines: &'a [String],
}

/// All remarks; hosts of which the same is to be said share one.
pub(crate) fn remarks(report: &Report) -> Vec<Remark<'_>> {
    let warnings = shared(report, "systemd warned on", |host| &host.warnings);
    warnings.into_iter().chain(shared(report, "not as before on", |host| &host.left)).collect()
}

fn shared<'a>(report: &'a Report, title: &str, of: fn(&HostRecord) -> &Vec<String>) -> Vec<Remark<'a>> {
    let places = Places::of(report);
    let mut groups: Vec<(Vec<String>, &[String])> = Vec::new();
    for host in report.hosts.iter().filter(|host| !of(host).is_empty()) {
        let name = format!("{} ({})", host.id, places.of_host(&host.id));
        match groups.iter_mut().find(|(_, lines)| lines == of(host)) {
            Some((hosts, _)) => hosts.push(name),
            None => groups.push((vec![name], of(host))),
        }
    }
    let remark = |(hosts, lines): (Vec<String>, &'a [String])| Remark {
        title: format!("{title} {}", hosts.join(", ")),
        lines,
    };
    groups.into_iter().map(remark).collect()
}
