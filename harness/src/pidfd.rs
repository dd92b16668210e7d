//! Processes by descriptors, whose numbers nobody else can be given meanwhile (pidfd_open(2)).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::libc;
use nix::sys::signal::Signal;

/// A descriptor of a process.
///
/// # Errors
/// If there is no such process.
pub fn open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open(2) takes two integers and gives a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to a process (pidfd_send_signal(2)).
///
/// # Errors
/// If it has ended, or may not be sent this.
pub fn send(process: &OwnedFd, signal: Signal) -> io::Result<()> {
    let no_more = ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and the kernel fills in who sends where it is told nothing.
    match unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal as i32, no_more, 0)
    } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[tokio::test]
    async fn a_signal_reaches_a_process_until_it_has_ended() {
        let mut child = Command::new("sleep", ["60"]).spawn().unwrap();
        let process = open(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        send(&process, Signal::SIGTERM).unwrap();
        assert!(!child.wait().await.unwrap().success());
        assert_eq!(send(&process, Signal::SIGTERM).unwrap_err().raw_os_error(), Some(libc::ESRCH));
    }
}
