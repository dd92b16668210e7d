//! Progress of a run on standard error: a line per host that changes in place on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nspawn_matrix_reports::{Tally, Verdict};

use crate::engine::Progress;

/// How often a line on a terminal is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// Shows progress.
pub(super) enum Display {
    /// On a terminal.
    Terminal(Terminal),
    /// Elsewhere.
    Plain(BTreeMap<String, Count>),
}

pub(super) struct Terminal {
    bars: MultiProgress,
    hosts: BTreeMap<String, (ProgressBar, Count)>,
}

/// Verdicts of one host so far.
#[derive(Default)]
pub(super) struct Count(Vec<Verdict>);

impl Count {
    fn words(&self) -> String {
        if self.0.is_empty() {
            "no answers".to_owned()
        } else {
            self.0.iter().copied().collect::<Tally>().to_string()
        }
    }
}

impl Display {
    pub(super) fn new() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Terminal(Terminal { bars: MultiProgress::new(), hosts: BTreeMap::new() })
        } else {
            Self::Plain(BTreeMap::new())
        }
    }

    pub(super) fn show(&mut self, progress: &Progress<'_>) {
        match self {
            Self::Terminal(terminal) => terminal.show(progress),
            Self::Plain(counts) => plain(counts, progress),
        }
    }
}

impl Terminal {
    fn show(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Host { scenario, now } => {
                let (bar, count) = self.host(scenario);
                bar.set_message(if count.0.is_empty() {
                    (*now).to_owned()
                } else {
                    format!("{now}, {}", count.words())
                });
            }
            Progress::Case(case) => {
                let (bar, count) = self.host(&case.scenario);
                count.0.push(case.verdict);
                bar.set_message(format!("measuring, {}", count.words()));
            }
            Progress::Done { scenario, .. } => {
                let (bar, count) = self.host(scenario);
                let words = count.words();
                bar.finish_with_message(words);
            }
        }
    }

    fn host(&mut self, scenario: &str) -> &mut (ProgressBar, Count) {
        self.hosts.entry(scenario.to_owned()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix:18} {elapsed:>3} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar =
                self.bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(scenario.to_owned()));
            bar.enable_steady_tick(TICK);
            (bar, Count::default())
        })
    }
}

fn plain(counts: &mut BTreeMap<String, Count>, progress: &Progress<'_>) {
    match progress {
        Progress::Host { scenario, now } => tell!("{scenario}: {now}"),
        Progress::Case(case) => {
            counts.entry(case.scenario.clone()).or_default().0.push(case.verdict);
        }
        Progress::Done { scenario, .. } => {
            let words = counts.get(*scenario).map_or_else(|| "no answers".to_owned(), Count::words);
            tell!("{scenario}: done, {words}");
        }
    }
}
