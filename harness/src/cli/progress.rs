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

/// Shows the progress of runs side by side.
pub(super) struct Displays(Option<MultiProgress>);

/// Shows the progress of one of them.
pub(super) struct Display {
    screen: Screen,
    /// What stands before the names of hosts.
    prefix: String,
}

enum Screen {
    /// On a terminal.
    Terminal(Terminal),
    /// Elsewhere.
    Plain(BTreeMap<String, Count>),
}

struct Terminal {
    bars: MultiProgress,
    hosts: BTreeMap<String, (ProgressBar, Count)>,
}

/// Verdicts of one host so far.
#[derive(Default)]
struct Count(Vec<Verdict>);

impl Count {
    fn words(&self) -> String {
        if self.0.is_empty() {
            "no answers".to_owned()
        } else {
            self.0.iter().copied().collect::<Tally>().to_string()
        }
    }
}

impl Displays {
    /// All of them are on standard error.
    pub(super) fn new() -> Self {
        Self(std::io::stderr().is_terminal().then(MultiProgress::new))
    }

    /// One of them; `name` is that of the machine elsewhere that it is about.
    pub(super) fn display(&self, name: Option<&str>) -> Display {
        let terminal = |bars: &MultiProgress| Terminal { bars: bars.clone(), hosts: BTreeMap::new() };
        let plain = || Screen::Plain(BTreeMap::new());
        let screen = self.0.as_ref().map_or_else(plain, |bars| Screen::Terminal(terminal(bars)));
        Display { screen, prefix: name.map_or_else(String::new, |name| format!("{name}: ")) }
    }
}

impl Display {
    pub(super) fn show(&mut self, progress: &Progress<'_>) {
        match &mut self.screen {
            Screen::Terminal(terminal) => terminal.show(progress, &self.prefix),
            Screen::Plain(counts) => plain(counts, progress, &self.prefix),
        }
    }
}

impl Terminal {
    fn show(&mut self, progress: &Progress<'_>, prefix: &str) {
        match progress {
            Progress::Host { host, now } => {
                let (bar, count) = self.host(host, prefix);
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
                let line = format!("{prefix}{}", done(host, record, &count.unwrap_or_default()));
                // A terminal that has gone away is no reason to stop.
                let _ = self.bars.println(line);
            }
        }
    }

    fn host(&mut self, host: &HostPlan, prefix: &str) -> &mut (ProgressBar, Count) {
        self.hosts.entry(host.id.clone()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix:32} {elapsed:>3} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = self.bars.add(
                ProgressBar::new_spinner().with_style(style).with_prefix(format!("{prefix}{}", host.label())),
            );
            bar.enable_steady_tick(TICK);
            (bar, Count::default())
        })
    }
}

fn plain(counts: &mut BTreeMap<String, Count>, progress: &Progress<'_>, prefix: &str) {
    match progress {
        Progress::Host { host, now } => tell!("{prefix}{}: {now}", host.label()),
        Progress::Case(case) => {
            counts.entry(case.host.clone()).or_default().0.push(case.verdict);
        }
        Progress::Done { host, record, .. } => {
            let count = counts.remove(&host.id).unwrap_or_default();
            tell!("{prefix}{}", done(host, record, &count));
        }
    }
}

/// `bridge on trixie (257): done, 225 pass`.
fn done(host: &HostPlan, record: &HostRecord, count: &Count) -> String {
    let versions = record.versions().map_or(String::new(), |versions| format!(" ({versions})"));
    format!("{}{versions}: done, {}", host.label(), count.words())
}
