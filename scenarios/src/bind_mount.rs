//! The bind mount that the questions `bind/*` are about.

use serde::{Deserialize, Serialize};

use crate::pacman_cache;

/// A directory of the host that every machine of a scenario sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindMount {
    /// Absolute path on the host.
    pub source: String,
    /// Absolute path in the machines.
    pub destination: String,
}

impl BindMount {
    /// The package cache, the same inside and outside.
    #[must_use]
    pub fn package_cache() -> Self {
        Self { source: pacman_cache::PATH.to_owned(), destination: pacman_cache::PATH.to_owned() }
    }
}
