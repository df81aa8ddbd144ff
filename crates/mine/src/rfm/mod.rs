//! RFM: who bought recently, often, and much.
//!
//! **Story.** Three numbers sort customers better than most models: days since the last order
//! (recency), orders (frequency), and net revenue (monetary). Each becomes a score from 1 to `bins`,
//! and a map from scores to names turns 125 cells into about ten segments that people can act on.
//!
//! **Scores.** A score is one more than the number of break points strictly below the value; the break
//! points are the type-7 quantiles (quintiles for five bins). Equal values therefore always share a
//! score: ties are never split by the order of the rows. Recency counts backwards, so that 5 is best
//! everywhere. Where many values are equal (most customers with one order), some scores stay empty:
//! that is what the data say.
//!
//! **Differences elsewhere.** SQL's `NTILE` and ordinal ranks cut equal values apart to make equal bins;
//! R's `rfm` shifts its upper bounds by one. Scores at the borders differ between tools for that reason.
//!
//! **Segments.** [`SegmentMap`] is an ordered list of boxes; the first that holds a customer's scores
//! names it. The default uses recency and frequency:
//!
//! | r \ f | 1 | 2 | 3 | 4 | 5 |
//! |---|---|---|---|---|---|
//! | 5 | New | Potential loyalists | Potential loyalists | Champions | Champions |
//! | 4 | Promising | Potential loyalists | Potential loyalists | Loyal | Loyal |
//! | 3 | About to sleep | About to sleep | Need attention | Loyal | Loyal |
//! | 1-2 | Hibernating | Hibernating | At risk | At risk | Can't lose |

use serde::{Deserialize, Serialize};
use tillwise_core::Parameters;

use crate::MineError;
use crate::parallel;
use crate::stats::{quantile_sorted, sorted_finite};

#[cfg(test)]
mod tests;

/// The columns that RFM reads, one value a customer.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Days from the last order to `as_of`.
    pub days_since_last: &'a [f64],
    /// Orders.
    pub orders: &'a [f64],
    /// Net revenue.
    pub net_revenue: &'a [f64],
}

/// A named box of scores, bounds inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// Lowest and highest recency score.
    #[serde(default = "any_score")]
    pub r: [u8; 2],
    /// Lowest and highest frequency score.
    #[serde(default = "any_score")]
    pub f: [u8; 2],
    /// Lowest and highest monetary score.
    #[serde(default = "any_score")]
    pub m: [u8; 2],
}

fn any_score() -> [u8; 2] {
    [1, 9]
}

impl Segment {
    fn holds(&self, score: Score) -> bool {
        let within = |[low, high]: [u8; 2], s: u8| (low..=high).contains(&s);
        within(self.r, score.r) && within(self.f, score.f) && within(self.m, score.m)
    }
}

/// Segments, tried in order; the first that holds the scores wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentMap(pub Vec<Segment>);

/// The name of customers whose scores are in no segment.
pub const OTHER: &str = "Other";

impl Default for SegmentMap {
    fn default() -> Self {
        let boxed = |name: &str, r: [u8; 2], f: [u8; 2]| Segment { name: name.to_owned(), r, f, m: [1, 5] };
        SegmentMap(vec![
            boxed("Champions", [5, 5], [4, 5]),
            boxed("Loyal", [3, 4], [4, 5]),
            boxed("Potential loyalists", [4, 5], [2, 3]),
            boxed("New", [5, 5], [1, 1]),
            boxed("Promising", [4, 4], [1, 1]),
            boxed("Need attention", [3, 3], [3, 3]),
            boxed("About to sleep", [3, 3], [1, 2]),
            boxed("Can't lose", [1, 2], [5, 5]),
            boxed("At risk", [1, 2], [3, 4]),
            boxed("Hibernating", [1, 2], [1, 2]),
        ])
    }
}

