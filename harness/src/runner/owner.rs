//! Whose life the machine's hangs on: cargo's, or that of a process that is named.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use nspawn_matrix_vm::{Place, VmError, runtime_folder};
use tokio::io::unix::AsyncFd;

use crate::pidfd;

/// What cargo and nextest tell the programs that they start, and nobody tells them.
const TOLD_BY_CARGO: &str = "CARGO_MANIFEST_DIR=";

/// A process that a machine belongs to.
#[derive(Debug)]
pub struct Owner(AsyncFd<OwnedFd>);

/// Gives the place of the machine that belongs to this process, or else to the cargo that started us.
///
/// # Errors
/// If /proc cannot be read, or the folder for running machines has too long a name.
pub fn place(owner: Option<i32>) -> anyhow::Result<(i32, Place)> {
    let owner = owner.map_or_else(cargo, Ok)?;
    Ok((owner, of(owner)?))
}

/// The place of the machine of a process.
fn of(owner: i32) -> Result<Place, VmError> {
    Place::new(&runtime_folder(), &format!("test-{owner}"))
}

/// The nearest process above this one that cargo has not started: cargo itself, or nextest. Between it and us there may
/// be rustdoc.
fn cargo() -> io::Result<i32> {
    let mut process = nix::unistd::getppid().as_raw();
    // What belongs to somebody else was not started by our cargo.
    while fs::read(format!("/proc/{process}/environ")).is_ok_and(|environment| is_told(&environment)) {
        process = parent(&fs::read_to_string(format!("/proc/{process}/status"))?)?;
    }
    Ok(process)
}

fn is_told(environment: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(TOLD_BY_CARGO.as_bytes()))
}

/// Reads proc_pid_status(5).
fn parent(status: &str) -> io::Result<i32> {
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    parent.and_then(|parent| parent.trim().parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

impl Owner {
    /// Holds on to a process, so that its end is noticed.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn hold(process: i32) -> io::Result<Self> {
        // SAFETY: the descriptor belongs to the value that is handed over, and stays open as long as that.
        Ok(Self(unsafe { AsyncFd::register(pidfd::open(process)?) }?))
    }

    /// Waits until it has ended: then the descriptor becomes readable (pidfd_open(2)).
    pub async fn ended(&self) {
        drop(self.0.readable().await.map(|mut ready| ready.retain_ready()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_has_started_is_told_apart_by_its_environment() {
        assert!(is_told(b"HOME=/root\0CARGO_MANIFEST_DIR=/w/a\0"));
        assert!(!is_told(b"HOME=/root\0NOT_CARGO_MANIFEST_DIR=/w/a\0"));
        assert_eq!(parent("Name:\tcargo\nPPid:\t41\nUid:\t0\n").unwrap(), 41);
    }

    #[test]
    fn the_owner_of_this_test_is_no_program_of_cargo() {
        let owner = cargo().unwrap();
        assert!(!fs::read(format!("/proc/{owner}/environ")).is_ok_and(|environment| is_told(&environment)));
    }
}
