//! What was so on the host before anything was done to it, and ought to be so still when its machines stand.

use super::bridge_netfilter::BridgeNetfilter;
use super::routes;

/// What is remembered of the host.
pub(super) struct Before {
    /// Its IPv6 default routes, each by its gateway.
    pub(super) ipv6_default: Vec<String>,
    /// Which bridged frames passed its firewall.
    pub(super) bridge_netfilter: BridgeNetfilter,
}

impl Before {
    /// Looks at the host, once its uplink is configured.
    pub(super) async fn look() -> anyhow::Result<Self> {
        let ipv6_default = routes::await_ipv6_default().await?;
        Ok(Self { ipv6_default, bridge_netfilter: BridgeNetfilter::read()? })
    }

    /// Takes the host as it is now for what it was, where nothing is done to it.
    pub(super) async fn as_it_is() -> anyhow::Result<Self> {
        Ok(Self { ipv6_default: routes::ipv6_default().await?, bridge_netfilter: BridgeNetfilter::read()? })
    }
}
