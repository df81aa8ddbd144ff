//! RFM: who bought recently, often, and much.
//!
//! **Story.** Three numbers sort customers better than most models: days since the last order
//! (recency), orders (frequency), and net revenue (monetary). Each becomes a score from 1 to a number of bins,
//! and a map from scores to names turns 125 cells into about ten segments that people can act on.
//!
//! **Scores** ([`Binning`]). A score is one more than the number of break points below the value; recency counts
//! backwards, so that the highest is best everywhere. By default breaks are type-7 quantiles and equal values always share a
//! score: ties are never split by the order of the rows. Other tools cut differently, and have modes of their own here, so that people can move
//! over and check: pandas' `qcut`, R's `rfm`, SQL's `NTILE`. Breaks may also be given, or found by k-means.
//!
//! *Nested* scores cut frequency within each recency score, and monetary within each pair of those: equal parts in every cell, at the price
//! that scores of different cells cannot be compared.
//!
//! **Groups.** With [`Settings::by`] each value of a text column (a country, a channel) has breaks of its own, if it has enough customers.
//!
//! **Segments** ([`SegmentMap`]). A map names every cell; gaps and overlaps are errors unless asked for.
//!
//! **Rhythm** ([`Rhythm`]). Beside the scores: new, active, lapsing or lost by the customer's own gaps, and heavy, medium or light buyers.
//!
//! **Model.** The breaks are the model: tonight's customers can be scored with last month's, values outside the old range in the outer
//! bins, and [`Rfm::moves`] says how far fresh breaks would lie from them.

mod breaks;
mod rhythm;
mod segments;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::{Parameters, settings};

use crate::MineError;
use crate::parallel;
pub use breaks::{Binning, Breaks};
pub use rhythm::{Rhythm, RhythmSettings};
pub use segments::{PRESETS, Segment, SegmentMap};

#[cfg(test)]
mod tests;

/// Most bins of a score.
pub const MOST_BINS: u8 = 100;

/// The columns that RFM reads, one value a customer.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Days from the last order to `as_of`.
    pub days_since_last: &'a [f64],
    /// Orders.
    pub orders: &'a [f64],
    /// Net revenue.
    pub net_revenue: &'a [f64],
    /// Mean days between order days, NaN for customers with one.
    pub mean_gap_days: &'a [f64],
    /// Repeat order days.
    pub x: &'a [f64],
    /// The customers' ids, which [`Binning::Ntile`] orders equal values by; may be empty for the others.
    pub ids: &'a [&'a str],
    /// The customers' groups; empty without [`Settings::by`].
    pub groups: &'a [&'a str],
}

impl Input<'_> {
    fn len(&self) -> usize {
        self.orders.len()
    }

    fn id(&self, i: usize) -> &str {
        self.ids.get(i).copied().unwrap_or_default()
    }

    fn group(&self, i: usize) -> &str {
        self.groups.get(i).copied().unwrap_or_default()
    }
}

settings! {
    /// How scores come about.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Scoring {
        /// Scores run from 1 to this; or to these, for R, F and M.
        pub bins: Bins = Bins::Same(5),
        /// How breaks come about.
        pub binning: Binning = Binning::Quantile,
        /// For [`Binning::Fixed`]: ascending breaks of days since the last order, one fewer than the bins.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub days_since_last_breaks: Vec<f64> = Vec::new(),
        /// The same of orders.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub orders_breaks: Vec<f64> = Vec::new(),
        /// The same of net revenue.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub net_revenue_breaks: Vec<f64> = Vec::new(),
        /// Whether F is cut within each R score, and M within each R and F score.
        pub nested: bool = false,
        /// Weights of R, F and M in the weighted score.
        pub weights: [f64; 3] = [1.0; 3],
        /// The column that groups are from, if each is to have breaks of its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub by: Option<String> = None,
        /// Fewest customers of a group with its own breaks.
        pub min_group: usize = 500,
    }
}

/// See [`Scoring::bins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "bins is a number, or three such as [5, 5, 5]")]
pub enum Bins {
    /// As many for each.
    Same(u8),
    /// For R, F and M.
    Each([u8; 3]),
}

impl Bins {
    /// For R, F and M.
    pub fn each(self) -> [u8; 3] {
        match self {
            Bins::Same(bins) => [bins; 3],
            Bins::Each(bins) => bins,
        }
    }
}

impl Scoring {
    /// The breaks that are given, of R, F and M, each with its key.
    fn fixed(&self) -> [(&'static str, &[f64]); 3] {
        [
            ("days_since_last_breaks", &self.days_since_last_breaks),
            ("orders_breaks", &self.orders_breaks),
            ("net_revenue_breaks", &self.net_revenue_breaks),
        ]
    }
}

/// What a model is fitted by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// How scores come about.
    pub scoring: Scoring,
    /// The names.
    pub segments: SegmentMap,
    /// Rhythm and volume classes.
    pub rhythm: RhythmSettings,
}

