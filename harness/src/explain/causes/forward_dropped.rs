//! The host's firewall drops what it forwards for machines.

use nspawn_matrix_scenarios::Check;

use super::resolv_conf_wrong;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, accept};

pub(super) static CAUSE: Cause = Cause {
    code: "forward-dropped",
    sentence: "the host's firewall drops what the host forwards for machines",
    long: "Docker sets the policy of FORWARD to drop when it turns forwarding on, and ufw and firewalld drop what \
           they do not know. The rules of systemd-networkd are in a table of their own and cannot take that back: \
           a packet that any table drops is gone.",
    link: "https://docs.docker.com/engine/network/packet-filtering-firewalls/",
    seen_by: Some(Check::FirewallForward),
    keeps_from_starting: false,
    brings_about: &[&resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let value = |name| surprise.seen.of_host(Check::FirewallForward, name);
    let is_dropped = surprise.leaves_link() && value("IPv4")? == "dropped";
    let by = ["docker", "ufw", "firewalld"].into_iter().find(|name| value(name) == Some("active"));
    let by = by.map(|name| format!("; {name} runs")).unwrap_or_default();
    let told = || format!("forward: {}{by}", value("chains").unwrap_or("none"));
    surprise.of_host(is_dropped.then(told))
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let link = mending.host_end("name")?;
    let ways = [format!("iifname {link} accept"), format!("oifname {link} accept")];
    let chains = mending.seen.of_host(Check::FirewallForward, "chains")?;
    Some(accept(chains, &ways.each_ref().map(String::as_str)))
}
