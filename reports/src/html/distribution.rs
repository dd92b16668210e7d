//! Lookups as a picture: each a stroke at the time it took, in a row for each space of addresses.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::AddressSpace;
use crate::words::{by_count, short_space};

/// Width of the picture and of the labels left of it, height of a row; user units of SVG.
const WIDTH: f64 = 560.0;
const LABELS: f64 = 120.0;
const ROW: f64 = 26.0;

/// Powers of ten of microseconds that the scale has marks for: 100 us to 10 s.
const MARKS: [(f64, &str); 6] =
    [(2.0, "100 us"), (3.0, "1 ms"), (4.0, "10 ms"), (5.0, "100 ms"), (6.0, "1 s"), (7.0, "10 s")];

/// Draws lookups on a logarithmic scale of time: how many gave first an address of which space, and how long each took.
pub(crate) fn picture(
    spaces: &BTreeMap<AddressSpace, u32>,
    times_us: &BTreeMap<AddressSpace, Vec<u64>>,
) -> Markup {
    let rows = by_count(spaces);
    let total: u64 = rows.iter().map(|(_, count)| u64::from(*count)).sum();
    let height = ROW.mul_add(f64::from(u32::try_from(rows.len()).unwrap_or(0)), 30.0);
    let said: Vec<String> =
        rows.iter().map(|(space, count)| format!("{} {count} of {total}", short_space(*space))).collect();
    html! {
        figure {
            figcaption { "Lookups by what they gave first, and how long they took" }
            svg role="img" aria-label=(said.join(", ")) viewBox=(format!("0 0 {WIDTH} {height}")) {
                @for (power, label) in MARKS {
                    @let x = place(power);
                    line.scale x1=(x) x2=(x) y1="0" y2=(height - 22.0) {}
                    text x=(x) y=(height - 6.0) text-anchor="middle" { (label) }
                }
                @for (at, (space, _)) in (0_u32..).zip(&rows) {
                    @let y = ROW * f64::from(at);
                    text x="0" y=(y + 17.0) { (said[at as usize]) }
                    path.lookups d=(strokes(times_us.get(space).map_or(&[], Vec::as_slice), y)) {}
                }
            }
        }
    }
}

/// One stroke for each time, as the data of a path: pages have hundreds of thousands of them.
fn strokes(times: &[u64], y: f64) -> String {
    times.iter().map(|time| format!("M{} {}v{}", place(logarithm(*time)), y + 4.0, ROW - 8.0)).collect()
}

/// The power of ten that a time in microseconds is.
#[expect(clippy::cast_precision_loss, reason = "a picture has fewer points than a double has digits")]
fn logarithm(time: u64) -> f64 {
    (time.max(1) as f64).log10()
}

/// Where a power of ten stands; what is off the scale stands at its end.
fn place(power: f64) -> f64 {
    let (from, to) = (1.8, 7.2);
    let share = (power.clamp(from, to) - from) / (to - from);
    ((WIDTH - LABELS).mul_add(share, LABELS) * 10.0).round() / 10.0
}
