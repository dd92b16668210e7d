//! Ids of runs: eight hexadecimal digits in the names of everything that a run makes.

use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

/// Makes an id that no other run on this machine has at this time.
#[must_use]
pub fn new() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let digest = Sha256::digest(format!("{now} {}", std::process::id()));
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
