//! Two machines on one bridge have the same hardware address.

use nspawn_matrix_scenarios::Check;
use sha2::{Digest, Sha256};

use super::{first_scope_wins, no_fe80, resolv_conf_wrong};
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, drop_in, inside};
use crate::explain::seen::Seen;

pub(super) static CAUSE: Cause = Cause {
    code: "same-mac",
    sentence: "two machines on one bridge have the same hardware address",
    long: "systemd-nspawn makes the hardware address of a machine's link from its name, so that each has its own. Copies \
           of an image that sets one, by MACAddress= in a .network or .link file, share it. The bridge then sends \
           what is for either to whoever spoke last, neither hears the other, and their fe80 addresses, which are \
           made of it, are one too: whoever finds that out goes without. The remedy gives each machine one of its own again; \
           the setting had better go from the image.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#MACAddress=",
    seen_by: Some(Check::LinkMachine),
    keeps_from_starting: false,
    brings_about: &[&first_scope_wins::CAUSE, &no_fe80::CAUSE, &resolv_conf_wrong::CAUSE],
    evidence,
    remedy,
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

/// An address that is administered locally (IEEE 802), made of the name, as systemd-nspawn makes that of a link.
fn remedy(mending: &Mending<'_>) -> Option<String> {
    let (file, link) = (mending.own_end("file")?, mending.own_end("name")?);
    let of_name = Sha256::digest(mending.machine);
    let octets: Vec<String> = of_name.iter().take(5).map(|octet| format!("{octet:02x}")).collect();
    let own = drop_in("network", file, &format!("[Link]\\nMACAddress=02:{}", octets.join(":")));
    // An fe80 address that was found to be taken is made anew when the link comes up.
    let again = format!("networkctl reload && networkctl down {link} && networkctl reconfigure {link}");
    Some(inside(mending.machine, &format!("{own} && {again}")))
}
