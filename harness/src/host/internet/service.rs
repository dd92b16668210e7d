//! The internet as a service of a host that is a whole machine: it plays the outside for the machine that it runs on.

use std::io;
use std::os::unix::net::UnixDatagram;

use super::Internet;
use crate::netns::NetworkNamespace;

/// Plays the internet for this host, with a domain for each of `machines`, until it is ended; tells systemd once the uplink is there (sd_notify(3)).
///
/// # Errors
/// If there is no runtime, or the internet cannot be made.
pub fn play(machines: &[String]) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let here = NetworkNamespace::of_process(std::process::id().try_into().map_err(io::Error::other)?)?;
        let internet = Internet::new(machines).await.map_err(io::Error::other)?;
        internet.plug_in(&here).await.map_err(io::Error::other)?;
        ready()?;
        std::future::pending().await
    })
}

fn ready() -> io::Result<()> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    UnixDatagram::unbound()?.send_to(b"READY=1", socket).map(drop)
}
