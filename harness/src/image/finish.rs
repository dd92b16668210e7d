//! What is done to a fresh Debian before it is packed: the shell scripts that mmdebstrap runs as customize hooks.
//!
//! mmdebstrap hands each script to `sh -c` with the root's folder as `$1`, and has /proc mounted in it. The scripts do
//! nothing but the notes' own steps (N2, N3 and N12 of the project) and what lets clones of one image start quickly. The
//! comment that each begins with is what a person reads while it runs.

/// The password of root in every image, which a person needs for `machinectl login`.
///
/// It is public on purpose: an image runs nothing that listens for passwords, and lives on a disposable host.
const PASSWORD: &str = "nspawn";

/// Locale, time zone and password: what the notes set by hand at the first boot. /root/.bashrc is Debian's own.
///
/// The zone differs from the default, so that a container that lost it can be told from one that never had it.
const PERSON: &str = r#"# setting locale, time zone and password
set -eu
echo 'en_US.UTF-8 UTF-8' >"$1/etc/locale.gen"
echo 'LANG=en_US.UTF-8' >"$1/etc/locale.conf"
chroot "$1" locale-gen >/dev/null
ln -sf /usr/share/zoneinfo/Europe/Berlin "$1/etc/localtime"
if [ -e "$1/etc/timezone" ]; then echo Europe/Berlin >"$1/etc/timezone"; fi
test -s "$1/root/.bashrc" || cp "$1/usr/share/base-files/dot.bashrc" "$1/root/.bashrc"
echo "root:$2" | chroot "$1" chpasswd
"#;

/// Networking, name resolution, time and containers at boot; resolved's own list of servers as resolv.conf (N12).
const SERVICES: &str = r#"# enabling services
set -eu
chroot "$1" systemctl --quiet enable systemd-networkd.service systemd-resolved.service \
    systemd-timesyncd.service machines.target
ln -sfn /run/systemd/resolve/resolv.conf "$1/etc/resolv.conf"
"#;

/// A boot that is `running` and not `degraded`, and takes 0.3 s and not 1.2 s.
///
/// - After five changes of mounts systemd looks away for a second, and a mount unit that is queued then, even one whose
///   condition fails (var-lib-machines.mount), holds up local-fs.target for that second. It was most of the boot. The
///   limit is raised by a variable that all suites' systemd knows (252 to 262).
/// - /etc/modules-load.d has a link to an empty list, which is enough to start systemd-modules-load.service, which
///   fails because libkmod is not installed. No module is loaded from inside a container, hence no modprobe@ either.
/// - Nothing mounts kernel file systems that a container may not have or does not use; nothing updates or trims by itself.
/// - There is nothing for a container in fstab, on the kernel's command line (systemd-network-generator) and among the
///   nodes for /dev (systemd-tmpfiles-setup-dev), and to look there is three processes.
/// - Generators that look for disks, boot loaders, init scripts and credentials, of which a container has none, are
///   masked: each is a process at each boot of each system.
/// - /etc and /var are marked as up to date with /usr: else ldconfig and journal-catalog-update run at first boot.
const QUICK_BOOT: &str = r#"# making it boot quickly
set -eu
mkdir -p "$1/etc/systemd/system.conf.d"
printf '%s\n' '[Manager]' 'ManagerEnvironment=SYSTEMD_DEFAULT_MOUNT_RATE_LIMIT_BURST=1000' \
    >"$1/etc/systemd/system.conf.d/10-nspawn-matrix.conf"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
    e2scrub_reap.service systemd-pstore.service; do
    if [ -e "$1/lib/systemd/system/$unit" ]; then chroot "$1" systemctl --quiet disable "$unit"; fi
done
for unit in dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-fs-fuse-connections.mount modprobe@.service systemd-network-generator.service \
    systemd-tmpfiles-setup-dev.service systemd-tmpfiles-setup-dev-early.service; do
    ln -sfn /dev/null "$1/etc/systemd/system/$unit"
done
rm -f "$1/etc/fstab" "$1/etc/modules-load.d/modules.conf"
mkdir -p "$1/etc/systemd/system-generators"
for generator in bless-boot cryptsetup debug gpt-auto hibernate-resume import integritysetup rc-local run ssh \
    system-update sysv tpm2 veritysetup; do
    ln -sfn /dev/null "$1/etc/systemd/system-generators/systemd-$generator-generator"
done
"#;

/// A root that is nobody in particular: each clone gets its machine id and host name from nspawn.
///
/// The machine id is empty and not `uninitialized`, which would make every boot a first boot: presets would then undo
/// what a scenario enabled. The marks come last: they must be newer than /usr.
const ANONYMOUS: &str = r#"# making it anonymous
set -eu
rm -f "$1/etc/hostname" "$1/var/lib/dbus/machine-id" "$1/var/cache/ldconfig/aux-cache" "$1"/var/cache/debconf/*-old \
    "$1"/var/lib/dpkg/*-old "$1/var/log/dpkg.log" "$1/var/log/alternatives.log" "$1"/var/log/apt/*
: >"$1/etc/machine-id"
touch "$1/etc/.updated" "$1/var/.updated"
"#;

/// Adds the backports to whatever mirror mmdebstrap chose for the release.
pub(super) const BACKPORTS: &str = r#"# adding the backports
set -eu
list="$1/etc/apt/sources.list.d/backports.list"
sed -n 's/ bookworm main/ bookworm-backports main/p' "$1/etc/apt/sources.list" >"$list"
test -s "$list"
"#;

/// The customize hooks, in the order in which they run.
pub(super) fn hooks() -> [String; 4] {
    [PERSON.replace("$2", PASSWORD), SERVICES.into(), QUICK_BOOT.into(), ANONYMOUS.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[tokio::test]
    async fn every_hook_is_a_shell_script_without_errors_of_syntax() {
        for hook in hooks().iter().map(String::as_str).chain([BACKPORTS]) {
            Command::new("sh", ["-n", "-c", hook]).output().await.unwrap();
        }
    }

    #[test]
    fn nothing_of_networking_is_masked_or_disabled() {
        for word in ["networkd", "resolved", "machined", "logind", "var-lib-machines"] {
            assert!(!QUICK_BOOT.contains(word), "{word}");
        }
    }

    #[test]
    fn the_marks_of_an_updated_root_are_the_last_thing_written() {
        assert!(hooks()[3].ends_with("touch \"$1/etc/.updated\" \"$1/var/.updated\"\n"));
    }
}
