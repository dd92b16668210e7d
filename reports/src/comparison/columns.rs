//! Columns as people know them: a short heading that no other one has, and what was measured there.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::Side;
use super::version::Version;
use crate::HostRecord;
use crate::clean::clean;

/// One report, or one system of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Column {
    /// What it is called here; no other column is called so: `257`, `252 in 262`, `laptop.json`.
    pub heading: String,
    /// Where the report is from: the path of a file, `-` for standard input.
    pub source: String,
    /// The systemd of hosts and machines; none if the report has several, or nothing came to stand.
    pub systemd: Option<Version>,
    /// What the hosts were, each kind once.
    pub hosts: Vec<String>,
}

/// Names the columns by the first that tells all of them apart: the version of systemd, the profile, where the reports are
/// from, several of these, and a number where nothing does.
pub(super) fn columns(sides: &[Side<'_>]) -> Vec<Column> {
    let sources = short_sources(sides);
    let version = |at: usize| sides[at].version().map_or_else(String::new, |version| version.to_string());
    let system = |at: usize| sides[at].system.as_ref().map_or_else(String::new, super::layout::System::name);
    let profile =
        |at: usize| sides[at].system.as_ref().map_or_else(String::new, |system| system.profile.clone());
    let ways: [&dyn Fn(usize) -> Vec<String>; 8] = [
        &|at| vec![version(at)],
        &|at| vec![profile(at)],
        &|at| vec![sources[at].clone()],
        &|at| vec![version(at), profile(at)],
        &|at| vec![version(at), system(at)],
        &|at| vec![version(at), sources[at].clone()],
        &|at| vec![version(at), system(at), sources[at].clone()],
        &|at| vec![version(at), sources[at].clone(), format!("({})", at + 1)],
    ];
    let named = |way: &&dyn Fn(usize) -> Vec<String>| -> Vec<String> {
        let parts = |at| way(at).into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        (0..sides.len()).map(parts).collect()
    };
    let is_telling = |headings: &Vec<String>| {
        headings.iter().all(|heading| !heading.is_empty())
            && headings.iter().collect::<BTreeSet<_>>().len() == headings.len()
    };
    let numbered = || (1..=sides.len()).map(|number| number.to_string()).collect();
    let headings = ways.iter().map(named).find(is_telling).unwrap_or_else(numbered);
    sides.iter().zip(headings).map(|(side, heading)| column(side, heading)).collect()
}

fn column(side: &Side<'_>, heading: String) -> Column {
    let hosts: BTreeSet<String> = side.hosts().map(HostRecord::summary).collect();
    let hosts = hosts.into_iter().map(|host| line(&host)).collect();
    Column { heading, source: line(&side.excerpt.source), systemd: side.version(), hosts }
}

/// The parts of the paths that differ: reports are often all called report.json, or are all in one folder.
fn short_sources(sides: &[Side<'_>]) -> Vec<String> {
    let paths: Vec<Vec<&str>> = sides.iter().map(|side| side.excerpt.source.split('/').collect()).collect();
    let shortest = paths.iter().map(Vec::len).min().unwrap_or(0);
    let same = |part: &dyn Fn(&Vec<&str>) -> Option<String>| {
        paths.first().is_some_and(|first| paths.iter().all(|path| part(path) == part(first)))
    };
    let from_end = |back: usize| {
        same(&|path| path.get(path.len().checked_sub(back + 1)?).map(|part| (*part).to_owned()))
    };
    let from_start = |at: usize| same(&|path| path.get(at).map(|part| (*part).to_owned()));
    let tail = (0..shortest).take_while(|back| from_end(*back)).count();
    let head = (0..shortest.saturating_sub(tail)).take_while(|at| from_start(*at)).count();
    let telling = |path: &Vec<&str>| {
        let (from, to) = (head, path.len() - tail);
        line(&if from < to {
            path[from..to].join("/")
        } else {
            path.last().copied().unwrap_or("").to_owned()
        })
    };
    paths.iter().map(telling).collect()
}

/// Text from outside, on one line.
fn line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}
