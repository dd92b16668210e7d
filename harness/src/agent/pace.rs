//! The pace of a host: how much longer than elsewhere things may take on it.
//!
//! What is waited for here is what systemd does in machines and for them, and the host has just done the same for itself:
//! it has booted. An emulated one takes ten seconds for that and not two, on a busy machine a minute; what would have
//! come to nothing elsewhere is only late there.

use std::time::Duration;

use anyhow::Context;
use nix::time::{ClockId, clock_gettime};

use crate::systemd::ManagerProxy;

/// How long a host takes to boot for which patience is as it stands in the code.
const USUAL: Duration = Duration::from_secs(3);

/// More than that nobody waits longer than elsewhere: something may have kept the boot that keeps nothing else.
const SLOWEST: f64 = 10.0;

/// How much longer than elsewhere things may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace(f64);

impl Pace {
    /// Of a host that boots as quickly as any.
    pub(super) const USUAL: Self = Self(1.0);

    /// Takes it from the boot of this host, as far as that has come.
    pub(super) async fn of_host() -> anyhow::Result<Self> {
        let bus = zbus::Connection::system().await.context("connect to the system bus")?;
        let systemd = ManagerProxy::new(&bus).await.context("find systemd on the bus")?;
        let started = systemd.userspace_timestamp_monotonic().await.context("ask when the host started")?;
        let ended =
            match systemd.finish_timestamp_monotonic().await.context("ask when the host had booted")? {
                0 => Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?),
                ended => Duration::from_micros(ended),
            };
        Ok(Self::of(ended.saturating_sub(Duration::from_micros(started))))
    }

    fn of(boot: Duration) -> Self {
        Self((boot.as_secs_f64() / USUAL.as_secs_f64()).clamp(1.0, SLOWEST))
    }

    /// How long to wait here for what is waited for so long elsewhere.
    pub(super) fn patience(self, elsewhere: Duration) -> Duration {
        elsewhere.mul_f64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_the_boot_of_the_host_and_not_for_ever() {
        let patience = |boot| Pace::of(Duration::from_secs(boot)).patience(Duration::from_secs(30)).as_secs();
        assert_eq!([1, 3, 12, 30, 900].map(patience), [30, 30, 120, 300, 300]);
    }
}
