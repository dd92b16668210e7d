//! Names by systemd-resolved's own interface (org.freedesktop.resolve1(5)), which tells where an answer came from.

use std::net::IpAddr;
use std::time::Instant;

use anyhow::Context;
use nspawn_matrix_reports::{Family, LookupPath};

use super::Answer;
use super::cache::Resolved;

#[zbus::proxy(
    interface = "org.freedesktop.resolve1.Manager",
    default_service = "org.freedesktop.resolve1",
    default_path = "/org/freedesktop/resolve1"
)]
pub(super) trait Manager {
    /// Flushes all DNS, LLMNR and mDNS caches. A service that does not run stays so.
    #[zbus(no_autostart)]
    fn flush_caches(&self) -> zbus::Result<()>;

    /// Looks the addresses of a name up. A service that does not run stays so.
    #[zbus(no_autostart)]
    fn resolve_hostname(&self, link: i32, name: &str, family: i32, flags: u64) -> zbus::Result<Resolution>;
}

/// Addresses (link, family, bytes), the canonical name, and flags.
type Resolution = (Vec<(i32, i32, Vec<u8>)>, String, u64);

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

/// Asks past the cache, on a connection of its own: dbus-daemon(1) lets 128 questions be open on each
/// (`max_replies_per_connection`), and where nobody knows the names of many lookups all of them stay open for seconds.
pub(super) struct Api(ManagerProxy<'static>);

impl Api {
    pub(super) async fn connect() -> anyhow::Result<Self> {
        connect().await.map(Self)
    }

    /// Looks a name up once.
    pub(super) async fn look_up(&self, name: &str, family: Family) -> Answer {
        let (family, flags) = match family {
            Family::Any => (nix::libc::AF_UNSPEC, NO_VALIDATE),
            Family::Ipv4 => (nix::libc::AF_INET, NO_VALIDATE | NO_TRUST_ANCHOR),
            Family::Ipv6 => (nix::libc::AF_INET6, NO_VALIDATE | NO_TRUST_ANCHOR),
        };
        let started = Instant::now();
        let resolution = self.0.resolve_hostname(0, name, family, flags | NO_CACHE).await;
        let took = started.elapsed();
        match resolution {
            Ok((addresses, _, flags)) => Answer {
                addresses: addresses.iter().filter_map(address).collect(),
                took,
                winner: Some(winner(flags)),
                ..Answer::default()
            },
            Err(error) => {
                let unanswered = !is_said_by_resolved(&error);
                Answer { took, failure: Some(reason(&error)), unanswered, ..Answer::default() }
            }
        }
    }
}

/// Finds systemd-resolved on the system bus, by a connection of its own.
pub(super) async fn connect() -> anyhow::Result<ManagerProxy<'static>> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    ManagerProxy::new(&bus).await.context("find systemd-resolved on the bus")
}

impl Resolved {
    /// Waits until no question for `name` is open that a lookup on `path` has asked and left: a lookup of the same kind
    /// joins it, and where there is none the cache answers.
    pub(super) async fn settle(&self, name: &str, path: LookupPath) {
        let flags = match path {
            LookupPath::Api => NO_VALIDATE,
            LookupPath::Nss | LookupPath::Stub | LookupPath::NssMymachines | LookupPath::NssMyhostname => 0,
        };
        let Ok(manager) = self.manager().await else { return };
        let join = |family| manager.resolve_hostname(0, name, family, flags);
        // What it gives was measured before.
        let _ = tokio::join!(join(nix::libc::AF_INET), join(nix::libc::AF_INET6));
    }
}

/// An address as `getent` would write it; none if it is of no family that we know.
fn address((link, _, bytes): &(i32, i32, Vec<u8>)) -> Option<String> {
    let address = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(v4) => IpAddr::from(v4),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?),
    };
    let has_scope = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    Some(if has_scope { format!("{address}%{link}") } else { address.to_string() })
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

/// Why there is no address: nobody has the name, or systemd-resolved does not run.
fn reason(error: &zbus::Error) -> String {
    if let zbus::Error::MethodError(name, _, _) = error { short(name) } else { error.to_string() }
}

/// Whether systemd-resolved answered, and not the bus in its place.
fn is_said_by_resolved(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::MethodError(name, _, _) if name.starts_with("org.freedesktop.resolve1."))
}

/// The end of an error's name: `DnsError.NXDOMAIN`.
fn short(error: &str) -> String {
    error.strip_prefix("org.freedesktop.resolve1.").unwrap_or(error).to_owned()
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

    #[test]
    fn only_an_address_of_one_link_has_a_scope() {
        let fe80 = [vec![0xfe, 0x80], vec![0; 13], vec![1]].concat();
        assert_eq!(address(&(2, 10, fe80)).unwrap(), "fe80::1%2");
        assert_eq!(address(&(2, 2, vec![10, 0, 55, 38])).unwrap(), "10.0.55.38");
        assert_eq!(address(&(2, 2, vec![10])), None);
    }

    #[test]
    fn an_error_is_named_without_its_domain() {
        assert_eq!(short("org.freedesktop.resolve1.DnsError.NXDOMAIN"), "DnsError.NXDOMAIN");
        assert_eq!(
            short("org.freedesktop.DBus.Error.ServiceUnknown"),
            "org.freedesktop.DBus.Error.ServiceUnknown"
        );
    }

    proptest! {
        #[test]
        fn every_address_is_read_as_it_was_sent(link in 1..i32::MAX, v4: [u8; 4], v6: [u8; 16]) {
            let read = |bytes: &[u8]| address(&(link, 0, bytes.to_vec())).unwrap();
            prop_assert_eq!(read(&v4).parse(), Ok(IpAddr::from(v4)));
            let text = read(&v6);
            let (bare, scope) = text.split_once('%').map_or((text.as_str(), None), |(bare, scope)| (bare, Some(scope)));
            prop_assert_eq!(bare.parse(), Ok(IpAddr::from(v6)));
            prop_assert!(scope.is_none_or(|scope| scope == link.to_string()));
        }

        #[test]
        fn bytes_of_another_length_are_no_address(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let is_address = [4, 16].contains(&bytes.len());
            prop_assert_eq!(address(&(1, 0, bytes)).is_some(), is_address);
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
