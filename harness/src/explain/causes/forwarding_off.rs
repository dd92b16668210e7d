//! The host does not forward IPv4.

use nspawn_matrix_scenarios::Check;

use super::resolv_conf_wrong;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;

pub(super) static CAUSE: Cause = Cause {
    code: "forwarding-off",
    sentence: "the host does not forward IPv4 packets",
    long: "What a machine sends beyond its link has to be forwarded by the host: net.ipv4.conf.all.forwarding, or \
           that of the link. systemd-networkd turns it on where a file says IPMasquerade=, and whatever writes \
           sysctls later turns it off again.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#IPMasquerade=",
    seen_by: Some(Check::EnvironmentForwarding),
    keeps_from_starting: false,
    brings_about: &[&resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    if !surprise.leaves_link() {
        return None;
    }
    let value = |name| surprise.seen.of_host(Check::EnvironmentForwarding, name);
    let (all, links) = (value("IPv4")?, value("IPv4 of the links")?);
    // What comes back from outside comes in by the uplink, and has to be forwarded from there.
    let uplink = value("IPv4 of the uplink").filter(|_| surprise.needs.outside).unwrap_or("none");
    let goes = links.split(", ").any(|link| link.ends_with(" 1"));
    let is_off = all == "0" && (!goes || uplink.ends_with(" 0"));
    let told = || format!("net.ipv4.conf.all.forwarding is {all}; links: {links}; uplink: {uplink}");
    surprise.of_host(is_off.then(told))
}

fn remedy(_: &Mending<'_>) -> Option<String> {
    Some("echo 1 >/proc/sys/net/ipv4/conf/all/forwarding".to_owned())
}
