//! A name of both families is asked for by LLMNR, and whichever family is answered first is all that comes.

use nspawn_matrix_reports::AddressSpace::{self, Ipv4LinkLocal, Ipv6LinkLocal, Lease};
use nspawn_matrix_reports::{Family, Names, Observation};
use nspawn_matrix_scenarios::{Check, Expectation, NameQuestion, Subject, Way, Whose};

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;

pub(super) static CAUSE: Cause = Cause {
    code: "first-scope-wins",
    sentence: "the name is asked for by LLMNR over IPv4 and IPv6 at once, and the first answer is all that comes: which, is left to chance",
    long: "systemd-resolved asks for the addresses of a name of one label on each link over both families, A records over IPv4 \
           and AAAA records over IPv6, and is done with the first answer. So a lookup of any family gives now the lease \
           and now the fe80 address. Lookups of one family (`getent ahostsv4`, `ping -4`) are not left to chance. On the \
           host, nss-mymachines knows all addresses of its machines, if `mymachines` stands before `resolve` in the line \
           `hosts:` of /etc/nsswitch.conf; from systemd 259 on resolved asks machined itself.",
    link: "https://github.com/systemd/systemd/issues/942",
    seen_by: None,
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let Check::Name(NameQuestion { whose, way: Way::Lookup(_, Family::Any) }) = surprise.question.check
    else {
        return None;
    };
    let (Some(Observation::Names(names)), Whose::Peer | Whose::Host | Whose::Machine) =
        (surprise.observed, whose)
    else {
        return None;
    };
    // Where no address is expected, that there is one is no matter of which.
    let (Some(Expectation::Resolves { to, .. } | Expectation::ResolvesAmong { to }), Some(machine)) =
        (surprise.expected, surprise.question.subject.about())
    else {
        return None;
    };
    let addresses = if whose == Whose::Host {
        surprise.seen.on_host_of(Check::LinkHost, machine, "addresses")
    } else {
        surprise.seen.of_machine(Check::LinkMachine, machine, "addresses")
    };
    let text = one_each(names).filter(|_| to.iter().all(is_of_link) && addresses.is_some_and(are_both))?;
    Some(Evidence { machine: Some(machine), text })
}

fn is_of_link(space: &AddressSpace) -> bool {
    matches!(space, Lease | Ipv4LinkLocal | Ipv6LinkLocal)
}

/// Whether somebody has addresses of both families.
fn are_both(addresses: &str) -> bool {
    let is_ipv4 = |address: &str| !address.contains(':') && !address.starts_with("169.254.");
    addresses.contains("fe80:") && addresses.split(", ").any(is_ipv4)
}

/// That each lookup gave one address alone, and which.
fn one_each(names: &Names) -> Option<String> {
    let given: u32 = names.addresses.iter().map(|address| address.count).sum();
    let shares: Vec<String> = names.spaces.iter().map(|(space, count)| format!("{space} {count}")).collect();
    (names.spaces.keys().all(is_of_link) && names.samples > 0 && given == names.samples)
        .then(|| format!("each lookup gave one address: {}", shares.join(", ")))
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let is_of_host = matches!(mending.question.subject, Subject::Host { .. });
    let hosts = "hosts: files mymachines resolve [!UNAVAIL=return] dns myhostname";
    is_of_host.then(|| format!("sed -i 's/^hosts:.*/{hosts}/' /etc/nsswitch.conf"))
}
