//! Where reports are read from, files and pipes, and why what is read there is none.
//!
//! A file may be anything: cut off, another program's, or made to do harm. So what is said of it is one line that a
//! terminal can be shown, whatever it quotes from the file.

use std::fmt;
use std::io::{self, Read};
use std::str::Utf8Error;

use serde::Deserialize;
use serde_json::error::Category;

use crate::matrix::one_line;
use crate::{ImpossibleLookups, SCHEMA};

/// The most that is read, in bytes: a report of 500,000 cases is smaller, and what never ends is none.
const MOST: u64 = 1 << 30;

/// The most that is quoted of a file, in characters.
const QUOTED: usize = 200;

/// A file cannot be read as a report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is larger than any report.
    #[error("it is larger than {} MiB", most >> 20)]
    TooLarge {
        /// The most that is read, in bytes.
        most: u64,
    },
    /// The file is no text.
    #[error("it is not JSON: {0}")]
    NotText(#[source] Utf8Error),
    /// The file ends before the report does.
    #[error("it is cut off at line {line}")]
    CutOff {
        /// Its last line, from 1.
        line: usize,
    },
    /// The file is something else.
    #[error("it is not JSON: {}", Quoted(.0))]
    NotJson(#[source] serde_json::Error),
    /// It is JSON of another kind.
    #[error("it is no report of nspawn-matrix: {}", Quoted(.0))]
    NotReport(#[source] serde_json::Error),
    /// It is a report of what cannot be.
    #[error("it says the impossible of `{}`: {why}", Quoted(case))]
    Impossible {
        /// The name of the case.
        case: String,
        /// What it says.
        #[source]
        why: ImpossibleLookups,
    },
    /// It is a report in a form that this version does not know.
    #[error("its schema is `{}`, and this version of nspawn-matrix reads `{SCHEMA}`", Quoted(found))]
    Schema {
        /// What it says of its form.
        found: String,
    },
}

/// What quotes a file, short and in one line.
struct Quoted<T>(T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = one_line(&self.0.to_string());
        let (half, length) = (QUOTED / 2, text.chars().count());
        if length <= QUOTED {
            return f.write_str(&text);
        }
        // What is wrong stands at the begin, and where at the end.
        let begin: String = text.chars().take(half).collect();
        let end: String = text.chars().skip(length - half).collect();
        write!(f, "{begin} ... {end}")
    }
}

/// Reads all of `source` into memory that is there already: to be given new memory costs as much as to read.
///
/// # Errors
/// [`ReadError::Io`], or [`ReadError::TooLarge`].
pub(crate) fn read_into(bytes: &mut Vec<u8>, source: impl Read) -> Result<(), ReadError> {
    read_at_most(MOST, bytes, source)
}

fn read_at_most(most: u64, bytes: &mut Vec<u8>, source: impl Read) -> Result<(), ReadError> {
    bytes.clear();
    let read = source.take(most + 1).read_to_end(bytes)?;
    if read as u64 > most { Err(ReadError::TooLarge { most }) } else { Ok(()) }
}

/// The bytes of a file as text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| match error.error_len() {
        Some(_) => ReadError::NotText(error),
        // It ends within a character.
        None => ReadError::CutOff { line: 1 + bytes.iter().filter(|byte| **byte == b'\n').count() },
    })
}

/// What can be read of a report whatever its form is.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// Why these bytes, of which `error` was said, are no report.
pub(crate) fn explain(bytes: &[u8], error: serde_json::Error) -> ReadError {
    match error.classify() {
        Category::Eof => ReadError::CutOff { line: error.line() },
        Category::Io | Category::Syntax => ReadError::NotJson(error),
        Category::Data => match serde_json::from_slice::<Head>(bytes) {
            Ok(Head { schema: found }) if found != SCHEMA => ReadError::Schema { found },
            Ok(_) | Err(_) => ReadError::NotReport(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_any_report_is_not_read_to_its_end() {
        let mut bytes = vec![7];
        read_at_most(16, &mut bytes, &[b' '; 16][..]).unwrap();
        assert_eq!(bytes, [b' '; 16]);
        let error = read_at_most(16 << 20, &mut bytes, io::repeat(b' ')).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 16 MiB");
    }

    #[test]
    fn what_is_quoted_of_a_file_is_short_and_in_one_line() {
        let told = |found: &str| ReadError::Schema { found: found.to_owned() }.to_string();
        assert!(told("a\nb\u{1b}[31mc\0").starts_with("its schema is `a bc\u{fffd}`, and"));
        let long = told(&format!("{}{}", "a".repeat(1_000_000), "z".repeat(1_000_000)));
        assert!(long.contains("aaa ... zzz") && long.len() < 300, "{long}");
    }
}
