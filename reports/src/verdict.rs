//! Verdicts: what an observation means beside its claim.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says how an observation stands to its claim.
///
/// `Fail` is about the system under test, `Broken` about ourselves; they are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As claimed.
    Pass,
    /// The system under test differs from the claim.
    Fail,
    /// A known fault acts there, and was met, or what was seen is right by chance; the reason says which.
    Known,
    /// What would be right without a known fault was seen.
    Fixed,
    /// Not asked, or not judged since nothing is claimed; the reason says which.
    Skip,
    /// Could not be measured; the reason says why.
    Broken,
}

impl Verdict {
    /// Every verdict, in the order in which they are counted.
    pub const ALL: [Self; 6] = [Self::Pass, Self::Fail, Self::Known, Self::Fixed, Self::Skip, Self::Broken];

    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Known => "known",
            Self::Fixed => "fixed",
            Self::Skip => "skip",
            Self::Broken => "broken",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "as claimed",
            Self::Fail => "differs",
            Self::Known => "known fault",
            Self::Fixed => "known fault gone",
            Self::Skip => "skipped",
            Self::Broken => "not measured",
        }
    }

    /// The mark beside an answer, so that nothing depends on colour; what is as claimed has none.
    #[must_use]
    pub fn mark(self) -> Option<char> {
        match self {
            Self::Pass => None,
            Self::Fail => Some('!'),
            Self::Known => Some('~'),
            Self::Fixed => Some('+'),
            Self::Skip => Some('-'),
            Self::Broken => Some('?'),
        }
    }

    /// Tells whether there is nothing to look into: what is known to be wrong is wrong all the same.
    #[must_use]
    pub fn is_green(self) -> bool {
        match self {
            Self::Pass | Self::Skip => true,
            Self::Known | Self::Fail | Self::Fixed | Self::Broken => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Counts verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([usize; Verdict::ALL.len()]);

impl Tally {
    /// How many cases have `verdict`.
    #[must_use]
    pub fn count(self, verdict: Verdict) -> usize {
        self.0[verdict as usize]
    }

    /// How many cases there are.
    #[must_use]
    pub fn total(self) -> usize {
        self.0.iter().sum()
    }
}

impl FromIterator<Verdict> for Tally {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            tally.0[verdict as usize] += 1;
        }
        tally
    }
}

impl fmt::Display for Tally {
    /// `254 pass, 2 fail`: every verdict that occurs, or `no cases`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = Verdict::ALL
            .into_iter()
            .filter(|verdict| self.count(*verdict) > 0)
            .map(|verdict| format!("{} {verdict}", self.count(verdict)))
            .collect();
        if counts.is_empty() { f.write_str("no cases") } else { f.write_str(&counts.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_names_only_what_occurs() {
        let tally: Tally = [Verdict::Pass, Verdict::Broken, Verdict::Pass].into_iter().collect();
        assert_eq!(tally.to_string(), "2 pass, 1 broken");
        assert_eq!(tally.total(), 3);
        assert_eq!(Tally::default().to_string(), "no cases");
    }

    #[test]
    fn verdicts_are_listed_in_the_order_of_their_declaration() {
        for (index, verdict) in Verdict::ALL.into_iter().enumerate() {
            assert_eq!(verdict as usize, index);
        }
    }
}
