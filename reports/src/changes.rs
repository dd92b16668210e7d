//! What changed from one report to the next of the same machines: a line for each question that is answered otherwise.

use std::collections::BTreeMap;

use crate::clean::clean;
use crate::{AddressSpace, Case, Names, Observation, Report, Verdict};

/// The lines, in the order of the later report: `resolve/host/any web: lease -> none !, LLMNR is ... (llmnr-off)`. What
/// is asked no more comes last.
#[must_use]
pub fn changes(before: &Report, after: &Report) -> Vec<String> {
    let earlier: BTreeMap<_, _> = before.cases.iter().map(|case| (key(case), case)).collect();
    let later: BTreeMap<_, _> = after.cases.iter().map(|case| (key(case), case)).collect();
    let changed = after.cases.iter().filter_map(|case| changed(earlier.get(&key(case)).copied(), case));
    let gone = before.cases.iter().filter(|case| !later.contains_key(&key(case)));
    changed.chain(gone.map(|case| line(case, &format!("{} -> not asked", told(case))))).collect()
}

/// A machine that is linked otherwise answers the same questions in another row.
fn key(case: &Case) -> (&str, &str) {
    (&case.check, &case.subject)
}

fn changed(before: Option<&Case>, after: &Case) -> Option<String> {
    let reasons = |case: &Case| -> Vec<String> {
        case.explanations.iter().map(|reason| format!("{} ({})", reason.text, reason.code)).collect()
    };
    let is_same =
        before.is_some_and(|before| told(before) == told(after) && reasons(before) == reasons(after));
    if is_same {
        return None;
    }
    let from = before.map_or_else(|| "new".to_owned(), told);
    let because: String = reasons(after).iter().map(|reason| format!(", {reason}")).collect();
    Some(line(after, &format!("{from} -> {}{because}", told(after))))
}

fn line(case: &Case, what: &str) -> String {
    clean(&format!("{} {}: {what}", case.check, case.subject)).replace(['\n', '\t'], " ")
}

/// The answer, with the mark of its verdict where that needs a look.
fn told(case: &Case) -> String {
    let mark = case.verdict.mark().filter(|_| case.verdict != Verdict::Skip);
    let mark = mark.map_or(String::new(), |mark| format!(" {mark}"));
    let answer = match &case.observed {
        // To which of several addresses is left to chance.
        Some(Observation::Names(names)) if is_found(names) => "resolved".to_owned(),
        Some(seen) => seen.short(&case.check),
        None => case.verdict.name().to_owned(),
    };
    format!("{answer}{mark}")
}

fn is_found(names: &Names) -> bool {
    names.spaces.iter().all(|(space, count)| *space != AddressSpace::None || *count == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Explanation;
    use crate::fixture::{case, host, ping, report};

    #[test]
    fn only_what_is_answered_otherwise_is_told_with_its_reason() {
        let of = |check: &str, received, verdict| Case {
            observed: Some(ping(received)),
            verdict,
            ..case("local/veth", "veth", check, "web")
        };
        let all = |cases| Report { cases, ..report(vec![host("local/veth", 257)]) };
        let before =
            all(vec![of("a", 3, Verdict::Pass), of("b", 3, Verdict::Pass), of("c", 3, Verdict::Pass)]);
        let reason = Explanation {
            code: "forward-dropped".to_owned(),
            text: "it drops".to_owned(),
            evidence: String::new(),
            remedy: None,
            link: None,
        };
        let red = Case { explanations: vec![reason], ..of("b", 0, Verdict::Fail) };
        let after = all(vec![of("a", 3, Verdict::Pass), red, of("d", 3, Verdict::Pass)]);
        assert_eq!(
            changes(&before, &after),
            [
                "b web: yes -> no !, it drops (forward-dropped)",
                "d web: new -> yes",
                "c web: yes -> not asked"
            ]
        );
        assert!(changes(&before, &before).is_empty());
    }
}
