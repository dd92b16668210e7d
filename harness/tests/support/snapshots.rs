//! A server of snapshots on 127.0.0.1, with the folders of snapshot.debian.org: it knows one state of the archive, and
//! sends who asks for a later time to it. The files of that state are those that Debian's mirrors have now, to which it
//! sends on as well; so what is tested is the way to a snapshot, and not how old its packages are.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The only state that there is.
pub(crate) const STATE: &str = "20251031T205541Z";

/// A mirror of Debian.
const MIRROR: &str = "http://deb.debian.org";

/// A server, as long as the program that started it runs.
pub(crate) struct Snapshots {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Snapshots {
    pub(crate) fn serve() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self { address: listener.local_addr()?, asked: Arc::default() };
        let asked = server.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let asked = asked.clone();
                std::thread::spawn(move || answer(&stream, &asked));
            }
        });
        Ok(server)
    }

    /// Where its archives are.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/archive", self.address)
    }

    /// The paths that were asked for, each as often as it was.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no answer panics").clone()
    }
}

/// Answers all requests of a connection. apt sends several before it reads.
fn answer(mut stream: &TcpStream, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        let path = request.split(' ').nth(1)?;
        asked.lock().expect("no answer panics").push(path.to_owned());
        let head = location(path)
            .map_or("404 Not Found".to_owned(), |location| format!("302 Found\r\nLocation: {location}"));
        write!(stream, "HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}

/// Where a file is: `/archive/ARCHIVE/TIME/FILE`, of the state or of a later time. There was nothing before it.
fn location(path: &str) -> Option<String> {
    let (archive, file) = path.strip_prefix("/archive/")?.split_once('/')?;
    let (time, file) = file.split_once('/')?;
    match time.cmp(STATE) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(format!("{MIRROR}/{archive}/{file}")),
        std::cmp::Ordering::Greater => Some(format!("/archive/{archive}/{STATE}/{file}")),
    }
}
