//! Break points: where one score ends and the next begins.

use serde::{Deserialize, Serialize};

use crate::MineError;
use crate::stats::{quantile_sorted, sorted_finite};

/// How break points come about. Equal values share a score in every mode but [`Binning::Ntile`], where equal values are ordered by the
/// customer's id; the order of rows never matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// Type-7 quantiles; a score is one more than the number of breaks strictly below the value. Where many values are equal, some scores
    /// stay empty: that is what the data say.
    #[default]
    Quantile,
    /// The same with equal breaks, and those at the least value, drawn together, so that fewer scores are used and none is empty, as by
    /// pandas' `qcut(duplicates="drop")`.
    Qcut,
    /// Type-7 quantiles plus one; a score is one more than the number of breaks at or below the value, as by R's package `rfm`. Adding one
    /// depends on the unit of money.
    RRfm,
    /// Equally many customers in each score, as by SQL's `NTILE` over values and then ids; the first scores take what is left over.
    Ntile,
    /// The breaks with the least sum of squares within scores (Fisher 1958; Jenks' natural breaks), found exactly.
    Kmeans,
    /// Breaks as given.
    Fixed,
}

/// Ascending break points of one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaks {
    /// The points.
    pub at: Vec<f64>,
    /// Whether a value at a break is above it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inclusive: bool,
    /// For [`Binning::Ntile`]: the last customer id below each break, among equal values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

impl Breaks {
    /// The breaks of some values for scores from 1 to `bins`. Blanks count in none. `ids` are read by [`Binning::Ntile`] alone; `rows` are the
    /// places of the values among them.
    pub fn fit(
        values: &[f64],
        rows: &[usize],
        ids: &[&str],
        bins: u8,
        binning: Binning,
        fixed: &[f64],
    ) -> Breaks {
        let mut breaks = Breaks { at: Vec::new(), inclusive: false, ids: Vec::new() };
        if binning == Binning::Fixed || bins < 2 {
            breaks.at = fixed.to_vec();
            return breaks;
        }
        if binning == Binning::Ntile {
            let finite = rows.iter().copied().filter(|i| values[*i].is_finite());
            let mut order: Vec<(f64, &str)> =
                finite.map(|i| (values[i], ids.get(i).copied().unwrap_or_default())).collect();
            order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
            let (size, left) = (order.len() / usize::from(bins), order.len() % usize::from(bins));
            for bin in 1..usize::from(bins) {
                // Of fewer customers than scores, the last ones find the upper scores empty.
                let end = (bin * size + bin.min(left)).clamp(1, order.len().max(1));
                let Some((value, id)) = order.get(end - 1) else { break };
                breaks.at.push(*value);
                breaks.ids.push((*id).to_owned());
            }
            return breaks;
        }
        let held: Vec<f64> = rows.iter().map(|i| values[*i]).collect();
        if binning == Binning::Kmeans {
            breaks.at = natural(&sorted_finite(&held), usize::from(bins));
            return breaks;
        }
        let mut finite: Vec<f64> = held.into_iter().filter(|v| v.is_finite()).collect();
        let ps: Vec<f64> = (1..bins).map(|i| f64::from(i) / f64::from(bins)).collect();
        breaks.at = quantiles(&mut finite, &ps);
        match binning {
            Binning::RRfm => {
                breaks.at.iter_mut().for_each(|b| *b += 1.0);
                breaks.inclusive = true;
            }
            Binning::Qcut => {
                let least = finite.iter().copied().fold(f64::INFINITY, f64::min);
                breaks.at.retain(|b| *b > least);
                breaks.at.dedup();
                // A break at the greatest value has nothing above it.
                let greatest = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                breaks.at.retain(|b| *b < greatest);
            }
            _ => {}
        }
        breaks
    }

    /// The number of breaks below a value; values outside the range that the breaks were found on fall into the outer bins, blanks into the first.
    pub fn below(&self, value: f64, id: &str) -> u8 {
        let passed = |(i, b): (usize, &f64)| {
            *b < value
                || (self.inclusive && *b == value)
                || (*b == value && self.ids.get(i).is_some_and(|last| last.as_str() < id))
        };
        self.at.iter().enumerate().take_while(|b| passed(*b)).count() as u8
    }

