//! Links of the current network namespace: what the kernel says of one, and waiting until it says something else.
//!
//! [`wait`] subscribes before it looks for the first time, so that no change falls between, and looks again upon
//! each event that concerns the link. It never polls.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use nspawn_matrix_reports::{Lease, Subnet};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressScope as KernelScope,
};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, State};
use tokio::time::timeout;

use crate::netns::{Event, Events, MulticastGroup, RtNetlink};

/// The kernel could not be asked about a link.
#[derive(Debug, thiserror::Error)]
#[error("{action} link `{link}`")]
pub struct LinkError {
    link: String,
    action: &'static str,
    source: io::Error,
}

impl LinkError {
    fn at(link: &str, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { link: link.to_owned(), action, source }
    }
}

/// One link at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// The index, which is also the scope of link-local addresses on it.
    pub index: u32,
    /// Whether it and its other end are up (`IFF_LOWER_UP`, netdevice(7)).
    pub carrier: bool,
    /// Whether the kernel carries packets (RFC 2863, `operstate` up; `lo` is never). It follows `carrier` by a
    /// moment, and what is sent between, such as the first ARP request, is lost and costs a second.
    pub operational: bool,
    /// Its hardware address, where it has one.
    pub mac: Option<String>,
    /// Its addresses, in the order of the kernel.
    pub addresses: Vec<LinkAddress>,
}

impl LinkState {
    /// Gives the first IPv4 address that has a limited lifetime, which is how a DHCP lease shows.
    #[must_use]
    pub fn lease(&self) -> Option<Subnet> {
        self.addresses.iter().filter(|address| address.limited).find_map(|address| match address.address {
            IpAddr::V4(v4) => Subnet::new(v4, address.prefix),
            IpAddr::V6(_) => None,
        })
    }

    /// Puts it as the observation of `address/lease` on the link `name`.
    #[must_use]
    pub fn observed(&self, name: &str) -> Lease {
        Lease {
            link: Some(name.to_owned()),
            address: self.lease(),
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One address of a link. Displayed as `10.0.55.38/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkAddress {
    /// The address of this end.
    pub address: IpAddr,
    /// The length of the prefix in bits.
    prefix: u8,
    /// How far it is valid.
    pub scope: Scope,
    /// Whether duplicate address detection still runs (`IFA_F_TENTATIVE`, RFC 4862): it cannot be used yet.
    pub tentative: bool,
    /// Whether its lifetime ends (`IFA_CACHEINFO`): it came by DHCP or from a router.
    limited: bool,
}

impl fmt::Display for LinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// How far an address is valid (`rtm_scope`, rtnetlink(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// On the link.
    Link,
    /// Elsewhere: in the site, on this host, or as the administrator numbers it.
    Other,
}

/// Asks for the state of the link `link`; none if there is no such link.
///
/// # Errors
/// If rtnetlink fails.
pub async fn addresses(link: &str) -> Result<Option<LinkState>, LinkError> {
    let netlink = RtNetlink::connect().map_err(LinkError::at(link, "connect to rtnetlink for"))?;
    look(&netlink, link).await
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The link was as wanted.
    Ready(LinkState),
    /// The deadline passed; the last state is none if there was no such link.
    TimedOut(Option<LinkState>),
}

/// Waits until `link` is there and `ready`, for `deadline` at most.
///
/// `on_event` sees the state at the start, if the link is there, and again after each event that concerns it.
///
/// # Errors
/// If rtnetlink fails. That the link is missing is no error.
pub async fn wait(
    link: &str,
    deadline: Duration,
    ready: impl Fn(&LinkState) -> bool,
    mut on_event: impl FnMut(&LinkState),
) -> Result<Waited, LinkError> {
    let groups = [MulticastGroup::Link, MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];
    let mut events = Events::subscribe(&groups).map_err(LinkError::at(link, "subscribe to events of"))?;
    let netlink = RtNetlink::connect().map_err(LinkError::at(link, "connect to rtnetlink for"))?;
    let mut last = None;
    let until_ready = async {
        loop {
            last = look(&netlink, link).await?;
            if let Some(state) = &last {
                on_event(state);
                if ready(state) {
                    return Ok(state.clone());
                }
            }
            let index = last.as_ref().map(|state| state.index);
            while !concerns(&events.next().await.map_err(LinkError::at(link, "read events of"))?, link, index)
            {
            }
        }
    };
    match timeout(deadline, until_ready).await {
        Ok(outcome) => outcome.map(Waited::Ready),
        Err(_elapsed) => Ok(Waited::TimedOut(last)),
    }
}

/// Tells whether the link named `link`, known as `index` if it was there, may have changed.
fn concerns(event: &Event, link: &str, index: Option<u32>) -> bool {
    match event {
        Event::Lost => true,
        Event::Changed(RouteNetlinkMessage::NewLink(message) | RouteNetlinkMessage::DelLink(message)) => {
            index == Some(message.header.index)
                || message
                    .attributes
                    .iter()
                    .any(|found| matches!(found, LinkAttribute::IfName(name) if name == link))
        }
        Event::Changed(
            RouteNetlinkMessage::NewAddress(message) | RouteNetlinkMessage::DelAddress(message),
        ) => index == Some(message.header.index),
        Event::Changed(_) => false,
    }
}

async fn look(netlink: &RtNetlink, link: &str) -> Result<Option<LinkState>, LinkError> {
    let Some(message) = netlink.link(link).await.map_err(LinkError::at(link, "look up"))? else {
        return Ok(None);
    };
    let dump = netlink
        .addresses(message.header.index)
        .await
        .map_err(LinkError::at(link, "list the addresses of"))?;
    Ok(Some(LinkState {
        index: message.header.index,
        carrier: message.header.flags.contains(LinkFlags::LowerUp),
        operational: message.attributes.contains(&LinkAttribute::OperState(State::Up)),
        mac: message.attributes.iter().find_map(hardware_address),
        addresses: dump.iter().filter_map(link_address).collect(),
    }))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the attributes of links are the kernel's, and many")]
fn hardware_address(attribute: &LinkAttribute) -> Option<String> {
    match attribute {
        LinkAttribute::Address(bytes) => Some(super::end::hardware_address(bytes)),
        _ => None,
    }
}

/// Reads one address out of its message; none if the message has no address in it.
fn link_address(message: &AddressMessage) -> Option<LinkAddress> {
    let (mut end, mut own, mut limited) = (None, None, false);
    // The header has room for eight flags only.
    let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    for attribute in &message.attributes {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the enum of another crate, which grows")]
        match attribute {
            AddressAttribute::Address(address) => end = Some(*address),
            AddressAttribute::Local(address) => own = Some(*address),
            AddressAttribute::Flags(all) => flags = *all,
            AddressAttribute::CacheInfo(life) => {
                limited = life.ifa_preferred != u32::MAX || life.ifa_valid != u32::MAX;
            }
            _ => {}
        }
    }
    Some(LinkAddress {
        // On a point-to-point link `IFA_ADDRESS` is the other end.
        address: own.or(end)?,
        prefix: message.header.prefix_len,
        scope: scope(message.header.scope),
        tentative: flags.contains(AddressFlags::Tentative),
        limited,
    })
}

fn scope(scope: KernelScope) -> Scope {
    match u8::from(scope) {
        0 => Scope::Global,
        253 => Scope::Link,
        _ => Scope::Other,
    }
}

#[cfg(test)]
mod tests;
