//! Association rules.

use std::cmp::Ordering;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::settings;

use crate::stats::wilson;

use super::{Correction, Itemsets, Share, adjust, fisher_greater};

settings! {
    /// Which rules to keep.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize)]
    pub struct RuleSettings {
        /// Least confidence.
        pub min_confidence: Share = Share::decimal(25, 2),
        /// Least lift.
        pub min_lift: Share = Share::decimal(1, 0),
        /// Items on the right, at most.
        pub max_right: usize = 1,
        /// Drops a rule if one with fewer items on the left, and the same right, is at least as confident.
        pub drop_redundant: bool = true,
        /// How p-values are corrected for the number of rules.
        pub correction: Correction = Correction::Holm,
        /// Largest corrected p-value; 1 keeps all.
        pub max_p_value: f64 = 0.05,
        /// What the best rules are best in.
        pub rank_by: RankBy = RankBy::Lift,
        /// Rules, at most: the best ones.
        pub max_rules: usize = 100_000,
    }
}

/// The measure that rules are ranked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankBy {
    /// Lift, then support.
    #[default]
    Lift,
    /// Confidence, then lift.
    Confidence,
    /// Support, then lift.
    Support,
    /// Confidence times the value of the right side, then lift: rules weighted by margin.
    ExpectedValue,
}

/// A rule "who buys the left side buys the right side", with the counts that all its measures come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Items on the left, ascending.
    pub left: Vec<u32>,
    /// Items on the right, ascending.
    pub right: Vec<u32>,
    /// Baskets with all of them.
    pub both: u64,
    /// Baskets with the left side.
    pub with_left: u64,
    /// Baskets with the right side.
    pub with_right: u64,
    /// All baskets.
    pub baskets: u64,
    /// Value of the right side: the sum of its items' values; 0 if items have none.
    pub right_value: f64,
    /// Fisher's exact test against independence, one-sided.
    pub p_value: f64,
    /// The same, corrected for all rules between frequent itemsets.
    pub p_adjusted: f64,
}

impl Rule {
    fn shares(&self) -> (f64, f64, f64) {
        let n = self.baskets as f64;
        (self.both as f64 / n, self.with_left as f64 / n, self.with_right as f64 / n)
    }

    /// Share of baskets with both sides, P(L, R).
    pub fn support(&self) -> f64 {
        self.shares().0
    }

    /// P(R | L).
    pub fn confidence(&self) -> f64 {
        self.both as f64 / self.with_left as f64
    }

    /// Wilson's (1927) 95 % interval of the confidence.
    pub fn confidence_interval(&self) -> (f64, f64) {
        wilson(self.both as usize, self.with_left as usize)
    }

    /// P(L, R) / (P(L) P(R)): 1 for independence (Brin, Motwani, Ullman & Tsur 1997).
    pub fn lift(&self) -> f64 {
        let (both, left, right) = (self.both as f64, self.with_left as f64, self.with_right as f64);
        both * self.baskets as f64 / (left * right)
    }

    /// P(L, R) - P(L) P(R) (Piatetsky-Shapiro 1991).
    pub fn leverage(&self) -> f64 {
        let (both, left, right) = self.shares();
        both - left * right
    }

    /// (1 - P(R)) / (1 - confidence); infinite where the rule never fails (Brin et al. 1997).
    pub fn conviction(&self) -> f64 {
        let (_, _, right) = self.shares();
        if self.both == self.with_left { f64::INFINITY } else { (1.0 - right) / (1.0 - self.confidence()) }
    }

    /// Zhang's (2000) association, from -1 to 1; 0 for independence.
    pub fn zhang(&self) -> f64 {
        let (both, left, right) = self.shares();
        let most = (both * (1.0 - left)).max(left * (right - both));
        if most == 0.0 { 0.0 } else { (both - left * right) / most }
    }

    /// Baskets with both over baskets with either (Jaccard 1901).
    pub fn jaccard(&self) -> f64 {
        self.both as f64 / (self.with_left + self.with_right - self.both) as f64
    }

    /// P(L, R) / sqrt(P(L) P(R)).
    pub fn cosine(&self) -> f64 {
        self.both as f64 / (self.with_left as f64 * self.with_right as f64).sqrt()
    }

    /// Mean of P(R | L) and P(L | R) (Kulczyński 1927).
    pub fn kulczynski(&self) -> f64 {
        (self.confidence() + self.both as f64 / self.with_right as f64) / 2.0
    }

    /// |P(L) - P(R)| / P(L or R): 0 for sides of equal support (Wu, Chen & Han 2010).
    pub fn imbalance(&self) -> f64 {
        self.with_left.abs_diff(self.with_right) as f64
            / (self.with_left + self.with_right - self.both) as f64
    }

    /// Confidence times the value of the right side.
    pub fn expected_value(&self) -> f64 {
        self.confidence() * self.right_value
    }

    /// The better rule first.
    fn rank(&self, other: &Rule, by: RankBy) -> Ordering {
        let confidence = |a: &Rule, b: &Rule| fraction(b.both, b.with_left, a.both, a.with_left);
        let sides = |r: &Rule| u128::from(r.with_left) * u128::from(r.with_right);
        let lift = |a: &Rule, b: &Rule| (u128::from(b.both) * sides(a)).cmp(&(u128::from(a.both) * sides(b)));
        let first = match by {
            RankBy::Lift => lift(self, other),
            RankBy::Confidence => confidence(self, other),
            RankBy::Support => other.both.cmp(&self.both),
            RankBy::ExpectedValue => other.expected_value().total_cmp(&self.expected_value()),
        };
        first
            .then_with(|| lift(self, other))
            .then_with(|| other.both.cmp(&self.both))
            .then_with(|| (&self.left, &self.right).cmp(&(&other.left, &other.right)))
    }
}