    /// Whether the numbers make breaks for so many bins.
    pub(super) fn check(&self, bins: u8) -> Result<(), String> {
        let ids = self.ids.is_empty() || self.ids.len() == self.at.len();
        if self.at.len() >= usize::from(bins)
            || !self.at.is_sorted()
            || self.at.iter().any(|b| b.is_nan())
            || !ids
        {
            return Err(format!("{bins} bins need at most {} ascending breaks", bins.saturating_sub(1)));
        }
        Ok(())
    }
}

/// Checks breaks that a user gives.
///
/// # Errors
/// If they are not finite and ascending, or not one fewer than the bins.
pub fn check_fixed(parameter: &'static str, breaks: &[f64], bins: u8) -> Result<(), MineError> {
    let ascending = breaks.windows(2).all(|w| w[0] < w[1]) && breaks.iter().all(|b| b.is_finite());
    if !ascending || breaks.len() + 1 != usize::from(bins) {
        let must = format!("{} ascending numbers for {bins} bins", bins.saturating_sub(1));
        return Err(MineError::parameter(parameter, must, format!("{breaks:?}")));
    }
    Ok(())
}

/// Type-7 quantiles at ascending `ps`, without sorting what lies between: the values come to be partly ordered.
pub(super) fn quantiles(values: &mut [f64], ps: &[f64]) -> Vec<f64> {
    let Some(last) = values.len().checked_sub(1) else { return Vec::new() };
    let mut from = 0;
    let mut found = Vec::new();
    for p in ps {
        let rank = p * last as f64;
        let low = rank.floor() as usize;
        if low >= from {
            values[from..].select_nth_unstable_by(low - from, f64::total_cmp);
        }
        let above = values[low + 1..].iter().copied().fold(f64::INFINITY, f64::min);
        let pair = [values[low], if above.is_finite() { above } else { values[low] }];
        // The same arithmetic as on sorted values.
        found.push(quantile_sorted(&pair, rank - low as f64));
        from = low;
    }
    found
}

/// The breaks between `bins` groups of ascending values with the least sum of squared distances to the groups' means: the greatest value
/// of each group but the last. Of equal values, fewer groups are made.
///
/// Dynamic programming over the distinct values (Wang & Song 2011, *R Journal* 3/2), each row by divide and conquer on where the last
/// group begins, which only moves to the right: `O(bins n log n)`.
fn natural(sorted: &[f64], bins: usize) -> Vec<f64> {
    let mut distinct: Vec<(f64, f64)> = Vec::new();
    for v in sorted {
        match distinct.last_mut() {
            Some(last) if last.0 == *v => last.1 += 1.0,
            _ => distinct.push((*v, 1.0)),
        }
    }
    let n = distinct.len();
    let bins = bins.min(n);
    if bins < 2 {
        return Vec::new();
    }
    // Sums from the middle value on, so that squares do not cancel.
    let origin = distinct[n / 2].0;
    let mut sums = vec![(0.0, 0.0, 0.0)];
    for (v, w) in &distinct {
        let (count, sum, squares) = sums[sums.len() - 1];
        let v = v - origin;
        sums.push((count + w, sum + w * v, squares + w * v * v));
    }
    // Of the values from `i` up to and with `j`.
    let cost = |i: usize, j: usize| {
        let (a, b) = (sums[i], sums[j + 1]);
        let (count, sum) = (b.0 - a.0, b.1 - a.1);
        (b.2 - a.2 - sum * sum / count).max(0.0)
    };
    let mut best: Vec<f64> = (0..n).map(|j| cost(0, j)).collect();
    let mut begins: Vec<Vec<u32>> = Vec::new();
    for group in 1..bins {
        let (mut next, mut begin) = (vec![f64::INFINITY; n], vec![0u32; n]);
        let mut spans = vec![(group, n - 1, group, n - 1)];
        while let Some((low, high, first, last)) = spans.pop() {
            let j = (low + high) / 2;
            for i in first..=last.min(j) {
                let value = best[i - 1] + cost(i, j);
                if value < next[j] {
                    (next[j], begin[j]) = (value, i as u32);
                }
            }
            let at = begin[j] as usize;
            if j > low {
                spans.push((low, j - 1, first, at));
            }
            if j < high {
                spans.push((j + 1, high, at, last));
            }
        }
        best = next;
        begins.push(begin);
    }
    let mut breaks = Vec::new();
    let mut end = n - 1;
    for begin in begins.iter().rev() {
        let at = begin[end] as usize;
        breaks.push(distinct[at - 1].0);
        end = at - 1;
    }
    breaks.reverse();
    breaks
}
