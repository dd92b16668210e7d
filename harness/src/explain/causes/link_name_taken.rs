//! The host's end of a machine's link is to have a name that another link has.

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};

pub(super) static CAUSE: Cause = Cause {
    code: "link-name-taken",
    sentence: "the link of the machine is to have a name that another link of the host has, and the machine does not start",
    long: "systemd-nspawn calls the host's end of a link after the machine, with ve- or vb- before it, and the bridge of a \
           zone with vz-. A name of a link has 15 bytes at most. Longer ones are cut: from the naming scheme v245 on, \
           which is the usual one, to 11 bytes and 4 that are made of the whole name, so that two machines hardly meet; with \
           an older scheme (net.naming-scheme= of the kernel, or NET_NAMING_SCHEME in the environment) to the first 15, \
           so that machines whose long names begin alike cannot run at one time. A link that a person or a program has \
           called so is in the way as well.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.net-naming-scheme.html",
    seen_by: None,
    keeps_from_starting: true,
    brings_about: &[],
    evidence,
    // Whose link is to give way, nobody else can know.
    remedy: |_| None,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| {
        let (said, link) =
            surprise.seen.said_of(machine).into_iter().find_map(|said| Some((said, taken(said)?)))?;
        Some(format!("{link} is there already; systemd-nspawn of {machine}: {said}"))
    })
}

/// The name of the link that systemd-nspawn could not make.
fn taken(said: &str) -> Option<&str> {
    let (_, ends) = said.strip_suffix(": File exists")?.split_once(" interfaces (")?;
    Some(ends.split([':', ',', ')']).next()?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_nspawn_says_names_the_link() {
        let said = "Failed to add new veth interfaces (ve-alpha:host0): File exists";
        assert_eq!(taken(said), Some("ve-alpha"));
        assert_eq!(
            taken("Failed to add new veth interfaces (ve-alpha:host0): Operation not permitted"),
            None
        );
    }
}
