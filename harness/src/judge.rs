//! Judging: an observation beside its claim gives a verdict. Nothing here touches a system.

use nspawn_matrix_reports::{
    AddressSpace, Autostart, BindFile, BindWrite, FileKind, Lease, Mount, Names, Observation, Ping, Verdict,
};
use nspawn_matrix_scenarios::{Claim, Expectation, MountClaim};

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What differs; for a pass, what stands behind the claim.
    pub reason: String,
}

/// The user and group that ids without a counterpart show as (`kernel.overflowuid`, user_namespaces(7)).
const NOBODY: u32 = 65534;

/// Holds what was seen against what was claimed. Without a claim for this version of systemd nothing is judged.
#[must_use]
pub fn judge(claim: Option<&Claim>, systemd: u32, observation: &Observation) -> Judgement {
    let Some(claim) = claim else {
        return Judgement {
            verdict: Verdict::Skip,
            reason: format!("nothing is claimed for systemd {systemd}"),
        };
    };
    let (verdict, reason) = match (difference(&claim.expectation, observation), claim.is_fault) {
        (None, false) => (Verdict::Pass, claim.reason.clone()),
        (None, true) => (Verdict::Known, claim.reason.clone()),
        (Some(Difference::Real(reason)), false) => {
            (Verdict::Fail, format!("{reason}; the claim was made because {}", claim.reason))
        }
        (Some(Difference::Real(reason)), true) => (Verdict::Fixed, reason),
        (Some(Difference::Mismatch), _) => {
            let reason = "the claim is about another kind of observation than the question makes";
            (Verdict::Broken, reason.to_owned())
        }
    };
    Judgement { verdict, reason }
}

enum Difference {
    /// The system under test is not as claimed.
    Real(String),
    /// Claim and observation cannot be compared, which is our own fault.
    Mismatch,
}

fn difference(expectation: &Expectation, observation: &Observation) -> Option<Difference> {
    let text = match (expectation, observation) {
        (Expectation::Lease { prefix }, Observation::Lease(seen)) => lease(*prefix, seen),
        (Expectation::NoLink, Observation::Lease(seen)) => no_link(seen),
        (Expectation::Answers, Observation::Ping(seen)) => answers(seen),
        (Expectation::NoAnswer, Observation::Ping(seen)) => no_answer(seen),
        (Expectation::Resolves { to }, Observation::Names(seen)) => resolves(to, seen),
        (Expectation::SameOwner, Observation::BindFiles { files }) => {
            each(files, |outside, inside| (outside.uid, outside.gid) == (inside.uid, inside.gid), "owner")
        }
        (Expectation::OwnedByNobody, Observation::BindFiles { files }) => {
            each(files, |_, inside| (inside.uid, inside.gid) == (NOBODY, NOBODY), "owner")
        }
        (Expectation::SameMode, Observation::BindFiles { files }) => each(
            files,
            |outside, inside| outside.kind == inside.kind && outside.mode == inside.mode,
            "kind or mode",
        ),
        (Expectation::Mounted(claim), Observation::Mount(seen)) => mounted(claim, seen),
        (Expectation::WrittenAs { uid, gid }, Observation::BindWrite(seen)) => written_as((*uid, *gid), seen),
        (Expectation::WriteRefused { errno }, Observation::BindWrite(seen)) => refused(errno, seen),
        (Expectation::BackAfterReboot, Observation::Autostart(seen)) => back(seen),
        (
            Expectation::Lease { .. }
            | Expectation::NoLink
            | Expectation::Answers
            | Expectation::NoAnswer
            | Expectation::Resolves { .. }
            | Expectation::SameOwner
            | Expectation::OwnedByNobody
            | Expectation::SameMode
            | Expectation::Mounted(_)
            | Expectation::WrittenAs { .. }
            | Expectation::WriteRefused { .. }
            | Expectation::BackAfterReboot,
            _,
        ) => return Some(Difference::Mismatch),
    };
    text.map(Difference::Real)
}

