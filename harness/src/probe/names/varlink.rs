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
        let mut bytes = Vec::new();
        self.0.read_until(0, &mut bytes).await?;
        Reply::of(&bytes)
    }
}

impl Reply {
    /// Reads one reply, with the zero byte that it ends with.
    fn of(bytes: &[u8]) -> io::Result<Self> {
        match bytes.split_last() {
            Some((0, reply)) => Ok(serde_json::from_slice(reply)?),
            Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_error_is_told_from_an_answer() {
        let answer = Reply::of(b"{\"parameters\":{\"addresses\":[]}}\0").unwrap();
        assert_eq!((answer.error, answer.parameters), (None, json!({ "addresses": [] })));
        let error = Reply::of(b"{\"error\":\"io.systemd.Resolve.NoNameServers\"}\0").unwrap();
        assert_eq!(error.error.as_deref(), Some("io.systemd.Resolve.NoNameServers"));
        assert_eq!(error.parameters, Value::Null);
    }

    #[test]
    fn a_reply_that_breaks_off_is_none() {
        for bytes in [b"".as_slice(), b"{}", b"{\"parameters\":"] {
            assert_eq!(Reply::of(bytes).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(Reply::of(b"\0").is_err(), "a reply is an object");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..100), whole: bool) {
            if whole {
                bytes.push(0);
            }
            let _ = Reply::of(&bytes);
        }

        #[test]
        fn what_looks_like_a_reply_does_not_either(
            text in "[{\\[\"](\"?(error|parameters|a)\"?|[:,{}\\[\\]]|null|-?[0-9]{1,25}|\\\\u[0-9a-f]{4}){0,12}[}\\]\"]",
        ) {
            let _ = Reply::of(&[text.as_bytes(), b"\0"].concat());
        }

        #[test]
        fn what_a_service_says_is_read_as_it_is(error in prop::option::of(any::<String>()), said in any::<String>()) {
            let sent = json!({ "error": error, "parameters": { "said": said } });
            let reply = Reply::of(format!("{sent}\0").as_bytes()).unwrap();
            prop_assert_eq!((reply.error, reply.parameters), (error, json!({ "said": said })));
        }
    }
}
