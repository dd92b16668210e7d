//! Requests and answers as JSON lines over the standard streams of a child.
//!
//! The controller speaks so to the agent on a host, and the agent to the probe in a machine. Requests may overlap;
//! each answer carries the number of its request. Between answers the other side may send notices.
//!
//! A [`Client::call`] ends when its answer comes or cannot come any more; how long that may take is the caller's to
//! say, who drops the call when it takes too long.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use crate::chain::chain;
use crate::tell::printable;

#[cfg(test)]
mod tests;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The other side could not do it, and says why.
    #[error("{0}")]
    Refused(String),
    /// The other side is gone.
    #[error("the {0} ended before it answered")]
    Gone(&'static str),
    /// The request cannot be put as JSON.
    #[error("a request to the {0} cannot be written")]
    Unwritable(&'static str, #[source] serde_json::Error),
    /// The answer is not of the form that belongs to the request.
    #[error("the {0} gave an answer that cannot be read")]
    Unreadable(&'static str, #[source] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Request<R> {
    id: u64,
    request: R,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Answer { id: u64, result: Result<Value, String> },
    Notice(Value),
}

/// The asking side; the child is killed when it is dropped.
#[derive(Debug)]
pub struct Client {
    what: &'static str,
    requests: mpsc::UnboundedSender<(u64, String)>,
    pending: Rc<Pending>,
    next: Cell<u64>,
    child: Child,
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
        let stdin = child.stdin.take().expect("standard input is a pipe");
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let pending = Rc::new(Pending::default());
        let (requests, queue) = mpsc::unbounded_channel();
        spawn_local(write(stdin, queue, Rc::clone(&pending)));
        let heard = spawn_local(receive(what, stdout, Rc::clone(&pending), on_notice));
        let closing = Rc::clone(&pending);
        spawn_local(async move {
            // However it ends, even by a panic in `on_notice`: no answer comes after it.
            drop(heard.await);
            closing.close();
        });
        Self { what, requests, pending, next: Cell::new(0), child }
    }

    /// Sends a request and waits for its answer. Other calls go on if the future is dropped.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn call<R: Serialize, A: DeserializeOwned>(&self, request: &R) -> Result<A, RpcError> {
        let id = self.next.replace(self.next.get() + 1);
        let line = serde_json::to_string(&Request { id, request })
            .map_err(|error| RpcError::Unwritable(self.what, error))?;
        let gone = || RpcError::Gone(self.what);
        let waiter = self.pending.register(id).ok_or_else(gone)?;
        self.requests.send((id, line + "\n")).map_err(|_| gone())?;
        let value = waiter.answer().await.ok_or_else(gone)?.map_err(RpcError::Refused)?;
        serde_json::from_value(value).map_err(|error| RpcError::Unreadable(self.what, error))
    }

    /// Tells the other side that nothing more will be asked, and waits for its end.
    ///
    /// # Errors
    /// If it does not end with 0.
    pub async fn finish(self) -> io::Result<()> {
        let Self { what, requests, mut child, .. } = self;
        // Its standard input ends when the last request is written.
        drop(requests);
        let status = child.wait().await?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("the {what}: {status}"))) }
    }
}

type Answer = Result<Value, String>;

/// The calls that wait for an answer, by the numbers of their requests; none can be added after the last answer.
#[derive(Debug, Default)]
struct Pending {
    calls: RefCell<HashMap<u64, oneshot::Sender<Answer>>>,
    closed: Cell<bool>,
}

impl Pending {
    /// Adds a call; none if there will be no more answers.
    fn register(&self, id: u64) -> Option<Waiter<'_>> {
        if self.closed.get() {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        self.calls.borrow_mut().insert(id, sender);
        Some(Waiter { pending: self, id, receiver })
    }

    /// Takes a call out. Dropping what is given wakes whoever waits, with no answer.
    fn remove(&self, id: u64) -> Option<oneshot::Sender<Answer>> {
        self.calls.borrow_mut().remove(&id)
    }

    fn close(&self) {
        self.closed.set(true);
        self.calls.borrow_mut().clear();
    }
}

/// One call that waits. It is taken out when this is dropped.
struct Waiter<'a> {
    pending: &'a Pending,
    id: u64,
    receiver: oneshot::Receiver<Answer>,
}

impl Waiter<'_> {
    async fn answer(mut self) -> Option<Answer> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.pending.remove(self.id);
    }
}

/// Writes requests one after the other. It does so apart from the calls, because a call that is dropped while it
/// writes would leave half a line, and spoil the next one.
async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut queue: mpsc::UnboundedReceiver<(u64, String)>,
    pending: Rc<Pending>,
) {
    while let Some((id, line)) = queue.recv().await {
        if stream.write_all(line.as_bytes()).await.is_err() {
            // The answers to earlier requests may still be on their way.
            pending.remove(id);
        }
    }
}

/// Hands lines to whom they belong, until the stream ends.
async fn receive<N: DeserializeOwned>(
    what: &'static str,
    stream: impl AsyncRead + Unpin,
    pending: Rc<Pending>,
    mut on_notice: impl FnMut(N),
) {
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(text)) = lines.next_segment().await {
        match serde_json::from_slice(&text) {
            Ok(Line::Answer { id, result }) => {
                if let Some(sender) = pending.remove(id) {
                    // Nobody waits any more where the caller gave up.
                    let _ = sender.send(result);
                }
            }
            Ok(Line::Notice(value)) => match serde_json::from_value(value) {
                Ok(notice) => on_notice(notice),
                Err(error) => tell!("unreadable notice of the {what}: {}", printable(&error.to_string())),
            },
            Err(_) => tell!("{what}: {}", printable(&String::from_utf8_lossy(&text))),
        }
    }
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
        match serde_json::from_str(&text) {
            Ok(Request { id, request }) => {
                let service = Rc::clone(&service);
                spawn_local(async move {
                    let result = answer(service, request).await;
                    send(&Line::Answer { id, result });
                });
            }
            Err(error) => tell!("unreadable request: {error}"),
        }
    }
}

/// Answers one request, whatever happens: the other side waits for as long as there is no answer.
async fn answer<R, S>(service: Rc<S>, request: Value) -> Answer
where
    R: DeserializeOwned + 'static,
    S: Service<R> + 'static,
{
    let request = serde_json::from_value(request).map_err(|error| format!("unreadable request: {error}"))?;
    // A task of its own, so that a panic ends no more than this answer.
    let answered = spawn_local(async move { service.answer(request).await }).await;
    answered.unwrap_or_else(|panic| Err(panic.to_string()))
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
    let value = result.map_err(chain)?;
    serde_json::to_value(value).map_err(|error| error.to_string())
}
