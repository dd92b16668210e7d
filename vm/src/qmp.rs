//! Orders to a running QEMU, by its monitor protocol (docs/interop/qmp-spec in QEMU).

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::VmError;

/// How long QEMU may take to answer. It answers one visitor at a time, and at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the monitor. QEMU has one at a time: it is kept no longer than it is needed.
#[derive(Debug)]
pub(crate) struct Monitor {
    lines: Lines<BufReader<OwnedReadHalf>>,
    input: OwnedWriteHalf,
}

impl Monitor {
    /// Connects, and ends the negotiation.
    ///
    /// # Errors
    /// [`VmError::File`] with the socket.
    pub(crate) async fn connect(socket: &Path) -> Result<Self, VmError> {
        let stream = UnixStream::connect(socket).await.map_err(|source| VmError::file(socket, source))?;
        let (output, input) = stream.into_split();
        let mut monitor = Self { lines: BufReader::new(output).lines(), input };
        monitor.order("qmp_capabilities", json!({})).await?;
        Ok(monitor)
    }

    /// Gives an order, and what is returned.
    ///
    /// # Errors
    /// [`VmError::Refused`].
    pub(crate) async fn order(&mut self, order: &str, arguments: Value) -> Result<Value, VmError> {
        let refused = |said: String| VmError::Refused { order: order.to_owned(), said };
        match tokio::time::timeout(PATIENCE, self.exchange(order, arguments)).await {
            Ok(Ok(mut answer)) if answer.get("return").is_some() => Ok(answer["return"].take()),
            Ok(Ok(answer)) => {
                Err(refused(answer["error"]["desc"].as_str().unwrap_or("no answer").to_owned()))
            }
            Ok(Err(error)) => Err(refused(error.to_string())),
            Err(_) => Err(refused(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    /// The port of 127.0.0.1 that leads to the guest's ssh. QEMU tells it in no other form than as text for people.
    ///
    /// # Errors
    /// [`VmError::Refused`].
    pub(crate) async fn port(&mut self) -> Result<u16, VmError> {
        let order = "human-monitor-command";
        let answer = self.order(order, json!({ "command-line": "info usernet" })).await?;
        let said = answer.as_str().unwrap_or_default();
        forwarded(said)
            .ok_or_else(|| VmError::Refused { order: "info usernet".into(), said: said.to_owned() })
    }

    /// Greetings and events come in between; the answer is what has neither.
    async fn exchange(&mut self, order: &str, arguments: Value) -> std::io::Result<Value> {
        let line = json!({ "execute": order, "arguments": arguments }).to_string() + "\n";
        self.input.write_all(line.as_bytes()).await?;
        while let Some(line) = self.lines.next_line().await? {
            let message: Value = serde_json::from_str(&line)?;
            if message.get("return").is_some() || message.get("error").is_some() {
                return Ok(message);
            }
        }
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// Reads the table of connections: `TCP[HOST_FORWARD]  13  127.0.0.1 39971  10.0.2.15  22  0  0`.
fn forwarded(table: &str) -> Option<u16> {
    let line = table.lines().find(|line| line.contains("TCP[HOST_FORWARD]"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forwarded_port_is_found_among_connections() {
        let table = "Hub -1 (net):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n  \
                     TCP[ESTABLISHED]   14       127.0.0.1 50000       10.0.2.15    22     0     0\r\n  \
                     TCP[HOST_FORWARD]  13       127.0.0.1 39971       10.0.2.15    22     0     0\r\n  \
                     UDP[7 sec]        110       10.0.2.15 33084        10.0.2.3    53     0     0\r\n";
        assert_eq!(forwarded(table), Some(39971));
        assert_eq!(forwarded("Hub -1 (net):\r\n"), None);
    }
}
