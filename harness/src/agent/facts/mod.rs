//! What is known of a host.
//!
//! All of it is read on the host, and nothing is asked of anybody else. What was not kept always is absent where it cannot
//! be found out: no fact is worth a run.

mod addresses;
mod cloud;
mod firewalls;
mod managers;
mod modules;
mod network;
mod resolver;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, statfs,
};
use nix::sys::utsname::uname;
use nspawn_matrix_reports::Facts;

use crate::agent::bridge_netfilter::BridgeNetfilter;
use crate::probe::surroundings;
use crate::systemd;

/// Gathers the facts of the host that this process runs on.
pub(super) async fn gather() -> anyhow::Result<Facts> {
    let network = Some(network::gather().await.context("look at the network of the host")?);
    Ok(Facts { network, ..of_system().await? })
}

/// Gathers what is known of the host but for its network, which takes its time.
pub(super) async fn of_system() -> anyhow::Result<Facts> {
    let uname = uname()?;
    let kernel = uname.release().to_string_lossy().into_owned();
    Ok(Facts {
        os: surroundings::os().context("read /etc/os-release")?,
        systemd: systemd::version().await?,
        modules: modules::modules(&kernel),
        kernel,
        virtualization: surroundings::virtualization().await?,
        provider: cloud::provider(),
        cloud: cloud::cloud(),
        hostname: Some(uname.nodename().to_string_lossy().into_owned()),
        roots: file_system(Path::new(ROOTS))?,
        cgroups: Some(surroundings::cgroups()?.to_owned()),
        user_namespaces: user_namespaces(),
        bridge_nf_call_iptables: BridgeNetfilter::read()?.ipv4,
        network: None,
        settings: BTreeMap::new(),
    })
}

/// How many there may be; none where the kernel has none.
fn user_namespaces() -> Option<u64> {
    fs::read_to_string("/proc/sys/user/max_user_namespaces").ok()?.trim().parse().ok()
}

/// Where the roots of the machines lie.
pub(super) const ROOTS: &str = "/var/lib/machines";

/// The file system that is at `path`, or would be if it were made.
fn file_system(path: &Path) -> anyhow::Result<String> {
    let path = path.ancestors().find(|folder| folder.is_dir()).unwrap_or(path);
    let magic =
        statfs(path).with_context(|| format!("ask what `{}` lies on", path.display()))?.filesystem_type();
    let known = [
        (BTRFS_SUPER_MAGIC, "btrfs"),
        (EXT4_SUPER_MAGIC, "ext4"),
        (XFS_SUPER_MAGIC, "xfs"),
        (TMPFS_MAGIC, "tmpfs"),
        (OVERLAYFS_SUPER_MAGIC, "overlay"),
    ];
    let name = known.into_iter().find(|(known, _)| *known == magic).map(|(_, name)| name.to_owned());
    Ok(name.unwrap_or_else(|| format!("{magic:?}")))
}
