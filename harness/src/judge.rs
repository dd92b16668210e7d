//! Judging: an observation beside its claim gives a verdict. Nothing here touches a system.

mod names;

use std::collections::BTreeMap;

use nspawn_matrix_reports::{
    Autostart, BindFile, BindWrite, FileKind, Lease, Missing, Mount, Observation, Ping, Properties, Verdict,
};
use nspawn_matrix_scenarios::{Claim, Expectation, Known, MountClaim};

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

/// Holds what was seen against what was claimed; without a claim nothing is judged. Where the claim is a fault, `right` is
/// what would be claimed without it.
#[must_use]
pub fn judge(claim: Option<&Claim>, right: Option<&Claim>, observation: &Observation) -> Judgement {
    let Some(claim) = claim else {
        let reason = "nothing is claimed for these versions and settings".to_owned();
        return Judgement { verdict: Verdict::Skip, reason };
    };
    let (verdict, reason) = held_against(claim, right, observation).unwrap_or_else(|Mismatch| {
        let reason = "the claim is about another kind of observation than the question makes";
        (Verdict::Broken, reason.to_owned())
    });
    Judgement { verdict, reason }
}

fn held_against(
    claim: &Claim,
    right: Option<&Claim>,
    observation: &Observation,
) -> Result<(Verdict, String), Mismatch> {
    Ok(match (difference(&claim.expectation, observation)?, claim.known) {
        (None, None) => (Verdict::Pass, claim.reason.clone()),
        (None, Some(Known::Fault)) => (Verdict::Known, claim.reason.clone()),
        (None, Some(Known::Chance)) => (Verdict::Known, format!("right this time: {}", claim.reason)),
        (Some(reason), None | Some(Known::Chance)) => {
            (Verdict::Fail, format!("{reason}; the claim was made because {}", claim.reason))
        }
        (Some(other), Some(Known::Fault)) => not_the_fault(claim, &other, right, observation)?,
    })
}

/// A known fault was not met, but `other`: it is fixed only if what is right was seen instead.
fn not_the_fault(
    fault: &Claim,
    other: &str,
    right: Option<&Claim>,
    observation: &Observation,
) -> Result<(Verdict, String), Mismatch> {
    let known = format!("the known fault, that {}", fault.reason);
    let Some(right) = right else {
        let reason = format!("{other}; it is not {known}, and nothing is claimed of what would be right");
        return Ok((Verdict::Fail, reason));
    };
    Ok(match difference(&right.expectation, observation)? {
        None => (Verdict::Fixed, format!("{}; {known}, was not met: {other}", right.reason)),
        Some(wrong) => {
            let claimed = format!("{wrong}; the claim was made because {}", right.reason);
            (Verdict::Fail, format!("{claimed}; nor is it {known}: {other}"))
        }
    })
}

/// Claim and observation cannot be compared, which is our own fault.
struct Mismatch;

/// What of the system under test is not as claimed; none if all is.
fn difference(expectation: &Expectation, observation: &Observation) -> Result<Option<String>, Mismatch> {
    /// The content of an observation of one kind.
    macro_rules! seen {
        ($kind:ident) => {{
            let Observation::$kind(seen) = observation else { return Err(Mismatch) };
            seen
        }};
    }
    if let Observation::Properties(seen) = observation
        && let Some(missing) = Missing::of(seen)
        && !is_about(expectation, missing)
    {
        return Ok(Some(missing.to_string()));
    }
    Ok(match expectation {
        Expectation::Lease { prefix } => lease(*prefix, seen!(Lease)),
        Expectation::NoLink => no_link(seen!(Lease)),
        Expectation::NoLease => no_lease(seen!(Lease)),
        Expectation::Answers { ttl } => answers(*ttl, seen!(Ping)),
        Expectation::NoAnswer => no_answer(seen!(Ping)),
        Expectation::NoAddress => no_address(seen!(Ping)),
        Expectation::Refused { error } => refused_with(error, seen!(Ping)),
        Expectation::Unreached => unreached(seen!(Ping)),
        Expectation::Unresolved => names::unresolved(seen!(Names)),
        Expectation::Resolves { to, scope, from } => names::resolves(to, *scope, from, seen!(Names)),
        Expectation::ResolvesAmong { to } => names::among(to, seen!(Names)),
        Expectation::OnTheWire { a, aaaa, perhaps } => names::on_the_wire([a, aaaa, perhaps], seen!(Wire)),
        Expectation::SameOwner => {
            let same = |outside: &FileKind, inside: &FileKind| {
                (outside.uid, outside.gid) == (inside.uid, inside.gid)
            };
            each(&seen!(BindFiles).files, same, "owner")
        }
        Expectation::OwnedByNobody => {
            each(&seen!(BindFiles).files, |_, inside| (inside.uid, inside.gid) == (NOBODY, NOBODY), "owner")
        }
        Expectation::SameMode => {
            let same = |outside: &FileKind, inside: &FileKind| {
                outside.kind == inside.kind && outside.mode == inside.mode
            };
            each(&seen!(BindFiles).files, same, "kind or mode")
        }
        Expectation::Mounted(claim) => mounted(claim, seen!(Mount)),
        Expectation::WrittenAs { uid, gid } => written_as((*uid, *gid), seen!(BindWrite)),
        Expectation::WriteRefused { errno } => refused(errno, seen!(BindWrite)),
        Expectation::BackAfterReboot => autostart(["enabled", "active"], true, seen!(Autostart)),
        Expectation::FailedAfterReboot => autostart(["enabled", "failed"], false, seen!(Autostart)),
        Expectation::Properties { are } => properties(are, seen!(Properties)),
    })
}

