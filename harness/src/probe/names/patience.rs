//! How long a lookup may hold up the next one.

use std::time::Duration;

use anyhow::Context;
use tokio::task::{JoinError, JoinHandle};

/// Says how long a lookup may hold up the next one.
///
/// An answer restores the whole patience, running out of it leaves a quarter of it. So quick lookups follow one another, each
/// alone; slow ones, which end by a time-out of the resolver, overlap more and more, and 32 of them take little
/// longer than one. A slow one that finds something after all restores it too: else one that a busy machine has held up
/// would make all after it overlap.
///
/// Two lookups in turn of which the first has found the name are waited for to their end.
pub(super) struct Patience {
    /// While the name is found.
    whole: Duration,
    /// At first, and once it was not.
    short: Duration,
    now: Duration,
}

impl Patience {
    /// How much of the longest wait for a lookup the short patience is. Where that is 12 s, a second: longer than three
    /// LLMNR answers in turn take (250 ms each, which is resolved's own timer), shorter than a failure.
    const SHARE: u32 = 12;

    /// The patience for lookups, or for two `in_turn`, that are waited for so long.
    pub(super) fn for_lookups_of(longest: Duration, in_turn: bool) -> Self {
        let short = longest / Self::SHARE;
        Self { whole: if in_turn { longest * 2 } else { short }, short, now: short }
    }

    /// Has it whole again, if the name was found.
    pub(super) fn restore(&mut self, is_found: bool) {
        self.now = if is_found { self.whole } else { self.short };
    }

    /// How long the next lookup is waited for if it does not find the name.
    pub(super) fn if_not_found(&self) -> Duration {
        self.now.min(self.short)
    }

    /// Waits for the end of `lookup`; none if patience runs out before.
    pub(super) async fn wait_for<A>(
        &mut self,
        lookup: &mut JoinHandle<anyhow::Result<A>>,
    ) -> Option<anyhow::Result<A>> {
        let answer = tokio::time::timeout(self.now, lookup).await.ok();
        if answer.is_none() {
            self.now = self.if_not_found() / 4;
        }
        answer.map(ended)
    }
}

/// What a task gave, or that it gave nothing.
pub(super) fn ended<A>(task: Result<anyhow::Result<A>, JoinError>) -> anyhow::Result<A> {
    task.context("lookup ended").and_then(|answer| answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much patience is left after lookups that found the name, did not find it, or did not end.
    async fn left(mut patience: Patience, lookups: &[Option<bool>]) -> Vec<u128> {
        let local = tokio::task::LocalSet::new();
        let waits = async {
            let mut left = Vec::new();
            for lookup in lookups.iter().copied() {
                let mut lookup = tokio::task::spawn_local(async move {
                    match lookup {
                        Some(is_found) => Ok(is_found),
                        None => std::future::pending().await,
                    }
                });
                if let Some(answer) = patience.wait_for(&mut lookup).await {
                    patience.restore(answer.unwrap());
                }
                left.push(patience.now.as_millis());
            }
            left
        };
        local.run_until(waits).await
    }

    #[tokio::test(start_paused = true)]
    async fn patience_shrinks_when_it_runs_out_and_an_answer_restores_it() {
        let patience = Patience::for_lookups_of(Duration::from_secs(12), false);
        let lookups = [None, None, Some(false), None, Some(true)];
        assert_eq!(left(patience, &lookups).await, [250, 62, 1_000, 250, 1_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn two_in_turn_are_waited_for_as_long_as_the_name_is_found() {
        let patience = Patience::for_lookups_of(Duration::from_secs(12), true);
        let lookups = [Some(true), Some(false), None, None, Some(true)];
        assert_eq!(left(patience, &lookups).await, [24_000, 1_000, 250, 62, 24_000]);
    }
}
