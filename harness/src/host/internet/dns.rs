//! The DNS server of the internet: a name that resolves, another one below each machine's name, and a root zone in which
//! nothing else does.

use std::collections::{BTreeMap, BTreeSet};
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
use nspawn_matrix_scenarios::{OUTSIDE_NAME, below_machine, name};

use super::{DNS_V4, OUTSIDE_V4, OUTSIDE_V6};
use crate::netns::NetworkNamespace;

/// The domain of [`OUTSIDE_NAME`].
const OUTSIDE_DOMAIN: &str = "example";
/// How long a TCP connection to the DNS server may be silent.
const TCP_IDLE: Duration = Duration::from_secs(5);
/// Answers that a TCP connection may have waiting.
const TCP_ANSWERS: usize = 16;

/// Serves DNS in `namespace` over UDP and TCP, from tasks of the current runtime.
pub(super) fn serve(namespace: &NetworkNamespace, machines: &[String]) -> io::Result<Server<Catalog>> {
    let (udp, tcp) = namespace.run(|| {
        let udp = UdpSocket::bind((DNS_V4, 53))?;
        let tcp = TcpListener::bind((DNS_V4, 53))?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok((udp, tcp))
    })?;
    let mut server = Server::new(catalog(machines));
    server.register_socket(tokio::net::UdpSocket::from_std(udp)?);
    server.register_listener(tokio::net::TcpListener::from_std(tcp)?, TCP_IDLE, TCP_ANSWERS);
    Ok(server)
}

/// What the DNS server knows. The root zone is empty, so that any other name is denied at once.
fn catalog(machines: &[String]) -> Catalog {
    let mut catalog = Catalog::new();
    for (origin, names) in zones(machines) {
        let record = |name: String| format!("{name} A {OUTSIDE_V4}\n{name} AAAA {OUTSIDE_V6}\n");
        let zone = zone(&origin, &names.into_iter().map(record).collect::<String>());
        catalog.upsert(zone.0.into(), vec![Arc::new(zone.1)]);
    }
    catalog
}

/// The names of each zone, by its origin. A machine may be called as any domain is, be it `example` or above a name.
fn zones(machines: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let machines = machines.iter().filter(|machine| name::is_domain(&below_machine(machine)));
    let machines: Vec<String> = machines.map(|machine| machine.to_ascii_lowercase()).collect();
    let absolute = |name: &str| format!("{name}.");
    let origins = machines.iter().map(|machine| absolute(machine));
    let mut zones: BTreeMap<String, BTreeSet<String>> = origins
        .chain([absolute(OUTSIDE_DOMAIN), ".".to_owned()])
        .map(|origin| (origin, BTreeSet::new()))
        .collect();
    for name in machines.iter().map(|machine| below_machine(machine)).chain([OUTSIDE_NAME.to_owned()]) {
        let name = absolute(&name);
        let around = |origin: &&String| name == **origin || name.ends_with(&format!(".{origin}"));
        if let Some(innermost) = zones.keys().filter(around).max_by_key(|origin| origin.len()).cloned() {
            zones.entry(innermost).or_default().insert(name);
        }
    }
    zones
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

#[cfg(test)]
mod tests {
    use super::*;

    fn zone_of(machines: &[&str], name: &str) -> String {
        let machines: Vec<String> = machines.iter().map(|&machine| machine.to_owned()).collect();
        let zones = zones(&machines);
        let holders: Vec<&String> =
            zones.iter().filter(|(_, names)| names.contains(name)).map(|(origin, _)| origin).collect();
        assert_eq!(holders.len(), 1, "{name}: {holders:?}");
        holders[0].clone()
    }

    #[test]
    fn each_name_is_in_the_innermost_zone_whatever_machines_are_called() {
        assert_eq!(zone_of(&["web", "db"], "www.db."), "db.");
        assert_eq!(zone_of(&["Web.Lan"], "www.web.lan."), "web.lan.");
        assert_eq!(zone_of(&["example"], "www.example."), "example.");
        assert_eq!(zone_of(&["example"], "outside.example."), "example.");
        assert_eq!(zone_of(&["outside.example"], "outside.example."), "outside.example.");
    }

    #[test]
    fn every_name_of_a_machine_makes_a_catalog() {
        let longest = "a".repeat(64);
        catalog(&["alpha", "web-1.lan", "12", &longest, &longest[..63]].map(str::to_owned));
        assert!(!zones(std::slice::from_ref(&longest)).contains_key(&format!("{longest}.")));
    }
}
