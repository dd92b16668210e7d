//! The QEMU command of one boot, as a pure function of what it is booted from and where its files lie.
//!
//! No disk is ever written: `snapshot=on` puts an overlay above it, a file in TMPDIR (or /var/tmp) that QEMU deletes
//! as soon as it has it open. Secrets are handed over in files, since
//! everyone on a machine may read an argument vector.

use std::path::{Path, PathBuf};

use crate::{Accel, Image, Place, Spec};

/// The network that leads to the machine's ssh: for tests of devices (RFC 2544), so nobody else has it, and no private one,
/// which leases of machines may be taken from.
const NETWORK: &str = "198.18.0.0/24";

/// The name by which the guest knows the port on which it tells that it is ready.
pub(crate) const READY_PORT: &str = "nspawn-matrix.ready";

/// The board, without devices that a guest would look for in vain.
pub(crate) const MACHINE: &str = "q35,sata=off,smbus=off,vmport=off";

/// A file that the guest has as a disk. What it writes there goes where that to the main disk goes, and never to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The file.
    pub path: PathBuf,
    /// The serial number, 20 bytes at most; the guest finds the disk at /dev/disk/by-id/virtio-SERIAL.
    pub serial: String,
}

/// A folder that the guest can mount, by 9p, and write to as the user that runs QEMU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The folder.
    pub folder: PathBuf,
    /// The name by which the guest mounts it: a letter, then letters, digits and `-`, 31 at most.
    pub tag: String,
    /// Whether the guest may write to it.
    pub writable: bool,
}

/// What differs from boot to boot.
#[derive(Debug, Clone, Copy)]
pub struct Boot<'a> {
    /// The program.
    pub qemu: &'a Path,
    /// How the guest's instructions are run.
    pub accel: Accel,
    /// Size of the machine.
    pub spec: &'a Spec,
    /// Disk, kernel and initial file system.
    pub image: &'a Image,
    /// The files of this machine.
    pub place: &'a Place,
    /// Files that the guest has as disks.
    pub extra: &'a [Extra],
    /// Folders that the guest can mount.
    pub shares: &'a [Share],
    /// The port of 127.0.0.1 that leads to the guest's ssh; 0 lets the kernel choose a free one.
    pub port: u16,
}

