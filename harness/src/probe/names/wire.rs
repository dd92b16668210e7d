//! Names on the wire: many questions to the group of LLMNR or multicast DNS, with every answer of every responder. No
//! resolver of the machine takes part, so nothing is raced, cached or chosen.
//!
//! They are sent a few at a time. Whoever answers is a resolver that others wait for meanwhile, and what does not fit
//! into the receive buffer of its socket is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Context;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::RData;
use nspawn_matrix_reports::{RecordType, Times, Transport, Wire, WireRecord};
use tokio::net::UdpSocket;

use super::Known;
use super::distribution::counts;
use super::multicast::{self, Link};

/// How long answers are collected after the last question. A responder may wait 100 ms (RFC 4795, 2.7) or 120 ms
/// (RFC 6762, 6), and whoever asks waits a second (LLMNR_TIMEOUT, RFC 4795, 7).
const WINDOW: Duration = Duration::from_secs(1);

/// How many questions are sent at a time, where somebody answers.
const PORTION: usize = 8;

/// Asks for `name` over `transport`, `questions` times for each type of record, on every link.
pub(crate) async fn ask(
    name: &str,
    transport: Transport,
    questions: u32,
    known: &Known,
) -> anyhow::Result<Wire> {
    let links = multicast::links().context("list the links")?;
    let mut links: Vec<Link> =
        links.into_iter().filter(|link| link.address.is_ipv4() == multicast::is_ipv4(transport)).collect();
    links.sort_by(|left, right| left.name.cmp(&right.name));
    let asked = links.iter().map(|link| ask_on(link, name, transport, questions));
    let exchanges = futures_util::future::try_join_all(asked).await?;
    Ok(sum_up(name, transport, questions, &exchanges, known))
}

/// A question by its number, and the type of record that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    record: RecordType,
    number: u16,
}

impl Question {
    /// The id that its packet has: the numbers of both types follow one another.
    fn id(self) -> u16 {
        self.number * 2 + u16::from(self.record == RecordType::Aaaa)
    }

    fn of_id(id: u16) -> Self {
        let record = if id.is_multiple_of(2) { RecordType::A } else { RecordType::Aaaa };
        Self { record, number: id / 2 }
    }
}

/// What was asked on one link, and what came back.
#[derive(Default)]
struct Exchange {
    sent: usize,
    not_sent: Vec<String>,
    answers: Vec<Answer>,
}

/// The addresses of one packet.
struct Answer {
    question: Question,
    addresses: Vec<(RecordType, IpAddr)>,
    responder: SocketAddr,
    took: Duration,
}

async fn ask_on(link: &Link, name: &str, transport: Transport, questions: u32) -> anyhow::Result<Exchange> {
    let socket = multicast::socket(link).with_context(|| format!("ask on link `{}`", link.name))?;
    let group = multicast::group(transport, link);
    let mut asking = Asking {
        socket,
        name,
        group,
        sent: BTreeMap::new(),
        open: BTreeSet::new(),
        exchange: Exchange::default(),
    };
    let numbers = 0..u16::try_from(questions)?.min(u16::MAX / 2);
    let questions: Vec<Question> =
        numbers.flat_map(|number| RecordType::ALL.map(|record| Question { record, number })).collect();
    let (first, others) = questions.split_at(PORTION.min(questions.len()));
    asking.send(first).await?;
    asking.until_answered().await;
    let is_silent = asking.open.len() == asking.sent.len();
    // Where nobody answers, nobody has to be spared.
    for portion in others.chunks(if is_silent { others.len().max(1) } else { PORTION }) {
        asking.send(portion).await?;
        asking.until_answered().await;
    }
    if !asking.exchange.answers.is_empty() {
        // Nothing tells that no further answer is still to come.
        let _ = tokio::time::timeout(WINDOW, asking.collect(|_| false)).await;
    }
    asking.exchange.sent = asking.sent.len();
    Ok(asking.exchange)
}

/// An exchange while it goes on.
struct Asking<'a> {
    socket: UdpSocket,
    name: &'a str,
    group: SocketAddr,
    /// When each question was sent.
    sent: BTreeMap<Question, Instant>,
    /// Those that nobody has answered, be it with no address.
    open: BTreeSet<Question>,
    exchange: Exchange,
}

impl Asking<'_> {
    async fn send(&mut self, questions: &[Question]) -> anyhow::Result<()> {
        for &question in questions {
            let packet = multicast::question(question.id(), self.name, question.record)?;
            match self.socket.send_to(&packet, self.group).await {
                Ok(_) => {
                    self.sent.insert(question, Instant::now());
                    self.open.insert(question);
                }
                Err(error) => self.exchange.not_sent.push(error.to_string()),
            }
        }
        Ok(())
    }

    /// Waits until each question has an answer, but no longer than for one that has none.
    async fn until_answered(&mut self) {
        let _ = tokio::time::timeout(WINDOW, self.collect(BTreeSet::is_empty)).await;
    }

    /// Collects answers until `is_enough` of the questions that are open.
    async fn collect(&mut self, is_enough: impl Fn(&BTreeSet<Question>) -> bool) {
        let mut buffer = [0; 9000];
        while !is_enough(&self.open) {
            // An error is about a packet that was sent, such as a refusal.
            let Ok((length, responder)) = self.socket.recv_from(&mut buffer).await else { continue };
            let Some((question, addresses)) = read(&buffer[..length]) else { continue };
            if let Some(sent) = self.sent.get(&question) {
                self.open.remove(&question);
                self.exchange.answers.push(Answer { question, addresses, responder, took: sent.elapsed() });
            }
        }
    }
}

