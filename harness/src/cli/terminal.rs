//! The terminal that the program writes to.

use std::io::{self, IsTerminal};

use nspawn_matrix_reports::table::Style;

/// How a table is drawn in a file.
pub(super) const STYLE_OF_FILE: Style = Style { colour: false, width: 120 };

/// How a table is drawn on standard output: in colour and as wide as the terminal, if it is one.
pub(super) fn style() -> Style {
    if !io::stdout().is_terminal() {
        return STYLE_OF_FILE;
    }
    let width = terminal_size::terminal_size().map_or(80, |(terminal_size::Width(width), _)| width);
    Style { colour: wants_colour(), width }
}

/// <https://no-color.org>
fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
