//! The host's DHCP server has given away all that it has.

use nspawn_matrix_scenarios::Check;

use super::resolv_conf_wrong;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::Seen;

pub(super) static CAUSE: Cause = Cause {
    code: "pool-used-up",
    sentence: "the host's DHCP server has given away all the addresses that it has to give",
    long: "The server of systemd-networkd gives addresses of the link's subnet: 13 on the /28 of a veth link, 253 on the \
           /24 of a zone, fewer where PoolSize= or PoolOffset= of [DHCPServer] say so. A lease is kept for an hour \
           unless DefaultLeaseTimeSec= says otherwise, also for a machine that has gone, so that machines which come and \
           go under new names use up what few of them would not.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#PoolSize=",
    seen_by: Some(Check::LinkHost),
    keeps_from_starting: false,
    brings_about: &[&resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| used_up(machine, surprise.seen)).filter(|_| surprise.needs.lease)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    mending.with_host_end("[DHCPServer]\\nPoolOffset=0\\nPoolSize=0")
}

/// That the DHCP server on the machine's link has nothing left to give, and the machine has nothing of it.
fn used_up(machine: &str, seen: &Seen<'_>) -> Option<String> {
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
