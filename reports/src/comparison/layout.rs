//! Columns and rows: which system is laid beside which, and which case beside which.

use std::collections::{BTreeSet, HashMap};

use super::excerpt::{Cell, Excerpt};
use super::version::Version;
use crate::{HostRecord, STOCK};

/// The images that a host and its machines are made from, and what was made of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct System {
    image: String,
    payload: String,
    pub(super) profile: String,
}

impl System {
    fn of(host: Option<&HostRecord>) -> Self {
        let part = |part: fn(&HostRecord) -> &String, unknown: &str| {
            host.map_or_else(|| unknown.to_owned(), |host| part(host).clone())
        };
        Self {
            image: part(|host| &host.image, ""),
            payload: part(|host| &host.payload, ""),
            profile: part(|host| &host.profile, STOCK),
        }
    }

    /// `trixie`, `bookworm in sid`, or `trixie as linode`.
    pub(super) fn name(&self) -> String {
        let images = if self.image == self.payload {
            self.image.clone()
        } else {
            format!("{} in {}", self.payload, self.image)
        };
        if self.profile == STOCK { images } else { format!("{images} as {}", self.profile) }
    }
}

/// What stands in one column: a report, or a system of it.
pub(super) struct Side<'a> {
    pub(super) excerpt: &'a Excerpt,
    /// The system, if the column is one of several of the report.
    pub(super) system: Option<System>,
}

impl<'a> Side<'a> {
    /// The hosts of this column.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &'a HostRecord> {
        let is_of =
            |host: &&HostRecord| self.system.as_ref().is_none_or(|system| *system == System::of(Some(host)));
        self.excerpt.hosts.values().filter(is_of)
    }

    /// The systemd of its hosts and machines, if it is the same everywhere.
    pub(super) fn version(&self) -> Option<Version> {
        let versions: BTreeSet<Version> = self.hosts().filter_map(Version::of).collect();
        (versions.len() == 1).then(|| versions.into_iter().next()).flatten()
    }

    /// The host of a cell of this column.
    pub(super) fn host(&self, cell: &Cell) -> Option<&'a HostRecord> {
        self.excerpt.hosts.get(&*cell.host)
    }
}

/// One cell of every column: what it is known by, and the case that each column has.
pub(super) struct Row<'a> {
    /// The system, where a column has several.
    pub(super) system: Option<String>,
    pub(super) scenario: &'a str,
    pub(super) check: &'a str,
    pub(super) subject: &'a str,
    pub(super) cells: Vec<Option<&'a Cell>>,
}

/// There is nothing that could be laid side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingToCompare {
    /// There is one column, or none.
    #[error("one report of one system cannot be compared")]
    OneSystem,
    /// There is no cell in any column: that nothing differs would be true of nothing.
    #[error("reports without cases cannot be compared")]
    NoCases,
}

/// All columns, and all rows.
pub(super) struct Layout<'a> {
    pub(super) sides: Vec<Side<'a>>,
    pub(super) rows: Vec<Row<'a>>,
}

impl<'a> Layout<'a> {
    /// A column for each report; or for each system, if there is one report.
    pub(super) fn of_reports(excerpts: &'a [Excerpt]) -> Self {
        if let [_] = excerpts {
            return Self::of_systems(excerpts);
        }
        let sides = excerpts.iter().map(|excerpt| Side { excerpt, system: None }).collect();
        let is_by_system = excerpts.iter().any(|excerpt| systems(excerpt).len() > 1);
        Self::new(sides, is_by_system)
    }

    /// A column for each system of each report, and for a report without any.
    pub(super) fn of_systems(excerpts: &'a [Excerpt]) -> Self {
        let of_excerpt = |excerpt: &'a Excerpt| {
            let systems = systems(excerpt);
            let none = systems.is_empty().then_some(None);
            none.into_iter().chain(systems.into_iter().map(Some)).map(move |system| Side { excerpt, system })
        };
        Self::new(excerpts.iter().flat_map(of_excerpt).collect(), false)
    }

    /// The same, if there is something to lay side by side.
    pub(super) fn comparable(self) -> Result<Self, NothingToCompare> {
        if self.sides.len() < 2 {
            Err(NothingToCompare::OneSystem)
        } else if self.rows.is_empty() {
            Err(NothingToCompare::NoCases)
        } else {
            Ok(self)
        }
    }

    /// Sorts the columns by version; what has none comes last.
    pub(super) fn by_version(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.sides.len()).collect();
        order.sort_by_key(|column| {
            let version = self.sides[*column].version();
            (version.is_none(), version)
        });
        let mut sides: Vec<Option<Side<'a>>> = self.sides.into_iter().map(Some).collect();
        self.sides = order.iter().filter_map(|column| sides[*column].take()).collect();
        for row in &mut self.rows {
            row.cells = order.iter().map(|column| row.cells[*column]).collect();
        }
        self
    }

    fn new(sides: Vec<Side<'a>>, is_by_system: bool) -> Self {
        let mut rows = Rows { width: sides.len(), is_by_system, rows: Vec::new(), known: HashMap::new() };
        for (column, side) in sides.iter().enumerate() {
            rows.add(column, side);
        }
        Self { rows: rows.rows, sides }
    }
}

/// The systems of a report, in the order of their names.
fn systems(excerpt: &Excerpt) -> BTreeSet<System> {
    excerpt.hosts.values().map(|host| System::of(Some(host))).collect()
}

/// What a row is known by: system, scenario, question, subject.
type Name<'a> = (Option<String>, &'a str, &'a str, &'a str);

/// Rows as they are found.
struct Rows<'a> {
    width: usize,
    is_by_system: bool,
    rows: Vec<Row<'a>>,
    known: HashMap<Name<'a>, usize>,
}

impl<'a> Rows<'a> {
    fn add(&mut self, column: usize, side: &Side<'a>) {
        let systems: HashMap<&str, System> =
            side.excerpt.hosts.iter().map(|(id, host)| (id.as_str(), System::of(Some(host)))).collect();
        // Reports have their cases in the same order, as far as they have the same.
        let mut next = 0;
        for cell in &side.excerpt.cells {
            let system = systems.get(&*cell.host);
            if side.system.as_ref().is_some_and(|wanted| system != Some(wanted)) {
                continue;
            }
            let system = system.filter(|_| self.is_by_system).map(System::name);
            let at = self.position(next, system, cell);
            self.rows[at].cells[column] = Some(cell);
            next = at + 1;
        }
    }

    /// The number of the row of this cell, which is made if there is none; it is probably `likely`.
    fn position(&mut self, likely: usize, system: Option<String>, cell: &'a Cell) -> usize {
        let name = (system, &*cell.scenario, &*cell.check, &*cell.subject);
        let is_it = |row: &Row<'_>| {
            (row.scenario, row.check, row.subject) == (name.1, name.2, name.3) && row.system == name.0
        };
        if self.rows.get(likely).is_some_and(is_it) {
            return likely;
        }
        if let Some(at) = self.known.get(&name) {
            return *at;
        }
        let (system, scenario, check, subject) = name.clone();
        self.known.insert(name, self.rows.len());
        self.rows.push(Row { system, scenario, check, subject, cells: vec![None; self.width] });
        self.rows.len() - 1
    }
}
