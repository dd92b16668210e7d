//! Network namespaces, and rtnetlink in them.
//!
//! A [`NetworkNamespace`] is an open descriptor: an anonymous one is gone, with all links in it, when the last
//! descriptor and the last process are gone, even if we are killed. A socket belongs for ever to the namespace of
//! the thread that called socket(2), so a short-lived thread opens it there and an ordinary runtime drives it.
//!
//! [`RtNetlink`] makes requests and [`Events`] listens, on two sockets: netlink-proto 0.14 takes an event for the
//! answer to a request that has the same sequence number, and events that our own requests cause have it.

mod events;
mod rtnetlink;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::{panic, thread};

use nix::sched::{CloneFlags, setns, unshare};

pub use self::events::{Event, Events, MulticastGroup};
pub use self::rtnetlink::RtNetlink;

/// A network namespace, held open by a descriptor (network_namespaces(7)).
#[derive(Debug)]
pub struct NetworkNamespace(OwnedFd);

impl NetworkNamespace {
    /// Makes a namespace without a name or a process, in which nothing is up, not even `lo`.
    ///
    /// # Errors
    /// As unshare(2) with `CLONE_NEWNET`: `EPERM` without `CAP_SYS_ADMIN`.
    pub fn new() -> io::Result<Self> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net").map(|file| Self(file.into()))
        })
    }

    /// Opens the namespace that the process `pid` is in.
    ///
    /// # Errors
    /// As open(2) on `/proc/PID/ns/net`: `ENOENT` if there is no such process.
    pub fn of_process(pid: i32) -> io::Result<Self> {
        File::open(format!("/proc/{pid}/ns/net")).map(|file| Self(file.into()))
    }

    /// Calls `f` on a thread of its own inside this namespace, and waits for it; the caller stays where it is.
    ///
    /// The caller is blocked, and so is its runtime: `f` opens things (about 50 us), others use them.
    ///
    /// # Errors
    /// As setns(2), or what `f` returns.
    ///
    /// # Panics
    /// If `f` does.
    pub fn run<T: Send>(&self, f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_a_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET)?;
            f()
        })
    }
}

impl AsFd for NetworkNamespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Calls `f` on a thread that ends with it, so that a change of namespace cannot reach other work.
pub(crate) fn on_a_thread<T: Send>(f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, f)?;
        thread.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
    })
}

#[cfg(test)]
mod tests;
