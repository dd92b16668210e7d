//! The timeline of a host as a picture: a row for each machine, a mark for each thing that happened.

use maud::{Markup, html};

use crate::TimelineEvent;
use crate::clean::clean;

/// Width of the picture and of the labels left of it, height of a row; user units of SVG.
const WIDTH: f64 = 560.0;
const LABELS: f64 = 70.0;
const ROW: f64 = 24.0;

/// What happened to one host and its machines.
pub(crate) struct Timeline<'a> {
    /// Its name in the page.
    pub(crate) id: String,
    /// Of which host it is, and where that ran.
    pub(crate) title: String,
    pub(crate) events: Vec<&'a TimelineEvent>,
}

/// The timelines of hosts to which something happened.
pub(crate) fn section<'a>(timelines: impl Iterator<Item = Timeline<'a>>) -> Markup {
    let pictures: Vec<(Timeline<'_>, Markup)> = timelines
        .filter_map(|timeline| picture(&timeline.events).map(|picture| (timeline, picture)))
        .collect();
    html! {
        @if !pictures.is_empty() {
            section {
                h2 { "Timelines" }
                @for (Timeline { id, title, .. }, picture) in &pictures {
                    details id=(id) { summary { "Timeline of " (clean(title)) } (picture) }
                }
            }
        }
    }
}

/// Draws what happened; nothing if nothing did.
fn picture(events: &[&TimelineEvent]) -> Option<Markup> {
    let first = events.iter().map(|event| event.at_ms).min()?;
    // What happened at one time stands at the begin, and not at a share of nothing.
    let span = (events.iter().map(|event| event.at_ms).max()? - first).max(1);
    let mut rows: Vec<Option<&str>> = events.iter().map(|event| event.machine.as_deref()).collect();
    rows.sort_unstable();
    rows.dedup();
    let height = ROW * f64::from(u32::try_from(rows.len()).ok()?);
    let place = |at_ms: u64| {
        let share = seconds(at_ms - first) / seconds(span);
        ((WIDTH - LABELS - 10.0).mul_add(share, LABELS) * 10.0).round() / 10.0
    };
    Some(html! {
        figure {
            svg role="img" aria-label=(format!("{} events in {:.1} s", events.len(), seconds(span))) viewBox=(format!("0 0 {WIDTH} {height}")) {
                @for (at, row) in (0_u32..).zip(&rows) {
                    @let y = ROW.mul_add(f64::from(at), ROW / 2.0);
                    text x="0" y=(y + 4.0) { (clean(row.unwrap_or("host"))) }
                    line.scale x1=(LABELS) x2=(WIDTH) y1=(y) y2=(y) {}
                    @for event in events.iter().filter(|event| event.machine.as_deref() == *row) {
                        circle.event cx=(place(event.at_ms)) cy=(y) r="4" { title { (said(event, first)) } }
                    }
                }
            }
            ol.events { @for event in events { li { (said(event, first)) } } }
        }
    })
}

/// `+2.13 s alpha: first-ping (10.0.55.38)`.
fn said(event: &TimelineEvent, first: u64) -> String {
    let machine = event.machine.as_ref().map_or(String::new(), |machine| format!(" {machine}:"));
    let detail = event.detail.as_ref().map_or(String::new(), |detail| format!(" ({detail})"));
    clean(&format!("+{:.2} s{machine} {}{detail}", seconds(event.at_ms - first), event.event))
}

#[expect(clippy::cast_precision_loss, reason = "a run of more than 10^15 ms does not end")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}
