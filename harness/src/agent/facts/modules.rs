//! The modules of the kernel that machines and their network need.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Links, filters and file systems that machines are made of.
const WANTED: [&str; 24] = [
    "bridge",
    "br_netfilter",
    "veth",
    "macvlan",
    "ipvlan",
    "tun",
    "wireguard",
    "vxlan",
    "nf_tables",
    "nft_chain_nat",
    "nft_masq",
    "nf_nat",
    "nf_conntrack",
    "xt_MASQUERADE",
    "ip_tables",
    "iptable_filter",
    "iptable_nat",
    "ip6_tables",
    "ip6table_filter",
    "ip6table_nat",
    "ip_set",
    "overlay",
    "btrfs",
    "ipv6",
];

/// Those of [`WANTED`] that the kernel has, loaded or built in. Of what is built in it shows only what has settings, and
/// a file beside the loadable modules names the rest (kmod's `modules.builtin`). None where modules are hidden, as
/// systemd-nspawn does it.
pub(super) fn modules(kernel: &str) -> Option<BTreeSet<String>> {
    let shown = Path::new("/sys/module");
    if !shown.exists() {
        return None;
    }
    let builtin = fs::read_to_string(format!("/lib/modules/{kernel}/modules.builtin")).unwrap_or_default();
    let built_in = built_in(&builtin);
    let has = |module: &&str| built_in.contains(module) || shown.join(module).exists();
    Some(WANTED.iter().filter(|module| has(module)).map(|module| (*module).to_owned()).collect())
}

/// The names of modules in `kernel/net/bridge/bridge.ko` and so on.
fn built_in(list: &str) -> BTreeSet<&str> {
    list.lines().filter_map(|line| line.rsplit('/').next()?.strip_suffix(".ko")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_known_by_its_file() {
        let list = "kernel/net/bridge/bridge.ko\nkernel/drivers/net/veth.ko\nnonsense\n";
        assert_eq!(built_in(list), BTreeSet::from(["bridge", "veth"]));
    }
}
