//! What is done to a fresh Debian that is to be a virtual machine: the shell scripts that mmdebstrap runs as hooks.
//!
//! mmdebstrap hands each script to `sh -c` with the root's folder as `$1`. The comment that each begins with is what a
//! person reads while it runs.

use crate::ready::ready_unit;

/// Before the kernel is installed: the initial file system has the few drivers that a machine of ours needs, including
/// those that are wanted soon after, and is packed by what unpacks quickest.
pub(crate) const INITRD: &str = r#"# choosing drivers
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d"
printf '%s\n' MODULES=list COMPRESS=lz4 FSTYPE=ext4 >"$1/etc/initramfs-tools/conf.d/nspawn-matrix"
printf '%s\n' virtio_pci virtio_blk ext4 virtio_net virtio_console virtio_rng >"$1/etc/initramfs-tools/modules"
"#;

/// In this order: the marks of `ANONYMOUS` must be newer than all else.
pub(crate) const CUSTOMIZE: [&str; 4] = [NETWORK, READY, QUICK_BOOT, ANONYMOUS];

/// networkd asks for a lease on the only link; resolved answers for names.
const NETWORK: &str = r#"# setting up the network
set -eu
printf '%s\n' '[Match]' 'Type=ether' 'Kind=!*' '' '[Network]' 'DHCP=yes' \
    >"$1/etc/systemd/network/80-uplink.network"
ln -sfn /run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
"#;

/// A line on the virtio port once sshd listens and the network is there: the kernel's boot id.
const READY: &str = concat!(
    r#"# making it tell when it is ready
set -eu
cat >"$1/etc/systemd/system/nspawn-matrix-ready.service" <<'END'
"#,
    ready_unit!("ssh.service"),
    r#"END
chroot "$1" systemctl --quiet enable systemd-networkd.service systemd-resolved.service systemd-timesyncd.service \
    ssh.service machines.target nspawn-matrix-ready.service
"#
);

/// Nothing that a disposable machine has no use for: each program at boot costs a tenth of a second and more when it is
/// emulated. Nothing updates or trims by itself, nobody logs in on the console, and generators that look for disks,
/// boot loaders and init scripts are masked.
const QUICK_BOOT: &str = r#"# making it boot quickly
set -eu
chroot "$1" systemctl --quiet set-default multi-user.target
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
    e2scrub_reap.service systemd-pstore.service; do
    if [ -e "$1/lib/systemd/system/$unit" ]; then chroot "$1" systemctl --quiet disable "$unit"; fi
done
for unit in getty@.service serial-getty@.service modprobe@.service dev-hugepages.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount; do
    ln -sfn /dev/null "$1/etc/systemd/system/$unit"
done
mkdir -p "$1/etc/systemd/system-generators"
for generator in bless-boot cryptsetup debug factory-reset getty gpt-auto hibernate-resume import integritysetup \
    rc-local run ssh system-update sysv tpm2 veritysetup; do
    ln -sfn /dev/null "$1/etc/systemd/system-generators/systemd-$generator-generator"
done
"#;

/// A disk that is nobody in particular: keys and host name come with the boot. The machine id is empty and not
/// `uninitialized`, which would make every boot a first boot; /etc and /var are marked as up to date with /usr, else
/// ldconfig and journal-catalog-update run at each.
const ANONYMOUS: &str = r#"# making it anonymous
set -eu
rm -f "$1/etc/hostname" "$1/var/lib/dbus/machine-id" "$1"/etc/ssh/ssh_host_* "$1"/var/log/apt/*
: >"$1/etc/machine-id"
touch "$1/etc/.updated" "$1/var/.updated"
"#;
