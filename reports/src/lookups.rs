//! Numbers of lookups that can be: they add up, and are no more than a run makes.
//!
//! A report is read from anywhere, and its counts are computed with: how likely a share of them is takes longer the more
//! there are. So what says the impossible is refused as it is read, whether it is rendered or compared.

use std::collections::BTreeMap;

use crate::AddressSpace;

/// The most lookups that are made for one question.
pub const MOST_LOOKUPS: u32 = 1_000_000;

/// Counts that no run has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImpossibleLookups {
    /// More than are made.
    #[error("{samples} lookups, and no more than {MOST_LOOKUPS} are made")]
    TooMany {
        /// How many it says were made.
        samples: u32,
    },
    /// Another number of lookups than of what they gave.
    #[error("{samples} lookups, and what {gave} of them gave")]
    NotInAll {
        /// How many it says were made.
        samples: u32,
        /// The sum of the spaces.
        gave: u64,
    },
}

/// Tells whether so many lookups, which gave first addresses of these spaces, can have been made.
pub(crate) fn check(samples: u32, spaces: &BTreeMap<AddressSpace, u32>) -> Result<(), ImpossibleLookups> {
    let gave = spaces.values().map(|count| u64::from(*count)).sum();
    if samples > MOST_LOOKUPS {
        Err(ImpossibleLookups::TooMany { samples })
    } else if gave != u64::from(samples) {
        Err(ImpossibleLookups::NotInAll { samples, gave })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AddressSpace::{Ipv6LinkLocal, Lease};

    #[test]
    fn lookups_add_up_and_are_no_more_than_a_run_makes() {
        let told = |samples, spaces: &[_]| {
            let checked = check(samples, &spaces.iter().copied().collect());
            checked.map_err(|impossible| impossible.to_string())
        };
        assert_eq!(told(0, &[]), Ok(()));
        assert_eq!(told(MOST_LOOKUPS, &[(Lease, MOST_LOOKUPS - 1), (Ipv6LinkLocal, 1)]), Ok(()));
        let refused = |what: &str| Err(what.to_owned());
        assert_eq!(told(32, &[(Lease, 31)]), refused("32 lookups, and what 31 of them gave"));
        assert_eq!(
            told(0, &[(Lease, u32::MAX), (Ipv6LinkLocal, u32::MAX)]),
            refused("0 lookups, and what 8589934590 of them gave")
        );
        assert_eq!(
            told(1_000_001, &[(Lease, 1_000_001)]),
            refused("1000001 lookups, and no more than 1000000 are made")
        );
    }
}
