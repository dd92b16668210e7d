//! Where reports are read from: files, and standard input.

use std::path::{Path, PathBuf};

use nspawn_matrix_reports::json::ReadError;

use super::Failure;

/// What stands for standard input on the command line.
pub(super) const STANDARD_INPUT: &str = "-";

/// Tells whether a name on the command line stands for standard input.
pub(super) fn is_standard_input(file: &Path) -> bool {
    file == Path::new(STANDARD_INPUT)
}

/// Says in one line why a report cannot be read, with the next step.
pub(super) fn unreadable(file: &Path, error: &ReadError) -> Failure {
    let name =
        if is_standard_input(file) { "standard input".to_owned() } else { format!("`{}`", file.display()) };
    let hint = match error {
        ReadError::Io(_) if file.is_dir() => {
            let inside: PathBuf = file.join("report.json");
            Some(format!("name the file in it: {}", inside.display()))
        }
        ReadError::Schema { .. } => Some("read it with the version that wrote it".to_owned()),
        ReadError::Io(_)
        | ReadError::TooLarge { .. }
        | ReadError::NotText(_)
        | ReadError::CutOff { .. }
        | ReadError::NotJson(_)
        | ReadError::NotReport(_)
        | ReadError::Impossible { .. } => None,
    };
    Failure::unable(format!("read {name}: {error}")).maybe_hint(hint)
}
