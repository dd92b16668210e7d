//! What a cell of a comparison opens to: for those who saw the same, what the first of them saw, place by place.
//!
//! A comparison keeps what differs and no more. All else that is known of these cells is still in the excerpts, so it is
//! looked up there once it is known which they are.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use maud::{Markup, html};

use super::excerpt::Cell;
use super::layout::{Layout, Row};
use super::{Comparison, Difference, Place, View};
use crate::HostRecord;
use crate::clean::clean;
use crate::html::timeline::{self, Timeline};
use crate::html::{because, distribution, linked};

/// What a row is known by: system, scenario, question, subject.
type Name<'l> = (Option<&'l str>, &'l str, &'l str, &'l str);

/// The cells of all reports, by what they are known by.
pub(super) struct Details<'l, 'a> {
    comparison: &'l Comparison,
    layout: &'l Layout<'a>,
    rows: HashMap<Name<'l>, &'l Row<'a>>,
}

impl<'l, 'a> Details<'l, 'a> {
    pub(super) fn of(comparison: &'l Comparison, layout: &'l Layout<'a>) -> Self {
        let named = |row: &'l Row<'a>| ((row.system.as_deref(), row.scenario, row.check, row.subject), row);
        Self { comparison, layout, rows: layout.rows.iter().map(named).collect() }
    }

    /// What the first column of a view saw, in each place.
    pub(super) fn of_view(&self, difference: &Difference, view: &View) -> Markup {
        let column = view.columns[0];
        let cells = self.cells(difference, column);
        let heading = clean(&self.comparison.columns[column].heading);
        html! {
            @if view.columns.len() > 1 { p.where { "As " (heading) " has it:" } }
            @if let [(_, cell)] = *cells { (self.of_cell(cell, column)) } @else {
                @for (at, (place, cell)) in cells.iter().enumerate() {
                    details.place open[at == 0] { summary { (place) } (self.of_cell(cell, column)) }
                }
            }
        }
    }

    /// The cells of a difference in one column, each with what tells it from the others.
    fn cells(&self, difference: &Difference, column: usize) -> Vec<(String, &'a Cell)> {
        let of_place = |place: &Place| {
            let cell = |subject: &String| {
                let name = (place.system.as_deref(), &*place.scenario, &*difference.check, &**subject);
                let cell = self.rows.get(&name)?.cells[column]?;
                let system = place.system.as_ref().map_or_else(String::new, |system| format!(" on {system}"));
                Some((clean(&format!("{}{system}: {subject}", place.scenario)), cell))
            };
            place.subjects.iter().filter_map(cell).collect::<Vec<_>>()
        };
        difference.places.iter().flat_map(of_place).collect()
    }

    fn of_cell(&self, cell: &Cell, column: usize) -> Markup {
        let host = self.layout.sides[column].host(cell);
        let shares = cell.answer.as_ref().map(|answer| &answer.shares).filter(|shares| !shares.is_empty());
        html! {
            dl {
                dt { "observed" } dd { (clean(&cell.observed())) }
                dt { "claimed" } dd { (clean(&cell.claim)) }
                @if let Some(reason) = &cell.reason { dt { "reason" } dd { (linked(reason)) } }
                @if let Some(link) = &cell.link { dt { "see" } dd { (linked(link)) } }
                (because(&cell.explanations))
                @if let Some(versions) = host.and_then(HostRecord::versions) { dt { "systemd" } dd { (clean(&versions)) } }
                dt { "host" } dd { (clean(&cell.host)) }
                @if !cell.verdict.is_green() { dt { "evidence" } dd { (self.evidence(cell, column)) } }
            }
            @if let Some(shares) = shares { (distribution::picture(shares, &cell.lookups.times_us())) }
            // The timeline of a host stands in the page once; a script puts a copy here.
            div data-timeline=(id(column, &cell.host)) {}
        }
    }

    /// Where the evidence of a host is: in the folder that its report is in.
    fn evidence(&self, cell: &Cell, column: usize) -> String {
        let source = Path::new(&self.layout.sides[column].excerpt.source);
        let folder = source.parent().unwrap_or(Path::new("")).join("evidence").join(&*cell.host);
        clean(&format!("{}/ if it lies beside the report", folder.display()))
    }

    /// The timelines of all hosts that a cell opens to.
    pub(super) fn timelines(&self) -> Markup {
        let differences = self.comparison.groups.iter().flat_map(|group| &group.differences);
        let hosts: BTreeSet<(usize, &str)> = differences
            .flat_map(|one| one.views.iter().map(move |view| (one, view.columns[0])))
            .flat_map(|(one, column)| {
                self.cells(one, column).into_iter().map(move |(_, cell)| (column, &*cell.host))
            })
            .collect();
        let timeline = |(column, host): (usize, &str)| Timeline {
            id: id(column, host),
            title: format!("{host} ({})", self.comparison.columns[column].heading),
            events: self.layout.sides[column]
                .excerpt
                .timeline
                .iter()
                .filter(|event| event.host == host)
                .collect(),
        };
        timeline::section(hosts.into_iter().map(timeline))
    }
}

/// The name of a timeline in the page.
fn id(column: usize, host: &str) -> String {
    format!("timeline/{column}/{host}")
}