impl Settings {
    /// Checks everything that can be checked without customers.
    ///
    /// # Errors
    /// If a setting is out of its range or the map does not fit the bins.
    pub fn check(&self) -> Result<(), MineError> {
        let (bins, weights) = (self.scoring.bins.each(), self.scoring.weights);
        if bins.iter().any(|b| !(1..=MOST_BINS).contains(b)) {
            return Err(MineError::parameter(
                "bins",
                format!("within 1 to {MOST_BINS}"),
                format!("{bins:?}"),
            ));
        }
        if weights.iter().any(|w| !(*w >= 0.0 && w.is_finite())) || weights.iter().all(|w| *w == 0.0) {
            return Err(MineError::parameter("weights", "at least 0, and not all 0", format!("{weights:?}")));
        }
        for ((name, fixed), bins) in self.scoring.fixed().into_iter().zip(bins) {
            if self.scoring.binning == Binning::Fixed {
                breaks::check_fixed(name, fixed, bins)?;
            } else if !fixed.is_empty() {
                return Err(MineError::parameter(
                    name,
                    "left out unless binning = \"fixed\"",
                    format!("{fixed:?}"),
                ));
            }
        }
        self.rhythm.check()?;
        self.segments.check(bins)
    }
}

/// A customer's three scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
        let between = if self.r.max(self.f).max(self.m) > 9 { "-" } else { "" };
        write!(f, "{}{between}{}{between}{}", self.r, self.f, self.m)
    }
}

/// The breaks of a group of customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scales {
    /// Of days since the last order.
    pub days_since_last: Breaks,
    /// Of orders: one, or if nested one for each R score.
    pub orders: Vec<Breaks>,
    /// Of net revenue: one, or if nested one for each R and F score, R first.
    pub net_revenue: Vec<Breaks>,
}

/// A fitted RFM model: its break points and its map.
///
/// ```
/// use tillwise_mine::rfm::{Input, Rfm, Settings};
///
/// // A hundred customers: the later in the list, the longer silent, and the fewer orders.
/// let column = |f: fn(f64) -> f64| (0..100).map(|i| f(f64::from(i))).collect::<Vec<f64>>();
/// let (days_since_last, orders) = (column(|i| 3.0 * i), column(|i| 100.0 - i));
/// let (net_revenue, gaps, x) = (column(|i| 5000.0 - 40.0 * i), column(|_| 30.0), column(|i| 99.0 - i));
/// let input = Input {
///     days_since_last: &days_since_last, orders: &orders, net_revenue: &net_revenue, mean_gap_days: &gaps, x: &x,
///     ids: &[], groups: &[],
/// };
/// let rfm = Rfm::fit(input, &Settings::default())?;
/// let scores = rfm.score(input);
/// assert_eq!((scores[0].to_string().as_str(), rfm.segment(scores[0])), ("555", "Champions"));
/// assert_eq!((scores[99].to_string().as_str(), rfm.segment(scores[99])), ("111", "Hibernating"));
/// # Ok::<(), tillwise_mine::MineError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rfm {
    /// Scores run from 1 to these, for R, F and M.
    pub bins: [u8; 3],
    /// How the breaks came about.
    pub binning: Binning,
    /// Whether F is cut within R, and M within R and F.
    pub nested: bool,
    /// Weights of the three scores in the weighted one.
    pub weights: [f64; 3],
    /// The column that groups are from.
    pub by: Option<String>,
    /// Fewest customers of a group with its own breaks.
    pub min_group: usize,
    /// Everyone's breaks.
    pub pooled: Scales,
    /// The breaks of groups that have their own.
    pub groups: BTreeMap<String, Scales>,
    /// The names.
    pub segments: SegmentMap,
    /// Rhythm and volume classes.
    pub rhythm: Rhythm,
}

impl Parameters for Rfm {
    const KIND: &'static str = "rfm";
    const VERSION: u32 = 2;

    fn check(&self) -> Result<(), String> {
        self.segments.check(self.bins).map_err(|e| e.to_string())?;
        self.rhythm.check()?;
        let [r, f, m] = self.bins;
        let (fs, ms) = if self.nested { (usize::from(r), usize::from(r) * usize::from(f)) } else { (1, 1) };
        for scales in self.groups.values().chain([&self.pooled]) {
            if scales.orders.len() != fs || scales.net_revenue.len() != ms {
                return Err(format!("it needs {fs} lists of breaks for orders and {ms} for net revenue"));
            }
            scales.days_since_last.check(r)?;
            scales.orders.iter().try_for_each(|b| b.check(f))?;
            scales.net_revenue.iter().try_for_each(|b| b.check(m))?;
        }
        Ok(())
    }
}

