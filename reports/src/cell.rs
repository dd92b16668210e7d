//! Cells: the answers of all subjects to one question in one scenario, in a few characters.

use std::collections::BTreeMap;

use crate::clean::clean;
use crate::words::short_shares;
use crate::{AddressSpace, Case, Names, Observation, Verdict};

/// What stands in a cell without a case.
pub(crate) const EMPTY: char = '·';

/// What stands in a cell whose answers differ from host to host.
pub(crate) const DIFFERS: char = '≠';

/// What that means, for people.
pub(crate) const DIFFERS_MEANS: &str = "differs between versions";

/// The widest answer of several subjects that is kept on one line.
const LINE_WIDTH: usize = 10;

/// One cell, its mark included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The text, at least one line.
    pub(crate) lines: Vec<String>,
    /// The text where there is room for it on one line.
    pub(crate) flat: String,
    /// What colours it; none if there was no case.
    pub(crate) verdict: Option<Verdict>,
}

/// Makes the cell of these cases, which differ only in their subject.
pub(crate) fn of(cases: &[&Case]) -> Cell {
    let Some(verdict) = gravest(cases) else {
        return Cell { lines: vec![EMPTY.to_string()], flat: EMPTY.to_string(), verdict: None };
    };
    let answers = answers(cases);
    let mark = verdict.mark().map(String::from).filter(|mark| !answers.contains(mark));
    let mut lines = lines(&answers);
    let mut flat = lines.join(", ").replace(" /, ", " / ");
    if let Some(mark) = mark {
        flat = format!("{flat} {mark}");
        lines[0] = format!("{} {mark}", lines[0]);
    }
    Cell { lines, flat, verdict: Some(verdict) }
}

/// Makes the one cell of hosts that gave the same answer, of the cases of each; none if they did not. Shares of the same
/// spaces are the same answer, and are added up.
pub(crate) fn common(hosts: &[&[&Case]]) -> Option<Cell> {
    let (first, others) = hosts.split_first()?;
    let cell = of(first);
    let all: Vec<&Case> = hosts.concat();
    if !all.is_empty()
        && common_shares(&all).is_some()
        && hosts.iter().all(|cases| gravest(cases) == cell.verdict)
    {
        return Some(of(&all));
    }
    others.iter().all(|cases| of(cases) == cell).then_some(cell)
}

/// The cell that stands for answers which differ from host to host.
pub(crate) fn differing(hosts: &[&[&Case]]) -> Cell {
    let verdict = gravest(&hosts.concat());
    let mark = verdict.and_then(Verdict::mark).map_or(String::new(), |mark| format!(" {mark}"));
    let flat = format!("{DIFFERS}{mark}");
    Cell { lines: vec![flat.clone()], flat, verdict }
}

/// The verdict that the cell is marked with: what needs a look comes before what does not.
fn gravest(cases: &[&Case]) -> Option<Verdict> {
    const GRAVEST_FIRST: [Verdict; Verdict::ALL.len()] =
        [Verdict::Fail, Verdict::Broken, Verdict::Fixed, Verdict::Known, Verdict::Pass, Verdict::Skip];
    GRAVEST_FIRST.into_iter().find(|verdict| cases.iter().any(|case| case.verdict == *verdict))
}

/// One answer where the subjects agree, else one of each subject.
fn answers(cases: &[&Case]) -> Vec<String> {
    if let Some(shares) = common_shares(cases) {
        return vec![short_shares(&shares)];
    }
    let mut answers: Vec<String> = cases.iter().map(|case| answer(case)).collect();
    if answers.iter().all(|answer| *answer == answers[0]) {
        answers.truncate(1);
    }
    if answers.len() > FEW { counted(&answers) } else { answers }
}

/// How many subjects have an answer each to themselves in a cell.
const FEW: usize = 4;

/// How often each answer was given, in the order in which they came first: `12 yes`, `4 no`.
fn counted(answers: &[String]) -> Vec<String> {
    let mut counts: Vec<(&String, usize)> = Vec::new();
    for answer in answers {
        match counts.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, count)) => *count += 1,
            None => counts.push((answer, 1)),
        }
    }
    counts.into_iter().map(|(answer, count)| format!("{count} {answer}")).collect()
}

/// The short answer of one case, or its mark where there is none.
fn answer(case: &Case) -> String {
    match (&case.observed, case.verdict.mark()) {
        (Some(observed), _) => clean(&observed.short(&case.check)).replace(['\n', '\t'], " "),
        (None, Some(mark)) => mark.to_string(),
        (None, None) => case.verdict.name().to_owned(),
    }
}

/// The sum of the lookups, if the subjects saw the same spaces and differ only in how often.
fn common_shares(cases: &[&Case]) -> Option<BTreeMap<AddressSpace, u32>> {
    let (first, others) = cases.split_first()?;
    let mut sum = shares(first)?;
    for case in others {
        let shares = shares(case)?;
        if !shares.keys().eq(sum.keys()) {
            return None;
        }
        for (space, count) in shares {
            sum.entry(space).and_modify(|total| *total = total.saturating_add(count));
        }
    }
    Some(sum)
}

/// The spaces that were answered at all.
fn shares(case: &Case) -> Option<BTreeMap<AddressSpace, u32>> {
    match case.observed.as_ref()? {
        Observation::Names(Names { spaces, .. }) => Some(
            spaces.iter().filter(|(_, count)| **count > 0).map(|(space, count)| (*space, *count)).collect(),
        ),
        Observation::Lease(_)
        | Observation::Ping(_)
        | Observation::Wire(_)
        | Observation::BindFiles(_)
        | Observation::Mount(_)
        | Observation::BindWrite(_)
        | Observation::Autostart(_)
        | Observation::Properties(_) => None,
    }
}

