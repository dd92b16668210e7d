//! What a system says of itself: its systemd, its kernel, its names, and what its first process may do.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use nix::sys::utsname::uname;
use serde::{Deserialize, Serialize};

use super::sysctl;
use crate::systemd::{self, ManagerProxy};

/// `CAP_NET_ADMIN` of linux/capability.h, as a bit.
const NET_ADMIN: u64 = 1 << 12;

/// A system as a program in it sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Surroundings {
    /// The full version of its systemd, as systemd(1) itself says it: `257.13-1~deb13u1`; empty if another program is the
    /// first process.
    pub systemd: String,
    /// What systemd takes to be around it: `systemd-nspawn`, `kvm`, or nothing.
    pub virtualization: String,
    /// `PRETTY_NAME` of os-release(5).
    pub os: String,
    /// Release of the kernel.
    pub kernel: String,
    /// The version of control groups at /sys/fs/cgroup: `v2` or `v1`.
    pub cgroups: String,
    /// Its host name.
    pub hostname: String,
    /// The content of /etc/machine-id; nothing if there is none.
    pub machine_id: String,
    /// The capabilities that its first process and all others can ever have (capabilities(7)).
    pub bounding: u64,
    /// Whether its sysctl.d(5) opens ICMP sockets to ordinary users.
    pub opens_ping: bool,
}

impl Surroundings {
    /// Whether links, addresses and routes may be configured from inside.
    pub(crate) fn may_configure_network(&self) -> bool {
        self.bounding & NET_ADMIN != 0
    }
}

/// Looks around.
pub(crate) async fn look() -> anyhow::Result<Surroundings> {
    let (version, virtualization) =
        if systemd::is_first_process() { of_systemd().await? } else { Default::default() };
    let uname = uname()?;
    let status = fs::read_to_string("/proc/1/status").context("read the status of the first process")?;
    Ok(Surroundings {
        systemd: version,
        virtualization,
        os: os().context("read /etc/os-release")?,
        kernel: uname.release().to_string_lossy().into_owned(),
        cgroups: cgroups()?.to_owned(),
        hostname: uname.nodename().to_string_lossy().into_owned(),
        machine_id: fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned(),
        bounding: bounding(&status).context("find the capabilities of the first process")?,
        opens_ping: sysctl::opens_ping(),
    })
}

/// Its version, and what it takes to be around it.
async fn of_systemd() -> anyhow::Result<(String, String)> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let systemd = ManagerProxy::new(&bus).await.context("find systemd on the bus")?;
    Ok((
        systemd.version().await.context("ask systemd for its version")?,
        systemd.virtualization().await.context("ask systemd what is around it")?,
    ))
}

/// What systemd takes to be around it; empty on bare metal.
pub(crate) async fn virtualization() -> anyhow::Result<String> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let systemd = ManagerProxy::new(&bus).await.context("find systemd on the bus")?;
    systemd.virtualization().await.context("ask systemd what is around it")
}

/// The name of the distribution with its version.
pub(crate) fn os() -> io::Result<String> {
    Ok(pretty_name(&fs::read_to_string("/etc/os-release")?))
}

fn pretty_name(os_release: &str) -> String {
    let line = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line.unwrap_or("unknown").trim_matches(['"', '\'']).to_owned()
}

/// The version of control groups; with both mounted (the hybrid mode), that of the controllers, which is v1.
pub(crate) fn cgroups() -> anyhow::Result<&'static str> {
    let kind = statfs(Path::new("/sys/fs/cgroup")).context("look at /sys/fs/cgroup")?.filesystem_type();
    Ok(if kind == CGROUP2_SUPER_MAGIC { "v2" } else { "v1" })
}

/// The bounding set, in hexadecimal: `CapBnd: 00000000fdecbfff` (proc_pid_status(5)).
fn bounding(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    u64::from_str_radix(value.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bounding_set_is_the_line_that_says_so() {
        assert_eq!(bounding("CapEff:\t01\nCapBnd:\t00000000fdecbfff\nCapAmb:\t02\n"), Some(0xfdec_bfff));
        assert_eq!(bounding("CapEff:\t01\n"), None);
    }

    #[test]
    fn the_name_of_a_distribution_stands_without_quotes() {
        assert_eq!(
            pretty_name("ID=x\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n"),
            "Debian GNU/Linux 13 (trixie)"
        );
        assert_eq!(pretty_name("ID=x\n"), "unknown");
    }

    proptest! {
        #[test]
        fn any_bounding_set_is_read(bits: u64, before in "[A-Za-z:\t0-9\n]{0,40}") {
            prop_assume!(!before.contains("CapBnd:"));
            prop_assert_eq!(bounding(&format!("{before}\nCapBnd:\t{bits:016x}\n")), Some(bits));
        }

        #[test]
        fn no_text_makes_the_name_more_than_a_line(text: String) {
            let named = pretty_name(&format!("PRETTY_NAME={text}"));
            prop_assert!(!named.contains('\n'));
        }

        #[test]
        fn no_status_makes_the_reader_panic(status in "(CapBnd:)?[ -~\n\t]{0,60}") {
            let _ = bounding(&status);
        }
    }
}