/// How far a break would move if it were found anew.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// The group; `None` for everyone.
    pub group: Option<String>,
    /// `days_since_last`, `orders` or `net_revenue`.
    pub measure: &'static str,
    /// Within which R and F scores, if nested: `""`, `"5"`, `"53"`.
    pub within: String,
    /// The number of the break, from 1.
    pub number: usize,
    /// Where it is.
    pub at: Option<f64>,
    /// Where it would be.
    pub fresh: Option<f64>,
}

impl Rfm {
    /// Finds the break points.
    ///
    /// # Errors
    /// If a setting is out of range, or there is no customer.
    pub fn fit(input: Input<'_>, settings: &Settings) -> Result<Rfm, MineError> {
        settings.check()?;
        if input.len() == 0 {
            return Err(MineError::data("RFM needs at least one customer", "there is none"));
        }
        let everyone: Vec<usize> = (0..input.len()).collect();
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, group) in input.groups.iter().enumerate() {
            members.entry(group).or_default().push(i);
        }
        // Customers without a value are scored with everyone.
        members.retain(|group, rows| !group.is_empty() && rows.len() >= settings.scoring.min_group);
        let (pooled, rhythm) = rayon::join(
            || Scales::fit(input, &everyone, &settings.scoring, None),
            || Rhythm::fit(input, &settings.rhythm),
        );
        let groups = members
            .into_par_iter()
            .map(|(group, rows)| {
                (group.to_owned(), Scales::fit(input, &rows, &settings.scoring, Some(&pooled)))
            })
            .collect();
        Ok(Rfm {
            bins: settings.scoring.bins.each(),
            binning: settings.scoring.binning,
            nested: settings.scoring.nested,
            weights: settings.scoring.weights,
            by: settings.scoring.by.clone(),
            min_group: settings.scoring.min_group,
            pooled,
            groups,
            segments: settings.segments.clone(),
            rhythm: rhythm?,
        })
    }

    /// Whether a model is of these settings, so that it can stand in for a fit.
    pub fn suits(&self, settings: &Settings) -> bool {
        let scoring = &settings.scoring;
        let fixed = scoring.binning != Binning::Fixed
            || [&self.pooled.days_since_last, &self.pooled.orders[0], &self.pooled.net_revenue[0]]
                .iter()
                .zip(scoring.fixed())
                .all(|(b, (_, given))| b.at == given);
        (self.bins, self.binning, self.nested) == (scoring.bins.each(), scoring.binning, scoring.nested)
            && (self.weights, &self.by, &self.segments) == (scoring.weights, &scoring.by, &settings.segments)
            && fixed
            && self.min_group == scoring.min_group
            && self.rhythm.suits(&settings.rhythm)
    }

    /// The scores of every customer.
    pub fn score(&self, input: Input<'_>) -> Vec<Score> {
        let [bins, ..] = self.bins;
        parallel::map(input.len(), |i| {
            let scales = match self.groups.is_empty() {
                true => &self.pooled,
                false => self.groups.get(input.group(i)).unwrap_or(&self.pooled),
            };
            let id = input.id(i);
            let r = scales.r(self.binning, bins, input.days_since_last[i], id);
            let (fs, ms) = self.places(r);
            let f = 1 + scales.orders[fs].below(input.orders[i], id);
            let m = 1 + scales.net_revenue[ms(f)].below(input.net_revenue[i], id);
            Score { r, f, m }
        })
    }

    /// Which breaks of orders, and by the F score which of net revenue, hold for an R score.
    fn places(&self, r: u8) -> (usize, impl Fn(u8) -> usize) {
        let (nested, f_bins) = (self.nested, usize::from(self.bins[1]));
        let r = usize::from(r) - 1;
        (if nested { r } else { 0 }, move |f: u8| if nested { r * f_bins + usize::from(f) - 1 } else { 0 })
    }

    /// The weighted score: the sum of each score times its weight.
    pub fn weighted(&self, score: Score) -> f64 {
        let [r, f, m] = self.weights;
        r * f64::from(score.r) + f * f64::from(score.f) + m * f64::from(score.m)
    }

    /// The segment of a customer with these scores.
    pub fn segment(&self, score: Score) -> &str {
        self.segments.name(score)
    }

    /// Every break with where it would be in a fresh fit of the same settings.
    pub fn moves(&self, fresh: &Rfm) -> Vec<Move> {
        let mut moves = Vec::new();
        let mut pair = |group: Option<&String>, a: Option<&Scales>, b: Option<&Scales>| {
            let mut add = |measure: &'static str, within: String, a: Option<&Breaks>, b: Option<&Breaks>| {
                let len = |b: Option<&Breaks>| b.map_or(0, |b| b.at.len());
                for i in 0..len(a).max(len(b)) {
                    let point = |b: Option<&Breaks>| b.and_then(|b| b.at.get(i).copied());
                    let (at, fresh) = (point(a), point(b));
                    moves.push(Move {
                        group: group.cloned(),
                        measure,
                        within: within.clone(),
                        number: i + 1,
                        at,
                        fresh,
                    });
                }
            };
            add(
                "days_since_last",
                String::new(),
                a.map(|s| &s.days_since_last),
                b.map(|s| &s.days_since_last),
            );
            let count = |f: &dyn Fn(&Scales) -> usize| a.or(b).map_or(0, f);
            for i in 0..count(&|s| s.orders.len()) {
                let within = if self.nested { format!("{}", i + 1) } else { String::new() };
                add("orders", within, a.and_then(|s| s.orders.get(i)), b.and_then(|s| s.orders.get(i)));
            }
            for i in 0..count(&|s| s.net_revenue.len()) {
                let f = usize::from(self.bins[1]);
                let within = if self.nested { format!("{}-{}", i / f + 1, i % f + 1) } else { String::new() };
                add(
                    "net_revenue",
                    within,
                    a.and_then(|s| s.net_revenue.get(i)),
                    b.and_then(|s| s.net_revenue.get(i)),
                );
            }
        };
        pair(None, Some(&self.pooled), Some(&fresh.pooled));
        let names: std::collections::BTreeSet<&String> =
            self.groups.keys().chain(fresh.groups.keys()).collect();
        for name in names {
            pair(Some(name), self.groups.get(name), fresh.groups.get(name));
        }
        moves
    }
}

