//! The host would answer a machine by another link than that which it is on.

use nspawn_matrix_reports::Subnet;
use nspawn_matrix_scenarios::Check;

use super::resolv_conf_wrong;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::{Seen, has_an_address_in};

pub(super) static CAUSE: Cause = Cause {
    code: "other-way-back",
    sentence: "the host's way back to the machine leads by another link, so that the machine is not heard or not answered",
    long: "A route to part of the subnet of a link, as a VPN or a provider may bring it, is more specific than that of the \
           link, and what the host answers goes there. Where rp_filter is 1 on the link, which is called strict, the \
           kernel drops what comes from the machine before anybody hears it, and counts it as \
           TcpExtIPReversePathFilter (nstat); the larger of net.ipv4.conf.all.rp_filter and that of the link counts. DHCP \
           works all the same, as the server asks no route.",
    link: "https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html",
    seen_by: Some(Check::LinkHost),
    keeps_from_starting: false,
    brings_about: &[&resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| other_way_back(machine, surprise.seen)).filter(|_| surprise.needs.lease)
}

/// That the host, which is on the machine's link, would answer the machine by another.
fn other_way_back(machine: &str, seen: &Seen<'_>) -> Option<String> {
    let lease = lease(machine, seen)?;
    let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
    let (link, addresses, way) = (value("name")?, value("addresses")?, value("way-back")?);
    let is_elsewhere = way != link && has_an_address_in(lease, addresses);
    is_elsewhere.then(|| {
        let route = match way {
            "none" => "no route leads".to_owned(),
            other => format!("the route leads by {other}"),
        };
        let fate = match (value("rp-filter"), value("rp-filter-drops")) {
            (Some("1"), drops) => {
                format!("rp_filter of {link} is 1, and has had {} packets dropped", drops.unwrap_or("some"))
            }
            _ => "answers go there".to_owned(),
        };
        format!("{machine} has {} on {link}, and {route}; {fate}", lease.address())
    })
}

fn lease(machine: &str, seen: &Seen<'_>) -> Option<Subnet> {
    seen.on_host_of(Check::FirewallMasquerade, machine, "subnet")?.parse().ok()
}

/// Nothing is more specific than a route to one address.
fn remedy(mending: &Mending<'_>) -> Option<String> {
    let address = lease(mending.machine, mending.seen)?.address();
    Some(format!("ip route replace {address}/32 dev {}", mending.host_end("name")?))
}
