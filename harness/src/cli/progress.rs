//! Progress of a run on standard error: a line per host that changes in place on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nspawn_matrix_reports::{HostRecord, Tally, Verdict};

use crate::engine::Progress;
use crate::plan::HostPlan;

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
            Progress::Host { host, now } => {
                let (bar, count) = self.host(host);
                bar.set_message(if count.0.is_empty() {
                    (*now).to_owned()
                } else {
                    format!("{now}, {}", count.words())
                });
            }
            Progress::Case(case) => {
                if let Some((bar, count)) = self.hosts.get_mut(&case.host) {
                    count.0.push(case.verdict);
                    bar.set_message(format!("measuring, {}", count.words()));
                }
            }
            // There may be more hosts than the terminal has lines: one that is done moves up and out of the way.
            Progress::Done { host, record, .. } => {
                let (bar, count) = self.hosts.remove(&host.id).unzip();
                bar.iter().for_each(ProgressBar::finish_and_clear);
                let line = done(host, record, &count.unwrap_or_default());
                // A terminal that has gone away is no reason to stop.
                let _ = self.bars.println(line);
            }
        }
    }

    fn host(&mut self, host: &HostPlan) -> &mut (ProgressBar, Count) {
        self.hosts.entry(host.id.clone()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix:32} {elapsed:>3} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = self.bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(host.label()));
            bar.enable_steady_tick(TICK);
            (bar, Count::default())
        })
    }
}

fn plain(counts: &mut BTreeMap<String, Count>, progress: &Progress<'_>) {
    match progress {
        Progress::Host { host, now } => tell!("{}: {now}", host.label()),
        Progress::Case(case) => {
            counts.entry(case.host.clone()).or_default().0.push(case.verdict);
        }
        Progress::Done { host, record, .. } => {
            let count = counts.remove(&host.id).unwrap_or_default();
            tell!("{}", done(host, record, &count));
        }
    }
}

/// `bridge on trixie (257): done, 225 pass`.
fn done(host: &HostPlan, record: &HostRecord, count: &Count) -> String {
    let versions = record.versions().map_or(String::new(), |versions| format!(" ({versions})"));
    format!("{}{versions}: done, {}", host.label(), count.words())
}