/// The question that a packet answers, and the addresses in it; none if it is no answer.
#[expect(clippy::wildcard_enum_match_arm, reason = "the types of records are many, and grow")]
fn read(packet: &[u8]) -> Option<(Question, Vec<(RecordType, IpAddr)>)> {
    let message = Message::from_vec(packet).ok()?;
    if message.metadata.message_type != MessageType::Response {
        return None;
    }
    let address = |data: &RData| match data {
        RData::A(address) => Some((RecordType::A, address.0.into())),
        RData::AAAA(address) => Some((RecordType::Aaaa, address.0.into())),
        _ => None,
    };
    let addresses = message.answers.iter().filter_map(|record| address(&record.data)).collect();
    Some((Question::of_id(message.metadata.id), addresses))
}

fn sum_up(name: &str, transport: Transport, questions: u32, exchanges: &[Exchange], known: &Known) -> Wire {
    let mut first: BTreeMap<Question, Duration> = BTreeMap::new();
    let mut seen: BTreeMap<(RecordType, IpAddr, IpAddr), BTreeSet<Question>> = BTreeMap::new();
    for answer in exchanges.iter().flat_map(|exchange| &exchange.answers) {
        for (record, address) in &answer.addresses {
            let earliest = first.entry(answer.question).or_insert(answer.took);
            *earliest = answer.took.min(*earliest);
            seen.entry((*record, *address, answer.responder.ip())).or_default().insert(answer.question);
        }
    }
    let answered = RecordType::ALL
        .map(|record| (record, number(first.keys().filter(|question| question.record == record).count())));
    let records = seen.into_iter().map(|((record, address, responder), questions)| WireRecord {
        record,
        address: address.to_string(),
        space: known.space(&address.to_string()),
        responder: responder.to_string(),
        count: number(questions.len()),
    });
    let micros = |took: &Duration| u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    Wire {
        name: name.to_owned(),
        transport,
        questions,
        answered: answered.into_iter().collect(),
        records: records.collect(),
        took: Times::of(first.values().map(micros).collect()),
        sent: number(exchanges.iter().map(|exchange| exchange.sent).sum()),
        not_sent: counts(exchanges.iter().flat_map(|exchange| exchange.not_sent.clone())),
        repeated: 0,
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use hickory_proto::op::OpCode;
    use hickory_proto::rr::{Name, Record, rdata};
    use nspawn_matrix_reports::AddressSpace;
    use proptest::prelude::*;

    use super::*;

    const LEASE: Ipv4Addr = Ipv4Addr::new(10, 0, 55, 38);

    fn packet(kind: MessageType) -> Vec<u8> {
        let mut message = Message::new(3, kind, OpCode::Query);
        for address in [RData::A(rdata::A(LEASE)), RData::AAAA(rdata::AAAA(Ipv6Addr::LOCALHOST))] {
            message.add_answer(Record::from_rdata(Name::from_ascii("beta.").unwrap(), 30, address));
        }
        message.to_vec().unwrap()
    }

    #[test]
    fn an_answer_tells_its_question_and_all_its_addresses() {
        let (question, addresses) = read(&packet(MessageType::Response)).unwrap();
        assert_eq!(question, Question { record: RecordType::Aaaa, number: 1 });
        let localhost = Ipv6Addr::LOCALHOST.into();
        assert_eq!(addresses, [(RecordType::A, LEASE.into()), (RecordType::Aaaa, localhost)]);
        assert!(read(&packet(MessageType::Query)).is_none());
    }

    #[test]
    fn an_id_leads_back_to_its_question() {
        for id in [0, 1, 62, 63, u16::MAX] {
            assert_eq!(Question::of_id(id).id(), id);
        }
    }

    #[test]
    fn each_responder_is_counted_by_the_questions_that_it_answered() {
        let answer = |number, responder: &str| Answer {
            question: Question { record: RecordType::A, number },
            addresses: vec![(RecordType::A, LEASE.into())],
            responder: responder.parse().unwrap(),
            took: Duration::from_micros(300),
        };
        let exchange = Exchange {
            answers: vec![
                answer(0, "10.0.55.38:5355"),
                answer(1, "10.0.55.38:5355"),
                answer(1, "10.0.55.38:5355"),
                answer(1, "10.0.55.39:5355"),
            ],
            sent: 2,
            not_sent: Vec::new(),
        };
        let known =
            Known { leases: vec!["10.0.55.1/24".parse().unwrap()], owned: vec![LEASE.into()], link: None };
        let wire = sum_up("beta", Transport::LlmnrIpv4, 2, &[exchange], &known);
        assert_eq!(wire.answered, BTreeMap::from([(RecordType::A, 2), (RecordType::Aaaa, 0)]));
        assert_eq!(wire.records.iter().map(|seen| seen.count).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(wire.spaces(RecordType::A), [AddressSpace::Lease]);
        assert_eq!(wire.took.max_us, 300);
    }

    proptest! {
        #[test]
        fn no_packet_makes_the_reader_panic(packet in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&packet);
        }

        #[test]
        fn no_damage_to_an_answer_makes_the_reader_panic(at in 0_usize..60, byte in any::<u8>(), end in 0_usize..60) {
            let mut packet = packet(MessageType::Response);
            if let Some(damaged) = packet.get_mut(at) {
                *damaged = byte;
            }
            packet.truncate(end);
            let _ = read(&packet);
        }
    }
}
