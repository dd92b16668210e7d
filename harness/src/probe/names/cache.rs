//! The caches of systemd-resolved: emptied before each lookup, and looked into between two.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::sync::{OwnedRwLockReadGuard, OwnedSemaphorePermit, RwLock, Semaphore};
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use super::api::SOCKET;
use super::varlink;
use crate::pidfd;

/// Where systemd-resolved can be asked for its state, from systemd 254 on.
const MONITOR: &str = "/run/systemd/resolve/io.systemd.Resolve.Monitor";

/// What it is called on the system bus (org.freedesktop.resolve1(5)).
const NAME: &str = "org.freedesktop.resolve1";

/// What systemd-resolved has from systemd 258 on.
const NEWER: &str = "/usr/lib/systemd/system/systemd-resolved-varlink.socket";

/// Lookups that may be open at a time. systemd-resolved takes 1024 connections of one user, and a lookup may need three.
const OPEN: usize = 340;

/// The same where resolved is newer: a Varlink server takes 128 connections of one user, be it resolved itself or machined,
/// which resolved asks for each name (both seen with systemd 262).
const OPEN_OF_NEWER: usize = 120;

/// systemd-resolved of the system that this process is in.
pub(crate) struct Resolved {
    /// Its process, as far as it was needed.
    process: RefCell<Option<Rc<OwnedFd>>>,
    /// Held for reading by whoever relies on the caches, for writing by whoever flushes them.
    caches: Arc<RwLock<()>>,
    last: RefCell<Flush>,
    open: Arc<Semaphore>,
}

impl Default for Resolved {
    fn default() -> Self {
        Self {
            process: RefCell::default(),
            caches: Arc::default(),
            last: RefCell::default(),
            open: Arc::new(Semaphore::new(open_at_a_time(Path::new(NEWER)))),
        }
    }
}

/// The last time that the caches were flushed.
#[derive(Default)]
struct Flush {
    /// How many have begun.
    begun: u64,
    /// Why the caches could not be flushed.
    error: Option<String>,
}

/// While it is held nobody flushes the caches.
pub(super) type Unchanged = OwnedRwLockReadGuard<()>;

/// The caches as they are after they were flushed.
pub(super) struct Flushed {
    /// While it is held nobody flushes them again.
    pub(super) unchanged: Unchanged,
    /// Why they could not be flushed.
    pub(super) error: Option<String>,
}

impl Resolved {
    /// Fails if systemd-resolved does not run.
    pub(super) async fn runs(&self) -> anyhow::Result<()> {
        find().await.map(drop)
    }

    /// Waits until one more lookup may be open.
    pub(super) async fn admit(&self) -> anyhow::Result<OwnedSemaphorePermit> {
        Arc::clone(&self.open).acquire_owned().await.context("wait for lookups to end")
    }

    /// Flushes the caches, as soon as nobody relies on them.
    ///
    /// Those who wait for that at one time have it done once: a flush costs resolved, the bus and the journal more than
    /// the lookup that comes after it.
    pub(super) async fn flush(&self) -> Flushed {
        // One that has begun may have come too early for an answer that has just arrived.
        let before = self.last.borrow().begun;
        let alone = Arc::clone(&self.caches).write_owned().await;
        if self.last.borrow().begun == before {
            self.last.borrow_mut().begun += 1;
            let flushed = self.flush_alone().await;
            self.last.borrow_mut().error = flushed.err().map(|error| format!("{error:#}"));
        }
        Flushed { unchanged: alone.downgrade(), error: self.last.borrow().error.clone() }
    }

    /// On this signal systemd-resolved flushes its DNS, LLMNR and mDNS caches (systemd-resolved.service(8)). The same by
    /// way of the system bus costs several times as much, most of it in dbus-daemon(1).
    async fn flush_alone(&self) -> anyhow::Result<()> {
        let known = self.process.borrow().clone();
        let is_told = known.is_some_and(|process| pidfd::send(&process, Signal::SIGUSR2).is_ok());
        if !is_told {
            let process = find().await?;
            pidfd::send(&process, Signal::SIGUSR2).context("have systemd-resolved flush its caches")?;
            *self.process.borrow_mut() = Some(Rc::new(process));
        }
        seen_to().await.context("ask systemd-resolved")
    }

    /// What the caches hold of `name`: `llmnr-ipv4 A`. Nothing if they cannot be asked.
    pub(super) async fn cached(&self, name: &str) -> BTreeSet<String> {
        let dump = varlink::call(MONITOR, "io.systemd.Resolve.Monitor.DumpCache", &json!({})).await;
        dump.map(|dump| entries(&dump.parameters, name)).unwrap_or_default()
    }
}

