//! Leases: why a machine has none, or one that leads nowhere.

use nspawn_matrix_reports::Subnet;
use nspawn_matrix_scenarios::Check;

use super::evidence::is_of_machines;
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
    let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
    let (link, addresses) = (value("name")?, value("addresses")?);
    // On another bridge, somebody else may give leases.
    let is_stray = is_of_machines(link) && !has_an_address_in(lease.parse().ok()?, addresses);
    is_stray.then(|| format!("{machine} has {lease}, and {link} has {addresses}"))
}

/// That the host, which is on the machine's link, would answer the machine by another.
pub(super) fn other_way_back(machine: &str, seen: &Seen<'_>) -> Option<String> {
    let lease: Subnet = seen.on_host_of(Check::FirewallMasquerade, machine, "subnet")?.parse().ok()?;
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

fn has_an_address_in(subnet: Subnet, addresses: &str) -> bool {
    let is_in =
        |address: &str| address.parse::<Subnet>().is_ok_and(|address| subnet.contains(address.address()));
    addresses.split(", ").any(is_in)
}
