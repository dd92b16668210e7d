//! Whether one answer took longer than another beyond noise.
//!
//! A lookup that somebody has to time out takes seconds, another one a millisecond or two, and a busy machine some more.
//! How long a question took as a whole is not compared: that says what else was asked at the time.

use std::time::Duration;

use crate::Times;

/// How many times as long the slower one takes at least.
const RATIO: u64 = 2;

/// How much longer it takes at least: a machine that compiles something adds up to 200 ms.
const FLOOR: Duration = Duration::from_millis(250);

/// Tells whether one is slower than the other beyond noise: half of its answers took more than nine of ten of the other,
/// and its median is [`RATIO`] times as long and [`FLOOR`] longer. Nothing is said of what was not timed.
pub(super) fn differs(left: &Times, right: &Times) -> bool {
    let (quick, slow) = if left.median_us <= right.median_us { (left, right) } else { (right, left) };
    let floor = u64::try_from(FLOOR.as_micros()).unwrap_or(u64::MAX);
    quick.max_us > 0
        && slow.median_us > quick.p90_us
        && slow.median_us >= quick.median_us.saturating_mul(RATIO)
        && slow.median_us - quick.median_us >= floor
}

/// `230 us`, `61 ms`, `4.2 s`.
#[expect(clippy::cast_precision_loss, reason = "a time is told with two digits")]
pub(super) fn in_words(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{} ms", (us + 500) / 1_000),
        1_000_000.. => format!("{:.1} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(median_us: u64, p90_us: u64) -> Times {
        Times { min_us: median_us / 2, median_us, p90_us, max_us: p90_us * 2 }
    }

    #[test]
    fn seconds_beside_milliseconds_are_a_difference_and_milliseconds_are_noise() {
        assert!(differs(&times(900, 2_000), &times(4_000_000, 4_100_000)));
        assert!(differs(&times(4_000_000, 4_100_000), &times(900, 2_000)));
        assert!(!differs(&times(73_000, 80_000), &times(244_000, 250_000)), "less than the floor");
        assert!(!differs(&times(600_000, 610_000), &times(1_000_000, 1_010_000)), "less than twice");
        assert!(
            !differs(&times(900, 5_000_000), &times(4_000_000, 4_100_000)),
            "some are as slow on both sides"
        );
        assert!(!differs(&times(0, 0), &times(4_000_000, 4_100_000)), "one is not timed");
        assert!(!differs(&times(u64::MAX / 2, u64::MAX / 2), &times(u64::MAX / 2, u64::MAX / 2)));
    }

    #[test]
    fn times_are_told_in_units_that_people_read() {
        assert_eq!([999, 1_499, 61_000, 4_240_000].map(in_words), ["999 us", "1 ms", "61 ms", "4.2 s"]);
    }
}
