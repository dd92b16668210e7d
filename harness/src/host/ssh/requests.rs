//! What this program can be asked where it is a service on a machine elsewhere.

use std::time::Duration;

use nspawn_matrix_scenarios::Scenario;
use serde::{Deserialize, Serialize};

use crate::host::local::{LeftOut, Naming};

/// How often something is heard there at least, while the connection is as it should be.
pub(super) const BEAT: Duration = Duration::from_secs(10);

/// After how long without anything heard the connection is given up there. ssh itself gives it up here after half of that.
pub(super) const SILENCE: Duration = Duration::from_secs(60);

/// What it can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    /// Takes hold of the machine and looks at it; answers with a [`Survey`], or the obstacle.
    Survey {
        /// What is to be stood up, as it will be.
        scenarios: Vec<Scenario>,
        /// How many bytes the root of a machine takes, if that is known.
        root: Option<u64>,
        /// What the machine is called to whoever asks.
        naming: Naming,
    },
    /// Looks for an image of this name and size; answers with its path and its SHA-256, or none.
    Image {
        /// The name of its file.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// Takes back what was done since the survey; answers with what differs from before, none if nothing was done.
    TakeBack,
    /// Takes back what an earlier run did, and removes what it left; answers as [`Request::TakeBack`], or with the obstacle.
    Clean,
    /// Nothing: whoever asks is still there.
    Beat,
}

/// What it tells without being asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Notice {
    /// Something is done.
    Told(String),
}

/// What a run will do to the machine, beside what that is like.
#[derive(Debug, Serialize, Deserialize)]
pub struct Survey {
    /// The scenarios that cannot be stood up there.
    pub left_out: LeftOut,
    /// Why the scenarios must not be stood up there, a line for each reason.
    pub refusals: Vec<String>,
    /// What there is to agree to.
    pub preview: String,
}
