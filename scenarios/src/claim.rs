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
    /// What is known to be wrong in the system under test; none if all is as it should be.
    pub known: Option<Known>,
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
            known: None,
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

    /// Says that what is claimed is a fault of the system under test; the link leads to it. What would be right is another
    /// claim that holds there.
    #[must_use]
    pub fn fault(mut self) -> Self {
        self.known = Some(Known::Fault);
        self
    }

    /// Says that it is left to chance whether what is claimed is seen, by a fault of the system under test: `why`, where the
    /// link leads to.
    #[must_use]
    pub fn by_chance(mut self, why: &str, link: &str) -> Self {
        self.known = Some(Known::Chance);
        self.reason = format!("{}; but that is left to chance: {why}", self.reason);
        link.clone_into(&mut self.link);
        self
    }

    /// Tells whether what is claimed is a fault.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        self.known == Some(Known::Fault)
    }

    /// Tells whether both claims are about the same question, versions and settings.
    pub(crate) fn is_about_the_same(&self, other: &Self) -> bool {
        (self.check, self.host, self.payload, &self.when)
            == (other.check, other.host, other.payload, &other.when)
    }

    /// Tells whether this is the one of both that counts where `there` holds.
    pub(crate) fn counts_before(&self, other: &Self, there: &Self) -> bool {
        self.check == there.check
            && self.when.len() > other.when.len()
            && self.where_also(there).as_ref().is_some_and(|both| both.when == there.when)
    }

    /// What this claims where `other` holds too; none if both never hold together.
    pub(crate) fn where_also(&self, other: &Self) -> Option<Self> {
        let differs = |(setting, value)| other.when.get(setting).is_some_and(|there| there != value);
        let meets = self.host.meets(other.host) && self.payload.meets(other.payload);
        (meets && !self.when.iter().any(differs)).then(|| Self {
            host: self.host.common(other.host),
            payload: self.payload.common(other.payload),
            when: self.when.iter().chain(&other.when).map(|(key, value)| (*key, value.clone())).collect(),
            ..self.clone()
        })
    }

    /// Tells whether the claim is about a host with these versions and settings.
    #[must_use]
    pub fn is_about(&self, host: u32, payload: u32, settings: &Settings) -> bool {
        self.host.contains(host)
            && self.payload.contains(payload)
            && self.when.iter().all(|(setting, value)| settings.get(setting) == Some(value))
    }
}

/// What is wrong in the system under test where a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// What ought to be seen is a fault.
    Fault,
    /// What ought to be seen is right, but another start of the same may show a fault.
    Chance,
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

    /// The versions in both ranges, which meet.
    fn common(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
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
