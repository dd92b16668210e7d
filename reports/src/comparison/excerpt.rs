//! Excerpts: what of a report is compared, and what is told of it.
//!
//! A hundred reports of ten thousand cases are more than a gigabyte, and what they say of most cells is the same. So a
//! report is reduced while it is read, and equal texts and answers are kept once. What a page tells of cells that differ is
//! kept of all of them, since which do is known when all reports are read, and a pipe is read once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::reading;
use super::seen::Lookups;
use crate::answer::Answer;
use crate::source::{self, ReadError};
use crate::{Explanation, HostRecord, TimelineEvent, Times, Verdict, words};

/// What of one report is compared.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// Where it is from, as the reader knows it: the path of a file.
    pub(super) source: String,
    /// Its hosts, by id.
    pub(super) hosts: BTreeMap<String, HostRecord>,
    /// Its cells, in the order of the report.
    pub(super) cells: Vec<Cell>,
    /// What happened when, as the report has it.
    pub(super) timeline: Vec<TimelineEvent>,
}

/// What is compared of one case.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) host: Arc<str>,
    pub(super) scenario: Arc<str>,
    pub(super) check: Arc<str>,
    pub(super) subject: Arc<str>,
    pub(super) verdict: Verdict,
    /// What was answered; none if nothing could be measured.
    pub(super) answer: Option<Arc<Answer<'static>>>,
    /// How long answers took; all 0 where that was not timed.
    pub(super) took: Times,
    /// Why the verdict is what it is, where it is not that all is as claimed.
    pub(super) reason: Option<Arc<str>>,
    /// What was seen, in words, where the answer does not say it.
    pub(super) seen: Option<Box<str>>,
    /// How long each lookup took.
    pub(super) lookups: Lookups,
    /// The claim, in words.
    pub(super) claim: Arc<str>,
    /// Where what stands behind the claim is written down.
    pub(super) link: Option<Arc<str>>,
    /// Reasons for what was seen.
    pub(super) explanations: Box<[Explanation]>,
}

impl Cell {
    /// What was seen, in words.
    pub(super) fn observed(&self) -> String {
        let Some(answer) = &self.answer else { return "nothing".to_owned() };
        if let Some(seen) = &self.seen {
            return seen.clone().into();
        }
        if answer.shares.is_empty() {
            let values = answer.values.iter().map(|(name, value)| format!("{name} {value}"));
            return format!("{} ({})", answer.short(), values.collect::<Vec<_>>().join(", "));
        }
        let all: u64 = answer.shares.values().map(|count| u64::from(*count)).sum();
        let counts = words::by_count(&answer.shares).into_iter();
        let counts = counts.map(|(space, count)| format!("{} {count}", words::short_space(space)));
        format!("{} of {all}", counts.collect::<Vec<_>>().join(", "))
    }
}

impl Excerpt {
    /// Takes an excerpt out of the bytes of a report; `source` is what people know it by.
    ///
    /// # Errors
    /// As [`crate::json::parse`], but for what is not compared: that need only be JSON.
    pub fn parse(source: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        reading::parse(source, bytes, &mut Shared::default())
    }

    /// Takes an excerpt out of a report in a pipe, or an open file.
    ///
    /// # Errors
    /// As [`Excerpt::parse`], and if it cannot be read to its end.
    pub fn read_from(source: &str, from: impl Read) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        source::read_into(&mut bytes, from)?;
        Self::parse(source, &bytes)
    }

    /// Takes excerpts out of files, as many at a time as there are cores.
    ///
    /// # Errors
    /// The first file, in the order of the paths, that cannot be read, and why.
    pub fn read<P: AsRef<Path> + Sync>(paths: &[P]) -> Result<Vec<Self>, (usize, ReadError)> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(paths.len().max(1));
        let next = AtomicUsize::new(0);
        let mut read: Vec<(usize, Result<Self, ReadError>)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| read_each(paths, &next))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no reader panics")).collect()
        });
        read.sort_unstable_by_key(|(at, _)| *at);
        read.into_iter().map(|(at, read)| read.map_err(|error| (at, error))).collect()
    }
}

/// Reads whichever file is next, up to one that cannot be read.
fn read_each<P: AsRef<Path>>(paths: &[P], next: &AtomicUsize) -> Vec<(usize, Result<Excerpt, ReadError>)> {
    let mut shared = Shared::default();
    let mut bytes = Vec::new();
    let mut read = Vec::new();
    while let Some((at, path)) = take(paths, next) {
        let path = path.as_ref();
        let excerpt = File::open(path)
            .map_err(ReadError::from)
            .and_then(|file| source::read_into(&mut bytes, file))
            .and_then(|()| reading::parse(&path.display().to_string(), &bytes, &mut shared));
        let is_over = excerpt.is_err();
        read.push((at, excerpt));
        if is_over {
            break;
        }
    }
    read
}

/// Takes the next path, for this thread alone.
fn take<'p, P>(paths: &'p [P], next: &AtomicUsize) -> Option<(usize, &'p P)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, paths.get(at)?))
}

/// Texts and answers that several cells have, kept once.
#[derive(Default)]
pub(super) struct Shared {
    texts: HashSet<Arc<str>>,
    answers: Vec<Arc<Answer<'static>>>,
    /// Where in `answers` each answer is.
    places: HashMap<Arc<Answer<'static>>, usize>,
}

impl Shared {
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }

    pub(super) fn answer(&mut self, answer: Answer<'_>) -> Arc<Answer<'static>> {
        // A map of what lives as long as the program is one of what lives shorter, too: so it is asked for an answer whose
        // texts are still those of the file, and only a new answer gets texts of its own.
        let places: &HashMap<Arc<Answer<'_>>, usize> = &self.places;
        if let Some(place) = places.get(&answer) {
            return self.answers[*place].clone();
        }
        let new = Arc::new(answer.into_owned());
        self.places.insert(new.clone(), self.answers.len());
        self.answers.push(new.clone());
        new
    }
}
