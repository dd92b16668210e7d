//! How a table is drawn: its width, and whether in colour.

use crate::Verdict;

/// Says what the terminal can do. The caller knows the terminal; this crate never looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to write SGR sequences (ECMA-48).
    pub colour: bool,
    /// Columns of the terminal; 80 suffice.
    pub width: u16,
}

/// What a piece of text is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubtful,
    Faint,
    Title,
}

impl Tone {
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail => Self::Bad,
            Verdict::Broken | Verdict::Fixed => Self::Doubtful,
            Verdict::Known | Verdict::Skip => Self::Faint,
        }
    }

    fn sgr(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Doubtful => "33",
            Self::Faint => "2",
            Self::Title => "1",
        }
    }
}

impl Style {
    pub(super) fn paint(self, text: &str, tone: Tone) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", tone.sgr())
        } else {
            text.to_owned()
        }
    }
}