/// Whether it is expected, one way or the other, that something is missing.
fn is_about(expectation: &Expectation, missing: Missing) -> bool {
    matches!(expectation, Expectation::Properties { are } if are.contains_key(missing.property().0))
}

/// Names the properties whose value is not one of those that are right.
fn properties(are: &BTreeMap<String, Vec<String>>, seen: &Properties) -> Option<String> {
    let wrong: Vec<String> = are
        .iter()
        .filter_map(|(name, right)| match seen.values.get(name) {
            Some(value) => (!right.contains(value)).then(|| format!("{name} is {value}")),
            None => Some(format!("{name} is not known")),
        })
        .collect();
    (!wrong.is_empty()).then(|| wrong.join(", "))
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

fn no_lease(seen: &Lease) -> Option<String> {
    match (&seen.link, seen.address) {
        (None, _) => Some("the machine has no link of its own".to_owned()),
        (Some(_), Some(address)) => Some(format!("the lease is {address}")),
        (Some(_), None) => None,
    }
}

fn answers(ttl: Option<u8>, seen: &Ping) -> Option<String> {
    let Some(to) = &seen.target else { return Some("there is no address to ping".to_owned()) };
    match (&seen.error, seen.ttl) {
        (Some(error), _) => Some(format!("{to}: {error}")),
        (None, _) if seen.sent == 0 || seen.received != seen.sent => {
            Some(format!("{to} answered {} of {} requests", seen.received, seen.sent))
        }
        (None, Some(other)) if ttl.is_some_and(|ttl| ttl != other) => {
            Some(format!("{to} answered with ttl {other}"))
        }
        (None, None) if ttl.is_some() => Some(format!("{to} answered, its ttl is not known")),
        (None, _) => None,
    }
}

fn no_address(seen: &Ping) -> Option<String> {
    seen.target.as_ref().map(|to| format!("{to} answered {} of {} requests", seen.received, seen.sent))
}

fn refused_with(error: &str, seen: &Ping) -> Option<String> {
    let Some(to) = &seen.target else { return Some("there is no address to ping".to_owned()) };
    match &seen.error {
        Some(other) if other == error && seen.received == 0 => None,
        Some(other) => Some(format!("{to}: {other}")),
        None => Some(format!("{to} answered {} of {} requests", seen.received, seen.sent)),
    }
}

fn no_answer(seen: &Ping) -> Option<String> {
    match &seen.target {
        None => Some("there is no address to ping".to_owned()),
        // Silence is claimed, and what was not sent, or was refused, is something else.
        Some(to) if seen.error.is_some() || seen.sent == 0 => {
            Some(format!("{to}: {}", seen.error.as_deref().unwrap_or("nothing was sent")))
        }
        Some(_) if seen.received == 0 => None,
        Some(to) => Some(format!("{to} answered {} of {} requests", seen.received, seen.sent)),
    }
}

fn unreached(seen: &Ping) -> Option<String> {
    match &seen.target {
        None => Some("there is no address to ping".to_owned()),
        Some(to) if seen.sent == 0 => {
            Some(format!("{to}: {}", seen.error.as_deref().unwrap_or("nothing was sent")))
        }
        Some(_) if seen.received == 0 => None,
        Some(to) => Some(format!("{to} answered {} of {} requests", seen.received, seen.sent)),
    }
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
    if seen.is_none() {
        return Some(Missing::Mount.to_string());
    }
    if let Some(missing) = claim.options.iter().find(|option| !seen.options.contains(option)) {
        return Some(format!("mounted {}, without {missing}", seen.options.join(",")));
    }
    if claim.propagation != seen.propagation {
        return Some(format!("its propagation is {}", seen.propagation.join(" ")));
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

fn autostart([enabled, active]: [&str; 2], registered: bool, seen: &Autostart) -> Option<String> {
    let as_claimed = seen.enabled == enabled && seen.active == active && seen.registered == registered;
    let registered = if seen.registered { "registered" } else { "not registered" };
    (!as_claimed).then(|| format!("{}, {}, {registered}", seen.enabled, seen.active))
}

#[cfg(test)]
mod tests;
