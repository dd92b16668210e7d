//! What can go wrong, with the next step.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::{DownloadError, SpecError};

/// Why there is no virtual machine.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// There is no such spec.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The image cannot be had.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// A file or folder cannot be used.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program cannot be started.
    #[error("start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program ended with something other than 0.
    #[error("`{program}`: {status}: {said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// A program said something that was not understood.
    #[error("`{program}` said `{said}`")]
    Said {
        /// The program.
        program: String,
        /// Its words.
        said: String,
    },
    /// Only emulation is left, and this QEMU's is not trusted with current kernels.
    #[error(
        "QEMU {version} is not trusted to emulate current Linux kernels: they were seen to panic ({why}, so they must be emulated)"
    )]
    OldQemu {
        /// Its version.
        version: String,
        /// Why not by KVM.
        why: String,
    },
    /// This user has no range of user ids, and is not root.
    #[error("build `{image}` without root: {user} has no range in {file}")]
    NoRange {
        /// The image.
        image: String,
        /// The user.
        user: String,
        /// The file that has the ranges.
        file: &'static str,
    },
    /// The image is not built yet.
    #[error("the image `{image}` is not built yet")]
    NoImage {
        /// The image.
        image: String,
    },
    /// There is no such image.
    #[error("there is no image `{name}` of virtual machines")]
    NotStored {
        /// What was asked for.
        name: String,
    },
    /// The image could not be built.
    #[error("build `{image}`: {said}")]
    Build {
        /// The image.
        image: String,
        /// The first error that was said.
        said: String,
    },
    /// There is not enough room.
    #[error("build `{image}`: {} has {free} MB free, and it takes {needed}", folder.display())]
    NoSpace {
        /// The image.
        image: String,
        /// Where.
        folder: PathBuf,
        /// What is there, in MB.
        free: u64,
        /// What it takes, in MB.
        needed: u64,
    },
    /// A machine cannot have this name.
    #[error("`{name}` cannot name a virtual machine: up to 63 of a-z, 0-9 and -")]
    Name {
        /// The name.
        name: String,
    },
    /// There is one of that name.
    #[error("the virtual machine `{name}` is running already")]
    Running {
        /// Its name.
        name: String,
    },
    /// There is none of that name.
    #[error("the virtual machine `{name}` is not running")]
    NotRunning {
        /// Its name.
        name: String,
    },
    /// QEMU ended before the machine was ready.
    #[error("the virtual machine `{name}` ended while it booted: {said}")]
    Died {
        /// Its name.
        name: String,
        /// The last that QEMU or the console said.
        said: String,
        /// Where all of it is.
        console: PathBuf,
    },
    /// The machine does not become ready.
    #[error("the virtual machine `{name}` was not ready after {seconds} s; it last said: {said}")]
    Late {
        /// Its name.
        name: String,
        /// How long it was waited for.
        seconds: u64,
        /// The last that the console said.
        said: String,
        /// Where all of it is.
        console: PathBuf,
    },
    /// QEMU's monitor refused an order.
    #[error("QEMU refused `{order}`: {said}")]
    Refused {
        /// The order.
        order: String,
        /// Its words.
        said: String,
    },
}

impl VmError {
    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }

    /// The next step, where there is one to tell.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OldQemu { .. } => Some(
                "install QEMU 8 or later; Debian 12 has QEMU 10 in its backports: \
                 apt-get install --target-release bookworm-backports qemu-system-x86"
                    .into(),
            ),
            Self::NoRange { user, .. } => Some(format!(
                "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user} (or another range of \
                 65536 that nobody has)"
            )),
            Self::NoImage { image } => Some(format!("nspawn-matrix vm build {image}")),
            Self::Download(error) => error.hint(),
            Self::NotStored { .. } => Some("`nspawn-matrix vm images` shows what there is".into()),
            Self::NoSpace { .. } => Some("choose another folder with --cache".into()),
            Self::Running { name } => {
                Some(format!("nspawn-matrix vm ssh {name}, or nspawn-matrix vm down {name}"))
            }
            Self::NotRunning { name } => Some(format!("nspawn-matrix vm up {name}")),
            Self::Died { console, .. } | Self::Late { console, .. } => {
                Some(format!("all that it said is in {}", console.display()))
            }
            Self::Spec(_)
            | Self::File { .. }
            | Self::Start { .. }
            | Self::Failed { .. }
            | Self::Said { .. }
            | Self::Build { .. }
            | Self::Name { .. }
            | Self::Refused { .. } => None,
        }
    }
}
