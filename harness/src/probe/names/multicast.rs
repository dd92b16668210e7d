//! Asking a whole link for a name: LLMNR (RFC 4795) and multicast DNS (RFC 6762), from sockets of our own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{self, Name};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nspawn_matrix_reports::{RecordType, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

const LLMNR: u16 = 5355;
const LLMNR_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 252);
const LLMNR_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 3);
const MDNS: u16 = 5353;
const MDNS_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const MDNS_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// A link with an address of one family that can be multicast from.
pub(super) struct Link {
    pub(super) name: String,
    index: u32,
    pub(super) address: IpAddr,
}

/// Every link that can be multicast from, once for each family.
pub(super) fn links() -> io::Result<Vec<Link>> {
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

/// Whether `transport` goes over IPv4.
pub(super) fn is_ipv4(transport: Transport) -> bool {
    match transport {
        Transport::LlmnrIpv4 | Transport::MdnsIpv4 => true,
        Transport::LlmnrIpv6 | Transport::MdnsIpv6 => false,
    }
}

/// The group that is asked, on `link`.
pub(super) fn group(transport: Transport, link: &Link) -> SocketAddr {
    match transport {
        Transport::LlmnrIpv4 => (LLMNR_V4, LLMNR).into(),
        Transport::LlmnrIpv6 => SocketAddrV6::new(LLMNR_V6, LLMNR, 0, link.index).into(),
        Transport::MdnsIpv4 => (MDNS_V4, MDNS).into(),
        Transport::MdnsIpv6 => SocketAddrV6::new(MDNS_V6, MDNS, 0, link.index).into(),
    }
}

/// The packet that asks for one type of record of `name`.
pub(super) fn question(id: u16, name: &str, record: RecordType) -> anyhow::Result<Vec<u8>> {
    let record = match record {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
    };
    let mut question = Message::new(id, MessageType::Query, OpCode::Query);
    // What DNS calls "recursion desired" is "tentative" in LLMNR, and nothing in multicast DNS.
    question.metadata.recursion_desired = false;
    question.add_query(Query::query(Name::from_ascii(format!("{name}."))?, record));
    Ok(question.to_vec()?)
}

/// A socket that asks on one link alone. Answers come to its port, which in multicast DNS makes a "legacy" question
/// (RFC 6762, 6.7).
pub(super) fn socket(link: &Link) -> io::Result<UdpSocket> {
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
