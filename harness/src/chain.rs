//! An error with all that stands behind it, in one line.

/// Puts the error and its sources in a row: `boot the host: start `systemd-nspawn`: No such file or directory`.
pub(crate) fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
