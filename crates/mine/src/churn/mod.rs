//! Churn: who will not order within the horizon.
//!
//! **Story.** Customers of a shop do not cancel, they stay away. So churn is defined by a window: at a
//! *cutoff* day, a customer churns if no order follows within `horizon_days`. A model is trained on
//! earlier cutoffs, whose windows have all ended before the judged cutoff begins, and judged on the
//! latest cutoff whose window is complete: out of time, as it will be used.
//!
//! **Model** ([`tree`]). A classification tree (Breiman, Friedman, Olshen & Stone 1984): split after
//! split on the feature and threshold that lower the Gini impurity most, each leaf a rule in words and a
//! smoothed share of churners. Blanks go to the side where they fit better.
//!
//! **Judged** ([`metrics`]). Ranking (AUC, average precision, lift), calibration (Brier score, log loss, mean
//! predicted against actual), beside a recency-only rule: most of what a churn model knows is how
//! long ago the last order was, and a model that does not beat that is not worth its keep.

pub mod metrics;
pub mod tree;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use tillwise_core::Parameters;

use crate::MineError;
pub use tree::{Tree, TreeSettings};

/// Rows of customers at one or more cutoffs.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// Feature columns, each one value a row, NaN for blanks.
    pub features: Vec<Vec<f64>>,
    /// Whether the row's customer churned.
    pub churned: Vec<bool>,
}

/// Fewest churners, and fewest others, that a model is trained or judged on.
pub const FEWEST: usize = 20;

impl Examples {
    /// Checks that both outcomes occur often enough.
    ///
    /// # Errors
    /// If there are fewer than [`FEWEST`] churners or others.
    pub fn check(&self, role: &str) -> Result<(), MineError> {
        let churners = self.churned.iter().filter(|c| **c).count();
        let stayed = self.churned.len() - churners;
        if churners < FEWEST || stayed < FEWEST {
            return Err(MineError::data(
                format!("churn needs at least {FEWEST} customers who left and {FEWEST} who stayed {role}"),
                format!("there are {churners} and {stayed}"),
            ));
        }
        Ok(())
    }
}

/// A fitted churn model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// No order in this many days is churn.
    pub horizon_days: i32,
    /// Trained and judged on customers with an order in this many days before the cutoff.
    pub eligible_days: i32,
    /// The features' columns, in the order of [`Examples::features`].
    pub features: Vec<String>,
    /// The tree.
    pub tree: Tree,
}

impl Parameters for Churn {
    const KIND: &'static str = "churn";
    const VERSION: u32 = 1;

    fn check(&self) -> Result<(), String> {
        self.tree.check(self.features.len())
    }
}

/// The recency-only rule: the share of churners among training rows of about the same recency.
#[derive(Clone, Debug, PartialEq)]
pub struct RecencyRule {
    /// Upper bounds of the bins, ascending; the last bin has none.
    breaks: Vec<f64>,
    shares: Vec<f64>,
}

impl RecencyRule {
    /// Bins of the rule, at most.
    const BINS: usize = 20;

    /// Learns the share of churners in each of up to twenty quantile bins of days since the last order.
    pub fn fit(days_since_last: &[f64], churned: &[bool]) -> RecencyRule {
        let sorted = crate::stats::sorted_finite(days_since_last);
        let mut breaks: Vec<f64> = (1..Self::BINS)
            .map(|i| crate::stats::quantile_sorted(&sorted, i as f64 / Self::BINS as f64))
            .collect();
        breaks.dedup();
        let mut counts = vec![(0usize, 0usize); breaks.len() + 1];
        for (days, churned) in days_since_last.iter().zip(churned) {
            let count = &mut counts[breaks.partition_point(|b| b < days)];
            count.0 += usize::from(*churned);
            count.1 += 1;
        }
        let overall = churned.iter().filter(|c| **c).count() as f64 / churned.len().max(1) as f64;
        let shares = counts.iter().map(|(k, n)| tree::smoothed(*k as f64, *n as f64, overall)).collect();
        RecencyRule { breaks, shares }
    }

    /// The rule's probability of churn.
    pub fn probability(&self, days_since_last: f64) -> f64 {
        self.shares[self.breaks.partition_point(|b| *b < days_since_last)]
    }
}

/// Tenths of the customers by probability, 1 the most likely to churn. Equal probabilities share a decile,
/// that of the best placed among them.
pub fn deciles(probabilities: &[f64]) -> Vec<u8> {
    let n = probabilities.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_unstable_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let mut deciles = vec![0; n];
    let mut ahead = 0;
    for (place, i) in order.iter().enumerate() {
        if place > 0 && probabilities[*i] < probabilities[order[place - 1]] {
            ahead = place;
        }
        deciles[*i] = (ahead * 10 / n.max(1)) as u8 + 1;
    }
    deciles
}
