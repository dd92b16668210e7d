//! Grids: columns of cells under headings, laid out to a width.
//!
//! Columns that do not fit go into a second table below the first, so nothing is ever cut off.

use super::style::{Style, Tone};
use super::wrap::wrap;
use crate::Verdict;
use crate::cell::Cell;

/// White space between columns.
const GAP: usize = 2;

/// One block of the table.
pub(crate) struct Grid<'a> {
    /// What stands above the labels, in as many lines as it takes.
    pub(crate) title: &'a str,
    /// The names of the rows, each with its lines.
    pub(crate) labels: Vec<Vec<String>>,
    /// The columns, each with a cell for each row.
    pub(crate) columns: Vec<Column>,
}

/// The widest title that is kept on one line above labels that are no wider.
const TITLE_WIDTH: usize = 28;

/// One column.
#[derive(Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) heading: Vec<String>,
    pub(crate) cells: Vec<Cell>,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().flat_map(|cell| &cell.lines);
        self.heading.iter().chain(cells).map(|line| width(line)).max().unwrap_or(0)
    }

    /// Tells whether there are at least `many` cells, all as claimed and all with the same text.
    pub(super) fn says_the_same(&self, many: usize) -> bool {
        let Some(first) = self.cells.first() else { return false };
        let alike = |cell: &Cell| cell.verdict == Some(Verdict::Pass) && cell.flat == first.flat;
        self.cells.len() >= many && self.cells.iter().all(alike)
    }

    /// Tells whether there are at least `many` cells, and in each row the same text as in `other`, with nothing that needs
    /// a look.
    pub(super) fn says_the_same_as(&self, other: &Self, many: usize) -> bool {
        let is_fine =
            |cell: &Cell| matches!(cell.verdict, None | Some(Verdict::Pass | Verdict::Known | Verdict::Skip));
        let alike = |(own, other): (&Cell, &Cell)| {
            is_fine(own) && own.verdict == other.verdict && own.flat == other.flat
        };
        self.cells.len() >= many && self.cells.iter().zip(&other.cells).all(alike)
    }

    /// The same column with every cell on one line.
    fn flat(&self) -> Self {
        let flat = |cell: &Cell| Cell { lines: vec![cell.flat.clone()], ..cell.clone() };
        Self { heading: self.heading.clone(), cells: self.cells.iter().map(flat).collect() }
    }
}

/// A piece of a line: its text and how it is painted.
type Piece<'a> = (&'a str, Option<Tone>);

impl Grid<'_> {
    /// Draws the grid without a newline at its end.
    pub(crate) fn render(&self, style: Style) -> String {
        let labels = self.labels.iter().flatten().map(|line| width(line)).max().unwrap_or(0);
        let title = self.title(labels);
        let label = title.iter().map(|line| width(line)).max().unwrap_or(0).max(labels);
        let flat: Vec<Column> = self.columns.iter().map(Column::flat).collect();
        let has_room = fitting(&flat, label, style) == flat.len();
        let mut columns = if has_room { flat.as_slice() } else { self.columns.as_slice() };
        let mut parts = Vec::new();
        while !columns.is_empty() {
            let (now, later) = columns.split_at(fitting(columns, label, style));
            parts.push(self.render_part(now, &title, label, style));
            columns = later;
        }
        parts.join("\n\n")
    }

    /// The lines of the title above labels that are so wide.
    fn title(&self, labels: usize) -> Vec<String> {
        let width = u16::try_from(labels.max(TITLE_WIDTH)).unwrap_or(u16::MAX);
        wrap(self.title, width, "", "").lines().map(str::to_owned).collect()
    }

    fn render_part(&self, columns: &[Column], title: &[String], label: usize, style: Style) -> String {
        let widths: Vec<usize> = [label].into_iter().chain(columns.iter().map(Column::width)).collect();
        let mut lines = Vec::new();
        let headings = columns.iter().map(|column| column.heading.len());
        let height = headings.chain([title.len()]).max().unwrap_or(0);
        for at in 0..height {
            let title = title.get(at).map_or("", String::as_str);
            let headings = columns.iter().map(|column| piece(&column.heading, at, Tone::Title));
            lines.push(line([(title, Some(Tone::Title))].into_iter().chain(headings), &widths, style));
        }
        lines.push("─".repeat(widths.iter().sum::<usize>() + GAP * columns.len()));
        for (row, label) in self.labels.iter().enumerate() {
            let cells: Vec<&Cell> = columns.iter().map(|column| &column.cells[row]).collect();
            lines.extend(row_lines(label, &cells, &widths, style));
        }
        lines.join("\n")
    }
}

/// How many of the columns fit beside labels of this width; at least one.
fn fitting(columns: &[Column], label: usize, style: Style) -> usize {
    let mut used = label;
    let fits = |column: &&Column| {
        used += GAP + column.width();
        used <= usize::from(style.width)
    };
    columns.iter().take_while(fits).count().max(1)
}

fn row_lines(label: &[String], cells: &[&Cell], widths: &[usize], style: Style) -> Vec<String> {
    let height = cells.iter().map(|cell| cell.lines.len()).chain([label.len()]).max().unwrap_or(1);
    (0..height)
        .map(|at| {
            let label = label.get(at).map_or("", String::as_str);
            let cells =
                cells.iter().map(|cell| piece(&cell.lines, at, cell.verdict.map_or(Tone::Faint, Tone::of)));
            line([(label, None)].into_iter().chain(cells), widths, style)
        })
        .collect()
}

fn piece(lines: &[String], at: usize, tone: Tone) -> Piece<'_> {
    (lines.get(at).map_or("", String::as_str), Some(tone))
}

/// Sets pieces side by side, each in its width, without white space at the end.
fn line<'a>(pieces: impl Iterator<Item = Piece<'a>>, widths: &[usize], style: Style) -> String {
    let mut out = String::new();
    let mut pending = 0;
    for ((text, tone), column) in pieces.zip(widths) {
        if !text.is_empty() {
            out.extend(std::iter::repeat_n(' ', pending));
            out.push_str(&tone.map_or_else(|| text.to_owned(), |tone| style.paint(text, tone)));
            pending = 0;
        }
        pending += column - width(text) + GAP;
    }
    out
}

/// Columns that a text takes; everything shown in a grid is of single width.
fn width(text: &str) -> usize {
    text.chars().count()
}