impl Scales {
    /// Breaks of some customers. Nested cells without a customer take the breaks of their level, or of `fallback`.
    fn fit(input: Input<'_>, rows: &[usize], scoring: &Scoring, fallback: Option<&Scales>) -> Scales {
        let [r_bins, f_bins, m_bins] = scoring.bins.each();
        let fixed = scoring.fixed();
        let fit = |values: &[f64], rows: &[usize], bins: u8, which: usize| {
            Breaks::fit(values, rows, input.ids, bins, scoring.binning, fixed[which].1)
        };
        // SQL counts days downwards for the recency score: the oldest come first.
        let days = || match scoring.binning {
            Binning::Ntile => {
                let backwards: Vec<f64> = input.days_since_last.iter().map(|d| -d).collect();
                fit(&backwards, rows, r_bins, 0)
            }
            _ => fit(input.days_since_last, rows, r_bins, 0),
        };
        if !scoring.nested {
            let (days_since_last, (orders, revenue)) = rayon::join(days, || {
                rayon::join(|| fit(input.orders, rows, f_bins, 1), || fit(input.net_revenue, rows, m_bins, 2))
            });
            return Scales { days_since_last, orders: vec![orders], net_revenue: vec![revenue] };
        }
        let mut scales = Scales { days_since_last: days(), orders: Vec::new(), net_revenue: Vec::new() };
        let mut by_r: Vec<Vec<usize>> = vec![Vec::new(); usize::from(r_bins)];
        for i in rows {
            let r = scales.r(scoring.binning, r_bins, input.days_since_last[*i], input.id(*i));
            by_r[usize::from(r) - 1].push(*i);
        }
        for (r, rows_r) in by_r.iter().enumerate() {
            let orders = match (rows_r.is_empty(), fallback) {
                (true, Some(other)) => other.orders[r].clone(),
                (true, None) => fit(input.orders, rows, f_bins, 1),
                _ => fit(input.orders, rows_r, f_bins, 1),
            };
            let mut by_f: Vec<Vec<usize>> = vec![Vec::new(); usize::from(f_bins)];
            for i in rows_r {
                by_f[usize::from(orders.below(input.orders[*i], input.id(*i)))].push(*i);
            }
            scales.orders.push(orders);
            for (f, rows_f) in by_f.iter().enumerate() {
                scales.net_revenue.push(match (rows_f.is_empty(), fallback) {
                    (true, Some(other)) => other.net_revenue[r * usize::from(f_bins) + f].clone(),
                    (true, None) => fit(input.net_revenue, rows, m_bins, 2),
                    _ => fit(input.net_revenue, rows_f, m_bins, 2),
                });
            }
        }
        scales
    }

    /// The recency score.
    fn r(&self, binning: Binning, bins: u8, days_since_last: f64, id: &str) -> u8 {
        match binning {
            Binning::Ntile => 1 + self.days_since_last.below(-days_since_last, id),
            // Fewer bins than asked for, as of drawn-together quantiles: the best of those is the highest.
            Binning::Qcut => {
                1 + self.days_since_last.at.len() as u8 - self.days_since_last.below(days_since_last, id)
            }
            _ => bins - self.days_since_last.below(days_since_last, id),
        }
    }
}
