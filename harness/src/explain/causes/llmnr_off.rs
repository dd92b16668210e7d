//! LLMNR is off, or only asks, at one of the two ends.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, drop_in, inside};

pub(super) static CAUSE: Cause = Cause {
    code: "llmnr-off",
    sentence: "LLMNR is off or only asks at one of the ends, so that names of one label have no answer",
    long: "LLMNR= is set for the whole of systemd-resolved and for each link, and the more restrictive counts. \
           Both ends need it: `resolve` asks and does not answer, `no` does neither. Ubuntu and Fedora turn it \
           off. The .network files that systemd ships for machines do not turn it on.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/resolved.conf.html#LLMNR=",
    seen_by: Some(Check::EnvironmentMulticast),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let off = |machine| {
        let value = |name| surprise.seen.of_machine(Check::EnvironmentMulticast, machine, name);
        let (inside, outside) = (value("LLMNR")?, value("LLMNR on the host's end"));
        let on_host =
            outside.filter(|outside| surprise.needs.host && *outside != "yes" && *outside != "no link");
        match (inside, on_host) {
            // That resolved does not run is a cause of its own.
            ("yes" | "no resolved", None) => None,
            ("yes" | "no resolved", Some(outside)) => {
                Some(format!("LLMNR is `{outside}` on the host's end of the link of {machine}"))
            }
            (inside, _) => Some(format!("LLMNR is `{inside}` in {machine}")),
        }
    };
    surprise.of_any(off).filter(|_| surprise.needs.llmnr)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let machine = mending.machine;
    if mending.seen.of_machine(Check::EnvironmentMulticast, machine, "LLMNR")? == "yes" {
        Some(with_llmnr(mending.host_end("name")?, mending.host_end("file")?))
    } else {
        Some(inside(machine, &with_llmnr(mending.own_end("name")?, mending.own_end("file")?)))
    }
}

/// LLMNR on a link, for which it must be on in all of resolved too.
fn with_llmnr(link: &str, file: &str) -> String {
    let everywhere = drop_in("", "resolved.conf", "[Resolve]\\nLLMNR=yes");
    let on_link = drop_in("network", file, "[Network]\\nLLMNR=yes");
    // To read the .network file again could cost the link its subnet.
    format!("{everywhere} && {on_link} && systemctl restart systemd-resolved && resolvectl llmnr {link} yes")
}
