//! A machine has no IPv6 address but that of its link, as nobody announces a prefix there.

use std::net::Ipv6Addr;

use nspawn_matrix_scenarios::{Check, Expectation};

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, inside, with_drop_in};

pub(super) static CAUSE: Cause = Cause {
    code: "no-ipv6-prefix",
    sentence: "the machine has no IPv6 address beyond its link: nobody announces a prefix there",
    long: "A fe80 address is not routed. Beyond the link a machine takes an address from a prefix that a router announces \
           (RFC 4862), and the files that systemd ships announce a router, and no prefix: systemd-networkd has none to give \
           unless the host was delegated one. IPv6SendRA=yes in the [Network] section of the .network file of the host's \
           end, with Prefix= in an [IPv6Prefix] section, announces one; a prefix of fd00::/8 takes IPMasquerade=both to \
           leave the host.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#%5BIPv6Prefix%5D%20Section%20Options",
    seen_by: Some(Check::LinkMachine),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let is_expected = matches!(surprise.expected, Some(Expectation::Answers { .. }));
    if surprise.question.check != Check::PingOutsideIpv6 || !is_expected {
        return None;
    }
    surprise.of_any(|machine| {
        let addresses = surprise.seen.of_machine(Check::LinkMachine, machine, "addresses")?;
        beyond_link(addresses).next().is_none().then(|| format!("{machine} has {addresses}"))
    })
}

/// Announces the prefix of an address that the host itself has there, and waits until the machine has taken one of it.
fn remedy(mending: &Mending<'_>) -> Option<String> {
    let addresses = mending.seen.on_host_of(Check::LinkHost, mending.machine, "addresses")?;
    let (own, _) = beyond_link(addresses).find(|(_, length)| *length == 64)?;
    let [one, two, three, four, ..] = own.segments();
    let prefix = Ipv6Addr::from([one, two, three, four, 0, 0, 0, 0]);
    let text = format!("[Network]\\nIPv6SendRA=yes\\n\\n[IPv6Prefix]\\nPrefix={prefix}/64");
    let announced = with_drop_in(mending.host_end("file")?, &text);
    let link = mending.own_end("name")?;
    let online = "/usr/lib/systemd/systemd-networkd-wait-online --ipv6 --timeout=30";
    let taken = format!("networkctl reconfigure {link} && {online} --interface={link}:routable");
    Some(format!("{announced} && {}", inside(mending.machine, &taken)))
}

/// The IPv6 addresses that are not of the link alone, with the lengths of their prefixes.
fn beyond_link(addresses: &str) -> impl Iterator<Item = (Ipv6Addr, u8)> {
    let parse = |address: &str| {
        let (address, length) = address.split_once('/')?;
        Some((address.parse::<Ipv6Addr>().ok()?, length.parse().ok()?))
    };
    addresses.split(", ").filter_map(parse).filter(|(address, _)| !address.is_unicast_link_local())
}
