//! Names by systemd-resolved's own interface, io.systemd.Resolve, which tells where an answer came from.
//!
//! It is asked by Varlink, as nss-resolve(8) asks it: the same lookup by way of the system bus
//! (org.freedesktop.resolve1(5)) costs twice the processor time, most of it that of dbus-daemon(1).

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use nspawn_matrix_reports::{Family, LookupPath};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Answer;
use super::cache::Resolved;
use super::varlink::{self, Reply};

/// Where systemd-resolved is asked, from systemd 246 on.
pub(super) const SOCKET: &str = "/run/systemd/resolve/io.systemd.Resolve";

/// `SD_RESOLVED_NO_VALIDATE`: a lookup shares no open transaction with those of other paths, which do not say so, and may
/// run at the same time (`dns_scope_find_transaction` of resolved: this flag and the next must match).
const NO_VALIDATE: u64 = 1 << 10;

/// `SD_RESOLVED_NO_TRUST_ANCHOR`: lookups of one family share none with those of any family either, which race. There
/// are trust anchors in DNSSEC alone.
const NO_TRUST_ANCHOR: u64 = 1 << 14;

/// `SD_RESOLVED_NO_CACHE`: a lookup finds nothing that another has found.
const NO_CACHE: u64 = 1 << 12;

/// Where an answer came from (resolved-def.h).
const SOURCES: [(u64, &str); 5] = [
    (1, "dns"),
    (1 << 1, "llmnr-ipv4"),
    (1 << 2, "llmnr-ipv6"),
    (1 << 3, "mdns-ipv4"),
    (1 << 4, "mdns-ipv6"),
];

/// What else is said of it (resolved-def.h).
const WAYS: [(u64, &str); 4] =
    [(1 << 19, "synthetic"), (1 << 20, "cache"), (1 << 21, "zone"), (1 << 22, "trust anchor")];

/// What `ResolveHostname` gives.
#[derive(Deserialize)]
struct Resolution {
    addresses: Vec<Address>,
    flags: u64,
}

/// An address, and the index of the link that it is on.
#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    ifindex: i32,
    address: Vec<u8>,
}

/// Asks past the cache.
pub(super) struct Api {
    /// Why there is nobody to ask.
    hindrance: Option<String>,
}

impl Api {
    /// From systemd 258 on a socket unit would start a service that does not run, and it is to stay so.
    pub(super) async fn of(resolved: &Resolved) -> Self {
        Self { hindrance: resolved.runs().await.err().map(|error| error.to_string()) }
    }

    /// Looks a name up once.
    pub(super) async fn look_up(&self, name: &str, family: Family) -> Answer {
        if let Some(hindrance) = self.hindrance.clone() {
            return Answer { failure: Some(hindrance), unanswered: true, ..Answer::default() };
        }
        let (family, flags) = match family {
            Family::Any => (nix::libc::AF_UNSPEC, NO_VALIDATE),
            Family::Ipv4 => (nix::libc::AF_INET, NO_VALIDATE | NO_TRUST_ANCHOR),
            Family::Ipv6 => (nix::libc::AF_INET6, NO_VALIDATE | NO_TRUST_ANCHOR),
        };
        let started = Instant::now();
        let reply = resolve(name, family, flags | NO_CACHE).await;
        answer(reply, started.elapsed())
    }
}

impl Resolved {
    /// Waits until no question for `name` is open that a lookup on `path` has asked and left: a lookup of the same kind
    /// joins it, and where there is none the cache answers.
    pub(super) async fn settle(&self, name: &str, path: LookupPath) {
        let flags = match path {
            LookupPath::Api => NO_VALIDATE,
            LookupPath::Nss | LookupPath::Stub | LookupPath::NssMymachines | LookupPath::NssMyhostname => 0,
        };
        // What it gives was measured before.
        let join = |family| resolve(name, family, flags);
        let _ = tokio::join!(join(nix::libc::AF_INET), join(nix::libc::AF_INET6));
    }
}

async fn resolve(name: &str, family: i32, flags: u64) -> io::Result<Reply> {
    let parameters = json!({ "name": name, "family": family, "flags": flags });
    varlink::call(SOCKET, "io.systemd.Resolve.ResolveHostname", &parameters).await
}

fn answer(reply: io::Result<Reply>, took: Duration) -> Answer {
    let unanswered = |failure| Answer { took, failure: Some(failure), unanswered: true, ..Answer::default() };
    let Reply { error, parameters } = match reply {
        Ok(reply) => reply,
        Err(error) => return unanswered(error.to_string()),
    };
    if let Some(error) = error {
        let failure = reason(&error, &parameters);
        let unanswered = !is_about_the_name(&error);
        return Answer { took, failure: Some(failure), unanswered, ..Answer::default() };
    }
    match Resolution::deserialize(parameters) {
        Ok(Resolution { addresses, flags }) => Answer {
            addresses: addresses.iter().filter_map(address).collect(),
            took,
            winner: Some(winner(flags)),
            ..Answer::default()
        },
        Err(error) => unanswered(format!("systemd-resolved gave something else: {error}")),
    }
}

/// An address as `getent` would write it; none if it is of no family that we know.
fn address(Address { ifindex, address }: &Address) -> Option<String> {
    let address = match <[u8; 4]>::try_from(address.as_slice()) {
        Ok(v4) => IpAddr::from(v4),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(address.as_slice()).ok()?),
    };
    let has_scope = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    Some(if has_scope { format!("{address}%{ifindex}") } else { address.to_string() })
}

