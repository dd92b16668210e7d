//! Calls by Varlink (<https://varlink.org>): JSON that ends with a zero byte, both ways.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// What a service replies.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    /// The name of the error, if it is one.
    pub(super) error: Option<String>,
    /// What it says more.
    #[serde(default)]
    pub(super) parameters: Value,
}

/// Calls `method` of the service that listens at `socket`, on a connection of its own: calls of one connection are
/// answered one after another.
pub(super) async fn call(socket: &str, method: &str, parameters: &Value) -> io::Result<Reply> {
    Connection::open(socket).await?.call(method, parameters).await
}

/// A connection to a service.
pub(super) struct Connection(BufReader<UnixStream>);

impl Connection {
    pub(super) async fn open(socket: &str) -> io::Result<Self> {
        Ok(Self(BufReader::new(UnixStream::connect(socket).await?)))
    }

    /// Calls `method`, when what was called before has been replied to.
    pub(super) async fn call(&mut self, method: &str, parameters: &Value) -> io::Result<Reply> {
        let call = json!({ "method": method, "parameters": parameters });
        self.0.write_all(format!("{call}\0").as_bytes()).await?;
        let mut reply = Vec::new();
        self.0.read_until(0, &mut reply).await?;
        match reply.pop() {
            Some(0) => Ok(serde_json::from_slice(&reply)?),
            Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
