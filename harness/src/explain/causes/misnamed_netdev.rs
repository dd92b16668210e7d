//! The file that is meant to make the bridge of a machine has the name of another kind.

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::shell::quote;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::Seen;

pub(super) static CAUSE: Cause = Cause {
    code: "misnamed-netdev",
    sentence: "the bridge that the machine is to be a port of is not there, as the file that is to make it is named .network",
    long: "A bridge is made by a [NetDev] section, which systemd-networkd reads in files that are named .netdev alone. In a \
           .network file it passes over the section with a line in its journal, and there is no bridge. systemd-nspawn \
           makes none either, but for zones, and does not start a machine that is to be a port of one that is not there. \
           `misnamed-file` is the reverse.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.netdev.html",
    seen_by: Some(Check::EnvironmentNetworkFiles),
    keeps_from_starting: true,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| {
        let finding = finding(surprise.seen, machine)?;
        Some(format!("{}; systemd-nspawn of {machine}: {}", finding.text, finding.said))
    })
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let Finding { text, link, .. } = finding(mending.seen, mending.machine)?;
    let stem = text.split(' ').next()?.strip_suffix(".network")?;
    // A file that is about a link as well has to be taken apart.
    let is_alone = format!("{stem}.network matches nothing");
    let findings = mending.seen.of_host(Check::EnvironmentNetworkFiles, "findings")?;
    let (from, to) = (quote(&format!("{stem}.network")), quote(&format!("{stem}.netdev")));
    let made = format!("timeout 10 sh -c 'until [ -e /sys/class/net/{link} ]; do sleep 0.1; done'");
    findings
        .split("; ")
        .any(|finding| finding.starts_with(&is_alone))
        .then(|| format!("mv --no-clobber {from} {to}; networkctl reload && {made}"))
}

/// A file that would make the link, as the lint of the host's files has found it.
struct Finding<'a> {
    /// What is wrong, with the path of the file.
    text: &'a str,
    /// The link that it would make.
    link: &'a str,
    /// What systemd-nspawn says of the want of it.
    said: &'a str,
}

/// The file that would make a link of which systemd-nspawn says that it misses it for `machine`.
fn finding<'a>(seen: &Seen<'a>, machine: &str) -> Option<Finding<'a>> {
    let said = seen.said_of(machine);
    let findings = seen.of_host(Check::EnvironmentNetworkFiles, "findings")?;
    findings.split("; ").find_map(|text| {
        let link = text.split_once(" holds [NetDev] for ")?.1.split(',').next()?;
        let names =
            |line: &&&str| line.split(' ').any(|word| word.trim_matches(['"', '\'', ':', ',']) == link);
        let said = said.iter().find(names)?;
        Some(Finding { text, link, said })
    })
}
