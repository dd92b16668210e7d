//! What makes a virtual machine a host like any other: the internet, and a place for the roots of machines.

use nspawn_matrix_scenarios::Step;

use crate::host::{blank, internet};

/// The serial number of the disk with the image of the machines and their roots.
pub(super) const ROOTS: &str = "roots";

/// The image of the machines: beside their roots, so that these can be snapshots of it.
pub(super) const BASE: &str = "/var/lib/machines/.nspawn-matrix-base";

/// Where the whole disk is mounted until the image lies beside the roots.
const TOP: &str = "/run/nspawn-matrix-roots";

/// The unit of what the roots lie in.
const MOUNT: &str = "/etc/systemd/system/var-lib-machines.mount";

/// The link that ssh goes by takes part in nothing that is measured: the way out is the one to the internet.
const SSH_ONLY: &str = "[Network]\nLLMNR=no\nMulticastDNS=no\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n\
                        DNSDefaultRoute=no\n\n[DHCPv4]\nUseGateway=no\nUseRoutes=no\nUseDNS=no\nUseDomains=no\n\
                        UseNTP=no\n";

/// It is there before networkd is, at each boot.
const INTERNET: &str = "[Unit]\nDescription=The internet, as far as it is needed\nDefaultDependencies=no\n\
                        After=local-fs.target\nBefore=network-pre.target systemd-networkd.service\n\
                        Wants=network-pre.target\nConflicts=shutdown.target\nBefore=shutdown.target\n\n\
                        [Install]\nWantedBy=multi-user.target\n\n\
                        [Service]\nType=notify\nExecStart=/usr/local/bin/nspawn-matrix internal internet";

/// The steps, in order; the internet has a domain for each of `machines`.
pub(super) fn steps(machines: &[String]) -> Vec<Step> {
    // The names of machines are those of hosts: a unit file needs nothing of them quoted.
    let internet = [INTERNET].into_iter().chain(machines.iter().map(String::as_str));
    let internet = internet.collect::<Vec<_>>().join(" ") + "\n";
    let disk = blank::disk(ROOTS);
    let mount = format!(
        "[Mount]\nWhat={disk}\nWhere=/var/lib/machines\nType=btrfs\nOptions=noatime,nobarrier,subvol=machines\n\n\
         [Install]\nWantedBy=local-fs.target\n"
    );
    let [image, machines] = ["image", "machines"].map(|name| format!("{TOP}/{name}"));
    let beside = BASE.replace("/var/lib/machines", &machines);
    vec![
        Step::config("/etc/systemd/network/80-uplink.network.d/ssh-only.conf", SSH_ONLY),
        Step::config("/etc/systemd/network/10-uplink.network", internet::uplink_network_file()),
        Step::config("/etc/systemd/system/nspawn-matrix-internet.service", internet),
        Step::config(MOUNT, mount),
        // The image is the top of the disk. A snapshot of it goes beside the roots, which are a subvolume of their own.
        Step::run(&["mount", "--mkdir", "--options=noatime,nobarrier", &disk, TOP]),
        Step::run(&["btrfs", "--quiet", "subvolume", "snapshot", TOP, &image]),
        Step::run(&["btrfs", "--quiet", "subvolume", "create", &machines]),
        Step::run(&["mv", &image, &beside]),
        Step::run(&["umount", TOP]),
        Step::run(&[
            "systemctl",
            "enable",
            "--quiet",
            "--now",
            "nspawn-matrix-internet.service",
            "var-lib-machines.mount",
        ]),
        Step::run(&["networkctl", "reload"]),
        Step::run(&["/lib/systemd/systemd-networkd-wait-online", "--interface=uplink0:routable"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_machine_becomes_a_host_by_these_steps() {
        let machines = ["alpha", "beta"].map(str::to_owned);
        let titles: Vec<String> = steps(&machines).iter().map(Step::title).collect();
        insta::assert_snapshot!(titles.join("\n"), @r"
        write `/etc/systemd/network/80-uplink.network.d/ssh-only.conf`
        write `/etc/systemd/network/10-uplink.network`
        write `/etc/systemd/system/nspawn-matrix-internet.service`
        write `/etc/systemd/system/var-lib-machines.mount`
        run `mount --mkdir --options=noatime,nobarrier /dev/disk/by-id/virtio-roots /run/nspawn-matrix-roots`
        run `btrfs --quiet subvolume snapshot /run/nspawn-matrix-roots /run/nspawn-matrix-roots/image`
        run `btrfs --quiet subvolume create /run/nspawn-matrix-roots/machines`
        run `mv /run/nspawn-matrix-roots/image /run/nspawn-matrix-roots/machines/.nspawn-matrix-base`
        run `umount /run/nspawn-matrix-roots`
        run `systemctl enable --quiet --now nspawn-matrix-internet.service var-lib-machines.mount`
        run `networkctl reload`
        run `/lib/systemd/systemd-networkd-wait-online --interface=uplink0:routable`
        ");
    }
}
