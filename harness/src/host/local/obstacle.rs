//! Why a machine that is there already is of no use as a host.

use serde::{Deserialize, Serialize};

/// The reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// Not everybody may change a machine.
    #[error("only root may change this machine")]
    NoRoot,
    /// There is nobody to do what scenarios ask for.
    #[error("the first process of this machine is not systemd")]
    NoSystemd,
    /// Another run, or `clean`.
    #[error("another run, or `nspawn-matrix clean`, is under way on this machine")]
    Busy,
    /// There is a journal.
    #[error("a run on this machine has ended before it could take everything back")]
    Unfinished,
}

impl Obstacle {
    /// The next step; `clean` is the command that takes back what a run did.
    pub(in crate::host) fn hint(self, clean: &str) -> String {
        match self {
            Self::NoRoot => "run the same command as root".to_owned(),
            Self::NoSystemd => "have hosts of its own booted with --host sandbox, or --host vm".to_owned(),
            Self::Busy => "wait for its end".to_owned(),
            Self::Unfinished => format!("`{clean}` takes back what it did"),
        }
    }
}
