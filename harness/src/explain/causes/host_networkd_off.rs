//! systemd-networkd does not run on the host.

use nspawn_matrix_scenarios::Check;

use super::link_unmanaged;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, switch_on};

pub(super) static CAUSE: Cause = Cause {
    code: "host-networkd-off",
    sentence: "nobody configures the host's ends of the links: systemd-networkd does not run there",
    long: "A virtual Ethernet link between host and machine needs somebody at either end. On the host that is \
           systemd-networkd, with the files that systemd ships for links whose names begin with ve- and vz-: it gives \
           the end an address, serves DHCP on it, forwards and masquerades. Where the host uses NetworkManager or \
           ifupdown alone, the end stays down and the machine never has an address.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html#--network-veth",
    seen_by: Some(Check::EnvironmentHostServices),
    keeps_from_starting: false,
    brings_about: &[&link_unmanaged::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.off_on_host("systemd-networkd").filter(|_| surprise.needs.link)
}

fn remedy(_: &Mending<'_>) -> Option<String> {
    Some(switch_on("systemctl", "systemd-networkd", &["service", "socket"]))
}
