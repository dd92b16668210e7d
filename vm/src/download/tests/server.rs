//! A web server on 127.0.0.1 that does what a test tells it, also what no good server does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Answers each request on a connection of its own. It runs until the process ends.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// By their names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
}

/// What is sent, and what happens then.
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection stays open, and silent, instead of being closed.
    pub(crate) stalls: bool,
}

impl Server {
    /// Starts one. `answer` is told how many requests there were before.
    pub(crate) fn start(answer: impl Fn(usize, &Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut silent = vec![];
            for connection in listener.incoming() {
                let mut connection = connection.expect("it was just accepted");
                let request = read(&connection);
                let earlier = {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.push(request.clone());
                    seen.len() - 1
                };
                let answer = answer(earlier, &request);
                // Whoever asked may have seen enough.
                drop(write(&mut connection, &answer));
                if answer.stalls {
                    silent.push(connection);
                }
            }
        });
        Self { address, requests }
    }

    /// The address of something that it has.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Everything that was asked for so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Request {
    /// Where the range begins that is asked for, if it is one of that version.
    pub(crate) fn range(&self, version: &str) -> Option<usize> {
        let is_current = self.headers.get("if-range").is_none_or(|wanted| wanted == version);
        let range = self.headers.get("range").filter(|_| is_current)?;
        range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

impl Answer {
    /// The file, or the part of it that is asked for.
    pub(crate) fn file(request: &Request, content: &[u8], version: &str) -> Self {
        let all = content.len();
        let (status, begin, range) = match request.range(version) {
            Some(begin) if begin < all => {
                ("206 Partial Content", begin, format!("bytes {begin}-{}/{all}", all - 1))
            }
            Some(_) => ("416 Range Not Satisfiable", all, format!("bytes */{all}")),
            None => ("200 OK", 0, String::new()),
        };
        let mut headers = vec![("ETag", version.to_owned()), ("Content-Length", (all - begin).to_string())];
        if !range.is_empty() {
            headers.push(("Content-Range", range));
        }
        Self { status, headers, body: content[begin..].to_vec(), stalls: false }
    }

    /// The same, but only so many bytes of it are sent.
    pub(crate) fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }
}

fn read(connection: &TcpStream) -> Request {
    let mut lines = BufReader::new(connection).lines().map(|line| line.unwrap_or_default());
    let first = lines.next().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    Request { path, headers: headers.collect() }
}

fn write(connection: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let head =
        format!("HTTP/1.1 {}\r\n{}Connection: close\r\n\r\n", answer.status, headers.collect::<String>());
    connection.write_all(head.as_bytes())?;
    connection.write_all(&answer.body)?;
    if !answer.stalls {
        connection.shutdown(std::net::Shutdown::Write)?;
        // Closing with something unread would be a reset, and might take away what was sent.
        drop(connection.set_read_timeout(Some(std::time::Duration::from_secs(1))));
        connection.read_to_end(&mut vec![])?;
    }
    Ok(())
}
