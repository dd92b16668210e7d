//! Telling a person something, whether or not anybody still reads it: `run | head` must not end a run.

/// Writes a line to standard error.
macro_rules! tell {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

/// Writes a line to standard output.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// How much is told of what somebody elsewhere said, in characters.
const LONGEST: usize = 1000;

/// What somebody elsewhere said, as a line: it may hold what a terminal obeys.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
