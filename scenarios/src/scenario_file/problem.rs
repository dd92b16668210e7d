//! What is wrong with a file, and where.

use std::fmt;

/// Something that keeps a file from being a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What was probably meant.
    pub nearest: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)?;
        match &self.nearest {
            Some(nearest) => write!(f, " (the nearest is `{nearest}`)"),
            None => Ok(()),
        }
    }
}

/// What is wrong, and how many bytes into the file.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub at: usize,
    pub what: String,
    pub nearest: Option<String>,
}

impl Located {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), nearest: None }
    }

    pub(super) fn nearest(self, nearest: Option<&str>) -> Self {
        Self { nearest: nearest.map(str::to_owned), ..self }
    }

    /// Says where in `text` it stands.
    pub(super) fn in_text(self, text: &str) -> Problem {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Problem { line, column, what: self.what, nearest: self.nearest }
    }
}
