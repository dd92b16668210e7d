//! The two ends of a link carry packets of two sizes.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;
use crate::explain::seen::Seen;

pub(super) static CAUSE: Cause = Cause {
    code: "mtu",
    sentence: "the two ends of the link carry packets of different sizes, and larger ones are lost without a word",
    long: "An end of a veth link drops what is larger than its own MTU as it comes in, and nobody tells the sender, who \
           goes by the MTU of the other end. Small packets pass, so that ping and names work and downloads hang. \
           MTUBytes= in the [Link] section of a .network or .link file of one end alone has it so; a bridge likewise \
           drops what is larger than the port that it goes out by.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#MTUBytes=",
    seen_by: None,
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let two_sizes = |machine| {
        let TwoSizes { inside, outside: (name, outside) } = TwoSizes::of(machine, surprise.seen)?;
        Some(format!("the link in {machine} carries {inside} bytes, and {name} {outside}"))
    };
    surprise.of_any(two_sizes).filter(|_| surprise.needs.size)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let TwoSizes { inside, outside: (name, _) } = TwoSizes::of(mending.machine, mending.seen)?;
    Some(format!("ip link set dev {name} mtu {inside}"))
}

/// The machine's end carries packets of another size than the host's, or its bridge.
struct TwoSizes<'a> {
    inside: &'a str,
    /// The name of the host's end or bridge, and what that carries.
    outside: (&'a str, &'a str),
}

impl<'a> TwoSizes<'a> {
    fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        let inside = seen.of_machine(Check::LinkMachine, machine, "mtu")?;
        let of_host = |(name, mtu)| {
            let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
            Some((value(name)?, value(mtu)?))
        };
        let mut ends = [("port", "port-mtu"), ("name", "mtu")].into_iter().filter_map(of_host);
        let outside = ends.find(|(_, mtu)| *mtu != inside)?;
        Some(Self { inside, outside })
    }
}
