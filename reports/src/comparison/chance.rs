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
    let margins = Margins { hits: hits[0] + hits[1], totals };
    if margins.hits == 0 || margins.hits == margins.all() {
        return 1.0;
    }
    let observed = margins.logarithm(hits[0]) + 1e-7;
    let is_as_rare = |first: u64| margins.logarithm(first) <= observed;
    // From the likeliest on, either way is rarer with each step: so both ends of what is as rare are found by halving.
    let (least, likeliest, most) = (margins.least(), margins.likeliest(), margins.most());
    let below = first_that(least, likeliest, |first| !is_as_rare(first));
    let above = first_that(likeliest, most + 1, is_as_rare);
    let lower = margins.sum((least..below).rev());
    let upper = margins.sum(above.max(below)..=most);
    (lower + upper).min(1.0)
}

/// The first number from `from` up to `to` of which `is` holds, if it holds of all from there on; else `to`.
fn first_that(mut from: u64, mut to: u64, is: impl Fn(u64) -> bool) -> u64 {
    while from < to {
        let middle = from + (to - from) / 2;
        if is(middle) { to = middle } else { from = middle + 1 }
    }
    from
}

/// What all tables with these sums have in common.
#[derive(Clone, Copy)]
struct Margins {
    hits: u64,
    totals: [u64; 2],
}

impl Margins {
    fn all(self) -> u64 {
        self.totals[0] + self.totals[1]
    }

    /// The fewest hits that the first of both can have.
    fn least(self) -> u64 {
        self.hits.saturating_sub(self.totals[1])
    }

    /// The most hits that it can have.
    fn most(self) -> u64 {
        self.hits.min(self.totals[0])
    }

    /// The number of hits that it has most often, that of the distribution's mode.
    fn likeliest(self) -> u64 {
        let [first, hits, all] = [self.totals[0], self.hits, self.all()].map(u128::from);
        let mode = (first + 1) * (hits + 1) / (all + 2);
        u64::try_from(mode).unwrap_or(u64::MAX).clamp(self.least(), self.most())
    }

    /// The logarithm of the probability that so many of the hits are of the first.
    fn logarithm(self, first: u64) -> f64 {
        let choose =
            |from: u64, taken: u64| ln_factorial(from) - ln_factorial(taken) - ln_factorial(from - taken);
        choose(self.totals[0], first) + choose(self.totals[1], self.hits - first)
            - choose(self.all(), self.hits)
    }

    /// The probability of all of `outward`, each of which is rarer than the one before it: what no longer adds anything is
    /// left out, since there may be as many as there are lookups.
    fn sum(self, outward: impl Iterator<Item = u64>) -> f64 {
        let mut sum = 0.0;
        for chance in outward.map(|first| self.logarithm(first).exp()) {
            sum += chance;
            if chance <= sum * 1e-15 {
                break;
            }
        }
        sum
    }
}

/// The logarithm of a factorial, from that of 0: by Stirling's series where it is exact to as many digits as a double has.
#[expect(clippy::cast_precision_loss, reason = "nobody looks up a name 10^15 times")]
fn ln_factorial(of: u64) -> f64 {
    const SHORT: u64 = 32;
    if of < SHORT {
        return (2..=of).map(|factor| factor as f64).product::<f64>().ln();
    }
    let n = of as f64;
    let rest = (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1260.0 * n * n)) / (n * n)) / n;
    (n + 0.5).mul_add(n.ln(), rest - n) + 0.5 * std::f64::consts::TAU.ln()
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
        assert!((fisher([16, 16], [32, 32]) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_factorial_has_the_same_logarithm_by_product_and_by_series() {
        let mut sum = 0.0;
        for of in 1..2_000_u32 {
            sum += f64::from(of).ln();
            assert!((ln_factorial(of.into()) - sum).abs() < 1e-9, "{of}");
        }
    }

    #[test]
    fn as_many_lookups_as_a_number_can_count_take_no_more_than_a_moment() {
        let (first, second) = (
            shares(&[(Lease, u32::MAX), (Ipv6LinkLocal, 1)]),
            shares(&[(Lease, 1), (Ipv6LinkLocal, u32::MAX)]),
        );
        assert!(!explains(&first, &second) && explains(&first, &first));
        let all: Vec<_> = [Lease, Ipv6LinkLocal, Other, None].map(|space| (space, u32::MAX)).into();
        assert!(explains(&shares(&all), &shares(&all)));
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
        fn what_is_as_rare_is_found_as_by_looking_at_all(
            hits in [0_u64..40, 0..40], misses in [0_u64..40, 0..40]
        ) {
            let totals = [hits[0] + misses[0], hits[1] + misses[1]];
            let margins = Margins { hits: hits[0] + hits[1], totals };
            let observed = margins.logarithm(hits[0]) + 1e-7;
            let each = (margins.least()..=margins.most()).map(|first| margins.logarithm(first));
            let all: f64 = each.clone().map(f64::exp).sum();
            let as_rare: f64 = each.filter(|one| *one <= observed).map(f64::exp).sum();
            prop_assert!((all - 1.0).abs() < 1e-9);
            prop_assert!((fisher(hits, totals) - as_rare).abs() < 1e-9);
        }

        #[test]
        fn a_probability_is_one(first in 0_u64..40, second in 0_u64..40, more in 0_u64..40) {
            let chance = fisher([first, second], [first + more, second + 7]);
            prop_assert!((0.0..=1.000_001).contains(&chance));
        }
    }
}
