//! The echo messages of one series: [`Echo`] makes the requests, and tells what an [`Arrival`] means for them.
//!
//! Nothing here does I/O. Whatever the bytes are, they make no panic: anybody can send us ICMP.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use pnet::packet::icmp::{IcmpPacket, IcmpTypes, echo_request};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::Ipv4Packet;
use pnet::packet::ipv6::Ipv6Packet;
use pnet::packet::{Packet, icmp};

use super::{Manner, refusal};

/// Bytes of an echo header, and of the whole message: as ping(8) sends it.
const HEADER: usize = 8;
pub(super) const MESSAGE: usize = HEADER + 56;
/// Bytes of an IPv4 header without options (RFC 791), as the kernel makes it.
const IPV4_HEADER: usize = 20;
/// Bytes of an IPv6 header (RFC 8200).
const IPV6_HEADER: usize = 40;

/// An ICMP message that arrived.
pub(super) struct Arrival<'a> {
    pub(super) source: IpAddr,
    pub(super) ttl: Option<u8>,
    pub(super) icmp: &'a [u8],
}

impl<'a> Arrival<'a> {
    /// Takes the IPv4 header off, which a raw socket gives with the message.
    pub(super) fn from_ipv4(datagram: &'a [u8]) -> Option<Self> {
        let (header, icmp) = split_ipv4(datagram)?;
        // The kernel hands ICMP to raw sockets before it has looked at the checksum.
        let message = IcmpPacket::new(icmp)?;
        (icmp::checksum(&message) == message.get_checksum()).then(|| Self {
            source: header.get_source().into(),
            ttl: Some(header.get_ttl()),
            icmp,
        })
    }

    /// Tells whether this is an echo request that carries `mark`.
    pub(super) fn is_marked_request(&self, mark: u64) -> bool {
        let request = match self.source {
            IpAddr::V4(_) => IcmpTypes::EchoRequest.0,
            IpAddr::V6(_) => Icmpv6Types::EchoRequest.0,
        };
        self.icmp.first() == Some(&request)
            && self.icmp.get(HEADER..).is_some_and(|data| data.starts_with(&mark.to_ne_bytes()))
    }
}

/// Splits an IPv4 datagram that holds ICMP into its header and the rest.
fn split_ipv4(datagram: &[u8]) -> Option<(Ipv4Packet<'_>, &[u8])> {
    let header = Ipv4Packet::new(datagram)?;
    let rest = datagram.get(usize::from(header.get_header_length()) * 4..)?;
    let is_icmp =
        header.get_version() == 4 && header.get_next_level_protocol() == IpNextHeaderProtocols::Icmp;
    is_icmp.then_some((header, rest))
}

/// Tells where an echo request over IPv4 that carries `mark` comes from; none if it is anything else.
pub(super) fn source_of_marked(datagram: &[u8], mark: u64) -> Option<IpAddr> {
    let arrival = Arrival::from_ipv4(datagram)?;
    arrival.is_marked_request(mark).then_some(arrival.source)
}

/// What a message means for our requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// An echo reply, with its time to live (hop limit).
    Reply { sequence: u16, ttl: Option<u8> },
    /// An ICMP error.
    Refused(String),
}

/// Makes the requests of one series and knows its replies again.
#[derive(Debug)]
pub(super) struct Echo {
    pub(super) target: IpAddr,
    pub(super) identifier: u16,
    pub(super) cookie: [u8; 8],
    /// Bytes of a message.
    pub(super) length: usize,
}

impl Echo {
    pub(super) fn new(target: IpAddr, manner: Manner) -> Self {
        // The keys of a `RandomState` are the only randomness that the standard library gives.
        let random = RandomState::new().hash_one(std::process::id());
        let cookie = match manner {
            Manner::Marked(mark) => mark,
            Manner::Usual | Manner::Sized(_) | Manner::Connected | Manner::Unprivileged => random,
        };
        let length = match manner {
            Manner::Sized(size) => {
                usize::from(size).saturating_sub(IPV4_HEADER).max(HEADER + size_of::<u64>())
            }
            Manner::Usual | Manner::Marked(_) | Manner::Connected | Manner::Unprivileged => MESSAGE,
        };
        Self { target, identifier: (random >> 48) as u16, cookie: cookie.to_ne_bytes(), length }
    }

