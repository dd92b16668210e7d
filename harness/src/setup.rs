//! What a machine needs to run the suite on, and how to install it there.
//!
//! [`TOOLS`] is the table: each [`Tool`] with the reason for it and its package per [`PackageManager`]. Looking and
//! naming are pure; only [`install`] changes the machine.

use std::fmt;
use std::path::Path;

use crate::command::{Command, CommandError};

/// How a tool is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
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
    /// Debian images cannot be built; tar files and directories still serve as images.
    DebianImages,
    /// Roots are copied instead of snapshotted: slower, and larger.
    Speed,
}

/// Something that the suite uses and does not bring along.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// How it is recognised.
    pub probe: Probe,
    /// What it is for, as the end of a sentence.
    pub why: &'static str,
    /// What happens without it.
    pub need: Need,
    /// The package of Debian and Ubuntu.
    pub apt: &'static str,
    /// The package of Fedora.
    pub dnf: &'static str,
    /// The package of Arch Linux; `None` where its repositories have none.
    pub pacman: Option<&'static str>,
}

/// Everything that `run` uses of the machine.
pub static TOOLS: &[Tool] = &[
    Tool {
        probe: Probe::Program("systemd-nspawn"),
        why: "boots the disposable hosts",
        need: Need::Always,
        apt: "systemd-container",
        dnf: "systemd-container",
        pacman: Some("systemd"),
    },
    Tool {
        probe: Probe::Program("tar"),
        why: "packs and unpacks images",
        need: Need::Always,
        apt: "tar",
        dnf: "tar",
        pacman: Some("tar"),
    },
    Tool {
        probe: Probe::Program("unshare"),
        why: "keeps the mounts of a build away from this machine",
        need: Need::Always,
        apt: "util-linux",
        dnf: "util-linux",
        pacman: Some("util-linux"),
    },
    Tool {
        probe: Probe::Program("mmdebstrap"),
        why: "builds Debian images",
        need: Need::DebianImages,
        apt: "mmdebstrap",
        dnf: "mmdebstrap",
        // In the AUR only, which no package manager installs unasked.
        pacman: None,
    },
    Tool {
        probe: Probe::File("/usr/share/keyrings/debian-archive-keyring.gpg"),
        why: "proves that packages are Debian's",
        need: Need::DebianImages,
        apt: "debian-archive-keyring",
        dnf: "debian-keyring",
        pacman: Some("debian-archive-keyring"),
    },
    Tool {
        probe: Probe::Program("mkfs.btrfs"),
        why: "makes the file system that roots are snapshotted on",
        need: Need::Speed,
        apt: "btrfs-progs",
        dnf: "btrfs-progs",
        pacman: Some("btrfs-progs"),
    },
    Tool {
        probe: Probe::Program("btrfs"),
        why: "snapshots roots",
        need: Need::Speed,
        apt: "btrfs-progs",
        dnf: "btrfs-progs",
        pacman: Some("btrfs-progs"),
    },
    Tool {
        probe: Probe::Program("losetup"),
        why: "attaches the file that the btrfs lies in",
        need: Need::Speed,
        apt: "mount",
        dnf: "util-linux",
        pacman: Some("util-linux"),
    },
];

impl Tool {
    /// Its package, if the distribution has one.
    pub const fn package(&self, manager: PackageManager) -> Option<&'static str> {
        match manager {
            PackageManager::Apt => Some(self.apt),
            PackageManager::Dnf => Some(self.dnf),
            PackageManager::Pacman => self.pacman,
        }
    }

    /// The name for people.
    pub fn name(&self) -> &'static str {
        match self.probe {
            Probe::Program(name) => name,
            Probe::File(path) => path.rsplit('/').next().unwrap_or(path),
        }
    }

    fn is_there(&self) -> bool {
        match self.probe {
            Probe::Program(name) => is_installed(name),
            Probe::File(path) => Path::new(path).exists(),
        }
    }
}

/// A distribution's way to install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    /// Debian and Ubuntu.
    Apt,
    /// Fedora.
    Dnf,
    /// Arch Linux.
    Pacman,
}

impl PackageManager {
    /// Finds out which one this machine has.
    pub fn detect() -> Option<Self> {
        Self::among(is_installed)
    }

    /// Gives the first one whose program `exists`. A Fedora or an Arch can have apt to build Debians with, so apt is
    /// asked for last.
    pub fn among(exists: impl Fn(&str) -> bool) -> Option<Self> {
        let programs = [(Self::Pacman, "pacman"), (Self::Dnf, "dnf"), (Self::Apt, "apt-get")];
        programs.into_iter().find(|(_, program)| exists(program)).map(|(manager, _)| manager)
    }
}

/// Looks for a program in PATH and in the folders of root's programs, which the PATH of others lacks.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let root = ["/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path).chain(root).any(|folder| folder.join(program).is_file())
}

