//! What is known of a host.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, statfs,
};
use nix::sys::utsname::uname;
use nspawn_matrix_reports::Facts;

use crate::systemd;

/// Gathers the facts of the host that this process runs on.
pub(super) async fn gather() -> anyhow::Result<Facts> {
    Ok(Facts {
        os: pretty_name(&fs::read_to_string("/etc/os-release").context("read /etc/os-release")?),
        systemd: systemd::version().await?,
        kernel: uname()?.release().to_string_lossy().into_owned(),
        roots: roots()?,
        bridge_nf_call_iptables: bridge_nf_call_iptables(),
        settings: BTreeMap::new(),
    })
}

fn pretty_name(os_release: &str) -> String {
    let line = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line.unwrap_or("unknown").trim_matches(['"', '\'']).to_owned()
}

/// The type of the file system that the roots of the machines lie on.
pub(super) fn roots() -> anyhow::Result<String> {
    file_system(Path::new("/var/lib/machines"))
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

/// Whether bridged frames pass the host's firewall; none if the kernel has no bridge netfilter loaded.
pub(super) fn bridge_nf_call_iptables() -> Option<bool> {
    let value = fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables").ok()?;
    Some(value.trim() != "0")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_name_is_told_from_the_rest() {
        assert_eq!(pretty_name("NAME=Debian\nPRETTY_NAME=\"Debian 13\"\n"), "Debian 13");
        assert_eq!(pretty_name("NAME=Debian\n"), "unknown");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic_and_it_gives_one_line(text: String) {
            let named = pretty_name(&format!("PRETTY_NAME={text}"));
            prop_assert!(!named.contains('\n'));
        }
    }
}
