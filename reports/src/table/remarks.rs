//! Remarks as paragraphs.

use super::style::Style;
use super::wrap::wrap;
use crate::Report;
use crate::clean::clean;
use crate::remarks::{self, Remark};

const INDENT: &str = "    ";

/// One paragraph for each remark.
pub(super) fn remarks(report: &Report, style: Style) -> Vec<String> {
    remarks::remarks(report).iter().map(|remark| paragraph(remark, style)).collect()
}

fn paragraph(remark: &Remark<'_>, style: Style) -> String {
    let hanging = INDENT.repeat(2);
    let title = wrap(&clean(&format!("{}:", remark.title)), style.width, "", INDENT);
    let lines = remark.lines.iter().map(|line| wrap(&clean(line), style.width, INDENT, &hanging));
    [title].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
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
        assert!(
            text.contains("not as before on vm/trixie/bridge (257):\n    link is left: br0 up\n"),
            "{text}"
        );
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
         on sandbox/trixie/a (257), sandbox/trixie/c (257):
            /etc/systemd/nspawn/web.nspawn:4: Unknown key 'Bnd' in section
                [Files], ignoring.
            Unknown section 'Exce'. Ignoring.

        systemd warned on sandbox/trixie/d (257):
            Unknown section 'Exce'. Ignoring.
        ");
    }
}
