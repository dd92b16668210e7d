//! How busy the processors were: all of this machine, whoever they worked for (proc_stat(5)).
//!
//! What the hosts of a run take cannot be had from getrusage(2), which knows only of processes that somebody has waited
//! for; and whether a run could be faster depends on what was idle, not on who was busy.

use std::fs;

use nspawn_matrix_reports::Utilisation;

/// The times of all processors since the machine was started, in the unit of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processors {
    cores: u32,
    idle: u64,
    all: u64,
}

impl Processors {
    /// What the kernel has counted by now; none if it does not tell.
    pub(crate) fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// Reads `/proc/stat`: a line for all processors, then one for each that is online.
    fn parse(stat: &str) -> Option<Self> {
        let mut lines = stat.lines();
        let times = lines.next()?.strip_prefix("cpu ")?.split_whitespace();
        let times = times.map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let cores = lines.take_while(|line| line.starts_with("cpu")).count();
        // user, nice, system, idle, iowait, irq, softirq, steal; what guests took is part of the first two.
        let idle = times.get(3)? + times.get(4)?;
        Some(Self { cores: u32::try_from(cores).ok()?, idle, all: times.iter().take(8).sum() })
    }

    /// How busy they were since `earlier`; none if no time has passed.
    pub(crate) fn since(self, earlier: Self) -> Option<Utilisation> {
        let all = self.all.checked_sub(earlier.all).filter(|all| *all > 0)?;
        // The time that waits for a disk may go back a little.
        let idle = self.idle.saturating_sub(earlier.idle).min(all);
        let busy_percent = u32::try_from(((all - idle) * 100 + all / 2) / all).ok()?;
        Some(Utilisation { cores: self.cores, busy_percent })
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
        assert_eq!(after.since(before), Some(Utilisation { cores: 2, busy_percent: 80 }));
        assert_eq!(before.since(before), None);
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
