//! The two ends of a machine's link, and the files that configure them.

use super::{Kind, Network};
use crate::{Check, Claim, Expectation, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    match kind.network {
        Network::Host => none(),
        Network::Veth => vec![machine(), host("veth", "80-container-ve.network", &["configured"])],
        Network::Zone => vec![machine(), host("bridge", "80-container-vz.network", &["configured"])],
        Network::Br0 => {
            let waiting = host("bridge", "50-br0.network", &["configuring", "configured"]);
            vec![
                machine(),
                host("bridge", "50-br0.network", &["configured"]).since(STATIC_IS_ENOUGH),
                Claim { reason: WAITING.to_owned(), ..waiting }.until(STATIC_IS_ENOUGH - 1),
            ]
        }
    }
}

/// The first systemd whose networkd is done with a link that has a static address and asks for routers in vain.
const STATIC_IS_ENOUGH: u32 = 254;
const WAITING: &str =
    "50-br0.network does not say IPv6AcceptRA=no, so networkd waits 12 s for a router on br0 as well";

/// The machine's end is up and configured.
fn machine() -> Claim {
    let are = [
        ("exists", "yes"),
        ("state", "up"),
        ("kind", "veth"),
        ("file", "80-container-host0.network"),
        ("setup", "configured"),
    ];
    let reason = "networkd in the machine configures `host0` by the file shipped for it";
    Claim::new(Check::LinkMachine, Expectation::properties(&are), reason, links::SYSTEMD_NSPAWN)
}

/// The host's end, or its bridge, is up and configured by `file`; where it is a bridge, the machine's port of it is by
/// the file that keeps ports.
fn host(kind: &str, file: &str, setup: &[&str]) -> Claim {
    let end: [(&str, &[&str]); 5] =
        [("exists", &["yes"]), ("state", &["up"]), ("kind", &[kind]), ("file", &[file]), ("setup", setup)];
    let port: Option<(&str, &[&str])> =
        (kind == "bridge").then_some(("port-file", &["80-container-vb.network"]));
    let are: Vec<(&str, &[&str])> = end.into_iter().chain(port).collect();
    let reason = "networkd on the host configures what it finds by its name and kind";
    Claim::new(Check::LinkHost, Expectation::properties_among(&are), reason, links::SYSTEMD_NSPAWN)
}

/// The machines use the host's links.
fn none() -> Vec<Claim> {
    let reason = "without a network option the machine shares the host's network namespace";
    [Check::LinkMachine, Check::LinkHost]
        .into_iter()
        .map(|check| {
            let nothing = Expectation::properties(&[("exists", "no")]);
            Claim::new(check, nothing, reason, links::SYSTEMD_NSPAWN)
        })
        .collect()
}
