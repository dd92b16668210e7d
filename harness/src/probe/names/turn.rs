//! Two lookups in turn, the second with the caches as the first has left them.

use std::pin::pin;

use nspawn_matrix_reports::Family;
use tokio::time::Instant;

use super::cache::Unchanged;

/// The second lookup of two.
pub(super) struct Turn {
    /// The family that is asked for.
    pub(super) then: Family,
    /// What both rely on.
    pub(super) caches: Hold,
}

/// A hold on the caches: as long as it lasts nobody flushes them, and so nobody else gets on.
///
/// That is right while the name is found. A lookup that is slow has most likely asked in vain and put nothing into the
/// caches, and lets others go ahead.
pub(super) struct Hold {
    unchanged: Option<Unchanged>,
    until: Instant,
}

impl Hold {
    pub(super) fn new(unchanged: Unchanged, until: Instant) -> Self {
        Self { unchanged: Some(unchanged), until }
    }

    /// Holds the caches from now on, however long it takes.
    pub(super) fn renew(&mut self, unchanged: Unchanged) {
        self.unchanged = Some(unchanged);
    }

    /// Whether nobody has flushed the caches.
    pub(super) fn lasts(&self) -> bool {
        self.unchanged.is_some()
    }

    /// Waits for what `lookup` gives, however slow it is; the hold lasts until its time, or until then.
    pub(super) async fn during<A>(&mut self, lookup: impl Future<Output = A>) -> A {
        let mut lookup = pin!(lookup);
        if let Ok(answer) = tokio::time::timeout_at(self.until, lookup.as_mut()).await {
            return answer;
        }
        self.unchanged = None;
        lookup.await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::RwLock;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_caches_are_held_during_quick_lookups_and_given_up_by_slow_ones() {
        let caches = Arc::new(RwLock::new(()));
        let nothing_for = |ms| timeout(Duration::from_millis(ms), pending::<()>());
        let unchanged = || Arc::clone(&caches).try_read_owned().unwrap();
        let mut hold = Hold::new(unchanged(), Instant::now() + Duration::from_secs(1));
        let _ = hold.during(nothing_for(400)).await;
        assert!(hold.lasts() && caches.try_write().is_err());
        let slow = async {
            let _ = nothing_for(700).await;
            caches.try_write().is_ok()
        };
        assert!(hold.during(slow).await, "others get on while it is under way");
        assert!(!hold.lasts());
        hold.renew(unchanged());
        assert!(hold.lasts() && caches.try_write().is_err());
    }
}
