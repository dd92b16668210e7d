//! `nspawn-matrix clean`.

use std::process::ExitCode;

use super::Failure;
use crate::host;

/// Something is not as it was.
const DIFFERS: u8 = 1;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// For scripts; nothing is asked anyway, since it only takes back what a run did
    #[arg(long)]
    yes: bool,
}

pub(super) async fn clean(_: Arguments) -> Result<ExitCode, Failure> {
    match host::clean(|done| say!("{done}")).await? {
        None => say!("nothing to clean"),
        Some(left) if left.is_empty() => say!("this machine is as it was before the run"),
        Some(left) => {
            left.iter().for_each(|difference| say!("{difference}"));
            say!("everything was taken back, and yet this machine is not as it was before the run");
            return Ok(ExitCode::from(DIFFERS));
        }
    }
    Ok(ExitCode::SUCCESS)
}
