//! The bind mounts of the scenarios that are about their options: one directory for each option, with files in it whose
//! owners tell what the option does.

use crate::{Check, Device, Owner, Step, launch};

/// The directory that those of all options lie in, the same inside and outside.
pub const PATH: &str = "/srv/binds";

/// The directory that a command line binds where a .nspawn file binds [`FROM_FILE`].
pub const FROM_COMMAND_LINE: &str = "/srv/binds/from-command-line";

/// The directory that a .nspawn file binds where a command line binds [`FROM_COMMAND_LINE`].
pub const FROM_FILE: &str = "/srv/binds/from-file";

/// A directory that is not there.
pub const MISSING: &str = "/srv/binds/missing";

/// A directory on a file system that cannot map ids.
pub const UNMAPPABLE: &str = "/srv/binds/unmappable";

/// A file of root's in each directory.
pub const OF_ROOT: &str = "of-root";

/// A file in each directory that belongs to its owner.
pub const OF_OWNER: &str = "of-owner";

/// The directory in some of them on which another file system is mounted.
pub const BELOW: &str = "below";

/// A file in [`BELOW`] that is there as long as nothing is mounted.
pub const BENEATH: &str = "beneath";

/// A file in [`BELOW`] that is there as soon as something is mounted.
pub const ON_TOP: &str = "on-top";

/// The device node whose bind mount is asked about. It leads to the log of the kernel, which no unit may open unless
/// told so, and which anybody may open for writing who is let through.
pub const DEVICE: &str = "/dev/kernel-log";

/// The owner of the directories. The options take its user id for the group id too.
pub const OWNER: Owner = Owner { uid: 1000, gid: 1000 };

/// The owner of the mount point of [`BindOption::Owneridmap`] in the machine.
pub const TARGET_OWNER: Owner = Owner { uid: 2000, gid: 2000 };

/// What is said of a bind mount beside its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindOption {
    /// `idmap`: ids mean in the machine what they mean on the host.
    Idmap,
    /// `rootidmap`: root of the machine is the owner of the directory.
    Rootidmap,
    /// `owneridmap`: the owner of the mount point is the owner of the directory.
    Owneridmap,
    /// `rbind`, which is also what counts if nothing is said: with what is mounted below.
    Rbind,
    /// `norbind`: without what is mounted below.
    Norbind,
    /// `BindReadOnly=` and `--bind-ro=`.
    ReadOnly,
    /// The source is a device node.
    Device,
    /// The source is a symbolic link to a directory.
    Symlink,
}

impl BindOption {
    /// Every option.
    pub const ALL: [Self; 8] = [
        Self::Idmap,
        Self::Rootidmap,
        Self::Owneridmap,
        Self::Rbind,
        Self::Norbind,
        Self::ReadOnly,
        Self::Device,
        Self::Symlink,
    ];

    /// The question about it.
    #[must_use]
    pub fn check(self) -> Check {
        match self {
            Self::Idmap => Check::BindIdmap,
            Self::Rootidmap => Check::BindRootidmap,
            Self::Owneridmap => Check::BindOwneridmap,
            Self::Rbind => Check::BindRbind,
            Self::Norbind => Check::BindNorbind,
            Self::ReadOnly => Check::BindReadOnly,
            Self::Device => Check::BindDevice,
            Self::Symlink => Check::BindSymlink,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Idmap => "idmap",
            Self::Rootidmap => "rootidmap",
            Self::Owneridmap => "owneridmap",
            Self::Rbind => "rbind",
            Self::Norbind => "norbind",
            Self::ReadOnly => "read-only",
            Self::Device => "device",
            Self::Symlink => "symlink",
        }
    }

    /// Where it is mounted in the machine.
    #[must_use]
    pub fn path(self) -> String {
        format!("{PATH}/{}", self.name())
    }

    /// Source, mount point and option, as both command line and file take them.
    fn value(self) -> String {
        let path = self.path();
        match self {
            Self::Idmap | Self::Rootidmap | Self::Owneridmap | Self::Rbind | Self::Norbind => {
                format!("{path}:{path}:{}", self.name())
            }
            Self::ReadOnly | Self::Symlink => path,
            Self::Device => format!("{DEVICE}:{path}"),
        }
    }

    /// The option of the command line.
    #[must_use]
    pub fn option(self) -> String {
        let name = if self == Self::ReadOnly { "--bind-ro" } else { "--bind" };
        format!("{name}={}", self.value())
    }

    /// The line of the .nspawn file.
    #[must_use]
    pub fn line(self) -> String {
        let key = if self == Self::ReadOnly { "BindReadOnly" } else { "Bind" };
        format!("{key}={}\n", self.value())
    }

    /// Makes what is bound; the mount point, where it matters, in the root of `machine`.
    #[must_use]
    pub fn steps(self, machine: &str) -> Vec<Step> {
        let path = self.path();
        match self {
            Self::Idmap | Self::Rootidmap => directory(&path),
            Self::Owneridmap => {
                let mount_point = format!("{}{path}", launch::root(machine));
                let mount_point = Step::Directory { path: mount_point, owner: TARGET_OWNER, mode: 0o755 };
                directory(&path).into_iter().chain([mount_point]).collect()
            }
            Self::Rbind | Self::Norbind | Self::ReadOnly => {
                directory(&path).into_iter().chain(mounted_below(&path)).collect()
            }
            Self::Device => vec![Step::Device {
                path: DEVICE.to_owned(),
                device: Device::KMSG,
                owner: Owner::ROOT,
                mode: 0o666,
            }],
            Self::Symlink => {
                let target = format!("{path}-target");
                directory(&target).into_iter().chain([Step::Symlink { path, target }]).collect()
            }
        }
    }
}

/// A directory of [`OWNER`] with a file of its own and one of root's.
#[must_use]
pub fn directory(path: &str) -> Vec<Step> {
    let file = |name: &str, owner| Step::File {
        path: format!("{path}/{name}"),
        content: format!("{name}\n"),
        owner,
        mode: 0o644,
    };
    vec![
        Step::Directory { path: path.to_owned(), owner: OWNER, mode: 0o755 },
        file(OF_ROOT, Owner::ROOT),
        file(OF_OWNER, OWNER),
    ]
}

/// Mounts another file system in the directory at `path`.
fn mounted_below(path: &str) -> Vec<Step> {
    let below = format!("{path}/{BELOW}");
    let file = |name| Step::config(format!("{below}/{name}"), "\n");
    vec![file(BENEATH), mount("tmpfs", &below), file(ON_TOP)]
}

/// Mounts a file system that needs no disk.
#[must_use]
pub fn mount(file_system: &str, at: &str) -> Step {
    Step::run(&["mount", "-t", file_system, file_system, at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_and_file_say_the_same() {
        assert_eq!(BindOption::Idmap.option(), "--bind=/srv/binds/idmap:/srv/binds/idmap:idmap");
        assert_eq!(BindOption::Idmap.line(), "Bind=/srv/binds/idmap:/srv/binds/idmap:idmap\n");
        assert_eq!(BindOption::ReadOnly.option(), "--bind-ro=/srv/binds/read-only");
        assert_eq!(BindOption::Device.line(), "Bind=/dev/kernel-log:/srv/binds/device\n");
    }

    #[test]
    fn every_option_has_a_question_of_its_own_name() {
        for option in BindOption::ALL {
            assert_eq!(option.check().name(), format!("bind/{}", option.name()));
        }
    }
}
