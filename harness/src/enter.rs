//! Entering the namespaces of another process, as setns(2) and nsenter(1) do.
//!
//! [`fork_into`] must be called while the process has one thread: a user namespace cannot be entered otherwise, and
//! only a process that is forked afterwards is inside the pid namespace.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, chdir, chroot, execvp, fchdir, fork, setgid, setgroups, setuid};

use crate::command::Command;
use crate::pidfd;

const NAMESPACES: [(&str, CloneFlags); 7] = [
    ("user", CloneFlags::CLONE_NEWUSER),
    ("mnt", CloneFlags::CLONE_NEWNS),
    ("net", CloneFlags::CLONE_NEWNET),
    ("uts", CloneFlags::CLONE_NEWUTS),
    ("ipc", CloneFlags::CLONE_NEWIPC),
    ("pid", CloneFlags::CLONE_NEWPID),
    ("cgroup", CloneFlags::CLONE_NEWCGROUP),
];

/// This program, as it can start itself.
pub const SELF: &str = "/proc/self/exe";

/// Makes the command that runs `argv` inside the namespaces of `leader`; `program` is this program as a file.
pub fn command<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, leader: i32, argv: &[S]) -> Command {
    let leader = leader.to_string();
    let entry = ["internal", "enter", &leader].map(OsStr::new);
    Command::new(program, entry.into_iter().chain(argv.iter().map(AsRef::as_ref)))
}

/// Enters every namespace of `leader` that is not ours already, as its root, and forks: returns in the child alone.
/// The process that called waits for the child and ends as it ends; if it is killed, so is the child.
///
/// # Errors
/// If the process is gone, or may not be entered.
pub fn fork_into(leader: i32) -> io::Result<()> {
    let flags = foreign_namespaces(leader)?;
    if flags.is_empty() {
        // setns(2) refuses to enter nothing; a probe on the host itself is at home already.
        return Ok(());
    }
    let root = File::open(format!("/proc/{leader}/root"))?;
    setns(pidfd::open(leader)?.as_fd(), flags)?;
    if flags.contains(CloneFlags::CLONE_NEWUSER) {
        // Our own ids mean nothing in there: become its root.
        setgroups(&[])?;
        setgid(Gid::from_raw(0))?;
        setuid(Uid::from_raw(0))?;
    }
    if flags.contains(CloneFlags::CLONE_NEWNS) {
        // setns(2) leads to the root of the mount namespace, which is not the leader's where that has used chroot(2).
        fchdir(&root)?;
        chroot(".")?;
    }
    chdir("/")?;
    // SAFETY: there is one thread, so the child may do what it likes.
    match unsafe { fork() }? {
        ForkResult::Child => Ok(prctl::set_pdeathsig(Signal::SIGKILL)?),
        ForkResult::Parent { child } => {
            // After setuid(2) the signal that ties us to our own parent is unset.
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            let code = match waitpid(child, None)? {
                WaitStatus::Exited(_, code) => code,
                WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
                WaitStatus::Stopped(..)
                | WaitStatus::PtraceEvent(..)
                | WaitStatus::PtraceSyscall(_)
                | WaitStatus::Continued(_)
                | WaitStatus::StillAlive => 1,
            };
            std::process::exit(code);
        }
    }
}

/// Turns this process into another program; comes back only if that fails.
pub fn exec(argv: &[String]) -> io::Error {
    let words: Result<Vec<CString>, _> = argv.iter().map(|word| CString::new(word.as_str())).collect();
    let words = match words {
        Ok(words) if !words.is_empty() => words,
        Ok(_) | Err(_) => return io::ErrorKind::InvalidInput.into(),
    };
    match execvp(&words[0], &words) {
        Ok(never) => match never {},
        Err(error) => io::Error::new(io::Error::from(error).kind(), format!("start `{}`: {error}", argv[0])),
    }
}

fn foreign_namespaces(leader: i32) -> io::Result<CloneFlags> {
    let mut flags = CloneFlags::empty();
    for (name, flag) in NAMESPACES {
        if !same_namespace(name, leader)? {
            flags |= flag;
        }
    }
    Ok(flags)
}

/// Tells whether this process and `leader` share the namespace `name` (`net`, `mnt`, ...; see namespaces(7)).
///
/// # Errors
/// If the process is gone.
pub fn same_namespace(name: &str, leader: i32) -> io::Result<bool> {
    let own = fs::read_link(format!("/proc/self/ns/{name}"))?;
    let other = fs::read_link(format!("/proc/{leader}/ns/{name}"))?;
    Ok(own == other)
}
