//! Warnings: what systemd said about settings that it does not take, for each host on which it said something.

use super::style::Style;
use super::wrap::wrap;
use crate::Report;
use crate::clean::clean;

const INDENT: &str = "    ";

/// One paragraph for the hosts that share their warnings.
pub(super) fn warnings(report: &Report, style: Style) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, &[String])> = Vec::new();
    for host in report.hosts.iter().filter(|host| !host.warnings.is_empty()) {
        match groups.iter_mut().find(|(_, warnings)| *warnings == host.warnings) {
            Some((hosts, _)) => hosts.push(&host.id),
            None => groups.push((vec![&host.id], &host.warnings)),
        }
    }
    groups.iter().map(|(hosts, warnings)| paragraph(hosts, warnings, style)).collect()
}

fn paragraph(hosts: &[&str], warnings: &[String], style: Style) -> String {
    let title = clean(&format!("systemd warned on {}:", hosts.join(", ")));
    let mut lines = vec![wrap(&title, style.width, "", INDENT)];
    let hanging = INDENT.repeat(2);
    lines.extend(warnings.iter().map(|warning| wrap(&clean(warning), style.width, INDENT, &hanging)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{host, report};
    use crate::{HostRecord, table};

    fn warned(id: &str, warnings: &[&str]) -> HostRecord {
        let warnings = warnings.iter().map(|&warning| warning.to_owned()).collect();
        HostRecord { warnings, ..host(id, 257) }
    }

    #[test]
    fn warnings_stand_under_the_matrix_and_hosts_that_share_them_are_named_together() {
        let unknown = "/etc/systemd/nspawn/web.nspawn:4: Unknown key 'Bnd' in section [Files], ignoring.";
        let coloured = "\u{1b}[0;1;33mUnknown section 'Exce'. Ignoring.\u{1b}[0m";
        let hosts = vec![
            warned("sandbox/trixie/a", &[unknown, coloured]),
            warned("sandbox/trixie/b", &[]),
            warned("sandbox/trixie/c", &[unknown, coloured]),
            warned("sandbox/trixie/d", &[coloured]),
        ];
        let text = table::render(&report(hosts), Style { colour: false, width: 70 });
        insta::assert_snapshot!(text.split_once("systemd warned").unwrap().1, @r"
         on sandbox/trixie/a, sandbox/trixie/c:
            /etc/systemd/nspawn/web.nspawn:4: Unknown key 'Bnd' in section
                [Files], ignoring.
            Unknown section 'Exce'. Ignoring.

        systemd warned on sandbox/trixie/d:
            Unknown section 'Exce'. Ignoring.
        ");
    }
}
