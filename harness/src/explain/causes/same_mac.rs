//! Two machines on one bridge have the same hardware address.

use nspawn_matrix_scenarios::Check;

use super::{first_scope_wins, no_fe80, resolv_conf_wrong};
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::seen::Seen;

pub(super) static CAUSE: Cause = Cause {
    code: "same-mac",
    sentence: "two machines on one bridge have the same hardware address",
    long: "systemd-nspawn makes the hardware address of a machine's link from its name, so that each has its own. Copies \
           of an image that sets one, by MACAddress= in a .network or .link file, share it. The bridge then sends \
           what is for either to whoever spoke last, neither hears the other, and their fe80 addresses, which are \
           made of it, are one too: whoever finds that out goes without.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#MACAddress=",
    seen_by: Some(Check::LinkMachine),
    keeps_from_starting: false,
    brings_about: &[&first_scope_wins::CAUSE, &no_fe80::CAUSE, &resolv_conf_wrong::CAUSE],
    evidence,
    remedy: |_| None,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| shared(machine, surprise.seen)).filter(|_| surprise.needs.link)
}

/// That another machine on the same bridge has the hardware address of this one.
fn shared(machine: &str, seen: &Seen<'_>) -> Option<String> {
    let of = |machine| {
        let bridge = seen.on_host_of(Check::LinkHost, machine, "name");
        // Only a bridge has ports.
        seen.on_host_of(Check::LinkHost, machine, "port")?;
        Some((bridge?, seen.of_machine(Check::LinkMachine, machine, "mac")?))
    };
    let own = of(machine)?;
    let other = seen.machines().into_iter().find(|other| *other != machine && of(other) == Some(own))?;
    let (bridge, mac) = own;
    Some(format!("{machine} and {other} are both {mac} on {bridge}"))
}
