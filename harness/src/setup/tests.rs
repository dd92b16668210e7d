//! What is said and typed on each distribution, as snapshots.

use super::*;

#[test]
fn the_package_manager_is_known_by_its_program() {
    assert_eq!(PackageManager::among(|program| program == "apt-get"), Some(PackageManager::Apt));
    assert_eq!(PackageManager::among(|program| program != "dnf"), Some(PackageManager::Pacman));
    assert_eq!(PackageManager::among(|_| false), None);
}

#[test]
fn packages_are_named_once_and_per_distribution() {
    let lines = |tools: &'static [Tool]| {
        let all: Vec<&Tool> = tools.iter().collect();
        let managers = [PackageManager::Apt, PackageManager::Dnf, PackageManager::Pacman];
        let commands = managers.map(|manager| install_command(&all, manager));
        commands.concat().iter().map(|argv| argv.join(" ") + "\n").collect::<String>()
    };
    insta::assert_snapshot!(lines(tools(Kind::Vm)), @r"
    apt-get update
    env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --option=DPkg::Lock::Timeout=600 btrfs-progs debian-archive-keyring e2fsprogs gpgv mmdebstrap openssh-client qemu-system-x86 qemu-utils tar uidmap util-linux
    dnf install --assumeyes --setopt=install_weak_deps=False btrfs-progs debian-keyring e2fsprogs gnupg2 mmdebstrap openssh openssh-clients qemu-img qemu-system-x86-core shadow-utils tar util-linux
    pacman --sync --refresh --sysupgrade --needed --noconfirm btrfs-progs debian-archive-keyring e2fsprogs gnupg openssh qemu-img qemu-system-x86 shadow tar util-linux
    ");
    insta::assert_snapshot!(lines(tools(Kind::Sandbox)), @r"
    apt-get update
    env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --option=DPkg::Lock::Timeout=600 btrfs-progs debian-archive-keyring mmdebstrap mount systemd-container tar util-linux
    dnf install --assumeyes --setopt=install_weak_deps=False btrfs-progs debian-keyring mmdebstrap systemd-container tar util-linux
    pacman --sync --refresh --sysupgrade --needed --noconfirm btrfs-progs debian-archive-keyring systemd tar util-linux
    ");
    insta::assert_snapshot!(lines(tool::OF_TESTS), @r"
    apt-get update
    env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --option=DPkg::Lock::Timeout=600 chromium rsync virtualenv
    dnf install --assumeyes --setopt=install_weak_deps=False chromium python3-virtualenv rsync
    pacman --sync --refresh --sysupgrade --needed --noconfirm chromium python-virtualenv rsync
    ");
    assert!(install_command(&[], PackageManager::Apt).is_empty());
}

#[test]
fn what_is_missing_is_described_with_the_command_to_type() {
    let missing: Vec<&Tool> =
        tools(Kind::Sandbox).iter().filter(|tool| ["mmdebstrap", "btrfs"].contains(&tool.name())).collect();
    insta::assert_snapshot!(describe(&missing, Some(PackageManager::Apt)), @r"
    missing: mmdebstrap, which builds Debian images (without it no image of Debian can be built)
    missing: btrfs, which snapshots roots (without it roots are copied, which is slower)
    to install, as root:
      apt-get update
      env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --option=DPkg::Lock::Timeout=600 btrfs-progs mmdebstrap
    ");
    insta::assert_snapshot!(describe(&missing, Some(PackageManager::Pacman)), @r"
    missing: mmdebstrap, which builds Debian images (without it no image of Debian can be built)
    missing: btrfs, which snapshots roots (without it roots are copied, which is slower)
    to install, as root:
      pacman --sync --refresh --sysupgrade --needed --noconfirm btrfs-progs
    no package of this distribution has mmdebstrap
    ");
    assert_eq!(describe(&[], None), "nothing is missing\n");
}

#[test]
fn programs_are_found_in_the_path_and_others_are_not() {
    assert!(is_installed("sh"));
    assert!(!is_installed("no-such-program"));
}
