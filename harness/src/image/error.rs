//! Why an image could not be found, built, kept or removed, each with what to do next.

use std::io;
use std::path::PathBuf;

use super::Recipe;
use crate::command::CommandError;

/// What went wrong with an image. Most have a [`hint`](Self::hint).
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The name is neither that of an image nor a path.
    #[error("no image, directory or file is called `{wanted}`")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// The name that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The file exists and is something else.
    #[error("`{}` is not a tar file", path.display())]
    NotTar {
        /// The file.
        path: PathBuf,
    },
    /// What stands behind the `@` of a suite is no time.
    #[error("`{wanted}` is not a day, and not a time of one")]
    NoTime {
        /// What was asked for.
        wanted: String,
    },
    /// A profile needs packages that cannot be installed into the image.
    #[error("image `{name}` cannot have the packages of a profile ({packages})")]
    NoPackages {
        /// The image.
        name: String,
        /// The packages.
        packages: String,
    },
    /// Reports could not tell two images of a run.
    #[error("two of the images are called `{name}`")]
    SameName {
        /// What they are called.
        name: String,
    },
    /// The tar file or directory to make an image of cannot be read.
    #[error("read `{}`", path.display())]
    Source {
        /// The tar file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Nothing in the store has this name.
    #[error("no image is called `{wanted}`")]
    NotStored {
        /// What was asked for.
        wanted: String,
        /// The stored name that was probably meant.
        nearest: Option<String>,
    },
    /// The file system of the store refused.
    #[error("use the image folder `{}`", folder.display())]
    Folder {
        /// The folder, or the file in it.
        folder: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The image needs more space than there is.
    #[error("no space for image `{name}` in `{}`: {free} MB free, about {needed} MB needed", folder.display())]
    NoSpace {
        /// The image.
        name: String,
        /// The folder of the store.
        folder: PathBuf,
        /// Free space in MB (10^6 bytes).
        free: u64,
        /// Needed space in MB (10^6 bytes).
        needed: u64,
    },
    /// Only root can install a system.
    #[error("build image `{name}`: not root")]
    NotRoot {
        /// The image.
        name: String,
    },
    /// mmdebstrap is not installed.
    #[error("build image `{name}`: mmdebstrap is not installed")]
    NoMmdebstrap {
        /// The image.
        name: String,
    },
    /// pacstrap or pacman is not installed.
    #[error("build image `{name}`: {program} is not installed")]
    NoPacstrap {
        /// The image.
        name: String,
        /// What is missing.
        program: &'static str,
    },
    /// pacman knows nobody's keys.
    #[error("build image `{name}`: pacman has no keys to check packages with")]
    NoKeys {
        /// The image.
        name: String,
    },
    /// The mirror did not answer.
    #[error("build image `{name}`: the mirror cannot be reached: {said}")]
    Unreachable {
        /// The image.
        name: String,
        /// What apt or pacman said of it.
        said: String,
    },
    /// The mirror answered, and has not what is needed.
    #[error("build image `{name}`: the mirror does not have it: {said}")]
    Absent {
        /// The image.
        name: String,
        /// What apt said of it.
        said: String,
    },
    /// The builder failed for another reason.
    #[error("build image `{name}`: {said}")]
    Failed {
        /// The image.
        name: String,
        /// The end of what it said, or how it ended.
        said: String,
    },
    /// A program could not be started.
    #[error("build image `{name}`")]
    Start {
        /// The image.
        name: String,
        /// Which one, and why.
        source: CommandError,
    },
    /// What was built is not a system that nspawn can boot.
    #[error("image `{name}` has no usr/lib/systemd/systemd")]
    NoSystemd {
        /// The image.
        name: String,
    },
}

impl ImageError {
    /// Says what to do next, as a sentence without a full stop.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unknown { nearest, .. } => {
                let all = Recipe::names().collect::<Vec<_>>().join(", ");
                let question =
                    nearest.map(|nearest| format!("did you mean `{nearest}`? ")).unwrap_or_default();
                format!(
                    "{question}there are {all}; a path names a directory, a tar file, or a configuration of pacman (*.conf)"
                )
            }
            Self::NotTar { .. } => "give a tar file, plain or compressed by gzip, bzip2, xz or zstd".into(),
            Self::NoTime { .. } => {
                "a suite as it was is `trixie@20251101`, or `trixie@20251101T120000Z`, in UTC".into()
            }
            Self::NoPackages { .. } => "packages go into a suite of Debian: --image trixie".into(),
            Self::SameName { .. } => "rename one of them, or run them one after the other".into(),
            Self::NotStored { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::NotStored { nearest: None, .. } => {
                "`nspawn-matrix image list` shows what there is; `nspawn-matrix image build` adds to it"
                    .into()
            }
            Self::Folder { .. } => "name another folder with --cache or NSPAWN_MATRIX_CACHE".into(),
            Self::NoSpace { .. } => {
                "free some with `nspawn-matrix image rm`, or name another folder with --cache or NSPAWN_MATRIX_CACHE"
                    .into()
            }
            Self::NotRoot { .. } => "run the same command as root".into(),
            Self::NoMmdebstrap { .. } => {
                "install it with `nspawn-matrix setup`, or give a tar file or a directory as the image".into()
            }
            Self::NoPacstrap { .. } => {
                "install arch-install-scripts (with pacman-package-manager on Debian, pacman on Fedora), or give a tar \
                 file or a directory as the image"
                    .into()
            }
            Self::NoKeys { .. } => {
                "install archlinux-keyring; then, as root: pacman-key --init && pacman-key --populate archlinux".into()
            }
            Self::Unreachable { name, .. } if name.contains('@') => {
                "check the network and http_proxy, or name another server of snapshots with NSPAWN_MATRIX_SNAPSHOTS"
                    .into()
            }
            Self::Absent { name, .. } if name.contains('@') => {
                "take a later time: of that one nothing is kept, or the suite had not begun".into()
            }
            Self::Absent { .. } => "mirrors change several times a day: try again".into(),
            Self::Unreachable { .. } => {
                "check the network and http_proxy, or give a tar file or a directory as the image".into()
            }
            Self::NoSystemd { .. } => "give the root of a whole system, with systemd installed in it".into(),
            Self::Source { .. } | Self::Failed { .. } | Self::Start { .. } => return None,
        };
        Some(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_folder_and_numbers() {
        let folder = PathBuf::from("/cache");
        let error = ImageError::NoSpace { name: "trixie".into(), folder, free: 12, needed: 600 };
        assert_eq!(
            error.to_string(),
            "no space for image `trixie` in `/cache`: 12 MB free, about 600 MB needed"
        );
        assert!(error.hint().unwrap().contains("image rm"));
    }
}
