//! Features cut into bins, which is all that trees look at while they grow.
//!
//! A number is cut at midpoints between its values: at all of them in small data, where a tree is then the exact one; in large
//! data between quantiles, 255 bins. A category has a bin for each of its values. Blanks have a bin of their own.

use rayon::prelude::*;

use super::data::{UNKNOWN, Values};
use crate::stats::{quantile_sorted, sorted_finite};

/// Bins of a number in large data, at most, not counting that of the blanks.
pub const BINS: usize = 255;

/// What the best way to part a category gains by chance alone, in units of chi-squared: values of no effect, put in the order of
/// their shares and cut in the middle, explain 2/pi of what lies between them. It is taken off a category's gain, so that many
/// values do not win because they are many. Up to [`FREE_VALUES`] cost nothing.
pub(super) fn gain_by_chance(values: usize) -> f64 {
    std::f64::consts::FRAC_2_PI * values.saturating_sub(FREE_VALUES) as f64
}

/// Values of a category that are parted without a price.
const FREE_VALUES: usize = 8;

/// Rows up to which a single tree has a bin for every value.
pub const EXACT: usize = 2_000;

/// A feature in bins.
pub(super) struct Binned {
    /// Bin of every row; [`Binned::blank`] for blanks.
    pub codes: Vec<u16>,
    /// Of a number the smallest and the largest value of each bin.
    pub ends: Vec<(f64, f64)>,
    /// Bins, not counting that of the blanks.
    pub bins: usize,
    /// Whether the bins are values of a category, in no order.
    pub category: bool,
}

impl Binned {
    /// Between two bins, in the middle of the values that are nearest.
    pub fn threshold(&self, bin: usize, next: usize) -> f64 {
        between(self.ends[bin].1, self.ends[next].0)
    }

    /// The bin of blanks.
    pub fn blank(&self) -> u16 {
        self.bins as u16
    }
}

/// A value from `low` up to, but less than, `high`: the middle, if there is a double between them.
fn between(low: f64, high: f64) -> f64 {
    // Halved first, lest the sum overflow.
    let middle = low / 2.0 + high / 2.0;
    if middle > low && middle < high { middle } else { low }
}

/// All features in bins: those of a single tree in small data a bin for every value.
pub(super) fn bin_all(columns: &[Values], exact: bool) -> Vec<Binned> {
    columns.par_iter().map(|c| bin(c, exact)).collect()
}

fn bin(values: &Values, exact: bool) -> Binned {
    match values {
        Values::Number(values) => numbers(values, if exact && values.len() <= EXACT { EXACT } else { BINS }),
        Values::Category(codes) => {
            // Beyond what a bin can name, categories are blank.
            let most = codes.iter().filter(|c| **c != UNKNOWN).max().map_or(0, |c| *c as usize + 1);
            let bins = most.min(usize::from(u16::MAX) - 1);
            let codes = codes.iter().map(|c| (*c as usize).min(bins) as u16).collect();
            Binned { codes, ends: Vec::new(), bins, category: true }
        }
    }
}

fn numbers(values: &[f64], most: usize) -> Binned {
    let sorted = sorted_finite(values);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let midpoint = |w: &[f64]| between(w[0], w[1]);
    let thresholds: Vec<f64> = if distinct.len() <= most {
        distinct.windows(2).map(midpoint).collect()
    } else {
        let mut cuts: Vec<f64> = (1..most)
            .map(|i| {
                let quantile = quantile_sorted(&sorted, i as f64 / most as f64);
                let at = distinct.partition_point(|v| *v <= quantile).clamp(1, distinct.len() - 1);
                midpoint(&distinct[at - 1..=at])
            })
            .collect();
        cuts.dedup();
        cuts
    };
    let bins = thresholds.len() + 1;
    let place = |v: &f64| thresholds.partition_point(|t| t < v);
    let code = |v: &f64| if v.is_finite() { place(v) as u16 } else { bins as u16 };
    let codes = values.par_iter().with_min_len(4096).map(code).collect();
    let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); bins];
    for value in &distinct {
        let bin = &mut ends[place(value)];
        *bin = (bin.0.min(*value), bin.1.max(*value));
    }
    Binned { codes, ends, bins, category: false }
}

/// Moves the rows for which `first` holds to the front, both parts in their order; returns the border.
pub(super) fn partition(rows: &mut [u32], spare: &mut Vec<u32>, first: impl Fn(u32) -> bool) -> usize {
    spare.clear();
    let mut border = 0;
    for i in 0..rows.len() {
        let row = rows[i];
        if first(row) {
            rows[border] = row;
            border += 1;
        } else {
            spare.push(row);
        }
    }
    rows[border..].copy_from_slice(spare);
    border
}
