//! What systemd-nspawn tells of the host that it starts, by the protocol of sd_notify(3).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdDatagram};

use tokio::net::UnixDatagram;

/// A socket for notifications. Its address is abstract, so nothing of it is left in a file system.
pub(crate) struct NotifySocket {
    socket: UnixDatagram,
    address: String,
}

/// What a notification can say that matters here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Notification {
    /// The process id of the host's first process.
    Leader(i32),
    /// The host has booted.
    Ready,
}

impl NotifySocket {
    /// Makes a socket that nobody else has, from a name that is unique on this machine.
    pub(crate) fn bind(name: &str) -> io::Result<Self> {
        let socket = StdDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: UnixDatagram::from_std(socket)?, address: format!("@{name}") })
    }

    /// The value of `NOTIFY_SOCKET`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the next message, and gives what matters of it.
    pub(crate) async fn next(&self) -> io::Result<Vec<Notification>> {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).await?;
        Ok(parse(&String::from_utf8_lossy(&buffer[..length])))
    }
}

fn parse(message: &str) -> Vec<Notification> {
    let line = |line: &str| match line.split_once('=') {
        Some(("X_NSPAWN_LEADER_PID", pid)) => pid.parse().ok().map(Notification::Leader),
        Some(("READY", "1")) => Some(Notification::Ready),
        _ => None,
    };
    message.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_leader_and_readiness_are_told_from_the_rest() {
        let message = "STATUS=Container started.\nX_NSPAWN_LEADER_PID=4711\nREADY=1\nREADY=0\n";
        assert_eq!(parse(message), [Notification::Leader(4711), Notification::Ready]);
    }

    proptest! {
        #[test]
        fn no_message_makes_the_parser_panic_and_a_leader_is_found_in_any(before: String, pid: i32, after: String) {
            let told = parse(&format!("{before}\nX_NSPAWN_LEADER_PID={pid}\n{after}"));
            prop_assert!(told.contains(&Notification::Leader(pid)));
        }
    }
}
