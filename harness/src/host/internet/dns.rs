//! The DNS server of the internet: a name that resolves, another one below each machine's name, and a root zone in which
//! nothing else does.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::Name;
use hickory_proto::serialize::txt::Parser;
use hickory_server::Server;
use hickory_server::net::runtime::TokioRuntimeProvider;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use nspawn_matrix_scenarios::{MACHINES, OUTSIDE_NAME, below_machine};

use super::{DNS_V4, OUTSIDE_V4, OUTSIDE_V6};
use crate::netns::NetworkNamespace;

/// How long a TCP connection to the DNS server may be silent.
const TCP_IDLE: Duration = Duration::from_secs(5);
/// Answers that a TCP connection may have waiting.
const TCP_ANSWERS: usize = 16;

/// Serves DNS in `namespace` over UDP and TCP, from tasks of the current runtime.
pub(super) fn serve(namespace: &NetworkNamespace) -> io::Result<Server<Catalog>> {
    let (udp, tcp) = namespace.run(|| {
        let udp = UdpSocket::bind((DNS_V4, 53))?;
        let tcp = TcpListener::bind((DNS_V4, 53))?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok((udp, tcp))
    })?;
    let mut server = Server::new(catalog());
    server.register_socket(tokio::net::UdpSocket::from_std(udp)?);
    server.register_listener(tokio::net::TcpListener::from_std(tcp)?, TCP_IDLE, TCP_ANSWERS);
    Ok(server)
}

/// What the DNS server knows. The root zone is empty, so that any other name is denied at once.
fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    let outside = format!("{OUTSIDE_NAME}. A {OUTSIDE_V4}\n{OUTSIDE_NAME}. AAAA {OUTSIDE_V6}\n");
    // A machine may have the name of a top-level domain.
    let below = MACHINES.map(|machine| {
        let name = below_machine(machine);
        (format!("{machine}."), format!("{name}. A {OUTSIDE_V4}\n{name}. AAAA {OUTSIDE_V6}\n"))
    });
    let others = [("example.".to_owned(), outside), (".".to_owned(), String::new())];
    for (origin, records) in below.into_iter().chain(others) {
        let zone = zone(&origin, &records);
        catalog.upsert(zone.0.into(), vec![Arc::new(zone.1)]);
    }
    catalog
}

/// Makes a zone of records in the text form of RFC 1035, section 5.
fn zone(origin: &str, records: &str) -> (Name, InMemoryZoneHandler<TokioRuntimeProvider>) {
    let text = format!(
        "$TTL 60\n\
         {origin} SOA ns.example. root.example. 1 3600 600 86400 60\n\
         {origin} NS ns.example.\n\
         {records}"
    );
    let origin = Name::from_ascii(origin).expect("the origins are written here and in the scenarios");
    let (origin, records) = Parser::new(text, None, Some(origin))
        .parse()
        .expect("the zones are written here, with the name of the scenarios");
    let handler = InMemoryZoneHandler::new(origin.clone(), records, ZoneType::Primary, AxfrPolicy::Deny);
    (origin, handler.expect("each zone has its SOA"))
}
