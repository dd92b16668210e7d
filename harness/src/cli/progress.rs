//! Progress of a run on standard error: a line per host that changes in place on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nspawn_matrix_reports::Verdict;

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

/// Cases of one host so far.
#[derive(Default)]
pub(super) struct Count {
    cases: usize,
    different: usize,
    unjudged: usize,
}

impl Count {
    fn add(&mut self, verdict: Verdict) {
        self.cases += 1;
        self.different += usize::from(!verdict.is_as_claimed());
        self.unjudged += usize::from(verdict == Verdict::Skip);
    }

    fn words(&self) -> String {
        match (self.different, self.unjudged) {
            (0, 0) => format!("{} answers, as claimed", self.cases),
            (0, unjudged) => format!("{} answers, {unjudged} not judged", self.cases),
            (different, _) => format!("{} answers, {different} not as claimed", self.cases),
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
                bar.set_message(if count.cases == 0 {
                    (*now).to_owned()
                } else {
                    format!("{now}, {}", count.words())
                });
            }
            Progress::Case(case) => {
                let (bar, count) = self.host(&case.scenario);
                count.add(case.verdict);
                bar.set_message(format!("measuring, {}", count.words()));
            }
            Progress::Done { scenario } => {
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
        Progress::Host { scenario, now } => eprintln!("{scenario}: {now}"),
        Progress::Case(case) => {
            counts.entry(case.scenario.clone()).or_default().add(case.verdict);
        }
        Progress::Done { scenario } => {
            let words = counts.get(*scenario).map_or_else(|| "no answers".to_owned(), Count::words);
            eprintln!("{scenario}: done, {words}");
        }
    }
}
