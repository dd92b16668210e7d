//! What a machine needs to run the suite on, and how to install it there.
//!
//! A table for each kind of [`Kind`](crate::host::Kind) has each [`Tool`] with the reason for it and its package per [`PackageManager`]. Looking and
//! naming are pure; only [`install`] changes the machine.

mod tool;

use std::io;
use std::path::Path;

pub use self::tool::{Need, Tool};

use self::tool::tools;
use crate::command::{Command, CommandError};
use crate::host::Kind;
use crate::lock::Lock;

/// Held by whoever installs packages: two package managers at one time do not get on.
const LOCK: &str = "/run/nspawn-matrix-setup.lock";

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
    fn among(exists: impl Fn(&str) -> bool) -> Option<Self> {
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

/// Gives the tools that this machine lacks for hosts of that kind, in the order of the table.
pub fn missing(host: Kind) -> Vec<&'static Tool> {
    tools(host).iter().filter(|tool| !tool.is_there()).collect()
}

/// Gives the tools that this machine lacks for the tests that have reports and CI files read by others.
pub fn missing_for_tests() -> Vec<&'static Tool> {
    tool::OF_TESTS.iter().filter(|tool| !tool.is_there()).collect()
}

/// Gives the commands that install the packages of `tools`; none if there is nothing to install.
fn install_command(tools: &[&Tool], manager: PackageManager) -> Vec<Vec<String>> {
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
                // A machine that has just booted may be installing its updates (apt.conf(5)).
                "--option=DPkg::Lock::Timeout=600",
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

/// Why packages could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// It cannot be made sure that nobody else installs some.
    #[error("lock `{LOCK}`")]
    Lock(#[source] io::Error),
    /// A command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Installs the packages of `tools`, but for what another process has installed meanwhile, which is waited for; the caller
/// is root. Each command is handed to `progress` before it runs.
///
/// # Errors
/// [`InstallError`] of the first command that fails.
pub async fn install(
    tools: &[&Tool],
    manager: PackageManager,
    mut progress: impl FnMut(&str),
) -> Result<(), InstallError> {
    let lock = Path::new(LOCK);
    let _alone = match Lock::try_take(lock).map_err(InstallError::Lock)? {
        Some(alone) => alone,
        None => {
            progress("another process installs packages, and is waited for");
            Lock::wait(lock).await.map_err(InstallError::Lock)?
        }
    };
    let missing: Vec<&Tool> = tools.iter().copied().filter(|tool| !tool.is_there()).collect();
    for argv in install_command(&missing, manager) {
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

#[cfg(test)]
mod tests;
