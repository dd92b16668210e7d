//! What is told where nothing that was seen decides why an answer is missing: what would decide it.

use nspawn_matrix_reports::{AddressSpace, Observation, Ping};
use nspawn_matrix_scenarios::{Expectation, Topic};

use super::cause::Cause;
use super::evidence::{Evidence, Surprise};

/// No cause, but the way to one.
pub(crate) static UNDECIDED: Cause = Cause {
    code: "undecided",
    sentence: "none of the causes that are known here was seen, so that nothing decides why",
    long: "A reason rests on what was seen, and is never a guess. Where an answer is missing and no cause was seen, what is told \
           is where to look: with the command on the host, while the question is asked once more. A packet that is seen on \
           the link of one machine and not on the next is dropped in between, one that is seen everywhere is not answered. \
           Without root, or where a program is missing, less is seen: the cells of links, firewalls and services then say so.",
    link: "https://www.tcpdump.org/manpages/tcpdump.1.html",
    seen_by: None,
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy: |_| None,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    if !is_missing(surprise.expected?) {
        return None;
    }
    let who = surprise.who_asks().unwrap_or("the host");
    let would = match surprise.observed? {
        Observation::Names(names) if names.spaces.contains_key(&AddressSpace::None) => format!(
            "`tcpdump -ni any port 53 or port 5353 or port 5355` shows which question is not answered, and \
             `resolvectl monitor` in {who} what systemd-resolved makes of it"
        ),
        Observation::Wire(_) => {
            "`tcpdump -ni any port 5353 or port 5355` shows who is asked, and who answers".to_owned()
        }
        Observation::Lease(lease) if lease.address.is_none() => {
            format!("`tcpdump -ni any port 67 or port 68` shows whether {who} asks, and who answers")
        }
        Observation::Ping(ping) if ping.received == 0 => of_ping(ping, who)?,
        Observation::Properties(_) if surprise.question.check.topic() == Topic::Ports => {
            "`tcpdump -ni any tcp` shows how far the connection gets".to_owned()
        }
        // What is answered, and not as it should be, says itself what it is.
        Observation::Names(_)
        | Observation::Lease(_)
        | Observation::Ping(_)
        | Observation::Properties(_)
        | Observation::BindFiles(_)
        | Observation::Mount(_)
        | Observation::BindWrite(_)
        | Observation::Autostart(_) => return None,
    };
    surprise.of_host(Some(would))
}

/// Whether an answer was claimed. Where none was, that it fails in another way is no riddle.
fn is_missing(expected: &Expectation) -> bool {
    match expected {
        Expectation::Resolves { to, .. } | Expectation::ResolvesAmong { to } => {
            !to.contains(&AddressSpace::None)
        }
        Expectation::OnTheWire { a, aaaa, .. } => !a.is_empty() || !aaaa.is_empty(),
        Expectation::Lease { .. } | Expectation::Answers { .. } | Expectation::Properties { .. } => true,
        Expectation::NoLink
        | Expectation::NoLease
        | Expectation::NoAnswer
        | Expectation::NoAddress
        | Expectation::Refused { .. }
        | Expectation::Unreached
        | Expectation::Unresolved
        | Expectation::SameOwner
        | Expectation::OwnedByNobody
        | Expectation::SameMode
        | Expectation::Mounted(_)
        | Expectation::WrittenAs { .. }
        | Expectation::WriteRefused { .. }
        | Expectation::BackAfterReboot
        | Expectation::FailedAfterReboot => false,
    }
}

fn of_ping(ping: &Ping, who: &str) -> Option<String> {
    let address = ping.target.as_deref()?.split('%').next()?;
    Some(match &ping.error {
        Some(_) => format!("`ip route get {address}` in {who} shows why nothing is sent"),
        None => format!("`tcpdump -ni any host {address}` shows how far it gets"),
    })
}
