//! The host's firewall drops what machines ask of its DHCP server.

use nspawn_matrix_scenarios::Check;

use super::resolv_conf_wrong;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, accept};

pub(super) static CAUSE: Cause = Cause {
    code: "dhcp-dropped",
    sentence: "the host's firewall drops what machines ask of its DHCP server",
    long: "The host serves DHCP on its end of the link, at UDP port 67. A firewall that lets in only what it knows \
           drops that; then the machine has a fe80 address and nothing else.",
    link: "https://github.com/systemd/systemd/issues/19338",
    seen_by: Some(Check::FirewallInput),
    keeps_from_starting: false,
    brings_about: &[&resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let value = |name| surprise.seen.of_host(Check::FirewallInput, name);
    let is_dropped = surprise.needs.lease && value("DHCP")? == "dropped";
    let told = || format!("input: {}", value("chains").unwrap_or("none"));
    surprise.of_host(is_dropped.then(told))
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let from = format!("iifname {} udp dport 67 accept", mending.host_end("name")?);
    let opened = accept(mending.seen.of_host(Check::FirewallInput, "chains")?, &[&from]);
    Some(format!("{opened} && {}", mending.asks_anew()?))
}
