//! What is known of a host.

use std::fs;
use std::path::Path;

use anyhow::Context;
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, statfs,
};
use nix::sys::utsname::uname;
use nspawn_matrix_reports::Facts;

use crate::command::Command;

/// Gathers the facts of the host that this process runs on.
pub(super) async fn gather() -> anyhow::Result<Facts> {
    Ok(Facts {
        os: pretty_name(&fs::read_to_string("/etc/os-release").context("read /etc/os-release")?),
        systemd: systemd_version().await?,
        kernel: uname()?.release().to_string_lossy().into_owned(),
        roots: file_system(Path::new("/var/lib/machines"))?,
        bridge_nf_call_iptables: bridge_nf_call_iptables(),
        conditions: Vec::new(),
    })
}

fn pretty_name(os_release: &str) -> String {
    let line = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line.unwrap_or("unknown").trim_matches(['"', '\'']).to_owned()
}

/// `systemctl --version` is `systemd 257 (257.13-1~deb13u1)` and a line of features.
async fn systemd_version() -> anyhow::Result<String> {
    let output = Command::new("systemctl", ["--version"]).output().await?;
    let line = output.lines().next().context("`systemctl --version` says nothing")?;
    Ok(line.trim_start_matches("systemd ").to_owned())
}

fn file_system(path: &Path) -> anyhow::Result<String> {
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

fn bridge_nf_call_iptables() -> Option<bool> {
    let value = fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables").ok()?;
    Some(value.trim() != "0")
}