fn lease(prefix: u8, seen: &Lease) -> Option<String> {
    match seen.address {
        Some(address) if address.prefix() == prefix => None,
        Some(address) => Some(format!("the lease is {address}, not from a /{prefix}")),
        None if seen.link.is_none() => Some("the machine has no link of its own".to_owned()),
        None => Some("no lease".to_owned()),
    }
}

fn no_link(seen: &Lease) -> Option<String> {
    seen.link.as_ref().map(|link| format!("the machine has the link {link}"))
}

fn answers(seen: &Ping) -> Option<String> {
    let Some(to) = &seen.target else { return Some("there is no address to ping".to_owned()) };
    match &seen.error {
        Some(error) => Some(format!("{to}: {error}")),
        None if seen.sent > 0 && seen.received == seen.sent => None,
        None => Some(format!("{to} answered {} of {} requests", seen.received, seen.sent)),
    }
}

fn no_answer(seen: &Ping) -> Option<String> {
    match &seen.target {
        None => Some("there is no address to ping".to_owned()),
        Some(_) if seen.received == 0 => None,
        Some(to) => Some(format!("{to} answered {} of {} requests", seen.received, seen.sent)),
    }
}

fn resolves(to: &[AddressSpace], seen: &Names) -> Option<String> {
    if seen.samples == 0 {
        return Some("no lookup was made".to_owned());
    }
    let strangers: Vec<String> = seen
        .spaces
        .iter()
        .filter(|(space, count)| **count > 0 && !to.contains(space))
        .map(|(space, count)| format!("{count} of {} lookups gave {space}", seen.samples))
        .collect();
    if !strangers.is_empty() {
        return Some(strangers.join(", "));
    }
    let missing = to.iter().find(|space| !seen.spaces.contains_key(space));
    missing
        .filter(|_| shows_chance(seen))
        .map(|space| format!("none of {} lookups gave {space}", seen.samples))
}

/// Where two answers are left to chance, enough lookups that do not hang together show both: with even chances one is
/// missing among 16 in 1 of 30,000 runs.
fn shows_chance(seen: &Names) -> bool {
    seen.samples >= 16 && seen.overlapped == 0
}

/// Names the files for which `right` does not hold. No files at all are a difference too.
fn each(files: &[BindFile], right: impl Fn(&FileKind, &FileKind) -> bool, what: &str) -> Option<String> {
    if files.is_empty() {
        return Some("there are no files".to_owned());
    }
    let wrong: Vec<&str> = files
        .iter()
        .filter(|file| !matches!((&file.outside, &file.inside), (Some(outside), Some(inside)) if right(outside, inside)))
        .map(|file| file.name.as_str())
        .collect();
    (!wrong.is_empty()).then(|| format!("{what} differs from the claim: {}", wrong.join(", ")))
}

fn mounted(claim: &MountClaim, seen: &Mount) -> Option<String> {
    if let Some(missing) = claim.options.iter().find(|option| !seen.options.contains(option)) {
        return Some(format!("mounted {}, without {missing}", seen.options.join(",")));
    }
    (claim.idmapped != seen.idmapped).then(|| format!("mounted {}", seen.options.join(",")))
}

fn written_as(owner: (u32, u32), seen: &BindWrite) -> Option<String> {
    match seen {
        BindWrite::Written(written) => match &written.outside {
            Some(outside) if (outside.uid, outside.gid) == owner => None,
            Some(outside) => Some(format!("the file belongs to {}:{} on the host", outside.uid, outside.gid)),
            None => Some("the file is not there on the host".to_owned()),
        },
        BindWrite::Refused { errno } => Some(format!("refused with {errno}")),
    }
}

fn refused(errno: &str, seen: &BindWrite) -> Option<String> {
    match seen {
        BindWrite::Written(_) => Some("the file was made".to_owned()),
        BindWrite::Refused { errno: seen } => (seen != errno).then(|| format!("refused with {seen}")),
    }
}

fn back(seen: &Autostart) -> Option<String> {
    let as_claimed = seen.enabled == "enabled" && seen.active == "active" && seen.registered;
    let registered = if seen.registered { "registered" } else { "not registered" };
    (!as_claimed).then(|| format!("{}, {}, {registered}", seen.enabled, seen.active))
}

#[cfg(test)]
mod tests;
