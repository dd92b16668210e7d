//! Leases: why a machine has none, or one that leads nowhere.

use nspawn_matrix_reports::Subnet;
use nspawn_matrix_scenarios::Check;

use super::cause::is_of_machines;
use super::seen::Seen;

/// That the DHCP server on the machine's link has nothing left to give, and the machine has nothing of it.
pub(super) fn used_up(machine: &str, seen: &Seen<'_>) -> Option<String> {
    let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
    let (link, leases) = (value("name")?, value("leases")?);
    let pool: usize = value("pool")?.parse().ok()?;
    let has_none = seen.on_host_of(Check::FirewallMasquerade, machine, "subnet")? == "none";
    let own = seen.of_machine(Check::LinkMachine, machine, "mac")?;
    let given: Vec<&str> = leases.split(", ").filter(|lease| !lease.is_empty()).collect();
    let is_used_up = given.len() >= pool && !given.iter().any(|lease| lease.ends_with(own));
    (has_none && is_used_up).then(|| {
        let shown = if given.is_empty() { "nothing" } else { leases };
        format!("the DHCP server on {link} has {pool} to give, and has given {shown}; {machine} is {own}")
    })
}

/// That the host has no address in the subnet that the machine has its lease from.
pub(super) fn stray(machine: &str, seen: &Seen<'_>) -> Option<String> {
    let lease = seen.on_host_of(Check::FirewallMasquerade, machine, "subnet")?;
    let subnet: Subnet = lease.parse().ok()?;
    let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
    let (link, addresses) = (value("name")?, value("addresses")?);
    let is_in =
        |address: &str| address.parse::<Subnet>().is_ok_and(|address| subnet.contains(address.address()));
    // On another bridge, somebody else may give leases.
    let is_stray = is_of_machines(link) && !addresses.split(", ").any(is_in);
    is_stray.then(|| format!("{machine} has {lease}, and {link} has {addresses}"))
}
