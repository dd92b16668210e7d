//! /etc/resolv.conf as a program sees it, and whether anybody answers at the servers that it names.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;

use crate::nsswitch;

const PATH: &str = "/etc/resolv.conf";

const NSSWITCH: &str = "/etc/nsswitch.conf";

/// How often the question is sent to a server while it is waited for, since UDP may lose it.
const ATTEMPTS: u32 = 5;

/// What the file is and says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvConf {
    /// What the symbolic link says; none if it is a file or missing.
    pub target: Option<String>,
    /// Whether there is something to read.
    pub exists: bool,
    /// The servers that it names.
    pub servers: Vec<NameServer>,
    /// What nsswitch.conf(5) says that names of hosts are asked of; none if it says nothing.
    pub hosts: Option<String>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServer {
    /// Its address.
    pub address: String,
    /// Whether somebody answers there, whatever the answer is.
    pub answers: bool,
}

/// Looks at the file and asks every server in it, which may take `patience` to answer.
pub(crate) async fn look(patience: Duration) -> anyhow::Result<ResolvConf> {
    let target = fs::read_link(PATH).ok().map(|target| target.to_string_lossy().into_owned());
    let exists = Path::new(PATH).exists();
    let content = if exists {
        fs::read_to_string(PATH).with_context(|| format!("read `{PATH}`"))?
    } else {
        String::new()
    };
    let servers = servers(&content).into_iter().map(|address| async move {
        let answers = match address.parse::<IpAddr>() {
            Ok(address) => {
                answers(address, patience).await.with_context(|| format!("ask the server {address}"))?
            }
            // A link-local address with its scope; nobody hands those out here.
            Err(_) => false,
        };
        anyhow::Ok(NameServer { address, answers })
    });
    let hosts = fs::read_to_string(NSSWITCH).ok().and_then(|nsswitch| nsswitch::hosts(&nsswitch));
    Ok(ResolvConf { target, exists, servers: try_join_all(servers).await?, hosts })
}

/// The addresses after `nameserver` (resolv.conf(5)).
fn servers(content: &str) -> Vec<String> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()).flatten().map(str::to_owned)
    };
    content.lines().filter_map(server).collect()
}

/// Tells whether somebody answers a question about the root at `address`.
async fn answers(address: IpAddr, patience: Duration) -> anyhow::Result<bool> {
    let unspecified: SocketAddr = match address {
        IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        IpAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(unspecified).await?;
    let question = question()?;
    for _ in 0..ATTEMPTS {
        match tokio::time::timeout(patience / ATTEMPTS, exchange(&socket, address, &question)).await {
            Ok(Ok(())) => return Ok(true),
            // Nobody listens there, or no way leads there: asking again would not change that.
            Ok(Err(_)) => return Ok(false),
            Err(_) => {}
        }
    }
    Ok(false)
}

fn question() -> anyhow::Result<Vec<u8>> {
    let mut question = Message::new(1, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(Name::from_ascii("localhost.")?, RecordType::A));
    Ok(question.to_vec()?)
}

async fn exchange(socket: &UdpSocket, address: IpAddr, question: &[u8]) -> io::Result<()> {
    // A socket that is connected hears that the port is closed.
    socket.connect((address, 53)).await?;
    socket.send(question).await?;
    socket.recv(&mut [0; 512]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn servers_are_what_stands_after_the_keyword() {
        let content = "# nameserver 1.1.1.1\nnameserver 192.0.2.53\n search x\n\tnameserver\tfe80::1%2 # x\nnameserver\n";
        assert_eq!(servers(content), ["192.0.2.53", "fe80::1%2"]);
    }

    #[tokio::test]
    async fn a_port_that_is_closed_is_nobody_who_answers() {
        // The whole of 127.0.0.0/8 is this machine, and nothing listens at port 53 of this corner of it.
        assert!(!answers(IpAddr::from([127, 200, 201, 202]), Duration::from_secs(5)).await.unwrap());
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(content in "(nameserver|search|#)?[ -~\n\t]{0,60}") {
            let _ = servers(&content);
        }
    }
}
