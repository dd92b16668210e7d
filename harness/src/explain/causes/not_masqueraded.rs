//! The addresses of a machine leave the host as they are.

use nspawn_matrix_scenarios::Check;

use super::resolv_conf_wrong;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;

pub(super) static CAUSE: Cause = Cause {
    code: "not-masqueraded",
    sentence: "the addresses of the machine leave the host as they are, and no answer finds back",
    long: "A private address is not routed beyond the host. IPMasquerade= in the .network file of the host's end of \
           the link, or of the bridge, has them replaced by the host's own.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#IPMasquerade=",
    seen_by: Some(Check::FirewallMasquerade),
    keeps_from_starting: false,
    brings_about: &[&resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let not_masqueraded = |machine| {
        let value = |name| surprise.seen.on_host_of(Check::FirewallMasquerade, machine, name);
        let subnet = value("subnet").filter(|subnet| *subnet != "none")?;
        let ranges = value("in the set").unwrap_or("nothing");
        (value("masqueraded")? == "no")
            .then(|| format!("io.systemd.nat masquerades {ranges}, and {machine} has {subnet}"))
    };
    surprise.of_any(not_masqueraded).filter(|_| surprise.needs.outside)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    mending.with_host_end("[Network]\\nIPMasquerade=both")
}
