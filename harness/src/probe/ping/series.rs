//! One series of echo requests, from the first request to the sum of what came back.

use std::fmt;
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nspawn_matrix_reports::Ping;
use socket2::{SockAddr, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout, timeout_at};

use super::echo::{Echo, Heard};
use super::socket::{self, Channel};
use super::{Manner, Target};

/// Why a series ended before its time.
#[derive(Debug)]
pub(super) enum End {
    /// The kernel refused.
    Kernel(io::Error),
    /// A router or the target said no.
    Refused(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Kernel(error)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel(error) => f.write_str(&words(error)),
            Self::Refused(text) => f.write_str(text),
        }
    }
}

/// What the kernel says, without the ` (os error 101)` of Rust.
pub(super) fn words(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| Errno::from_raw(number).desc().to_owned())
}

/// One series on its way.
pub(super) struct Series {
    socket: AsyncFd<Socket>,
    channel: Channel,
    address: SockAddr,
    echo: Echo,
    /// When each request was sent, and how long its reply took.
    requests: Vec<(Instant, Option<Duration>)>,
    ttl: Option<u8>,
}

impl Series {
    pub(super) fn open(target: &Target, manner: Manner) -> io::Result<Self> {
        let (socket, channel) = socket::open(target, manner)?;
        let mut echo = Echo::new(target.address, manner);
        if let Channel::Datagram { identifier } = channel {
            echo.identifier = identifier;
        }
        // SAFETY: `Socket` owns its descriptor, and nothing replaces or closes it while the `AsyncFd` has it.
        let socket = unsafe { AsyncFd::register(socket)? };
        let address = target.socket_address().into();
        Ok(Self { socket, channel, address, echo, requests: Vec::new(), ttl: None })
    }

    pub(super) async fn run(&mut self, count: u16, patience: Duration) -> Result<(), End> {
        for sequence in 0..count {
            self.send(sequence, patience).await?;
            // Most replies are there already; their time is better taken now than after the last request.
            while let Some(heard) = self.heard_already()? {
                self.note(heard)?;
            }
        }
        let deadline = Instant::now() + patience;
        while self.requests.iter().any(|(_, trip)| trip.is_none()) {
            match timeout_at(deadline, self.hear()).await {
                Ok(heard) => self.note(heard?)?,
                Err(_elapsed) => break,
            }
        }
        Ok(())
    }

    async fn send(&mut self, sequence: u16, patience: Duration) -> io::Result<()> {
        let request = self.echo.request(sequence);
        let now = Instant::now();
        let sent = self.socket.async_io(Interest::WRITABLE, |socket| socket.send_to(&request, &self.address));
        // Requests that wait for a neighbour (ARP, RFC 826) can fill the send buffer.
        timeout(patience, sent).await.map_err(|_| io::Error::from(Errno::ENOBUFS))??;
        self.requests.push((now, None));
        Ok(())
    }

    /// Takes what concerns us from the socket, without waiting.
    fn heard_already(&self) -> io::Result<Option<Heard>> {
        loop {
            match socket::receive(self.socket.get_ref(), self.channel, &self.echo) {
                Ok(Some(heard)) => return Ok(Some(heard)),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    async fn hear(&self) -> io::Result<Heard> {
        loop {
            let received = self
                .socket
                .async_io(Interest::READABLE, |socket| socket::receive(socket, self.channel, &self.echo))
                .await?;
            if let Some(heard) = received {
                return Ok(heard);
            }
        }
    }

    fn note(&mut self, heard: Heard) -> Result<(), End> {
        let (sequence, ttl) = match heard {
            Heard::Reply { sequence, ttl } => (sequence, ttl),
            Heard::Refused(text) => return Err(End::Refused(text)),
        };
        if let Some((sent, trip @ None)) = self.requests.get_mut(usize::from(sequence)) {
            *trip = Some(sent.elapsed());
            self.ttl = self.ttl.or(ttl);
        }
        Ok(())
    }

    pub(super) fn sum_up(&self, ping: &mut Ping) {
        let mut trips: Vec<Duration> = self.requests.iter().filter_map(|(_, trip)| *trip).collect();
        trips.sort_unstable();
        ping.sent = u32::try_from(self.requests.len()).unwrap_or(u32::MAX);
        ping.received = u32::try_from(trips.len()).unwrap_or(u32::MAX);
        ping.rtt_us = median(&trips).map(|trip| u64::try_from(trip.as_micros()).unwrap_or(u64::MAX));
        ping.ttl = self.ttl;
    }
}

/// The median of sorted durations.
pub(super) fn median(sorted: &[Duration]) -> Option<Duration> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some((*upper + *lower) / 2)
}