/// Waits until systemd-resolved has seen to what it was told before. Of several events at one time it sees to each before it
/// sees to another of the same kind (sd_event_source_set_priority(3)), so it is asked twice on one connection. It replies
/// whether or not it knows the method.
async fn seen_to() -> io::Result<()> {
    let mut resolved = varlink::Connection::open(SOCKET).await?;
    for _ in 0..2 {
        resolved.call("org.varlink.service.GetInfo", &json!({})).await?;
    }
    Ok(())
}

/// How many lookups may be open, by whether there is what only a newer resolved has.
fn open_at_a_time(newer: &Path) -> usize {
    if newer.exists() { OPEN_OF_NEWER } else { OPEN }
}

/// Finds the process of systemd-resolved, by the system bus, which is told by the kernel. One that does not run is not
/// started.
async fn find() -> anyhow::Result<OwnedFd> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let bus = DBusProxy::new(&bus).await.context("ask the system bus")?;
    let name = BusName::try_from(NAME)?;
    let pid = || async {
        let owner = bus.get_connection_unix_process_id(name.clone()).await;
        owner.context("systemd-resolved does not run")
    };
    let before = pid().await?;
    let process = pidfd::open(i32::try_from(before)?).context("systemd-resolved has ended")?;
    // Its number may have been given to another one before it was opened, but not to one that has this name.
    anyhow::ensure!(pid().await? == before, "systemd-resolved was started anew");
    Ok(process)
}

/// The entries of `name` in what `DumpCache` gives, each by its scope and the type of the record.
fn entries(caches: &Value, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for scope in list(&caches["dump"]) {
        for entry in list(&scope["cache"]) {
            if entry["key"]["name"].as_str().is_some_and(|key| key.eq_ignore_ascii_case(name)) {
                let negative = entry["type"].as_str().map(|kind| format!(" ({kind})")).unwrap_or_default();
                found.insert(format!("{} {}{negative}", scope_name(scope), record_type(&entry["key"])));
            }
        }
    }
    found
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn scope_name(scope: &Value) -> String {
    let protocol = scope["protocol"].as_str().unwrap_or("unknown");
    match scope["family"].as_i64().and_then(|family| i32::try_from(family).ok()) {
        Some(nix::libc::AF_INET) => format!("{protocol}-ipv4"),
        Some(nix::libc::AF_INET6) => format!("{protocol}-ipv6"),
        Some(_) | None => protocol.to_owned(),
    }
}

/// The types of records by number (RFC 1035, RFC 3596).
fn record_type(key: &Value) -> String {
    match key["type"].as_u64() {
        Some(1) => "A".to_owned(),
        Some(28) => "AAAA".to_owned(),
        Some(other) => format!("type {other}"),
        None => "no type".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dump_is_read_by_scope_and_type() {
        let caches = json!({ "dump": [
            { "protocol": "dns", "cache": [] },
            { "protocol": "llmnr", "family": 2, "ifindex": 2, "ifname": "host0", "cache": [
                { "key": { "class": 1, "type": 1, "name": "beta" }, "until": 1 },
                { "key": { "class": 1, "type": 1, "name": "gamma" }, "until": 1 },
            ] },
            { "protocol": "llmnr", "family": 10, "cache": [
                { "key": { "class": 1, "type": 28, "name": "BETA" }, "type": "nxdomain", "until": 1 },
            ] },
        ] });
        let found: Vec<String> = entries(&caches, "beta").into_iter().collect();
        assert_eq!(found, ["llmnr-ipv4 A", "llmnr-ipv6 AAAA (nxdomain)"]);
        assert!(entries(&Value::Null, "beta").is_empty());
    }

    #[test]
    fn fewer_lookups_are_open_where_resolved_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("systemd-resolved-varlink.socket");
        assert_eq!(open_at_a_time(&socket), OPEN);
        std::fs::write(&socket, "").unwrap();
        assert_eq!(open_at_a_time(&socket), OPEN_OF_NEWER);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[a-z]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 4, |inner| {
            let key = prop_oneof![
                Just("dump"),
                Just("cache"),
                Just("key"),
                Just("name"),
                Just("type"),
                Just("protocol"),
                Just("family"),
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key, inner), 0..4).prop_map(|fields| {
                    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_dump_makes_the_reader_panic(caches in any_json()) {
            let _ = entries(&caches, "beta");
        }
    }
}