/// Gives the argument vector.
#[must_use]
pub fn argv(boot: &Boot) -> Vec<String> {
    let Boot { qemu, accel, spec, image, place, extra, shares, port } = *boot;
    let mut argv = vec![qemu.display().to_string()];
    let mut add = |option: &str, value: String| argv.extend([option.to_owned(), value]);
    add("-name", place.name().to_owned());
    add("-machine", MACHINE.into());
    add("-accel", accel.option().into());
    add("-cpu", accel.cpu().into());
    add("-smp", spec.cores.to_string());
    add("-m", format!("{}M", spec.memory));
    if let Some(kernel) = image.kernel() {
        add("-kernel", shown(&kernel.image));
        add("-initrd", shown(&kernel.initrd));
        add("-append", kernel_command_line(place.name(), accel));
        add("-smbios", format!("type=11,path={}", option(&place.credentials())));
    }
    let (format, disk) = (image.format(), option(&image.disk()));
    add("-drive", format!("if=none,id=disk,format={format},snapshot=on,discard=unmap,file={disk}"));
    add("-device", "virtio-blk-pci,drive=disk".into());
    for Extra { path, serial } in extra {
        add(
            "-drive",
            format!("if=none,id={serial},format=raw,snapshot=on,discard=unmap,file={}", option(path)),
        );
        add("-device", format!("virtio-blk-pci,drive={serial},serial={serial}"));
    }
    if image.kernel().is_none() {
        // A folder, which QEMU shows as a disk with a FAT file system of the name that cloud-init looks for. It comes
        // after the disk that is booted.
        let seed = format!("file.driver=vvfat,file.label=CIDATA,file.dir={}", option(&place.seed()));
        add("-drive", format!("if=none,id=seed,format=raw,read-only=on,{seed}"));
        add("-device", "virtio-blk-pci,drive=seed".into());
    }
    for Share { folder, tag, writable } in shares {
        let access = if *writable { "" } else { ",readonly=on" };
        // What the guest's root asks for is done by this user, as far as he may.
        let manner = format!("security_model=none,multidevs=remap{access}");
        add("-fsdev", format!("local,id={tag},{manner},path={}", option(folder)));
        add("-device", format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"));
    }
    add("-netdev", format!("user,id=uplink,net={NETWORK},hostfwd=tcp:127.0.0.1:{port}-:22"));
    // It is not booted from, so it needs no firmware of a package of its own.
    add("-device", "virtio-net-pci,netdev=uplink,romfile=".into());
    add("-device", "virtio-rng-pci".into());
    add("-chardev", format!("file,id=console,path={}", option(&place.console())));
    add("-serial", "chardev:console".into());
    add("-chardev", format!("file,id=ready,path={}", option(&place.ready())));
    add("-device", "virtio-serial-pci".into());
    add("-device", format!("virtserialport,chardev=ready,name={READY_PORT}"));
    add("-chardev", format!("socket,id=monitor,path={},server=on,wait=off", option(&place.monitor())));
    add("-mon", "chardev=monitor,mode=control".into());
    argv.extend(["-no-user-config", "-nodefaults", "-display", "none"].map(String::from));
    argv
}

/// The kernel's words. Protection between processes of a disposable guest is worth nothing, and costs much when it is
/// emulated.
fn kernel_command_line(name: &str, accel: Accel) -> String {
    let common = format!("root=/dev/vda rw console=ttyS0 systemd.hostname={name}");
    match accel {
        Accel::Kvm => common,
        Accel::Tcg => format!("{common} mitigations=off nokaslr"),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A comma ends a value in QEMU's options, unless there are two.
fn option(path: &Path) -> String {
    shown(path).replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chosen;

    fn shown(accel: Accel, image: &str, port: u16) -> String {
        shown_of("trixie", accel, image, port)
    }

    fn shown_of(name: &str, accel: Accel, image: &str, port: u16) -> String {
        let chosen = Chosen::named(name).unwrap();
        let image = Image::at(image.into(), &chosen.spec.origin);
        let place = Place::new(Path::new("/run/user/1000/nspawn-matrix"), name).unwrap();
        let qemu = Path::new("/usr/bin/qemu-system-x86_64");
        let boot = Boot {
            qemu,
            accel,
            spec: &chosen.spec,
            image: &image,
            place: &place,
            extra: &[],
            shares: &[],
            port,
        };
        argv(&boot).join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n")
    }

    #[test]
    fn an_emulated_machine_is_started_by_this_command() {
        insta::assert_snapshot!(shown(Accel::Tcg, "/cache/trixie-0123456789ab", 0), @r"
        /usr/bin/qemu-system-x86_64
        -name trixie
        -machine q35,sata=off,smbus=off,vmport=off
        -accel tcg,thread=multi
        -cpu max
        -smp 2
        -m 2048M
        -kernel /cache/trixie-0123456789ab/vmlinuz
        -initrd /cache/trixie-0123456789ab/initrd
        -append root=/dev/vda rw console=ttyS0 systemd.hostname=trixie mitigations=off nokaslr
        -smbios type=11,path=/run/user/1000/nspawn-matrix/trixie/credentials
        -drive if=none,id=disk,format=raw,snapshot=on,discard=unmap,file=/cache/trixie-0123456789ab/disk
        -device virtio-blk-pci,drive=disk
        -netdev user,id=uplink,net=198.18.0.0/24,hostfwd=tcp:127.0.0.1:0-:22
        -device virtio-net-pci,netdev=uplink,romfile=
        -device virtio-rng-pci
        -chardev file,id=console,path=/run/user/1000/nspawn-matrix/trixie/console.log
        -serial chardev:console
        -chardev file,id=ready,path=/run/user/1000/nspawn-matrix/trixie/ready
        -device virtio-serial-pci
        -device virtserialport,chardev=ready,name=nspawn-matrix.ready
        -chardev socket,id=monitor,path=/run/user/1000/nspawn-matrix/trixie/qmp,server=on,wait=off
        -mon chardev=monitor,mode=control
        -no-user-config
        -nodefaults
        -display none
        ");
    }

    #[test]
    fn a_machine_under_kvm_differs_by_these_words() {
        let emulated = shown(Accel::Tcg, "/cache", 0);
        let kvm = shown(Accel::Kvm, "/cache", 40001);
        let new = kvm.lines().filter(|line| !emulated.lines().any(|other| other == *line));
        insta::assert_snapshot!(new.collect::<Vec<_>>().join("\n"), @r"
        -accel kvm
        -cpu host
        -append root=/dev/vda rw console=ttyS0 systemd.hostname=trixie
        -netdev user,id=uplink,net=198.18.0.0/24,hostfwd=tcp:127.0.0.1:40001-:22
        ");
    }

    #[test]
    fn a_cloud_image_differs_by_these_words() {
        let built = shown(Accel::Kvm, "/cache/trixie-0123456789ab", 0).replace("trixie", "arch");
        let cloud = shown_of("arch", Accel::Kvm, "/cache/arch-0123456789ab", 0);
        let new = cloud.lines().filter(|line| !built.lines().any(|other| other == *line));
        insta::assert_snapshot!(new.collect::<Vec<_>>().join("\n"), @r"
        -drive if=none,id=disk,format=qcow2,snapshot=on,discard=unmap,file=/cache/arch-0123456789ab/disk
        -drive if=none,id=seed,format=raw,read-only=on,file.driver=vvfat,file.label=CIDATA,file.dir=/run/user/1000/nspawn-matrix/arch/seed
        -device virtio-blk-pci,drive=seed
        ");
    }

    #[test]
    fn folders_are_shared_by_these_words() {
        let chosen = Chosen::named("trixie").unwrap();
        let image = Image::at("/cache".into(), &chosen.spec.origin);
        let place = Place::new(Path::new("/run"), "a").unwrap();
        let share = |folder: &str, writable| Share { folder: folder.into(), tag: "share-0".into(), writable };
        let words = |shares: &[Share]| {
            let (qemu, accel, spec) = (Path::new("qemu"), Accel::Kvm, &chosen.spec);
            let boot = Boot { qemu, accel, spec, image: &image, place: &place, extra: &[], shares, port: 0 };
            argv(&boot)
        };
        let without = words(&[]);
        let with = words(&[share("/home/a,b", true), share("/var/cache", false)]);
        let new: Vec<_> = with.into_iter().filter(|word| !without.contains(word)).collect();
        insta::assert_snapshot!(new.join("\n"), @r"
        -fsdev
        local,id=share-0,security_model=none,multidevs=remap,path=/home/a,,b
        virtio-9p-pci,fsdev=share-0,mount_tag=share-0
        -fsdev
        local,id=share-0,security_model=none,multidevs=remap,readonly=on,path=/var/cache
        virtio-9p-pci,fsdev=share-0,mount_tag=share-0
        ");
    }

    #[test]
    fn a_comma_in_a_path_does_not_end_the_value() {
        assert!(shown(Accel::Tcg, "/a,b", 0).contains("file=/a,,b/disk"));
    }
}
