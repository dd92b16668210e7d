//! Steps: what prepares a host, as values.

use serde::{Deserialize, Serialize};

use crate::Attribute;

/// One thing that a person following the notes does by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Makes a directory, and those above it.
    Directory {
        /// Absolute path.
        path: String,
        /// Its owner.
        #[serde(default)]
        owner: Owner,
        /// Permission bits.
        #[serde(default = "directory_mode")]
        mode: u32,
    },
    /// Makes a directory, and those above it, unless something of that name is there already.
    MissingDirectory {
        /// Absolute path.
        path: String,
    },
    /// Writes a file, and makes the directories above it.
    File {
        /// Absolute path.
        path: String,
        /// Its content.
        content: String,
        /// Its owner.
        #[serde(default)]
        owner: Owner,
        /// Permission bits.
        #[serde(default = "file_mode")]
        mode: u32,
    },
    /// Makes a symbolic link.
    Symlink {
        /// Absolute path of the link.
        path: String,
        /// What it says.
        target: String,
    },
    /// Makes a named pipe.
    Fifo {
        /// Absolute path.
        path: String,
        /// Its owner.
        #[serde(default)]
        owner: Owner,
        /// Permission bits.
        #[serde(default = "file_mode")]
        mode: u32,
    },
    /// Makes a socket that nobody listens on.
    Socket {
        /// Absolute path.
        path: String,
        /// Its owner.
        owner: Owner,
        /// Permission bits.
        mode: u32,
    },
    /// Makes a device node.
    Device {
        /// Absolute path.
        path: String,
        /// Which device it leads to.
        device: Device,
        /// Its owner.
        owner: Owner,
        /// Permission bits.
        mode: u32,
    },
    /// Gives a file a second name.
    HardLink {
        /// Absolute path of the new name.
        path: String,
        /// The name that it has already.
        target: String,
    },
    /// Gives a file an extended attribute.
    Attribute {
        /// Absolute path of the file.
        path: String,
        /// The attribute.
        attribute: Attribute,
    },
    /// Copies a unit file and replaces the value of one of its keys.
    EditedCopy {
        /// The file that is copied.
        from: String,
        /// Where the copy goes.
        to: String,
        /// The key: `ExecStart`.
        key: String,
        /// Its new value.
        value: String,
    },
    /// Waits until a link is there. systemd-networkd makes its links some time after it has been restarted.
    AwaitLink {
        /// Name of the link.
        name: String,
    },
    /// Runs a program.
    Run {
        /// The program and its arguments.
        argv: Vec<String>,
    },
}

fn directory_mode() -> u32 {
    0o755
}

fn file_mode() -> u32 {
    0o644
}

/// A device by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Device {
    /// One that is read and written byte by byte.
    Char {
        /// The number of the driver.
        major: u32,
        /// The number of the device.
        minor: u32,
    },
    /// One that is read and written in blocks.
    Block {
        /// The number of the driver.
        major: u32,
        /// The number of the device.
        minor: u32,
    },
}

impl Device {
    /// `/dev/null`.
    pub const NULL: Self = Self::Char { major: 1, minor: 3 };
    /// `/dev/kmsg`, the log of the kernel.
    pub const KMSG: Self = Self::Char { major: 1, minor: 11 };
    /// `/dev/loop0`.
    pub const LOOP: Self = Self::Block { major: 7, minor: 0 };
}

/// Owner and group of a file, by number; root:root if nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Owner {
    /// root:root.
    pub const ROOT: Self = Self { uid: 0, gid: 0 };
}

impl Step {
    /// A configuration file: root's, readable by all.
    #[must_use]
    pub fn config(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self::File { path: path.into(), content: content.into(), owner: Owner::ROOT, mode: 0o644 }
    }

    /// A program with its arguments.
    #[must_use]
    pub fn run(argv: &[&str]) -> Self {
        Self::Run { argv: argv.iter().map(|&word| word.to_owned()).collect() }
    }

    /// Path and content of the file that the step writes, if it does.
    #[must_use]
    pub fn file(&self) -> Option<(&str, &str)> {
        if let Self::File { path, content, .. } = self { Some((path, content)) } else { None }
    }

    /// What the step does, in half a sentence.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Directory { path, .. } => format!("make directory `{path}`"),
            Self::MissingDirectory { path } => format!("make directory `{path}` if nothing is there"),
            Self::File { path, .. } => format!("write `{path}`"),
            Self::Symlink { path, .. } => format!("make symbolic link `{path}`"),
            Self::Fifo { path, .. } => format!("make named pipe `{path}`"),
            Self::Socket { path, .. } => format!("make socket `{path}`"),
            Self::Device { path, .. } => format!("make device node `{path}`"),
            Self::HardLink { path, .. } => format!("make hard link `{path}`"),
            Self::Attribute { path, attribute } => format!("set {} of `{path}`", attribute.name()),
            Self::EditedCopy { from, to, .. } => format!("copy `{from}` to `{to}` and edit it"),
            Self::AwaitLink { name } => format!("wait for link `{name}`"),
            Self::Run { argv } => format!("run `{}`", argv.join(" ")),
        }
    }
}
