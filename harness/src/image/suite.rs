//! The Debian suites that an image can be built of.
//!
//! Each stands for a version of systemd: that is what distinguishes them here.

use std::fmt;

/// One suite of the Debian archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// Debian 12, systemd 252.
    Bookworm,
    /// Debian 12 with all of its backports, systemd 254.
    BookwormBackports,
    /// Debian 13, systemd 257.
    #[default]
    Trixie,
    /// Unstable, whichever systemd is the newest there.
    Sid,
}

impl Suite {
    /// All suites, by rising version of systemd.
    pub const ALL: [Self; 4] = [Self::Bookworm, Self::BookwormBackports, Self::Trixie, Self::Sid];

    /// The name that Debian and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::BookwormBackports => "bookworm-backports",
            Self::Trixie => "trixie",
            Self::Sid => "sid",
        }
    }

    /// The major version of its systemd; none where that changes.
    pub const fn systemd(self) -> Option<u32> {
        match self {
            Self::Bookworm => Some(252),
            Self::BookwormBackports => Some(254),
            Self::Trixie => Some(257),
            Self::Sid => None,
        }
    }

    /// Finds the suite of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// The suite that the installation starts from; backports are an overlay on a release.
    pub(super) const fn base(self) -> &'static str {
        match self {
            Self::Bookworm | Self::BookwormBackports => "bookworm",
            Self::Trixie => "trixie",
            Self::Sid => "sid",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_found_by_its_name() {
        for suite in Suite::ALL {
            assert_eq!(Suite::named(suite.name()), Some(suite));
        }
        assert_eq!(Suite::named("potato"), None);
    }
}