    /// Makes a request. The kernel sets the checksum of ICMPv6, since that covers the source address (RFC 3542, 3.1).
    pub(super) fn request(&self, sequence: u16) -> Vec<u8> {
        let mut message = vec![0; self.length];
        message[0] = match self.target {
            IpAddr::V4(_) => IcmpTypes::EchoRequest.0,
            IpAddr::V6(_) => Icmpv6Types::EchoRequest.0,
        };
        message[4..6].copy_from_slice(&self.identifier.to_be_bytes());
        message[6..8].copy_from_slice(&sequence.to_be_bytes());
        message[HEADER..HEADER + self.cookie.len()].copy_from_slice(&self.cookie);
        if self.target.is_ipv4() {
            let checksum = pnet::packet::util::checksum(&message, 1);
            message[2..4].copy_from_slice(&checksum.to_be_bytes());
        }
        message
    }

    /// Tells what an ICMP message means for us; none if it is about something else, or malformed.
    pub(super) fn hear(&self, arrival: &Arrival<'_>) -> Option<Heard> {
        let (is_reply, refusal) = match self.target {
            IpAddr::V4(_) => {
                let message = IcmpPacket::new(arrival.icmp)?;
                let kind = message.get_icmp_type();
                (kind == IcmpTypes::EchoReply, refusal::ipv4(kind.0, message.get_icmp_code().0))
            }
            IpAddr::V6(_) => {
                let message = Icmpv6Packet::new(arrival.icmp)?;
                let kind = message.get_icmpv6_type();
                (kind == Icmpv6Types::EchoReply, refusal::ipv6(kind.0, message.get_icmpv6_code().0))
            }
        };
        if is_reply {
            // A reply returns all of the data (RFC 792): one that is shorter might lack the cookie.
            let expected = (arrival.source == self.target || self.target.is_multicast())
                && arrival.icmp.len() == self.length;
            let sequence = self.own_sequence(arrival.icmp).filter(|_| expected)?;
            return Some(Heard::Reply { sequence, ttl: arrival.ttl });
        }
        let refusal = refusal?;
        self.quoted(arrival.icmp.get(HEADER..)?).then_some(Heard::Refused(refusal))
    }

    /// Reads the sequence number of an echo message; none if it is not of this series.
    fn own_sequence(&self, icmp: &[u8]) -> Option<u16> {
        // Requests and replies of both families have this shape (RFC 792, RFC 4443 section 4).
        let echo = echo_request::EchoRequestPacket::new(icmp)?;
        // An ICMP error may quote the first eight bytes alone.
        let cookie = echo.payload().iter().zip(&self.cookie).all(|(seen, own)| seen == own);
        (echo.get_identifier() == self.identifier && cookie).then(|| echo.get_sequence_number())
    }

    /// Tells whether an ICMP error quotes one of our requests.
    pub(super) fn quoted(&self, datagram: &[u8]) -> bool {
        let quote: Option<(IpAddr, u8, &[u8])> = match self.target {
            IpAddr::V4(_) => split_ipv4(datagram)
                .map(|(header, icmp)| (header.get_destination().into(), IcmpTypes::EchoRequest.0, icmp)),
            IpAddr::V6(_) => Ipv6Packet::new(datagram)
                .filter(|header| header.get_next_header() == IpNextHeaderProtocols::Icmpv6)
                .zip(datagram.get(IPV6_HEADER..))
                .map(|(header, icmp)| (header.get_destination().into(), Icmpv6Types::EchoRequest.0, icmp)),
        };
        quote.is_some_and(|(destination, request, icmp)| {
            destination == self.target && icmp.first() == Some(&request) && self.own_sequence(icmp).is_some()
        })
    }
}
