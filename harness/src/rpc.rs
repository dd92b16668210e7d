//! Requests and answers as JSON lines over the standard streams of a child.
//!
//! The controller speaks so to the agent on a host, and the agent to the probe in a machine. Requests may overlap;
//! each answer carries the number of its request. Between answers the other side may send notices.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::Write;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::{Mutex, oneshot};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The other side could not do it, and says why.
    #[error("{0}")]
    Refused(String),
    /// The other side is gone.
    #[error("the {0} ended before it answered")]
    Gone(&'static str),
    /// The answer is not of the form that belongs to the request.
    #[error("the {0} gave an answer that cannot be read")]
    Unreadable(&'static str, #[source] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Request<R> {
    id: u64,
    request: R,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Answer { id: u64, result: Result<serde_json::Value, String> },
    Notice(serde_json::Value),
}

type Pending = Rc<RefCell<HashMap<u64, oneshot::Sender<Result<serde_json::Value, String>>>>>;

/// The asking side; the child is killed when it is dropped.
pub struct Client {
    what: &'static str,
    stdin: Mutex<ChildStdin>,
    pending: Pending,
    next: Cell<u64>,
    _child: Child,
}

impl Client {
    /// Speaks to a child whose standard input and output are pipes; `what` it is, is for messages.
    ///
    /// # Panics
    /// If the streams of the child are not pipes, or outside a `LocalSet`.
    pub fn new<N: DeserializeOwned + 'static>(
        what: &'static str,
        mut child: Child,
        on_notice: impl FnMut(N) + 'static,
    ) -> Self {
        let stdin = Mutex::new(child.stdin.take().expect("standard input is a pipe"));
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let pending = Pending::default();
        tokio::task::spawn_local(receive(what, stdout, Rc::clone(&pending), on_notice));
        Self { what, stdin, pending, next: Cell::new(0), _child: child }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn call<R: Serialize, A: DeserializeOwned>(&self, request: &R) -> Result<A, RpcError> {
        let id = self.next.replace(self.next.get() + 1);
        let (sender, answer) = oneshot::channel();
        self.pending.borrow_mut().insert(id, sender);
        let mut line = serde_json::to_string(&Request { id, request })
            .map_err(|error| RpcError::Unreadable(self.what, error))?;
        line.push('\n');
        let sent = self.stdin.lock().await.write_all(line.as_bytes()).await;
        sent.map_err(|_| RpcError::Gone(self.what))?;
        let value = answer.await.map_err(|_| RpcError::Gone(self.what))?.map_err(RpcError::Refused)?;
        serde_json::from_value(value).map_err(|error| RpcError::Unreadable(self.what, error))
    }
}

/// Hands lines to whom they belong, until the stream ends; dropping the senders then wakes whoever still waits.
async fn receive<N: DeserializeOwned>(
    what: &'static str,
    stream: impl AsyncRead + Unpin,
    pending: Pending,
    mut on_notice: impl FnMut(N),
) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        match serde_json::from_str(&text) {
            Ok(Line::Answer { id, result }) => {
                if let Some(sender) = pending.borrow_mut().remove(&id) {
                    // Nobody waits any more where the caller gave up.
                    let _ = sender.send(result);
                }
            }
            Ok(Line::Notice(value)) => match serde_json::from_value(value) {
                Ok(notice) => on_notice(notice),
                Err(error) => eprintln!("unreadable notice of the {what}: {error}"),
            },
            Err(_) => eprintln!("{what}: {text}"),
        }
    }
    pending.borrow_mut().clear();
}

/// Writes a notice to the other side.
pub fn notify(notice: &impl Serialize) {
    if let Ok(value) = serde_json::to_value(notice) {
        send(&Line::Notice(value));
    }
}

/// The other side being gone is noticed where requests are read, so a failed write needs no answer here.
fn send(line: &Line) {
    if let Ok(text) = serde_json::to_string(line) {
        let mut stdout = std::io::stdout().lock();
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}

/// Answers requests from standard input until it ends, as many at a time as come.
pub async fn serve<R, S>(service: Rc<S>)
where
    R: DeserializeOwned + 'static,
    S: Service<R> + 'static,
{
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        match serde_json::from_str::<Request<R>>(&text) {
            Ok(Request { id, request }) => {
                let service = Rc::clone(&service);
                tokio::task::spawn_local(async move {
                    let result = service.answer(request).await;
                    send(&Line::Answer { id, result });
                });
            }
            Err(error) => eprintln!("unreadable request: {error}"),
        }
    }
}

/// The answering side.
#[expect(async_fn_in_trait, reason = "both services live in this crate and on one thread")]
pub trait Service<R> {
    /// Answers one request; an error is told to the other side in words.
    async fn answer(&self, request: R) -> Result<serde_json::Value, String>;
}

/// Turns what a service found into what it sends; an error is told with all that stands behind it.
///
/// # Errors
/// The error's whole chain, in words.
pub fn reply<T: Serialize>(result: anyhow::Result<T>) -> Result<serde_json::Value, String> {
    let value = result.map_err(|error| format!("{error:#}"))?;
    serde_json::to_value(value).map_err(|error| error.to_string())
}
