//! Excerpts: what of a report is compared, and nothing else.
//!
//! A hundred reports of ten thousand cases are more than a gigabyte, and what they say of most cells is the same. So a
//! report is reduced while it is read, and equal texts and answers are kept once.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::hash::Hash;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::reading;
use crate::answer::Answer;
use crate::source::{self, ReadError};
use crate::{HostRecord, Times, Verdict};

/// What of one report is compared.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// Where it is from, as the reader knows it: the path of a file.
    pub(super) source: String,
    /// Its hosts, by id.
    pub(super) hosts: BTreeMap<String, HostRecord>,
    /// Its cells, in the order of the report.
    pub(super) cells: Vec<Cell>,
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
    pub(super) answer: Option<Arc<Answer>>,
    /// How long answers took; all 0 where that was not timed.
    pub(super) took: Times,
    /// Why the verdict is what it is, where it is not that all is as claimed.
    pub(super) reason: Option<Arc<str>>,
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
        let mut read: Vec<(usize, Result<Self, ReadError>)> = std::thread::scope(|scope| {
            let work = |worker| move || read_each(paths, worker, workers);
            let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(work(worker))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no reader panics")).collect()
        });
        read.sort_unstable_by_key(|(at, _)| *at);
        read.into_iter().map(|(at, read)| read.map_err(|error| (at, error))).collect()
    }
}

/// Reads every file whose turn it is, up to the first that cannot be read.
fn read_each<P: AsRef<Path>>(
    paths: &[P],
    worker: usize,
    workers: usize,
) -> Vec<(usize, Result<Excerpt, ReadError>)> {
    let mut shared = Shared::default();
    let mut bytes = Vec::new();
    let mut read = Vec::new();
    for (at, path) in paths.iter().enumerate().skip(worker).step_by(workers) {
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

/// Texts and answers that several cells have, kept once.
#[derive(Default)]
pub(super) struct Shared {
    texts: HashSet<Arc<str>>,
    answers: HashSet<Arc<Answer>>,
}

impl Shared {
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        once(&mut self.texts, text.into())
    }

    pub(super) fn answer(&mut self, answer: Answer) -> Arc<Answer> {
        if let Some(known) = self.answers.get(&answer) {
            return known.clone();
        }
        once(&mut self.answers, Arc::new(answer))
    }
}

fn once<T: Hash + Eq + ?Sized>(known: &mut HashSet<Arc<T>>, new: Arc<T>) -> Arc<T> {
    known.insert(new.clone());
    new
}