/// `yes/no` on one line where it is short; otherwise a line for each part of each answer.
fn lines(answers: &[String]) -> Vec<String> {
    let has_slash = answers.iter().any(|answer| answer.contains('/'));
    let joined = answers.join(if has_slash { " / " } else { "/" });
    if !joined.contains(", ") && (answers.len() == 1 || joined.chars().count() <= LINE_WIDTH) {
        return vec![joined];
    }
    let with_slash = |(index, answer): (usize, &String)| {
        if index + 1 < answers.len() { format!("{answer} /") } else { answer.clone() }
    };
    answers.iter().enumerate().map(with_slash).flat_map(|answer| split_parts(&answer)).collect()
}

fn split_parts(answer: &str) -> Vec<String> {
    answer.split(", ").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{case, lease, names, ping};

    /// The lines of a cell of two machines, parted by `|`.
    fn cell(observations: [Option<Observation>; 2], verdicts: [Verdict; 2]) -> String {
        let cases: Vec<Case> = observations
            .into_iter()
            .zip(verdicts)
            .map(|(observed, verdict)| Case { observed, verdict, ..case("h", "nat", "c", "alpha") })
            .collect();
        of(&cases.iter().collect::<Vec<_>>()).lines.join("|")
    }

    const PASS: [Verdict; 2] = [Verdict::Pass; 2];

    #[test]
    fn subjects_that_agree_give_one_answer_and_others_give_both() {
        assert_eq!(cell([Some(ping(3)), Some(ping(3))], PASS), "yes");
        assert_eq!(cell([Some(ping(3)), Some(ping(0))], PASS), "yes/no");
        assert_eq!(cell([Some(lease(Some("10.0.0.1/28"))), Some(lease(None))], PASS), "/28 / no");
    }

    #[test]
    fn answers_of_many_subjects_are_counted() {
        let of = |received| Case { observed: Some(ping(received)), ..case("h", "nat", "c", "alpha") };
        let cases = [3, 3, 0, 3, 3, 0].map(of);
        assert_eq!(super::of(&cases.each_ref()).lines, ["4 yes/2 no"]);
    }

    #[test]
    fn shares_of_the_same_spaces_are_added_up() {
        let seen = |count| Some(names(&[(AddressSpace::Lease, count), (AddressSpace::Ipv6LinkLocal, 20)]));
        assert_eq!(cell([seen(10), seen(2)], PASS), "fe80 77%|lease 23%");
        let lease_only = Some(names(&[(AddressSpace::Lease, 32), (AddressSpace::None, 0)]));
        assert_eq!(cell([lease_only.clone(), seen(20)], PASS), "lease /|lease 50%|fe80 50%");
        assert_eq!(cell([lease_only, Some(names(&[(AddressSpace::None, 32)]))], PASS), "lease/none");
    }

    #[test]
    fn a_verdict_is_marked_beside_the_answer_or_stands_for_it() {
        use Verdict::{Broken, Fail, Fixed, Known, Pass, Skip};
        assert_eq!(cell([Some(ping(3)), Some(ping(0))], [Pass, Fail]), "yes/no !");
        assert_eq!(cell([Some(ping(0)), Some(ping(0))], [Known, Known]), "no ~");
        assert_eq!(cell([Some(ping(3)), Some(ping(3))], [Fixed, Pass]), "yes +");
        assert_eq!(cell([None, None], [Skip, Skip]), "-");
        assert_eq!(cell([Some(ping(3)), None], [Pass, Skip]), "yes/-");
        assert_eq!(cell([Some(ping(3)), None], [Pass, Broken]), "yes/?");
        assert_eq!(cell([Some(ping(0)), None], [Fail, Broken]), "no/? !");
        assert_eq!(of(&[]).lines, ["·"]);
    }

    #[test]
    fn hosts_that_gave_the_same_answer_share_a_cell() {
        let seen = |count| Some(names(&[(AddressSpace::Lease, count), (AddressSpace::Ipv6LinkLocal, 20)]));
        let of_host = |observed, verdict| Case { observed, verdict, ..case("h", "nat", "c", "alpha") };
        let common = |one: &Case, other: &Case| common(&[&[one], &[other]]).map(|cell| cell.flat);
        let (yes, no) = (of_host(Some(ping(3)), Verdict::Pass), of_host(Some(ping(0)), Verdict::Pass));
        assert_eq!(common(&yes, &yes.clone()), Some("yes".to_owned()));
        assert_eq!(common(&yes, &no), None);
        assert_eq!(common(&yes, &of_host(Some(ping(3)), Verdict::Fail)), None);
        let (some, many) = (of_host(seen(4), Verdict::Pass), of_host(seen(16), Verdict::Pass));
        assert_eq!(common(&some, &many), Some("fe80 67%, lease 33%".to_owned()));
        let failed = of_host(Some(ping(0)), Verdict::Fail);
        assert_eq!(differing(&[&[&yes], &[&failed]]).flat, "≠ !");
    }

    #[test]
    fn where_there_is_room_all_parts_stand_on_one_line_before_the_mark() {
        let seen = Some(names(&[(AddressSpace::Lease, 12), (AddressSpace::Ipv6LinkLocal, 20)]));
        let both = Case { observed: seen, verdict: Verdict::Fail, ..case("h", "nat", "c", "alpha") };
        let one =
            Case { observed: Some(names(&[(AddressSpace::Lease, 32)])), ..case("h", "nat", "c", "beta") };
        assert_eq!(of(&[&both, &one]).flat, "fe80 63%, lease 37% / lease !");
        assert_eq!(of(&[&both, &one]).lines, ["fe80 63% !", "lease 37% /", "lease"]);
    }
}
