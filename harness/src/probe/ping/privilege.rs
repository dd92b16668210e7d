//! Doing something as an ordinary user, on a thread that ends with it.
//!
//! To the kernel users and groups belong to a thread, and it is the C library that keeps those of a process together
//! (nptl(7)). So the system calls are made without it, and the rest of the process stays who it is.

use std::io;

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;

use crate::netns::on_a_thread;

/// User and group without privileges, as the first person on a system has them.
const ORDINARY: libc::c_long = 1000;

/// Calls `f` on a thread without privileges, and waits for it.
pub(super) fn as_ordinary_user<T: Send>(f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    on_a_thread(|| {
        let was_dumpable = prctl::get_dumpable()?;
        drop_privileges()?;
        let outcome = f();
        if was_dumpable {
            // Giving up a user takes this from the whole process (PR_SET_DUMPABLE(2const)).
            prctl::set_dumpable(true)?;
        }
        outcome
    })
}

fn drop_privileges() -> io::Result<()> {
    let none: libc::c_long = 0;
    // SAFETY: setgroups(2) with no groups reads no memory.
    Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, none, none) })?;
    // SAFETY: setresgid(2) and setresuid(2) take numbers.
    Errno::result(unsafe { libc::syscall(libc::SYS_setresgid, ORDINARY, ORDINARY, ORDINARY) })?;
    // SAFETY: as above.
    Errno::result(unsafe { libc::syscall(libc::SYS_setresuid, ORDINARY, ORDINARY, ORDINARY) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_becomes_somebody_else() {
        if !nix::unistd::geteuid().is_root() {
            return println!("not run: needs root");
        }
        // SAFETY: getuid(2) cannot fail.
        let uid = || Ok(unsafe { libc::syscall(libc::SYS_geteuid) });
        assert_eq!(as_ordinary_user(uid).unwrap(), ORDINARY);
        assert_eq!(uid().unwrap(), 0);
        let forbidden = as_ordinary_user(|| std::fs::read("/etc/shadow"));
        assert_eq!(forbidden.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(prctl::get_dumpable().unwrap());
    }
}
