//! Claims: what ought to be seen, for which versions and settings, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Check, Expectation, Setting, Settings};

/// One row of what a scenario claims.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The question.
    pub check: Check,
    /// The versions of the host's systemd that the claim is about.
    pub host: Versions,
    /// The versions of the machines' systemd that the claim is about.
    pub payload: Versions,
    /// What must have been detected for the claim to hold; of several that hold the one that demands most counts.
    pub when: Settings,
    /// What ought to be seen.
    pub expectation: Expectation,
    /// Why: the mechanism, in a sentence.
    pub reason: String,
    /// Where the mechanism is written down: a manual page, an RFC, an issue.
    pub link: String,
    /// Whether what ought to be seen is a fault of the system under test.
    pub is_fault: bool,
}

impl Claim {
    /// Claims something of every version of systemd that is known here.
    #[must_use]
    pub fn new(check: Check, expectation: Expectation, reason: &str, link: &str) -> Self {
        Self {
            check,
            host: Versions::KNOWN,
            payload: Versions::KNOWN,
            when: Settings::new(),
            expectation,
            reason: reason.to_owned(),
            link: link.to_owned(),
            is_fault: false,
        }
    }

    /// Limits the claim to hosts from this version on.
    #[must_use]
    pub fn since(mut self, version: u32) -> Self {
        self.host.first = version;
        self
    }

    /// Limits the claim to hosts up to this version.
    #[must_use]
    pub fn until(mut self, version: u32) -> Self {
        self.host.last = version;
        self
    }

    /// Limits the claim to machines from this version on.
    #[must_use]
    pub fn machines_since(mut self, version: u32) -> Self {
        self.payload.first = version;
        self
    }

    /// Limits the claim to machines up to this version.
    #[must_use]
    pub fn machines_until(mut self, version: u32) -> Self {
        self.payload.last = version;
        self
    }

    /// Limits the claim to where `setting` was detected to be `value`.
    #[must_use]
    pub fn when(mut self, setting: Setting, value: &str) -> Self {
        self.when.insert(setting, value.to_owned());
        self
    }

    /// Says that what is claimed is a fault of the system under test; the link leads to it.
    #[must_use]
    pub fn fault(mut self) -> Self {
        self.is_fault = true;
        self
    }

    /// Tells whether the claim is about a host with these versions and settings.
    #[must_use]
    pub fn is_about(&self, host: u32, payload: u32, settings: &Settings) -> bool {
        self.host.contains(host)
            && self.payload.contains(payload)
            && self.when.iter().all(|(setting, value)| settings.get(setting) == Some(value))
    }
}

/// An inclusive range of major versions of systemd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The first version.
    pub first: u32,
    /// The last version.
    pub last: u32,
}

impl Versions {
    /// The versions whose source was read: Debian's 252 to 262.
    pub const KNOWN: Self = Self { first: 252, last: 262 };

    /// Tells whether `version` is in the range.
    #[must_use]
    pub fn contains(self, version: u32) -> bool {
        (self.first..=self.last).contains(&version)
    }

    /// Tells whether some version is in both ranges.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}
