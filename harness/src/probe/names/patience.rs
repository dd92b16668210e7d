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
pub(super) struct Patience(Duration);

impl Patience {
    /// Longer than three LLMNR answers in turn take (250 ms each, which is resolved's own timer), shorter than a failure.
    const FULL: Duration = Duration::from_secs(1);

    pub(super) fn new() -> Self {
        Self(Self::FULL)
    }

    /// Forgets that it ran out.
    pub(super) fn restore(&mut self) {
        self.0 = Self::FULL;
    }

    /// Waits for the end of `lookup`; none if patience runs out before.
    pub(super) async fn wait_for<A>(
        &mut self,
        lookup: &mut JoinHandle<anyhow::Result<A>>,
    ) -> Option<anyhow::Result<A>> {
        match tokio::time::timeout(self.0, lookup).await {
            Ok(answer) => {
                self.restore();
                Some(ended(answer))
            }
            Err(_) => {
                self.0 /= 2;
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
                let mut patience = Patience::new();
                let mut slow: JoinHandle<anyhow::Result<()>> =
                    tokio::task::spawn_local(std::future::pending());
                assert!(patience.wait_for(&mut slow).await.is_none());
                assert_eq!(patience.0, Patience::FULL / 2);
                let mut quick = tokio::task::spawn_local(async { Ok(()) });
                assert!(patience.wait_for(&mut quick).await.is_some());
                assert_eq!(patience.0, Patience::FULL);
            })
            .await;
    }
}
