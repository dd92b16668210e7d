//! Claims: what ought to be seen, for which versions, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Check, Expectation};

/// One row of what a scenario claims.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The question.
    pub check: Check,
    /// The versions of the host's systemd that the claim is about.
    pub versions: Versions,
    /// What must be so on the host for the claim to hold; a claim with a condition goes before one without.
    pub when: Option<Condition>,
    /// What ought to be seen.
    pub expectation: Expectation,
    /// Why: the mechanism, in a sentence.
    pub reason: String,
    /// Whether what ought to be seen is a fault of the system under test.
    pub is_fault: bool,
}

impl Claim {
    /// Claims something of systemd 257, the version that the claims were measured on.
    #[must_use]
    pub fn new(check: Check, expectation: Expectation, reason: &str) -> Self {
        Self {
            check,
            versions: Versions::only(257),
            when: None,
            expectation,
            reason: reason.to_owned(),
            is_fault: false,
        }
    }

    /// Claims that systemd 257 does something wrong when `condition` holds.
    #[must_use]
    pub fn fault(check: Check, condition: Condition, expectation: Expectation, reason: &str) -> Self {
        Self { when: Some(condition), is_fault: true, ..Self::new(check, expectation, reason) }
    }
}

/// Something that is detected on the host once the machines stand, and that changes what is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// A machine has a lease from a subnet in which the host has no address.
    StrayLease,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::StrayLease => "stray-lease",
        })
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
    /// One version.
    #[must_use]
    pub fn only(version: u32) -> Self {
        Self { first: version, last: version }
    }

    /// Tells whether `version` is in the range.
    #[must_use]
    pub fn contains(self, version: u32) -> bool {
        (self.first..=self.last).contains(&version)
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
