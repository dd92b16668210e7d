//! The tools that the suite uses and does not bring along, for each kind of host: the reason for each, and its packages.

use std::fmt;
use std::path::Path;

use super::{PackageManager, is_installed};
use crate::host::Kind;

/// How a tool is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// A program in PATH, or where root's programs are.
    Program(&'static str),
    /// A file.
    File(&'static str),
}

/// What happens without a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing runs.
    Always,
    /// Debian images cannot be built; others still serve.
    DebianImages,
    /// The images of distributions cannot be downloaded; those that are built here still serve.
    CloudImages,
    /// Virtual machines boot, but have no machines in them.
    Machines,
    /// Roots are copied instead of snapshotted: slower, and larger.
    Speed,
    /// Everything runs; some tests do not.
    Tests,
}

/// Something that the suite uses and does not bring along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// How it is recognised.
    probe: Probe,
    /// What it is for, as the end of a sentence.
    why: &'static str,
    /// What happens without it.
    pub need: Need,
    /// The package of Debian and Ubuntu.
    apt: &'static str,
    /// The package of Fedora.
    dnf: &'static str,
    /// The package of Arch Linux; `None` where its repositories have none.
    pacman: Option<&'static str>,
}

const SYSTEMD_NSPAWN: Tool = Tool {
    probe: Probe::Program("systemd-nspawn"),
    why: "boots the disposable hosts",
    need: Need::Always,
    apt: "systemd-container",
    dnf: "systemd-container",
    pacman: Some("systemd"),
};

const TAR: Tool = Tool {
    probe: Probe::Program("tar"),
    why: "packs and unpacks images",
    need: Need::Always,
    apt: "tar",
    dnf: "tar",
    pacman: Some("tar"),
};

const UNSHARE: Tool = Tool {
    probe: Probe::Program("unshare"),
    why: "keeps the mounts of a build away from this machine",
    need: Need::Always,
    apt: "util-linux",
    dnf: "util-linux",
    pacman: Some("util-linux"),
};

const MMDEBSTRAP: Tool = Tool {
    probe: Probe::Program("mmdebstrap"),
    why: "builds Debian images",
    need: Need::DebianImages,
    apt: "mmdebstrap",
    dnf: "mmdebstrap",
    // In the AUR only, which no package manager installs unasked.
    pacman: None,
};

const DEBIAN_KEYS: Tool = Tool {
    probe: Probe::File("/usr/share/keyrings/debian-archive-keyring.gpg"),
    why: "proves that packages are Debian's",
    need: Need::DebianImages,
    apt: "debian-archive-keyring",
    dnf: "debian-keyring",
    pacman: Some("debian-archive-keyring"),
};

const MKFS_BTRFS: Tool = Tool {
    probe: Probe::Program("mkfs.btrfs"),
    why: "makes the file system that roots are snapshotted on",
    need: Need::Speed,
    apt: "btrfs-progs",
    dnf: "btrfs-progs",
    pacman: Some("btrfs-progs"),
};

const BTRFS: Tool = Tool {
    probe: Probe::Program("btrfs"),
    why: "snapshots roots",
    need: Need::Speed,
    apt: "btrfs-progs",
    dnf: "btrfs-progs",
    pacman: Some("btrfs-progs"),
};

const LOSETUP: Tool = Tool {
    probe: Probe::Program("losetup"),
    why: "attaches the file that the btrfs lies in",
    need: Need::Speed,
    apt: "mount",
    dnf: "util-linux",
    pacman: Some("util-linux"),
};

const QEMU: Tool = Tool {
    probe: Probe::Program("qemu-system-x86_64"),
    why: "is the virtual machine",
    need: Need::Always,
    apt: "qemu-system-x86",
    dnf: "qemu-system-x86-core",
    pacman: Some("qemu-system-x86"),
};

const SSH: Tool = Tool {
    probe: Probe::Program("ssh"),
    why: "talks to virtual machines",
    need: Need::Always,
    apt: "openssh-client",
    dnf: "openssh-clients",
    pacman: Some("openssh"),
};

const SSH_KEYGEN: Tool = Tool {
    probe: Probe::Program("ssh-keygen"),
    why: "makes the keys of virtual machines",
    need: Need::Always,
    apt: "openssh-client",
    dnf: "openssh",
    pacman: Some("openssh"),
};

const MKFS_EXT4: Tool = Tool {
    probe: Probe::Program("mkfs.ext4"),
    why: "makes the disks of virtual machines",
    need: Need::DebianImages,
    apt: "e2fsprogs",
    dnf: "e2fsprogs",
    pacman: Some("e2fsprogs"),
};