impl SegmentMap {
    /// Checks names and bounds for scores from 1 to `bins`.
    ///
    /// # Errors
    /// If the map is empty, a name is empty, or bounds are reversed or start above `bins`.
    pub fn check(&self, bins: u8) -> Result<(), MineError> {
        if self.0.is_empty() {
            return Err(MineError::parameter("segments", "a list of at least one segment", "empty"));
        }
        for s in &self.0 {
            if s.name.trim().is_empty() {
                return Err(MineError::parameter("segments.name", "a name", "empty"));
            }
            for (bound, [low, high]) in [("segments.r", s.r), ("segments.f", s.f), ("segments.m", s.m)] {
                if low < 1 || low > high || low > bins {
                    return Err(MineError::parameter(
                        bound,
                        format!("[low, high] within 1 to {bins}"),
                        format!("[{low}, {high}] in `{}`", s.name),
                    ));
                }
            }
        }
        Ok(())
    }

    fn name(&self, score: Score) -> &str {
        self.0.iter().find(|s| s.holds(score)).map_or(OTHER, |s| &s.name)
    }
}

/// A customer's three scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Recency, highest for the most recent.
    pub r: u8,
    /// Frequency.
    pub f: u8,
    /// Monetary.
    pub m: u8,
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.r, self.f, self.m)
    }
}

/// A fitted RFM model: its break points and its map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rfm {
    /// Scores run from 1 to this.
    pub bins: u8,
    /// Break points of days since the last order, ascending, `bins - 1` of them.
    pub days_since_last_breaks: Vec<f64>,
    /// Break points of orders.
    pub orders_breaks: Vec<f64>,
    /// Break points of net revenue.
    pub net_revenue_breaks: Vec<f64>,
    /// The names.
    pub segments: SegmentMap,
}

impl Parameters for Rfm {
    const KIND: &'static str = "rfm";
    const VERSION: u32 = 1;

    fn check(&self) -> Result<(), String> {
        self.segments.check(self.bins).map_err(|e| e.to_string())?;
        for breaks in [&self.days_since_last_breaks, &self.orders_breaks, &self.net_revenue_breaks] {
            if breaks.len() + 1 != usize::from(self.bins) || !breaks.is_sorted() {
                return Err(format!(
                    "{} bins need {} ascending breaks",
                    self.bins,
                    self.bins.saturating_sub(1)
                ));
            }
        }
        Ok(())
    }
}

impl Rfm {
    /// Finds the break points.
    ///
    /// # Errors
    /// If `bins` is not within 2 to 9, the map does not fit it, or there is no customer.
    pub fn fit(input: Input<'_>, bins: u8, segments: SegmentMap) -> Result<Rfm, MineError> {
        if !(2..=9).contains(&bins) {
            return Err(MineError::parameter("bins", "within 2 to 9", bins));
        }
        segments.check(bins)?;
        if input.orders.is_empty() {
            return Err(MineError::data("RFM needs at least one customer", "there is none"));
        }
        let breaks = |values: &[f64]| -> Vec<f64> {
            let sorted = sorted_finite(values);
            (1..bins).map(|i| quantile_sorted(&sorted, f64::from(i) / f64::from(bins))).collect()
        };
        let (days, (orders, revenue)) = rayon::join(
            || breaks(input.days_since_last),
            || rayon::join(|| breaks(input.orders), || breaks(input.net_revenue)),
        );
        Ok(Rfm {
            bins,
            days_since_last_breaks: days,
            orders_breaks: orders,
            net_revenue_breaks: revenue,
            segments,
        })
    }

    /// The scores of every customer.
    pub fn score(&self, input: Input<'_>) -> Vec<Score> {
        let above = |breaks: &[f64], v: f64| breaks.iter().filter(|b| **b < v).count() as u8;
        parallel::map(input.orders.len(), |i| Score {
            r: self.bins - above(&self.days_since_last_breaks, input.days_since_last[i]),
            f: 1 + above(&self.orders_breaks, input.orders[i]),
            m: 1 + above(&self.net_revenue_breaks, input.net_revenue[i]),
        })
    }

    /// The segment of a customer with these scores.
    pub fn segment(&self, score: Score) -> &str {
        self.segments.name(score)
    }
}
