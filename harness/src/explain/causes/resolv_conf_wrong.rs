//! The machine's programs ask DNS, and its resolv.conf leads to no server that answers.

use nspawn_matrix_scenarios::Check;

use super::no_name_server;
use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, inside};

pub(super) static CAUSE: Cause = Cause {
    code: "resolv-conf-wrong",
    sentence: "the machine's programs ask DNS, and its /etc/resolv.conf leads to no server that answers",
    long: "Without `resolve` in the line `hosts:` of /etc/nsswitch.conf programs ask the servers in /etc/resolv.conf, \
           whatever systemd-resolved knows. An image may bring the file of the machine that it was made on, or a \
           link to the file of a program that is not installed; systemd-nspawn leaves either as it is where the \
           machine has a network of its own (--resolv-conf=auto). A link to stub-resolv.conf of systemd-resolved \
           has such programs ask it, and thereby LLMNR too.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html#/etc/resolv.conf",
    seen_by: Some(Check::EnvironmentResolvConf),
    keeps_from_starting: false,
    brings_about: &[&no_name_server::CAUSE],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let machine = surprise.who_asks().filter(|_| surprise.needs.nss)?;
    let value = |name| surprise.seen.of_machine(Check::EnvironmentResolvConf, machine, name);
    let has = |module: &str| Some(value("hosts")?.split_whitespace().any(|own| own == module));
    let (target, servers) = (value("leads to")?, value("servers").unwrap_or("none"));
    let text = if value("exists")? == "no" {
        format!("resolv.conf of {machine} leads to {target}, which is not there")
    } else {
        // What systemd-resolved writes is as the lease says, and no fault of this file.
        let is_own = !target.contains("/run/systemd/resolve/");
        let is_dead = matches!(value("answering")?, "none" | "nobody is named");
        (is_own && is_dead).then(|| format!("servers in resolv.conf of {machine}: {servers}"))?
    };
    (has("dns")? && !has("resolve")?).then_some(Evidence { machine: Some(machine), text })
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let resolved =
        mending.seen.of_machine(Check::EnvironmentServices, mending.machine, "systemd-resolved")?;
    let link = "ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf";
    (resolved == "active").then(|| inside(mending.machine, link))
}
