//! The way back to a machine: the link by which the host would answer it, and whether the host takes packets that come by
//! another (`rp_filter`, ip-sysctl in the kernel's documentation).

use std::fs;
use std::net::Ipv4Addr;

use anyhow::Context;

use super::routes;

/// How the host gets back to an address from which packets come by a certain link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WayBack {
    /// The link by which it would answer; none if it would not.
    pub(super) link: Option<String>,
    /// What becomes of packets whose way back is another link: 1 drops them, 0 and 2 do not.
    pub(super) rp_filter: u8,
    /// How many packets the host has dropped so, from anybody.
    pub(super) dropped: u64,
}

impl WayBack {
    /// Looks for the way back to `address`, from which packets come by `link`.
    pub(super) async fn of(address: Ipv4Addr, link: &str) -> anyhow::Result<Self> {
        // The larger of both counts.
        let rp_filter = rp_filter("all")?.max(rp_filter(link)?);
        Ok(Self { link: routes::towards(address).await?, rp_filter, dropped: dropped()? })
    }
}

fn rp_filter(link: &str) -> anyhow::Result<u8> {
    let path = format!("/proc/sys/net/ipv4/conf/{link}/rp_filter");
    let text = fs::read_to_string(&path).with_context(|| format!("read `{path}`"))?;
    text.trim().parse().with_context(|| format!("read the number in `{path}`"))
}

fn dropped() -> anyhow::Result<u64> {
    let counters = fs::read_to_string("/proc/net/netstat").context("read the counters of the network")?;
    Ok(counter(&counters, "IPReversePathFilter").unwrap_or(0))
}

/// The counter `name`, which stands below its name (proc_pid_net(5)).
fn counter(counters: &str, name: &str) -> Option<u64> {
    let lines: Vec<&str> = counters.lines().collect();
    lines.as_chunks().0.iter().find_map(|[names, values]| {
        let at = names.split_whitespace().position(|found| found == name)?;
        values.split_whitespace().nth(at)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_stands_below_its_name() {
        let counters =
            "TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 0 7\nIpExt: InNoRoutes\nIpExt: 3\n";
        assert_eq!(counter(counters, "IPReversePathFilter"), Some(7));
        assert_eq!(counter(counters, "InNoRoutes"), Some(3));
        assert_eq!(counter(counters, "OutOctets"), None);
        assert_eq!(counter("TcpExt: IPReversePathFilter\n", "IPReversePathFilter"), None);
    }

    #[tokio::test]
    async fn the_way_back_to_this_host_itself_is_its_loopback() {
        let way = WayBack::of(Ipv4Addr::LOCALHOST, "lo").await.unwrap();
        assert_eq!(way.link.as_deref(), Some("lo"));
    }
}
