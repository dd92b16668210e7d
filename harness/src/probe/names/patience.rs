//! How long a lookup may hold up the next one.

use std::time::Duration;

use anyhow::Context;
use tokio::task::{JoinError, JoinHandle};

/// Says how long a lookup may hold up the next one.
///
/// An answer restores the whole patience, running out of it halves it. So quick lookups follow one another, each
/// alone; slow ones, which end by a time-out of the resolver, overlap more and more, and 32 of them take little
/// longer than one. A slow one that finds something after all restores it too: else one that a busy machine has held up
/// would make all after it overlap.
pub(super) struct Patience {
    full: Duration,
    now: Duration,
}

impl Patience {
    /// How much of the longest wait for a lookup the whole patience is. Where that is 12 s, a second: longer than three
    /// LLMNR answers in turn take (250 ms each, which is resolved's own timer), shorter than a failure.
    const SHARE: u32 = 12;

    /// The whole patience for lookups that are waited for so long.
    pub(super) fn for_lookups_of(longest: Duration) -> Self {
        let full = longest / Self::SHARE;
        Self { full, now: full }
    }

    /// Forgets that it ran out.
    pub(super) fn restore(&mut self) {
        self.now = self.full;
    }

    /// Waits for the end of `lookup`; none if patience runs out before.
    pub(super) async fn wait_for<A>(
        &mut self,
        lookup: &mut JoinHandle<anyhow::Result<A>>,
    ) -> Option<anyhow::Result<A>> {
        match tokio::time::timeout(self.now, lookup).await {
            Ok(answer) => {
                self.restore();
                Some(ended(answer))
            }
            Err(_) => {
                self.now /= 2;
                None
            }
        }
    }
}

/// What a task gave, or that it gave nothing.
pub(super) fn ended<A>(task: Result<anyhow::Result<A>, JoinError>) -> anyhow::Result<A> {
    task.context("lookup ended").and_then(|answer| answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn patience_halves_when_it_runs_out_and_an_answer_restores_it() {
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let mut patience = Patience::for_lookups_of(Duration::from_secs(12));
                let mut slow: JoinHandle<anyhow::Result<()>> =
                    tokio::task::spawn_local(std::future::pending());
                assert!(patience.wait_for(&mut slow).await.is_none());
                assert_eq!(patience.now, Duration::from_millis(500));
                let mut quick = tokio::task::spawn_local(async { Ok(()) });
                assert!(patience.wait_for(&mut quick).await.is_some());
                assert_eq!(patience.now, Duration::from_secs(1));
            })
            .await;
    }
}
