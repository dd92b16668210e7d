//! The host has no address in the subnet of a machine's lease.

use nspawn_matrix_scenarios::Check;

use super::not_masqueraded;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::{Seen, has_an_address_in};
use crate::explain::shipped;

pub(super) static CAUSE: Cause = Cause {
    code: "stray-lease",
    sentence: "the host has no address in the subnet that its DHCP server gives the machine a lease from",
    long: "systemd-networkd picks a subnet for the link when that has a carrier. An empty bridge, as a zone has it at \
           first, has one until its first port joins; if networkd is quicker than that it picks a subnet, starts the \
           DHCP server, drops the subnet and picks another one, and the server goes on with the first. A drop-in for \
           80-container-vz.network with ConfigureWithoutCarrier=yes in [Network] keeps the first subnet.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#ConfigureWithoutCarrier=",
    seen_by: Some(Check::FirewallMasquerade),
    keeps_from_starting: false,
    brings_about: &[&not_masqueraded::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| stray(machine, surprise.seen)).filter(|_| surprise.needs.lease)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    mending.with_host_end("[Network]\\nConfigureWithoutCarrier=yes")
}

/// That the host has no address in the subnet that the machine has its lease from.
fn stray(machine: &str, seen: &Seen<'_>) -> Option<String> {
    let lease = seen.on_host_of(Check::FirewallMasquerade, machine, "subnet")?;
    let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
    let (link, addresses) = (value("name")?, value("addresses")?);
    // On another bridge, somebody else may give leases.
    let is_stray = shipped::of(link).is_some() && !has_an_address_in(lease.parse().ok()?, addresses);
    is_stray.then(|| format!("{machine} has {lease}, and {link} has {addresses}"))
}
