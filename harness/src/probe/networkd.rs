//! What systemd-networkd says of a link (org.freedesktop.network1(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use nspawn_matrix_reports::{LinkAddress, LinkSetup};
use serde::Deserialize;
use zbus::OwnedObjectPath;
use zbus::fdo::{self, DBusProxy};
use zbus::proxy::CacheProperties;

use super::end;
use crate::systemd;

/// What networkd is called on the bus. A question to it would start it where it is enabled and does not run.
const NAME: &str = "org.freedesktop.network1";

/// How long networkd may take to be done with a link whose addresses are there.
const SETUP: Duration = Duration::from_secs(5);

#[zbus::proxy(
    interface = "org.freedesktop.network1.Manager",
    default_service = "org.freedesktop.network1",
    default_path = "/org/freedesktop/network1"
)]
trait Manager {
    /// Finds a link by its index.
    fn get_link_by_index(&self, index: i32) -> zbus::Result<(String, OwnedObjectPath)>;

    /// All that is known of a link, as JSON.
    fn describe_link(&self, index: i32) -> zbus::Result<String>;
}

#[zbus::proxy(interface = "org.freedesktop.network1.Link", default_service = "org.freedesktop.network1")]
trait Link {
    /// How far networkd is with the link: `configuring`, `configured`.
    #[zbus(property)]
    fn administrative_state(&self) -> zbus::Result<String>;
}

#[zbus::proxy(
    interface = "org.freedesktop.network1.DHCPServer",
    default_service = "org.freedesktop.network1"
)]
trait DhcpServer {
    /// What it has leased out.
    #[zbus(property)]
    fn leases(&self) -> zbus::Result<Vec<Leased>>;
}

/// Family, id of the client, address, gateway, hardware address, and end of a lease.
type Leased = (u32, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, u64);

/// An address that a DHCP server has given to somebody. Displayed as `10.0.55.100 02:00:00:00:00:01`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DhcpLease {
    /// The address.
    pub(crate) address: Ipv4Addr,
    /// The hardware address of whoever has it.
    pub(crate) mac: String,
}

impl DhcpLease {
    /// Ethernet addresses have six bytes; systemd 252 fills up to the sixteen of the protocol.
    fn of((_, _, address, _, hardware, _): &Leased) -> Option<Self> {
        let address = <[u8; 4]>::try_from(&**address).ok()?.into();
        Some(Self { address, mac: end::hardware_address(hardware.get(..6)?) })
    }
}

impl fmt::Display for DhcpLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.address, self.mac)
    }
}

/// The part of `DescribeLink` that matters here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    administrative_state: Option<String>,
    network_file: Option<String>,
    #[serde(rename = "MTU")]
    mtu: Option<u32>,
    #[serde(default)]
    addresses: Vec<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Address {
    family: i32,
    #[serde(default)]
    address: Vec<u8>,
    prefix_length: Option<u8>,
    config_source: Option<String>,
}

impl Address {
    /// The address itself, and where it comes from.
    fn link_address(&self) -> Option<LinkAddress> {
        let v4 = <[u8; 4]>::try_from(&*self.address).map(IpAddr::from);
        let address = v4.or_else(|_| <[u8; 16]>::try_from(&*self.address).map(IpAddr::from)).ok()?;
        let address = format!("{address}/{}", self.prefix_length?);
        Some(LinkAddress { address, source: self.config_source.clone()? })
    }

    /// The name of its family, and where it comes from.
    fn source(self) -> Option<(&'static str, String)> {
        let family = match self.family {
            nix::libc::AF_INET => "ipv4",
            nix::libc::AF_INET6 => "ipv6",
            _ => return None,
        };
        Some((family, self.config_source?))
    }
}

/// Waits until networkd is done with the link `index`, as far as it will be, and asks what it has made of it. Where it
/// does not run, it has made nothing of any link.
pub(crate) async fn setup(index: u32) -> anyhow::Result<LinkSetup> {
    within(SETUP, index).await
}

/// Asks what networkd has made of the link `index` by now.
pub(crate) async fn as_it_is(index: u32) -> anyhow::Result<LinkSetup> {
    within(Duration::ZERO, index).await
}

/// Asks what networkd's DHCP server on the link `index` has leased out; none if no server is there.
pub(crate) async fn leases(index: u32) -> anyhow::Result<Option<Vec<DhcpLease>>> {
    let Some(bus) = bus_with_networkd().await? else { return Ok(None) };
    let (_, path) = on(&bus, i32::try_from(index)?).await?;
    let server = DhcpServerProxy::builder(&bus).path(path).cache_properties(CacheProperties::No);
    match server.build().await?.leases().await {
        Ok(leases) => {
            let mut leases: Vec<DhcpLease> = leases.iter().filter_map(DhcpLease::of).collect();
            leases.sort();
            Ok(Some(leases))
        }
        Err(zbus::Error::FDO(error)) if says_none(&error) => Ok(None),
        Err(error) => Err(error).context("ask systemd-networkd for its leases"),
    }
}

