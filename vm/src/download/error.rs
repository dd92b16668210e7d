//! Why a file could not be downloaded.

use std::io;
use std::path::PathBuf;

/// Why a file could not be downloaded, or is not what it should be. What has arrived stays for the next attempt, unless
/// it is known to be wrong.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server cannot be reached, or broke off.
    #[error("download {url}: {said}")]
    Unreachable {
        /// The address.
        url: String,
        /// What was said, the cause last.
        said: String,
    },
    /// The server answers, but not with the file.
    #[error("download {url}: the server answers {status}")]
    Refused {
        /// The address.
        url: String,
        /// Status and its usual words.
        status: String,
    },
    /// The server sends from one address to the next, and comes to no end.
    #[error("download {url}: it was sent on more than {limit} times")]
    Redirects {
        /// The address that was asked first.
        url: String,
        /// How often it goes along.
        limit: usize,
    },
    /// Nothing comes any more.
    #[error("download {url}: nothing came for {seconds} s")]
    Stalled {
        /// The address.
        url: String,
        /// How long it was waited for, each time.
        seconds: u64,
    },
    /// The server ends early, time and again.
    #[error("download {url}: the server ended after {got} of {of} bytes")]
    Truncated {
        /// The address.
        url: String,
        /// What has arrived.
        got: u64,
        /// What it said it has.
        of: u64,
    },
    /// What is small is not.
    #[error("download {url}: it is larger than {limit} bytes, which a file of its kind is not")]
    TooLarge {
        /// The address.
        url: String,
        /// The most that was expected.
        limit: usize,
    },
    /// The file is not the one that was announced.
    #[error("{url}: it should have the SHA-256 {wanted} and has {got}")]
    Checksum {
        /// The address.
        url: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        got: String,
    },
    /// What should have the checksum has none.
    #[error("{url}: there is no SHA-256 in it")]
    NoChecksum {
        /// The address.
        url: String,
    },
    /// The file is not signed by whom it should be.
    #[error("{url}: it is not signed by {signer}: {said}")]
    Signature {
        /// The address.
        url: String,
        /// The fingerprint of who should have signed it.
        signer: String,
        /// What gpgv said.
        said: String,
    },
    /// There is not enough room.
    #[error("download {url}: {} has {free} MB free, and {needed} MB are needed", folder.display())]
    NoSpace {
        /// The address.
        url: String,
        /// Where.
        folder: PathBuf,
        /// What is there, in MB (10^6 bytes).
        free: u64,
        /// What it takes, in MB (10^6 bytes).
        needed: u64,
    },
    /// A file cannot be used.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl DownloadError {
    /// The next step, where there is one to tell.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreachable { .. } | Self::Stalled { .. } | Self::Truncated { .. } => {
                "check the network and https_proxy; the same command goes on where it stopped"
            }
            Self::Checksum { .. } => {
                "the same command starts anew; that happens once if the image was just replaced by a newer one"
            }
            Self::NoSpace { .. } => "choose another folder with --cache",
            Self::Refused { .. }
            | Self::Redirects { .. }
            | Self::TooLarge { .. }
            | Self::NoChecksum { .. }
            | Self::Signature { .. }
            | Self::File { .. } => return None,
        };
        Some(hint.into())
    }
}
