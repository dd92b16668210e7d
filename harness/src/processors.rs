//! How busy the processors were: all of this machine, whoever they worked for (proc_stat(5)).
//!
//! What the hosts of a run take cannot be had from getrusage(2), which knows only of processes that somebody has waited
//! for; and whether a run could be faster depends on what was idle, not on who was busy.

use std::cell::Cell;
use std::fs;
use std::time::Instant;

use nspawn_matrix_reports::{LastStretch, Utilisation};

/// How busy the processors are while hosts come and go.
pub(crate) struct Usage {
    begin: Option<Processors>,
    /// When the last host began, and what had been counted by then.
    last: Cell<Option<(Instant, Processors)>>,
}

impl Usage {
    pub(crate) fn begin() -> Self {
        Self { begin: Processors::now(), last: Cell::new(None) }
    }

    /// Notes that a host begins now.
    pub(crate) fn host_begins(&self) {
        self.last.set(Processors::now().map(|counted| (Instant::now(), counted)));
    }

    /// How busy they were from the begin until now; none if the kernel does not tell.
    pub(crate) fn until_now(&self) -> Option<Utilisation> {
        let now = Processors::now()?;
        let last_stretch = self.last.get().and_then(|(since, counted)| {
            let ms = u64::try_from(since.elapsed().as_millis()).ok()?;
            Some(LastStretch { ms, busy_percent: now.busy_percent_since(counted)? })
        });
        let busy_percent = now.busy_percent_since(self.begin?)?;
        Some(Utilisation { cores: now.cores, busy_percent, last_stretch })
    }
}

/// The times of all processors since the machine was started, in the unit of the kernel.
#[derive(Clone, Copy, Debug)]
struct Processors {
    cores: u32,
    idle: u64,
    all: u64,
}

impl Processors {
    /// What the kernel has counted by now; none if it does not tell.
    fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// Reads `/proc/stat`: a line for all processors, then one for each that is online.
    fn parse(stat: &str) -> Option<Self> {
        let mut lines = stat.lines();
        let times = lines.next()?.strip_prefix("cpu ")?.split_whitespace();
        let times = times.map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let cores = lines.take_while(|line| line.starts_with("cpu")).count();
        // user, nice, system, idle, iowait, irq, softirq; what guests took is part of the first two. What follows is steal:
        // time in which another machine had the processor, so that this one could neither use it nor leave it idle.
        let idle = times.get(3)?.checked_add(*times.get(4)?)?;
        let all = times.iter().take(7).try_fold(0, |sum: u64, time| sum.checked_add(*time))?;
        Some(Self { cores: u32::try_from(cores).ok()?, idle, all })
    }

    /// The share of the time since `earlier` in which they were not idle, in percent; none if no time has passed.
    fn busy_percent_since(self, earlier: Self) -> Option<u32> {
        let all = self.all.checked_sub(earlier.all).filter(|all| *all > 0)?;
        // The time that waits for a disk may go back a little.
        let idle = self.idle.saturating_sub(earlier.idle).min(all);
        u32::try_from(((all - idle) * 100 + all / 2) / all).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_busy_and_the_time_of_guests_counts_once() {
        let before = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\ncpu1 1 2 3\nintr 1\ncpus 9\n";
        let after = "cpu  160 0 70 810 60 0 0 0 60 0\ncpu0 1 2 3\ncpu1 1 2 3\nintr 1\n";
        let [before, after] = [before, after].map(|stat| Processors::parse(stat).unwrap());
        assert_eq!((after.cores, after.busy_percent_since(before)), (2, Some(80)));
        assert_eq!(before.busy_percent_since(before), None);
    }

    #[test]
    fn what_another_machine_has_stolen_is_neither_busy_nor_idle() {
        let of = |text: &str| Processors::parse(text).unwrap();
        let before = of("cpu  100 0 0 100 0 0 0 50\ncpu0 1\n");
        let after = of("cpu  125 0 0 175 0 0 0 950\ncpu0 1\n");
        assert_eq!(after.busy_percent_since(before), Some(25));
    }

    #[test]
    fn the_last_stretch_begins_with_the_last_host() {
        let usage = Usage::begin();
        assert!(usage.last.get().is_none());
        usage.host_begins();
        let (first, _) = usage.last.get().unwrap();
        usage.host_begins();
        let (last, _) = usage.last.get().unwrap();
        assert!(last > first);
    }

    #[test]
    fn this_machine_counts_its_processors() {
        assert!(Processors::now().unwrap().cores > 0);
    }

    #[test]
    fn what_is_cut_off_is_no_count() {
        for text in ["", "cpu\n", "cpu  1 2\n", "cpu  a b c d e f g h\n"] {
            assert!(Processors::parse(text).is_none(), "{text:?}");
        }
    }
}