/// Gives the tools that this machine lacks, in the order of the table.
pub fn missing() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !tool.is_there()).collect()
}

/// Gives the commands that install the packages of `tools`; none if there is nothing to install.
pub fn install_command(tools: &[&Tool], manager: PackageManager) -> Vec<Vec<String>> {
    let mut packages: Vec<&str> = tools.iter().filter_map(|tool| tool.package(manager)).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return vec![];
    }
    let steps: &[&[&str]] = match manager {
        PackageManager::Apt => &[
            &["apt-get", "update"],
            &[
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "--yes",
                "--no-install-recommends",
            ],
        ],
        PackageManager::Dnf => &[&["dnf", "install", "--assumeyes", "--setopt=install_weak_deps=False"]],
        // Without --sysupgrade a package may need newer libraries than the machine has.
        PackageManager::Pacman => {
            &[&["pacman", "--sync", "--refresh", "--sysupgrade", "--needed", "--noconfirm"]]
        }
    };
    let mut commands: Vec<Vec<String>> =
        steps.iter().map(|words| words.iter().map(|&word| word.to_owned()).collect()).collect();
    if let Some(last) = commands.last_mut() {
        last.extend(packages.into_iter().map(String::from));
    }
    commands
}

/// Installs the packages of `tools`; the caller is root. Each command is handed to `progress` before it runs.
///
/// # Errors
/// [`CommandError`] of the first command that fails.
pub async fn install(
    tools: &[&Tool],
    manager: PackageManager,
    mut progress: impl FnMut(&str),
) -> Result<(), CommandError> {
    for argv in install_command(tools, manager) {
        let command = Command::from_argv(argv);
        progress(&command.to_string());
        command.output().await?;
    }
    Ok(())
}

/// Says what is missing, why it is needed, what happens without it, and what to type.
pub fn describe(missing: &[&Tool], manager: Option<PackageManager>) -> String {
    if missing.is_empty() {
        return "nothing is missing\n".into();
    }
    let mut text: String = missing.iter().map(|tool| format!("missing: {tool}\n")).collect();
    let Some(manager) = manager else {
        return text
            + "install these with the package manager of this machine; it is none of apt, dnf and pacman\n";
    };
    let commands = install_command(missing, manager);
    if !commands.is_empty() {
        text.push_str("to install, as root:\n");
    }
    for argv in commands {
        text.push_str(&format!("  {}\n", Command::from_argv(argv)));
    }
    for tool in missing.iter().filter(|tool| tool.package(manager).is_none()) {
        text.push_str(&format!("no package of this distribution has {}\n", tool.name()));
    }
    text
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without = match self.need {
            Need::Always => "nothing runs without it",
            Need::DebianImages => "without it only tar files and directories can be images",
            Need::Speed => "without it roots are copied, which is slower",
        };
        write!(f, "{}, which {} ({without})", self.name(), self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_manager_is_known_by_its_program() {
        assert_eq!(PackageManager::among(|program| program == "apt-get"), Some(PackageManager::Apt));
        assert_eq!(PackageManager::among(|program| program != "dnf"), Some(PackageManager::Pacman));
        assert_eq!(PackageManager::among(|_| false), None);
    }

    #[test]
    fn packages_are_named_once_and_per_distribution() {
        let all: Vec<&Tool> = TOOLS.iter().collect();
        let managers = [PackageManager::Apt, PackageManager::Dnf, PackageManager::Pacman];
        let commands = managers.map(|manager| install_command(&all, manager));
        let lines: Vec<String> = commands.concat().iter().map(|argv| argv.join(" ")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        apt-get update
        env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends btrfs-progs debian-archive-keyring mmdebstrap mount systemd-container tar util-linux
        dnf install --assumeyes --setopt=install_weak_deps=False btrfs-progs debian-keyring mmdebstrap systemd-container tar util-linux
        pacman --sync --refresh --sysupgrade --needed --noconfirm btrfs-progs debian-archive-keyring systemd tar util-linux
        ");
        assert!(install_command(&[], PackageManager::Apt).is_empty());
    }

    #[test]
    fn what_is_missing_is_described_with_the_command_to_type() {
        let missing: Vec<&Tool> =
            TOOLS.iter().filter(|tool| ["mmdebstrap", "btrfs"].contains(&tool.name())).collect();
        insta::assert_snapshot!(describe(&missing, Some(PackageManager::Apt)), @r"
        missing: mmdebstrap, which builds Debian images (without it only tar files and directories can be images)
        missing: btrfs, which snapshots roots (without it roots are copied, which is slower)
        to install, as root:
          apt-get update
          env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends btrfs-progs mmdebstrap
        ");
        insta::assert_snapshot!(describe(&missing, Some(PackageManager::Pacman)), @r"
        missing: mmdebstrap, which builds Debian images (without it only tar files and directories can be images)
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
}
