//! What is to be said of hosts: what systemd said about settings that it does not take, and what was not put back.

use super::style::Style;
use super::wrap::wrap;
use crate::clean::clean;
use crate::{HostRecord, Report};

const INDENT: &str = "    ";

/// One paragraph for the hosts that share their warnings.
pub(super) fn warnings(report: &Report, style: Style) -> Vec<String> {
    paragraphs(report, "systemd warned on", |host| &host.warnings, style)
}

/// One paragraph for the hosts that are not as they were in the same way.
pub(super) fn left(report: &Report, style: Style) -> Vec<String> {
    paragraphs(report, "not as before on", |host| &host.left, style)
}

fn paragraphs(
    report: &Report,
    title: &str,
    of: fn(&HostRecord) -> &Vec<String>,
    style: Style,
) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, &[String])> = Vec::new();
    for host in report.hosts.iter().filter(|host| !of(host).is_empty()) {
        match groups.iter_mut().find(|(_, lines)| lines == of(host)) {
            Some((hosts, _)) => hosts.push(&host.id),
            None => groups.push((vec![&host.id], of(host))),
        }
    }
    groups
        .iter()
        .map(|(hosts, lines)| paragraph(&format!("{title} {}:", hosts.join(", ")), lines, style))
        .collect()
}

fn paragraph(title: &str, lines: &[String], style: Style) -> String {
    let hanging = INDENT.repeat(2);
    let lines = lines.iter().map(|line| wrap(&clean(line), style.width, INDENT, &hanging));
    [wrap(&clean(title), style.width, "", INDENT)].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
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
    fn what_was_not_put_back_is_said_of_the_host() {
        let left = vec!["link is left: br0 up".to_owned()];
        let hosts = vec![HostRecord { left, ..host("vm/trixie/bridge", 257) }];
        let text = table::render(&report(hosts), Style { colour: false, width: 70 });
        assert!(text.contains("not as before on vm/trixie/bridge:\n    link is left: br0 up\n"), "{text}");
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
