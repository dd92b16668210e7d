//! Ctrl-C and SIGTERM: the first ends a run in order, the second ends the program.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Exit code of a run that was ended by a signal, as shells give it for Ctrl-C.
pub const EXIT_CODE: u8 = 130;

/// Listens from now on. The value turns true with the first signal. Must be called in a `LocalSet`.
///
/// # Errors
/// What sigaction(2) says.
pub fn listen() -> io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::task::spawn_local(async move {
        loop {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            if sender.send_replace(true) {
                tell!("ended at once; what is left is being taken away");
                std::process::exit(EXIT_CODE.into());
            }
            tell!("ending in order; once more ends at once");
        }
    });
    Ok(receiver)
}
