//! What makes a virtual machine a host like any other: the internet, and a place for the roots of machines.

use nspawn_matrix_scenarios::Step;

use crate::host::internet;
use crate::roots;

/// The serial number of the disk with the image of the machines.
pub(super) const PAYLOAD: &str = "payload";

/// Where the image of the machines is unpacked: beside their roots, so that these can be snapshots of it.
pub(super) const BASE: &str = "/var/lib/machines/.nspawn-matrix-base";

/// The file system of the roots, and its unit.
const STORE: &str = "/var/lib/machines.raw";
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
    let mount = "[Mount]\nWhat=/var/lib/machines.raw\nWhere=/var/lib/machines\nType=btrfs\n\
                 Options=loop,noatime,nobarrier\n\n[Install]\nWantedBy=local-fs.target\n";
    vec![
        Step::config("/etc/systemd/network/80-uplink.network.d/ssh-only.conf", SSH_ONLY),
        Step::config("/etc/systemd/network/10-uplink.network", internet::uplink_network_file()),
        Step::config("/etc/systemd/system/nspawn-matrix-internet.service", internet),
        Step::config(MOUNT, mount),
        Step::run(&["truncate", "--size=16G", STORE]),
        Step::run(&["mkfs.btrfs", "--quiet", "--data", "single", "--metadata", "single", STORE]),
        Step::run(&["systemctl", "daemon-reload"]),
        Step::run(&[
            "systemctl",
            "enable",
            "--quiet",
            "--now",
            "nspawn-matrix-internet.service",
            "var-lib-machines.mount",
        ]),
        Step::run(&["networkctl", "reload"]),
        Step::run(&["btrfs", "--quiet", "subvolume", "create", BASE]),
        Step::Run { argv: roots::unpack(&format!("/dev/disk/by-id/virtio-{PAYLOAD}"), BASE) },
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
        run `truncate --size=16G /var/lib/machines.raw`
        run `mkfs.btrfs --quiet --data single --metadata single /var/lib/machines.raw`
        run `systemctl daemon-reload`
        run `systemctl enable --quiet --now nspawn-matrix-internet.service var-lib-machines.mount`
        run `networkctl reload`
        run `btrfs --quiet subvolume create /var/lib/machines/.nspawn-matrix-base`
        run `tar --extract --numeric-owner --same-permissions --xattrs --xattrs-include=* --acls --file /dev/disk/by-id/virtio-payload --directory /var/lib/machines/.nspawn-matrix-base`
        run `/lib/systemd/systemd-networkd-wait-online --interface=uplink0:routable`
        ");
    }
}
