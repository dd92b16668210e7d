//! `nspawn-matrix clean`.

use std::process::ExitCode;

use super::host_choice::{Choice, HostChoice, SshArguments};
use super::{Failure, remote};
use crate::host::{self, Kind};
use crate::prepare::Unable;

/// Something is not as it was.
const DIFFERS: u8 = 1;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The machine: local (this one), or ssh://user@host:port; may be repeated [default: local]
    #[arg(long, value_name = "HOST")]
    host: Vec<HostChoice>,
    #[command(flatten)]
    ssh: SshArguments,
    /// For scripts; nothing is asked anyway, since it only takes back what a run did
    #[arg(long)]
    yes: bool,
}

pub(super) async fn clean(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.ssh.choice(&arguments.host, Kind::Local)? {
        Choice::Kind(Kind::Local) => {
            let cleaned = host::clean(|done| say!("{done}")).await?;
            Ok(ExitCode::from(tell("this machine", cleaned)))
        }
        Choice::Kind(kind) => Err(Failure::usage(format!("nothing is left of --host {}", kind.name()))
            .hint("clean is for --host local and ssh://")),
        Choice::Ssh(targets) => {
            let remotes = remote::reach(&targets, arguments.ssh.ssh_config.as_deref()).await?;
            let mut codes = Vec::new();
            for remote in &remotes {
                codes.push(match remote.clean().await {
                    Ok(cleaned) => Ok(tell(&format!("`{}`", remote.destination()), cleaned)),
                    Err(error) => Err(Failure::from(Unable::from(error))),
                });
            }
            remote::close(&remotes).await;
            let codes = codes.into_iter().collect::<Result<Vec<u8>, Failure>>()?;
            Ok(ExitCode::from(codes.into_iter().max().unwrap_or(0)))
        }
    }
}

/// Says what became of `machine`, and gives the exit code that this stands for.
fn tell(machine: &str, cleaned: Option<Vec<String>>) -> u8 {
    match cleaned {
        None => say!("nothing to clean on {machine}"),
        Some(left) if left.is_empty() => say!("{machine} is as it was before the run"),
        Some(left) => {
            left.iter().for_each(|difference| say!("{difference}"));
            say!("everything was taken back, and yet {machine} is not as it was before the run");
            return DIFFERS;
        }
    }
    0
}