const NEWUIDMAP: Tool = Tool {
    probe: Probe::Program("newuidmap"),
    why: "gives files their owners where there is no root",
    need: Need::DebianImages,
    apt: "uidmap",
    dnf: "shadow-utils",
    pacman: Some("shadow"),
};

const QEMU_IMG: Tool = Tool {
    probe: Probe::Program("qemu-img"),
    why: "grows the disks of downloaded virtual machines",
    need: Need::CloudImages,
    apt: "qemu-utils",
    dnf: "qemu-img",
    pacman: Some("qemu-img"),
};

const CHROMIUM: Tool = Tool {
    probe: Probe::Program("chromium"),
    why: "opens report.html",
    need: Need::Tests,
    apt: "chromium",
    dnf: "chromium",
    pacman: Some("chromium"),
};

const VIRTUALENV: Tool = Tool {
    probe: Probe::Program("virtualenv"),
    why: "holds the readers of junit.xml and of CI files",
    need: Need::Tests,
    apt: "virtualenv",
    dnf: "python3-virtualenv",
    pacman: Some("python-virtualenv"),
};

const RSYNC: Tool = Tool {
    probe: Probe::Program("rsync"),
    why: "copies what tmt runs",
    need: Need::Tests,
    apt: "rsync",
    dnf: "rsync",
    pacman: Some("rsync"),
};

const GPGV: Tool = Tool {
    probe: Probe::Program("gpgv"),
    why: "proves who made a downloaded image",
    need: Need::CloudImages,
    apt: "gpgv",
    dnf: "gnupg2",
    pacman: Some("gnupg"),
};

/// Everything that `run` uses of the machine for its sandboxes.
const SANDBOX: &[Tool] = &[SYSTEMD_NSPAWN, TAR, UNSHARE, MMDEBSTRAP, DEBIAN_KEYS, MKFS_BTRFS, BTRFS, LOSETUP];

/// Everything that `run` uses of the machine if it is the host itself.
const LOCAL: &[Tool] = &[
    Tool { why: "is what is measured", ..SYSTEMD_NSPAWN },
    TAR,
    Tool { need: Need::DebianImages, ..UNSHARE },
    MMDEBSTRAP,
    DEBIAN_KEYS,
];

/// Everything that `run` uses of this machine if a machine elsewhere is the host.
const SSH_HOST: &[Tool] = &[
    Tool { why: "gets to the machine", ..SSH },
    Tool { need: Need::DebianImages, ..TAR },
    Tool { need: Need::DebianImages, ..UNSHARE },
    MMDEBSTRAP,
    DEBIAN_KEYS,
];

/// Everything that virtual machines need of it.
const VM: &[Tool] = &[
    QEMU,
    SSH,
    SSH_KEYGEN,
    Tool { need: Need::DebianImages, ..UNSHARE },
    NEWUIDMAP,
    Tool { need: Need::Machines, ..TAR },
    Tool { need: Need::Machines, ..MKFS_BTRFS },
    MMDEBSTRAP,
    DEBIAN_KEYS,
    MKFS_EXT4,
    QEMU_IMG,
    GPGV,
];

/// The tools of tests that have reports and CI files read by what reads them elsewhere.
pub(super) const OF_TESTS: &[Tool] = &[CHROMIUM, VIRTUALENV, RSYNC];

/// The tools of a kind of host.
pub(super) const fn tools(host: Kind) -> &'static [Tool] {
    match host {
        Kind::Sandbox => SANDBOX,
        Kind::Vm | Kind::VmSandbox => VM,
        Kind::Local => LOCAL,
        Kind::Ssh => SSH_HOST,
    }
}

impl Tool {
    /// Its package, if the distribution has one.
    pub(super) const fn package(&self, manager: PackageManager) -> Option<&'static str> {
        match manager {
            PackageManager::Apt => Some(self.apt),
            PackageManager::Dnf => Some(self.dnf),
            PackageManager::Pacman => self.pacman,
        }
    }

    /// The name for people.
    pub(super) fn name(&self) -> &'static str {
        match self.probe {
            Probe::Program(name) => name,
            Probe::File(path) => path.rsplit('/').next().unwrap_or(path),
        }
    }

    pub(super) fn is_there(&self) -> bool {
        match self.probe {
            Probe::Program(name) => is_installed(name),
            Probe::File(path) => Path::new(path).exists(),
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without = match self.need {
            Need::Always => "nothing runs without it",
            Need::DebianImages => "without it no image of Debian can be built",
            Need::CloudImages => "without it no image can be downloaded",
            Need::Machines => "without it no scenario can be stood up in a virtual machine",
            Need::Speed => "without it roots are copied, which is slower",
            Need::Tests => "without it some tests are ignored",
        };
        write!(f, "{}, which {} ({without})", self.name(), self.why)
    }
}
