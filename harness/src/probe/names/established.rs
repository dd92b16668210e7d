//! Waiting until a name is established, by asking for it on the wire (LLMNR, RFC 4795).
//!
//! A resolver that has just got an address first makes sure that nobody else answers to its name, and answers with
//! nothing, or tentatively, until it is sure. No event tells when that is; so the question is repeated, as the RFC has
//! it repeated, until the answer is whole.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::select_all;
use hickory_proto::op::{Message, MessageType};
use nspawn_matrix_reports::{RecordType, Transport};
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;

use super::multicast::{self, Link, links};

/// How long an answer may take before the question is asked again. A responder may wait 100 ms (RFC 4795, 2.7).
const REPEAT: Duration = Duration::from_millis(250);

/// Over which families a name is, or is to be, established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Established {
    /// Somebody answers over IPv4.
    pub ipv4: bool,
    /// Somebody answers over IPv6.
    pub ipv6: bool,
}

impl Established {
    /// Over both.
    pub(crate) const BOTH: Self = Self { ipv4: true, ipv6: true };
}

/// Asks for `name` on every link, over the families `wanted`, until each of them has an answer, for `patience` at most.
pub(crate) async fn established(
    name: &str,
    wanted: Established,
    patience: Duration,
) -> anyhow::Result<Established> {
    let links = links().context("list the links")?;
    let askers = |ipv4: bool| {
        let of_family = links.iter().filter(move |link| link.address.is_ipv4() == ipv4);
        of_family.map(|link| Asker::new(name, link)).collect::<anyhow::Result<Vec<_>>>()
    };
    let (ipv4, ipv6) = (askers(true)?, askers(false)?);
    let answered = async |is_wanted: bool, askers: &[Asker]| {
        is_wanted && tokio::time::timeout(patience, any_answer(askers)).await.is_ok()
    };
    let (ipv4, ipv6) = tokio::join!(answered(wanted.ipv4, &ipv4), answered(wanted.ipv6, &ipv6));
    Ok(Established { ipv4, ipv6 })
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
        let (transport, record) = match link.address {
            IpAddr::V4(_) => (Transport::LlmnrIpv4, RecordType::A),
            IpAddr::V6(_) => (Transport::LlmnrIpv6, RecordType::Aaaa),
        };
        let id = u16::from_be_bytes(
            *std::process::id().to_be_bytes().last_chunk::<2>().expect("four bytes have two"),
        );
        let socket = multicast::socket(link).with_context(|| format!("ask on link `{}`", link.name))?;
        let question = multicast::question(id, name, record)?;
        Ok(Self { socket, group: multicast::group(transport, link), question, id })
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_proto::op::OpCode;
    use hickory_proto::rr::{Name, RData, Record, rdata};
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