fn winner(flags: u64) -> String {
    let named = |table: &[(u64, &'static str)]| {
        table.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| *name).collect::<Vec<_>>()
    };
    let (sources, ways) = (named(&SOURCES), named(&WAYS));
    match (sources.is_empty(), ways.is_empty()) {
        (false, true) => sources.join("+"),
        (false, false) => format!("{} ({})", sources.join("+"), ways.join(", ")),
        (true, false) => ways.join(", "),
        (true, true) => "unknown".to_owned(),
    }
}

/// Why there is no address: the code of the answer (RFC 1035, 4.1.1), or the error's name without its domain.
fn reason(error: &str, parameters: &Value) -> String {
    match (short(error), parameters["rcode"].as_u64().and_then(|code| u8::try_from(code).ok())) {
        (Some("DNSError"), Some(code)) => ResponseCode::from(0, code).to_string(),
        (Some(short), _) => short.to_owned(),
        (None, _) => error.to_owned(),
    }
}

/// Whether somebody has said something about the name.
fn is_about_the_name(error: &str) -> bool {
    short(error).is_some_and(|error| !["QueryTimedOut", "MaxAttemptsReached"].contains(&error))
}

/// The name of an error of systemd-resolved.
fn short(error: &str) -> Option<&str> {
    error.strip_prefix("io.systemd.Resolve.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn flags_tell_where_an_answer_came_from() {
        assert_eq!(winner(1 << 2 | 1 << 23), "llmnr-ipv6");
        assert_eq!(winner(1 << 1 | 1 << 20), "llmnr-ipv4 (cache)");
        assert_eq!(winner(1 << 19), "synthetic");
        assert_eq!(winner(0), "unknown");
    }

    fn told(ifindex: i32, bytes: &[u8]) -> Option<String> {
        address(&Address { ifindex, address: bytes.to_vec() })
    }

    #[test]
    fn only_an_address_of_one_link_has_a_scope() {
        let fe80 = [vec![0xfe, 0x80], vec![0; 13], vec![1]].concat();
        assert_eq!(told(2, &fe80).unwrap(), "fe80::1%2");
        assert_eq!(told(2, &[10, 0, 55, 38]).unwrap(), "10.0.55.38");
        assert_eq!(told(2, &[10]), None);
    }

    /// Replies as systemd 257 writes them.
    fn answered(reply: Value) -> Answer {
        answer(Ok(serde_json::from_value(reply).unwrap()), Duration::ZERO)
    }

    #[test]
    fn an_answer_has_its_addresses_and_their_source() {
        let beta = json!({ "ifindex": 2, "family": 2, "address": [10, 0, 55, 38] });
        let found =
            answered(json!({ "parameters": { "addresses": [beta], "name": "beta", "flags": 8_388_610 } }));
        assert_eq!(found.addresses, ["10.0.55.38"]);
        assert_eq!(found.winner.unwrap(), "llmnr-ipv4");
    }

    #[test]
    fn an_answer_that_nobody_has_the_name_differs_from_none() {
        let not_there =
            answered(json!({ "error": "io.systemd.Resolve.DNSError", "parameters": { "rcode": 3 } }));
        assert_eq!(
            (not_there.failure.unwrap().as_str(), not_there.unanswered),
            ("Non-Existent Domain", false)
        );
        let no_server = answered(json!({ "error": "io.systemd.Resolve.NoNameServers", "parameters": {} }));
        assert_eq!((no_server.failure.unwrap().as_str(), no_server.unanswered), ("NoNameServers", false));
        let late = answered(json!({ "error": "io.systemd.Resolve.QueryTimedOut" }));
        assert_eq!((late.failure.unwrap().as_str(), late.unanswered), ("QueryTimedOut", true));
        let strange = answered(json!({ "error": "org.varlink.service.InvalidParameter" }));
        assert_eq!(strange.failure.unwrap(), "org.varlink.service.InvalidParameter");
        assert!(strange.unanswered && answered(json!({ "parameters": { "addresses": 7 } })).unanswered);
    }

    proptest! {
        #[test]
        fn every_address_is_read_as_it_was_sent(link in 1..i32::MAX, v4: [u8; 4], v6: [u8; 16]) {
            let read = |bytes: &[u8]| told(link, bytes).unwrap();
            prop_assert_eq!(read(&v4).parse(), Ok(IpAddr::from(v4)));
            let text = read(&v6);
            let (bare, scope) = text.split_once('%').map_or((text.as_str(), None), |(bare, scope)| (bare, Some(scope)));
            prop_assert_eq!(bare.parse(), Ok(IpAddr::from(v6)));
            prop_assert!(scope.is_none_or(|scope| scope == link.to_string()));
        }

        #[test]
        fn bytes_of_another_length_are_no_address(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let is_address = [4, 16].contains(&bytes.len());
            prop_assert_eq!(told(1, &bytes).is_some(), is_address);
        }

        #[test]
        fn every_flag_that_is_known_is_told(flags: u64) {
            let told = winner(flags);
            for (flag, name) in SOURCES.iter().chain(&WAYS) {
                prop_assert!(flags & flag == 0 || told.contains(name), "{} is not in {}", name, told);
            }
        }
    }
}