/// Compares two fractions exactly.
fn fraction(a: u64, of_a: u64, b: u64, of_b: u64) -> Ordering {
    (u128::from(a) * u128::from(of_b)).cmp(&(u128::from(b) * u128::from(of_a)))
}

/// What became of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleReport {
    /// Rules between frequent itemsets: those that p-values are corrected for.
    pub tested: usize,
    /// Those with the confidence and lift asked for.
    pub strong: usize,
    /// Of these, dropped because a shorter left side does as well.
    pub redundant: usize,
    /// Dropped because their corrected p-value is too large.
    pub not_significant: usize,
    /// Dropped because there were more than `max_rules`.
    pub beyond_max_rules: usize,
    /// Kept.
    pub rules: usize,
}

/// All rules between frequent itemsets that meet the settings, the best first.
///
/// `values[item]`, such as the mean margin of an item in a basket, weights rules; it may be empty. P-values are corrected for
/// every rule with frequent sides, not for the strong ones alone: those were chosen on the same baskets.
pub fn rules(itemsets: &Itemsets, values: &[f64], settings: &RuleSettings) -> (Vec<Rule>, RuleReport) {
    let index = itemsets.index();
    let count = |items: &[u32]| index.get(items).map(|i| itemsets.count(*i));
    let n = itemsets.baskets;
    // Every rule is tested; only the strong ones are kept, with the place of their test.
    type OfSet = (Vec<f64>, Vec<(usize, Rule)>);
    let per_set: Vec<OfSet> = (0..itemsets.len())
        .into_par_iter()
        .map(|set| {
            let (items, both) = (itemsets.items(set), itemsets.count(set));
            let (mut tests, mut strong) = (Vec::new(), Vec::new());
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for_each_part(items.len(), settings.max_right, |on_right| {
                left.clear();
                right.clear();
                for (i, item) in items.iter().enumerate() {
                    if on_right(i) { right.push(*item) } else { left.push(*item) }
                }
                // Parts of a frequent set are frequent.
                let (Some(with_left), Some(with_right)) = (count(&left), count(&right)) else { return };
                let p_value = fisher_greater(both, with_left, with_right, n);
                tests.push(p_value);
                let lifted = settings.min_lift;
                let is_strong = settings.min_confidence.reached_by(both, with_left)
                    && lifted.reached_by(both.saturating_mul(n), with_left.saturating_mul(with_right));
                if is_strong {
                    let right_value = right.iter().filter_map(|i| values.get(*i as usize)).sum();
                    let (left, right) = (left.clone(), right.clone());
                    strong.push((
                        tests.len() - 1,
                        Rule {
                            left,
                            right,
                            both,
                            with_left,
                            with_right,
                            baskets: n,
                            right_value,
                            p_value,
                            p_adjusted: p_value,
                        },
                    ));
                }
            });
            (tests, strong)
        })
        .collect();
    let tested: Vec<f64> = per_set.iter().flat_map(|s| s.0.iter().copied()).collect();
    let adjusted = adjust(&tested, settings.correction);
    let mut report = RuleReport { tested: tested.len(), ..RuleReport::default() };
    let mut found = Vec::new();
    let mut from = 0;
    for (tests, strong) in per_set {
        for (at, mut rule) in strong {
            rule.p_adjusted = adjusted[from + at];
            found.push(rule);
        }
        from += tests.len();
    }
    report.strong = found.len();
    if settings.drop_redundant {
        let redundant: Vec<bool> = found.par_iter().map(|rule| is_redundant(rule, &count)).collect();
        let mut keep = redundant.iter().map(|r| !r);
        found.retain(|_| keep.next().unwrap_or(true));
    }
    report.redundant = report.strong - found.len();
    let before = found.len();
    found.retain(|rule| rule.p_adjusted <= settings.max_p_value);
    report.not_significant = before - found.len();
    found.par_sort_unstable_by(|a, b| a.rank(b, settings.rank_by));
    report.beyond_max_rules = found.len().saturating_sub(settings.max_rules);
    found.truncate(settings.max_rules);
    report.rules = found.len();
    (found, report)
}

/// Calls `f` with each way to put 1 to `most`, but not all, of `n` items on the right.
fn for_each_part(n: usize, most: usize, mut f: impl FnMut(&dyn Fn(usize) -> bool)) {
    if n < 2 {
        return;
    }
    if most == 1 || n > 20 {
        (0..n).for_each(|on_right| f(&|i| i == on_right));
        return;
    }
    for parts in 1u32..(1 << n) - 1 {
        if parts.count_ones() as usize <= most {
            f(&|i| parts & (1 << i) != 0);
        }
    }
}

/// Whether some part of the left side, not empty, leads to the right side with at least the same confidence.
fn is_redundant(rule: &Rule, count: &impl Fn(&[u32]) -> Option<u64>) -> bool {
    let n = rule.left.len();
    let mut part = Vec::new();
    let mut whole = Vec::new();
    // Of a very long left side only parts with one item less are looked at.
    let parts: Vec<u32> = if n <= 16 {
        (1..(1u32 << n) - 1).collect()
    } else {
        (0..n.min(32)).map(|leave| !(1u32 << leave)).collect()
    };
    parts.into_iter().any(|bits| {
        part.clear();
        let kept = |i: usize| i >= 32 || bits & (1 << i) != 0;
        part.extend(rule.left.iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, item)| *item));
        whole.clear();
        whole.extend(part.iter().chain(&rule.right));
        whole.sort_unstable();
        match (count(&whole), count(&part)) {
            (Some(both), Some(with)) => fraction(both, with, rule.both, rule.with_left).is_ge(),
            _ => false,
        }
    })
}
