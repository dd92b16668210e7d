//! What a machine and the command that cleans it are called to whoever reads of them.

use serde::{Deserialize, Serialize};

/// The two names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::host) struct Naming {
    /// The machine, as the subject of a sentence: `This machine`.
    pub(in crate::host) machine: String,
    /// The command: `nspawn-matrix clean`.
    pub(in crate::host) clean: String,
}
