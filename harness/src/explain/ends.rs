//! The two ends of a machine's link, held beside each other.

use nspawn_matrix_scenarios::Check;

use super::seen::Seen;

/// That an end of the link has no fe80 address; what lies `between` two machines is their own ends alone.
pub(super) fn without_fe80(machine: &str, between: bool, seen: &Seen<'_>) -> Option<String> {
    let lacks = |addresses: &str| !addresses.contains("fe80:");
    let inside = seen.of_machine(Check::LinkMachine, machine, "addresses")?;
    let outside = seen.on_host_of(Check::LinkHost, machine, "addresses")?;
    let link = seen.on_host_of(Check::LinkHost, machine, "name")?;
    match (lacks(inside), lacks(outside) && !between) {
        (true, _) => Some(format!("the link in {machine} has none")),
        (false, true) => Some(format!("{link} has none")),
        (false, false) => None,
    }
}

/// That another machine on the same bridge has the hardware address of this one.
pub(super) fn of_one_mac(machine: &str, seen: &Seen<'_>) -> Option<String> {
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

/// The machine's end carries packets of another size than the host's, or its bridge.
pub(super) struct TwoSizes<'a> {
    inside: &'a str,
    /// The name of the host's end or bridge, and what that carries.
    outside: (&'a str, &'a str),
}

impl<'a> TwoSizes<'a> {
    pub(super) fn of(machine: &str, seen: &Seen<'a>) -> Option<Self> {
        let inside = seen.of_machine(Check::LinkMachine, machine, "mtu")?;
        let of_host = |(name, mtu)| {
            let value = |name| seen.on_host_of(Check::LinkHost, machine, name);
            Some((value(name)?, value(mtu)?))
        };
        let mut ends = [("port", "port-mtu"), ("name", "mtu")].into_iter().filter_map(of_host);
        let outside = ends.find(|(_, mtu)| *mtu != inside)?;
        Some(Self { inside, outside })
    }

    pub(super) fn evidence(&self, machine: &str) -> String {
        let Self { inside, outside: (name, outside) } = self;
        format!("the link in {machine} carries {inside} bytes, and {name} {outside}")
    }

    pub(super) fn remedy(&self) -> String {
        format!("ip link set dev {} mtu {}", self.outside.0, self.inside)
    }
}
