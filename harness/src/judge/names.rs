//! Judging what names resolve to.

use std::collections::BTreeMap;

use nspawn_matrix_reports::{AddressSpace, Family, Names, RecordType, SeenAddress, Wire};
use nspawn_matrix_scenarios::Scope;

/// What differs from a distribution over spaces, of which a single one means a single address.
pub(super) fn resolves(
    to: &[AddressSpace],
    scope: Option<Scope>,
    from: &BTreeMap<AddressSpace, String>,
    seen: &Names,
) -> Option<String> {
    among(to, seen)
        .or_else(|| left_to_chance(to, seen))
        .or_else(|| several_of_one(to, seen))
        .or_else(|| scope.and_then(|scope| of_scope(scope, seen)))
        .or_else(|| of_origin(from, seen))
}

pub(super) fn unresolved(seen: &Names) -> Option<String> {
    match seen.spaces.get(&AddressSpace::None).copied().unwrap_or_default() {
        _ if seen.samples == 0 => Some("no lookup was made".to_owned()),
        none if none == seen.samples => None,
        none => Some(format!("{} of {} lookups gave an address", seen.samples - none, seen.samples)),
    }
}

pub(super) fn among(to: &[AddressSpace], seen: &Names) -> Option<String> {
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
    if let Some(stranger) = seen.addresses.iter().find(|seen_one| !is_of(seen.family, &seen_one.address)) {
        return Some(format!("{} was given, where {} was asked for", stranger.address, seen.family));
    }
    if seen.unanswered > 0 {
        let why: Vec<&str> = seen.failures.keys().map(String::as_str).collect();
        return Some(format!(
            "{} of {} lookups were not answered: {}",
            seen.unanswered,
            seen.samples,
            why.join(", ")
        ));
    }
    None
}

/// Whether an address is of the family that was asked for.
fn is_of(family: Family, address: &str) -> bool {
    match family {
        Family::Any => true,
        Family::Ipv4 => !address.contains(':'),
        Family::Ipv6 => address.contains(':'),
    }
}

/// That of one space several addresses came first.
fn several_of_one(to: &[AddressSpace], seen: &Names) -> Option<String> {
    let [space] = to else { return None };
    (!seen.is_deterministic())
        .then(|| format!("{} addresses of {space} came first, each in some lookups", seen.first_answers))
}

/// The fe80 addresses that come with their link, or without it, and should not.
fn of_scope(scope: Scope, seen: &Names) -> Option<String> {
    let is_told = |address: &str| address.split_once('%').is_some_and(|(_, link)| link != "0");
    let mut fe80 = seen.addresses.iter().filter(|seen| seen.space == AddressSpace::Ipv6LinkLocal);
    let wrong = |seen: &&SeenAddress| is_told(&seen.address) != (scope == Scope::With);
    fe80.find(wrong).map(|seen| match scope {
        Scope::With => format!("{} comes without its link", seen.address),
        Scope::Without => format!("{} comes with its link", seen.address),
    })
}

/// The lookups whose answers came from elsewhere than is claimed of their space.
fn of_origin(from: &BTreeMap<AddressSpace, String>, seen: &Names) -> Option<String> {
    from.iter().find_map(|(space, claimed)| {
        let count = *seen.spaces.get(space)?;
        let origins = seen.origins.get(space);
        let right = origins.and_then(|origins| origins.get(claimed)).copied().unwrap_or_default();
        (right != count).then(|| {
            let others: Vec<String> = origins
                .into_iter()
                .flatten()
                .filter(|(winner, _)| *winner != claimed)
                .map(|(winner, count)| format!("{count} from {winner}"))
                .collect();
            let others =
                if others.is_empty() { "where from is not known".to_owned() } else { others.join(", ") };
            format!("{right} of {count} lookups that gave {space} had it from {claimed}: {others}")
        })
    })
}

fn left_to_chance(to: &[AddressSpace], seen: &Names) -> Option<String> {
    let missing = to.iter().find(|space| !seen.spaces.contains_key(space));
    missing
        .filter(|_| shows_chance(seen))
        .map(|space| format!("none of {} lookups gave {space}", seen.samples))
}

pub(super) fn on_the_wire([a, aaaa, perhaps]: [&[AddressSpace]; 3], seen: &Wire) -> Option<String> {
    if seen.sent == 0 && seen.not_sent.is_empty() {
        return Some("there was no link to ask on".to_owned());
    }
    if let Some((reason, count)) = seen.not_sent.first_key_value() {
        return Some(format!("{count} questions could not be sent: {reason}"));
    }
    if seen.questions == 0 {
        return Some("no question was asked".to_owned());
    }
    let differs = |(record, claimed): (RecordType, &[AddressSpace])| {
        let mut spaces = seen.spaces(record);
        spaces.retain(|space| claimed.contains(space) || !perhaps.contains(space));
        let answered = seen.answered.get(&record).copied().unwrap_or_default();
        if spaces != claimed {
            let spaces: Vec<&str> = spaces.iter().map(|space| space.name()).collect();
            let spaces = if spaces.is_empty() { "nothing".to_owned() } else { spaces.join(", ") };
            Some(format!("{record} is answered with {spaces}"))
        } else if !claimed.is_empty() && answered < seen.questions {
            Some(format!("{answered} of {} questions for {record} are answered", seen.questions))
        } else {
            None
        }
    };
    let differences: Vec<String> =
        [(RecordType::A, a), (RecordType::Aaaa, aaaa)].into_iter().filter_map(differs).collect();
    (!differences.is_empty()).then(|| differences.join(", "))
}

/// Where two answers are left to chance, enough lookups that do not hang together show both: with even chances one is
/// missing among 16 in 1 of 30,000 runs.
fn shows_chance(seen: &Names) -> bool {
    seen.samples >= 16 && seen.overlapped == 0
}

#[cfg(test)]
mod tests;