/// Whether it is for want of a server that there are no leases: the link had one earlier, or never.
fn says_none(error: &fdo::Error) -> bool {
    use fdo::Error::{NotSupported, UnknownInterface, UnknownProperty};
    matches!(error, NotSupported(_) | UnknownInterface(_) | UnknownProperty(_))
}

/// The bus; none where networkd is not on it.
async fn bus_with_networkd() -> anyhow::Result<Option<zbus::Connection>> {
    if !Path::new(systemd::BUS).exists() {
        return Ok(None);
    }
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let names = DBusProxy::new(&bus).await.context("ask the bus who is on it")?;
    let is_there = names.name_has_owner(NAME.try_into()?).await.context("ask the bus who is on it")?;
    Ok(is_there.then_some(bus))
}

/// Finds the link `index`, with networkd that knows it.
async fn on(bus: &zbus::Connection, index: i32) -> anyhow::Result<(ManagerProxy<'_>, OwnedObjectPath)> {
    let manager = ManagerProxy::new(bus).await.context("find systemd-networkd on the bus")?;
    let (_, path) = manager.get_link_by_index(index).await.context("find the link in systemd-networkd")?;
    Ok((manager, path))
}

async fn within(patience: Duration, index: u32) -> anyhow::Result<LinkSetup> {
    let Some(bus) = bus_with_networkd().await? else { return Ok(LinkSetup::default()) };
    let index = i32::try_from(index)?;
    let (manager, path) = on(&bus, index).await?;
    let link = LinkProxy::builder(&bus).path(path).build().await?;
    let mut states = link.receive_administrative_state_changed().await;
    let done = async {
        while let Some(state) = states.next().await {
            if is_final(&state.get().await?) {
                break;
            }
        }
        anyhow::Ok(())
    };
    if let Ok(done) = tokio::time::timeout(patience, done).await {
        done.context("ask systemd-networkd how far it is with the link")?;
    }
    let text = manager.describe_link(index).await.context("have systemd-networkd describe the link")?;
    parse(&text)
}

/// Tells whether networkd has nothing more to do with a link in this state.
fn is_final(state: &str) -> bool {
    !["pending", "initialized", "configuring"].contains(&state)
}

fn parse(description: &str) -> anyhow::Result<LinkSetup> {
    let link: Description =
        serde_json::from_str(description).context("read systemd-networkd's description of the link")?;
    let base = |path: String| Some(Path::new(&path).file_name()?.to_string_lossy().into_owned());
    let mut address_sources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let addresses = link.addresses.iter().filter_map(Address::link_address).collect();
    for (family, source) in link.addresses.into_iter().filter_map(Address::source) {
        address_sources.entry(family.to_owned()).or_default().insert(source);
    }
    Ok(LinkSetup {
        network_file: link.network_file.and_then(base),
        state: link.administrative_state,
        mtu: link.mtu,
        address_sources,
        addresses,
        ..LinkSetup::default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_file_is_known_by_its_base_name() {
        let text = r#"{"Index":2,"AdministrativeState":"configured","OperationalState":"routable",
                       "NetworkFile":"/usr/lib/systemd/network/80-container-host0.network","MTU":1500}"#;
        let setup = parse(text).unwrap();
        assert_eq!(setup.state.as_deref(), Some("configured"));
        assert_eq!(setup.network_file.as_deref(), Some("80-container-host0.network"));
    }

    #[test]
    fn addresses_are_known_by_where_they_come_from() {
        let text = r#"{"MTU":1400,"Addresses":[
            {"Family":2,"Address":[192,0,2,7],"PrefixLength":24,"ConfigSource":"DHCPv4"},
            {"Family":10,"Address":[254,128],"ConfigSource":"foreign"},
            {"Family":10,"Address":[32,1],"ConfigSource":"NDisc"},
            {"Family":28,"ConfigSource":"static"}]}"#;
        let setup = parse(text).unwrap();
        let sources =
            |family: &str| setup.address_sources[family].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!((sources("ipv4"), sources("ipv6")), (vec!["DHCPv4"], vec!["NDisc", "foreign"]));
        let dhcp = LinkAddress { address: "192.0.2.7/24".to_owned(), source: "DHCPv4".to_owned() };
        assert_eq!(setup.addresses, [dhcp]);
        assert_eq!((setup.mtu, setup.address_sources.len()), (Some(1400), 2));
    }

    #[test]
    fn a_link_that_no_file_is_about_has_none() {
        let setup = parse(r#"{"AdministrativeState":"unmanaged"}"#).unwrap();
        assert_eq!((setup.state.as_deref(), setup.network_file), (Some("unmanaged"), None));
        assert!(parse("not JSON").is_err());
    }

    #[test]
    fn a_lease_is_an_address_and_who_has_it() {
        let hardware = vec![2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let leased = (2, vec![255], vec![10, 0, 55, 100], vec![10, 0, 55, 1], hardware, 7);
        assert_eq!(DhcpLease::of(&leased).unwrap().to_string(), "10.0.55.100 02:00:00:00:00:01");
        assert_eq!(DhcpLease::of(&(2, Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0)), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
