//! Waiting until a name is established, by asking for it on the wire (LLMNR, RFC 4795).
//!
//! A resolver that has just got an address first makes sure that nobody else answers to its name, and answers with
//! nothing, or tentatively, until it is sure. No event tells when that is; so the question is repeated, as the RFC has
//! it repeated, until the answer is whole.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::select_all;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

const PORT: u16 = 5355;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 252);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 3);

/// How long an answer may take before the question is asked again. A responder may wait 100 ms (RFC 4795, 2.7).
const REPEAT: Duration = Duration::from_millis(250);

/// Over which families a name is established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Established {
    /// Somebody answers over IPv4.
    pub ipv4: bool,
    /// Somebody answers over IPv6.
    pub ipv6: bool,
}

/// Asks for `name` on every link, over both families, until each family has an answer, for `patience` at most.
pub(crate) async fn established(name: &str, patience: Duration) -> anyhow::Result<Established> {
    let links = links().context("list the links")?;
    let askers = |ipv4: bool| {
        let of_family = links.iter().filter(move |link| link.address.is_ipv4() == ipv4);
        of_family.map(|link| Asker::new(name, link)).collect::<anyhow::Result<Vec<_>>>()
    };
    let (ipv4, ipv6) = (askers(true)?, askers(false)?);
    let (ipv4, ipv6) = tokio::join!(
        tokio::time::timeout(patience, any_answer(&ipv4)),
        tokio::time::timeout(patience, any_answer(&ipv6))
    );
    Ok(Established { ipv4: ipv4.is_ok(), ipv6: ipv6.is_ok() })
}

/// A link with an address of one family that can be multicast from.
struct Link {
    name: String,
    index: u32,
    address: IpAddr,
}

fn links() -> io::Result<Vec<Link>> {
    let mut links: Vec<Link> = Vec::new();
    let wanted = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_MULTICAST;
    for entry in getifaddrs()? {
        let Some(address) = entry.address else { continue };
        let address: IpAddr = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => v4.ip().into(),
            (None, Some(v6)) if v6.ip().is_unicast_link_local() => v6.ip().into(),
            (None, _) => continue,
        };
        let known = links
            .iter()
            .any(|link| link.name == entry.interface_name && link.address.is_ipv4() == address.is_ipv4());
        if entry.flags.contains(wanted) && !entry.flags.contains(InterfaceFlags::IFF_LOOPBACK) && !known {
            let index = if_nametoindex(entry.interface_name.as_str())?;
            links.push(Link { name: entry.interface_name, index, address });
        }
    }
    Ok(links)
}

/// Waits for the first whole answer; for ever, if there is nobody to ask.
async fn any_answer(askers: &[Asker]) {
    if askers.is_empty() {
        return std::future::pending().await;
    }
    select_all(askers.iter().map(|asker| Box::pin(asker.ask()))).await;
}

/// Asks on one link over one family.
struct Asker {
    socket: UdpSocket,
    group: SocketAddr,
    question: Vec<u8>,
    id: u16,
}

impl Asker {
    fn new(name: &str, link: &Link) -> anyhow::Result<Self> {
        let (group, record) = match link.address {
            IpAddr::V4(_) => (SocketAddr::from((GROUP_V4, PORT)), RecordType::A),
            IpAddr::V6(_) => (SocketAddrV6::new(GROUP_V6, PORT, 0, link.index).into(), RecordType::AAAA),
        };
        let id = u16::from_be_bytes(
            *std::process::id().to_be_bytes().last_chunk::<2>().expect("four bytes have two"),
        );
        let mut question = Message::new(id, MessageType::Query, OpCode::Query);
        question.add_query(Query::query(Name::from_ascii(format!("{name}."))?, record));
        let socket = socket(link).with_context(|| format!("ask on link `{}`", link.name))?;
        Ok(Self { socket, group, question: question.to_vec()?, id })
    }

    /// Repeats the question until it is answered. What cannot be sent now may be sent later: the link may come up.
    async fn ask(&self) {
        loop {
            let _ = self.socket.send_to(&self.question, self.group).await;
            if tokio::time::timeout(REPEAT, self.answer()).await.is_ok() {
                return;
            }
        }
    }

    async fn answer(&self) {
        let mut buffer = [0; 1500];
        loop {
            if let Ok(length) = self.socket.recv(&mut buffer).await
                && is_whole(&buffer[..length], self.id)
            {
                return;
            }
        }
    }
}

/// Tells whether this is an answer with content. The bit that DNS calls "recursion desired" means "tentative" here.
fn is_whole(packet: &[u8], id: u16) -> bool {
    Message::from_vec(packet).is_ok_and(|message| {
        message.metadata.id == id
            && message.metadata.message_type == MessageType::Response
            && !message.metadata.recursion_desired
            && !message.answers.is_empty()
    })
}

fn socket(link: &Link) -> io::Result<UdpSocket> {
    let domain = if link.address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(link.name.as_bytes()))?;
    match link.address {
        IpAddr::V4(address) => {
            socket.set_multicast_if_v4(&address)?;
            socket.set_multicast_ttl_v4(255)?;
        }
        IpAddr::V6(_) => {
            socket.set_multicast_if_v6(link.index)?;
            socket.set_multicast_hops_v6(255)?;
        }
    }
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::{RData, Record, rdata};
    use proptest::prelude::*;

    use super::*;

    fn answer(tentative: bool, records: usize) -> Vec<u8> {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.metadata.recursion_desired = tentative;
        for _ in 0..records {
            let address = RData::A(rdata::A(Ipv4Addr::new(10, 0, 55, 38)));
            message.add_answer(Record::from_rdata(Name::from_ascii("beta.").unwrap(), 30, address));
        }
        message.to_vec().unwrap()
    }

    #[test]
    fn a_tentative_or_empty_answer_is_not_whole() {
        assert!(is_whole(&answer(false, 1), 7));
        assert!(!is_whole(&answer(true, 1), 7));
        assert!(!is_whole(&answer(false, 0), 7));
        assert!(!is_whole(&answer(false, 1), 8));
    }

    proptest! {
        #[test]
        fn no_packet_makes_the_reader_panic(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = is_whole(&packet, 7);
        }
    }
}
