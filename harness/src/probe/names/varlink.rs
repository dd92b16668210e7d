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
    let mut stream = BufReader::new(UnixStream::connect(socket).await?);
    let call = json!({ "method": method, "parameters": parameters });
    stream.write_all(format!("{call}\0").as_bytes()).await?;
    let mut reply = Vec::new();
    stream.read_until(0, &mut reply).await?;
    match reply.pop() {
        Some(0) => Ok(serde_json::from_slice(&reply)?),
        Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
