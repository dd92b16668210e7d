//! Whether chance explains that two sets of lookups gave different answers.
//!
//! Many cells are compared at once, and the lookups of one host have more in common than chance has (which answer was
//! there first). So the level is a strict one: 16 of 32 beside 32 of 32 is a difference, 16 beside 26 is not.

use std::collections::BTreeMap;

use crate::AddressSpace;

/// How many lookups gave first an address of which space.
pub(super) type Shares = BTreeMap<AddressSpace, u32>;

/// The probability below which chance is no explanation.
const LEVEL: f64 = 1e-4;

/// Tells whether no lookup of one side gave what one of the other gave: chance is not asked then.
pub(super) fn are_disjoint(left: &Shares, right: &Shares) -> bool {
    left.keys().all(|space| !right.contains_key(space))
}

/// Tells whether both may be samples of the same: by Fisher's exact test for each space against all others, at a level
/// that is shared by the spaces (Bonferroni).
pub(super) fn explains(left: &Shares, right: &Shares) -> bool {
    let total = |shares: &Shares| shares.values().map(|count| u64::from(*count)).sum::<u64>();
    let count = |shares: &Shares, space| u64::from(shares.get(space).copied().unwrap_or(0));
    let (of_left, of_right) = (total(left), total(right));
    let spaces: std::collections::BTreeSet<&AddressSpace> = left.keys().chain(right.keys()).collect();
    let level = LEVEL / f64::from(u32::try_from(spaces.len().max(1)).unwrap_or(u32::MAX));
    spaces
        .into_iter()
        .all(|space| fisher([count(left, space), count(right, space)], [of_left, of_right]) >= level)
}

/// The probability that `hits` of `totals`, or what is as rare, comes about if both have the same share.
fn fisher(hits: [u64; 2], totals: [u64; 2]) -> f64 {
    let (all_hits, all) = (hits[0] + hits[1], totals[0] + totals[1]);
    if all_hits == 0 || all_hits == all {
        return 1.0;
    }
    let logs = Factorials::up_to(all);
    let chance = |first: u64| {
        logs.choose(totals[0], first) + logs.choose(totals[1], all_hits - first) - logs.choose(all, all_hits)
    };
    let observed = chance(hits[0]) + 1e-7;
    let possible = all_hits.saturating_sub(totals[1])..=all_hits.min(totals[0]);
    possible.map(chance).filter(|one| *one <= observed).map(f64::exp).sum()
}

/// Logarithms of factorials, from that of 0.
struct Factorials(Vec<f64>);

impl Factorials {
    #[expect(clippy::cast_precision_loss, reason = "nobody looks up a name 10^15 times")]
    fn up_to(last: u64) -> Self {
        let mut sum = 0.0;
        let each = (1..=last).map(|factor| {
            sum += (factor as f64).ln();
            sum
        });
        Self([0.0].into_iter().chain(each).collect())
    }

    fn choose(&self, from: u64, taken: u64) -> f64 {
        let log = |of: u64| usize::try_from(of).ok().and_then(|of| self.0.get(of)).copied().unwrap_or(0.0);
        log(from) - log(taken) - log(from - taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use AddressSpace::{Ipv6LinkLocal, Lease, None, Other};

    fn shares(counts: &[(AddressSpace, u32)]) -> Shares {
        counts.iter().copied().collect()
    }

    #[test]
    fn fishers_test_is_that_of_the_books() {
        // The lady tasting tea (Fisher 1935): 3 of 4 beside 1 of 4; and a table of R's `fisher.test`.
        assert!((fisher([3, 1], [4, 4]) - 0.485_714).abs() < 1e-5);
        assert!((fisher([1, 9], [12, 12]) - 0.002_759).abs() < 1e-5);
        assert!((fisher([0, 0], [32, 32]) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn half_of_the_lookups_is_beyond_chance_and_a_few_are_not() {
        let always = shares(&[(Lease, 32)]);
        assert!(!explains(&always, &shares(&[(Lease, 16), (Ipv6LinkLocal, 16)])));
        assert!(explains(&always, &shares(&[(Lease, 30), (Ipv6LinkLocal, 2)])));
        let usual = shares(&[(Lease, 16), (Ipv6LinkLocal, 16)]);
        assert!(explains(&usual, &shares(&[(Lease, 26), (Ipv6LinkLocal, 6)])));
        assert!(!explains(&usual, &shares(&[(Lease, 31), (Ipv6LinkLocal, 1)])));
    }

    #[test]
    fn few_lookups_are_any_part_of_what_many_give() {
        let usual = shares(&[(Lease, 9), (Ipv6LinkLocal, 7)]);
        assert!(explains(&usual, &shares(&[(Ipv6LinkLocal, 2)])));
        assert!(explains(&usual, &shares(&[(Lease, 2)])));
        assert!(
            are_disjoint(&usual, &shares(&[(Other, 2)]))
                && !are_disjoint(&usual, &shares(&[(Lease, 1), (None, 1)]))
        );
    }

    fn any_shares() -> impl Strategy<Value = Shares> {
        let space = prop::sample::select(vec![Lease, Ipv6LinkLocal, Other, None]);
        prop::collection::btree_map(space, 1_u32..64, 1..4)
    }

    proptest! {
        #[test]
        fn chance_explains_the_same_and_does_not_ask_which_is_which(left in any_shares(), right in any_shares()) {
            prop_assert!(explains(&left, &left));
            prop_assert_eq!(explains(&left, &right), explains(&right, &left));
        }

        #[test]
        fn a_probability_is_one(first in 0_u64..40, second in 0_u64..40, more in 0_u64..40) {
            let chance = fisher([first, second], [first + more, second + 7]);
            prop_assert!((0.0..=1.000_001).contains(&chance));
        }
    }
}
