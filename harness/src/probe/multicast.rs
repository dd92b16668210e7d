//! What systemd-resolved has LLMNR and multicast DNS set to (org.freedesktop.resolve1(5)).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::Context;
use nix::net::if_::if_nametoindex;
use serde::{Deserialize, Serialize};
use zbus::OwnedObjectPath;
use zbus::fdo::DBusProxy;

use super::settle::interface;
use crate::systemd;

/// What resolved is called on the bus.
const NAME: &str = "org.freedesktop.resolve1";

/// How far a protocol is used, the most restrictive first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// Not at all.
    No,
    /// Names are looked up, but not answered for.
    Resolve,
    /// Names are looked up and answered for.
    Yes,
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::No => "no",
            Self::Resolve => "resolve",
            Self::Yes => "yes",
        })
    }
}

impl FromStr for Support {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let known = [Self::No, Self::Resolve, Self::Yes];
        let found = known.into_iter().find(|support| support.to_string() == text);
        found.with_context(|| format!("`{text}` is none of no, resolve and yes"))
    }
}

/// A protocol on one link: resolved uses it as far as both the link's setting and its own allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// What resolved has.
    pub global: Support,
    /// What the link has.
    pub link: Support,
}

impl Reach {
    /// What comes of both.
    #[must_use]
    pub fn effective(self) -> Support {
        self.global.min(self.link)
    }
}

/// Both protocols on one link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multicast {
    /// Name of the link.
    pub link: String,
    /// Link-local multicast name resolution.
    pub llmnr: Reach,
    /// Multicast DNS.
    pub mdns: Reach,
}

#[zbus::proxy(
    interface = "org.freedesktop.resolve1.Manager",
    default_service = "org.freedesktop.resolve1",
    default_path = "/org/freedesktop/resolve1"
)]
trait Manager {
    /// Finds a link by its index.
    fn get_link(&self, index: i32) -> zbus::Result<OwnedObjectPath>;

    /// LLMNR in general.
    #[zbus(property, name = "LLMNR")]
    fn llmnr(&self) -> zbus::Result<String>;

    /// Multicast DNS in general.
    #[zbus(property, name = "MulticastDNS")]
    fn multicast_dns(&self) -> zbus::Result<String>;
}

#[zbus::proxy(interface = "org.freedesktop.resolve1.Link", default_service = "org.freedesktop.resolve1")]
trait Link {
    /// LLMNR on the link.
    #[zbus(property, name = "LLMNR")]
    fn llmnr(&self) -> zbus::Result<String>;

    /// Multicast DNS on the link.
    #[zbus(property, name = "MulticastDNS")]
    fn multicast_dns(&self) -> zbus::Result<String>;
}

/// Whether resolved runs. A question to it would start it where it is enabled and does not.
pub(crate) async fn is_known() -> anyhow::Result<bool> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let names = DBusProxy::new(&bus).await.context("ask the bus who is on it")?;
    names.name_has_owner(NAME.try_into()?).await.context("ask the bus who is on it")
}

/// Asks about the link `name`, or the one that leads out; none if systemd-resolved does not run, which a question to it
/// would start.
pub(crate) async fn on(name: Option<String>) -> anyhow::Result<Option<Multicast>> {
    let link = match name {
        Some(name) => name,
        None => interface(None).await?.name,
    };
    let index = if_nametoindex(link.as_str()).with_context(|| format!("find the link `{link}`"))?;
    if !Path::new(systemd::BUS).exists() {
        return Ok(None);
    }
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    if !is_known().await? {
        return Ok(None);
    }
    let resolved = ManagerProxy::new(&bus).await.context("find systemd-resolved on the bus")?;
    let path = resolved
        .get_link(i32::try_from(index)?)
        .await
        .with_context(|| format!("ask systemd-resolved for the link `{link}`"))?;
    let of_link = LinkProxy::builder(&bus).path(path).build().await?;
    let llmnr = Reach { global: resolved.llmnr().await?.parse()?, link: of_link.llmnr().await?.parse()? };
    let mdns = Reach {
        global: resolved.multicast_dns().await?.parse()?,
        link: of_link.multicast_dns().await?.parse()?,
    };
    Ok(Some(Multicast { link, llmnr, mdns }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_restrictive_of_two_settings_counts() {
        let reach = |global, link| Reach { global, link }.effective();
        assert_eq!(reach(Support::Yes, Support::Resolve), Support::Resolve);
        assert_eq!(reach(Support::No, Support::Yes), Support::No);
        assert_eq!("resolve".parse::<Support>().unwrap(), Support::Resolve);
        assert!("maybe".parse::<Support>().is_err());
    }
}
