//! Gradient boosting (Friedman 2001) of trees on binned features, as Chen & Guestrin (2016) and Ke et al. (2017) do it.
//!
//! Every round adds a small tree to the log-odds, fitted to the gradients of the log loss: at a node the sums of gradients `g = p - y` and
//! of their derivatives `h = p (1 - p)` are counted by bin, a split gains `G_l^2 / (H_l + l2) + G_r^2 / (H_r + l2) - G^2 / (H + l2)`, and a leaf is
//! worth `-rate G / (H + l2)`. The leaf that gains most is split next, up to `leaves`. The counts of the larger child are those of the
//! parent less those of the smaller. Blanks are tried on both sides; categories are parted along `G / (H + l2)`.
//! Sums run over rows in their order, feature by feature, so the same bits come out on any number of threads.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::settings;

use super::bins::{Binned, bin_all, gain_by_chance, partition};
use super::data::{Examples, Feature, Values};
use super::tree::{Split, Test};
use crate::MineError;

settings! {
    /// How boosting goes on.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct BoostSettings {
        /// Trees: so many, or where they are tuned, at most.
        pub boost_rounds: usize = 1000,
        /// Leaves of a tree, at most.
        pub boost_leaves: usize = 31,
        /// Splits from the root to a leaf, at most.
        pub boost_depth: usize = 8,
        /// How much of each tree is added, above 0 and up to 1.
        pub boost_rate: f64 = 0.05,
        /// Rows in a leaf, at least.
        pub boost_min_leaf: usize = 20,
        /// Penalty on the squared values of leaves, 0 or more.
        pub boost_l2: f64 = 1.0,
    }
}

/// A fitted sum of trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boost {
    /// Log-odds of churn before any tree.
    start: f64,
    pub(super) trees: Vec<Vec<BoostNode>>,
}

/// A node of a boosted tree; node 0 is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostNode {
    /// What a leaf adds to the log-odds.
    pub value: f64,
    /// How it parts; `None` for a leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

/// Sums of a bin.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    g: f64,
    h: f64,
    rows: u32,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.g += other.g;
        self.h += other.h;
        self.rows += other.rows;
    }

    fn less(self, other: Sums) -> Sums {
        Sums { g: self.g - other.g, h: self.h - other.h, rows: self.rows - other.rows }
    }

    fn score(self, l2: f64) -> f64 {
        self.g * self.g / (self.h + l2)
    }
}

/// A leaf that may be split.
struct Open {
    node: usize,
    depth: usize,
    /// Its rows, as a range of all.
    rows: std::ops::Range<usize>,
    total: Sums,
    /// For each feature the sums by bin.
    counts: Vec<Vec<Sums>>,
    best: Option<Best>,
}

#[derive(Clone, Debug)]
struct Best {
    gain: f64,
    feature: usize,
    place: usize,
    order: Vec<u16>,
    blank_low: bool,
    sees_blanks: bool,
}

struct Rounds<'a> {
    binned: &'a [Binned],
    settings: &'a BoostSettings,
    /// Gradient and its derivative, by row.
    slopes: Vec<(f64, f64)>,
}

impl Boost {
    /// Fits the trees.
    ///
    /// # Errors
    /// As [`super::Tree::fit`].
    pub fn fit(examples: &Examples, settings: &BoostSettings) -> Result<Boost, MineError> {
        Boost::watched(examples, settings, &mut |_| true)
    }

    /// The same; what is seen of each tree says whether another is to follow.
    ///
    /// # Errors
    /// As [`super::Tree::fit`].
    pub(super) fn watched(
        examples: &Examples,
        settings: &BoostSettings,
        goes_on: &mut dyn FnMut(&Boost) -> bool,
    ) -> Result<Boost, MineError> {
        let (mut churners, mut total) = (0.0, 0.0);
        for row in 0..examples.len() {
            total += examples.weight(row);
            churners += if examples.churned[row] { examples.weight(row) } else { 0.0 };
        }
        let share = (churners / total).clamp(1e-9, 1.0 - 1e-9);
        let slope = |row: usize, odds: f64| {
            let (p, weight) = (1.0 / (1.0 + (-odds).exp()), examples.weight(row));
            (weight * (p - f64::from(u8::from(examples.churned[row]))), weight * p * (1.0 - p))
        };
        Boost::grow(examples, settings, (share / (1.0 - share)).ln(), &slope, goes_on)
    }

    /// Fits the trees to values by least squares, in place of the label: what a row comes to is then [`Boost::sum`].
    ///
    /// # Errors
    /// As [`super::Tree::fit`].
    pub fn of_values(
        examples: &Examples,
        values: &[f64],
        settings: &BoostSettings,
    ) -> Result<Boost, MineError> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, value) in values.iter().enumerate() {
            total += examples.weight(row);
            sum += examples.weight(row) * value;
        }
        let slope = |row: usize, so_far: f64| {
            let weight = examples.weight(row);
            (weight * (so_far - values[row]), weight)
        };
        Boost::grow(examples, settings, sum / total, &slope, &mut |_| true)
    }

    /// Adds trees to a start; `slope` is the gradient of a row's loss and its derivative, at what the row comes to so far.
    fn grow(
        examples: &Examples,
        settings: &BoostSettings,
        start: f64,
        slope: &(dyn Fn(usize, f64) -> (f64, f64) + Sync),
        goes_on: &mut dyn FnMut(&Boost) -> bool,
    ) -> Result<Boost, MineError> {
        examples.check_shape()?;
        let n = examples.len();
        let binned = bin_all(&examples.columns, false);
        let mut odds = vec![start; n];
        let mut rounds = Rounds { binned: &binned, settings, slopes: vec![(0.0, 0.0); n] };
        let mut boost = Boost { start, trees: Vec::new() };
        let mut rows: Vec<u32> = (0..n as u32).collect();
        for _ in 0..settings.boost_rounds {
            let slopes = rounds.slopes.par_iter_mut().with_min_len(4096).enumerate();
            slopes.for_each(|(row, own)| *own = slope(row, odds[row]));
            rows.iter_mut().enumerate().for_each(|(i, r)| *r = i as u32);
            let (tree, leaves) = rounds.tree(&mut rows);
            for (range, value) in leaves {
                rows[range].iter().for_each(|row| odds[*row as usize] += value);
            }
            let done = tree.len() == 1;
            boost.trees.push(tree);
            if done || !goes_on(&boost) {
                break;
            }
        }
        Ok(boost)
    }

    /// Checks trees from a file.
    pub(super) fn check(&self, features: &[Feature]) -> Result<(), String> {
        let sound = |tree: &Vec<BoostNode>| {
            !tree.is_empty()
                && tree.iter().enumerate().all(|(at, node)| {
                    node.value.is_finite()
                        && node.split.as_ref().is_none_or(|s| s.fits(features, at, tree.len()))
                })
        };
        if self.start.is_finite() && self.trees.iter().all(sound) {
            Ok(())
        } else {
            Err("a boosted tree does not hold together".to_owned())
        }
    }

    /// Log-odds of churn of a row, or its value.
    pub fn sum(&self, columns: &[Values], row: usize) -> f64 {
        self.trees.iter().fold(self.start, |sum, tree| sum + leaf(tree, columns, row).value)
    }

    /// Log-odds before any tree, and what the last tree adds to those of a row.
    pub(super) fn last(&self, columns: &[Values], row: usize) -> (f64, f64) {
        (self.start, self.trees.last().map_or(0.0, |tree| leaf(tree, columns, row).value))
    }

    /// Probability of churn of a row.
    pub fn predict_row(&self, columns: &[Values], row: usize) -> f64 {
        1.0 / (1.0 + (-self.sum(columns, row)).exp())
    }
}

/// The leaf of a row.
fn leaf<'t>(tree: &'t [BoostNode], columns: &[Values], row: usize) -> &'t BoostNode {
    let mut at = &tree[0];
    while let Some(split) = &at.split {
        at = &tree[if split.goes_low(columns[split.feature].at(row)) { split.low } else { split.high }];
    }
    at
}

impl Rounds<'_> {
    /// One tree, and its leaves' rows and values.
    fn tree(&self, rows: &mut [u32]) -> (Vec<BoostNode>, Vec<(std::ops::Range<usize>, f64)>) {
        let counts = self.counts(rows);
        let total = counts.first().map_or(Sums::default(), |bins| {
            bins.iter().fold(Sums::default(), |mut sum, b| {
                sum.add(*b);
                sum
            })
        });
        let mut nodes = vec![BoostNode { value: 0.0, split: None }];
        let mut open = vec![Open { node: 0, depth: 0, rows: 0..rows.len(), total, counts, best: None }];
        open[0].best = self.best(&open[0]);
        let mut spare = Vec::new();
        while open.len() < self.settings.boost_leaves {
            // The leaf that gains most; of equals the first.
            let next =
                (0..open.len()).filter(|i| open[*i].best.is_some()).fold(None, |chosen: Option<usize>, i| {
                    let gain = |i: usize| open[i].best.as_ref().map_or(0.0, |b| b.gain);
                    match chosen {
                        Some(c) if gain(c) >= gain(i) => Some(c),
                        _ => Some(i),
                    }
                });
            let Some(next) = next else { break };
            let leaf = open.swap_remove(next);
            let Some(best) = leaf.best.clone() else { break };
            let binned = &self.binned[best.feature];
            let mut low_bins = vec![false; binned.bins + 1];
            if binned.category {
                best.order[..best.place].iter().for_each(|b| low_bins[*b as usize] = true);
            } else {
                low_bins[..=best.place].fill(true);
            }
            low_bins[binned.bins] = best.blank_low;
            let part = &mut rows[leaf.rows.clone()];
            let middle = partition(part, &mut spare, |row| low_bins[binned.codes[row as usize] as usize]);
            let middle = leaf.rows.start + middle;
            let (low, high) = (leaf.rows.start..middle, middle..leaf.rows.end);
            let low_total = leaf.counts[best.feature].iter().zip(&low_bins).filter(|(_, l)| **l).fold(
                Sums::default(),
                |mut sum, (count, _)| {
                    sum.add(*count);
                    sum
                },
            );
            let high_total = leaf.total.less(low_total);
            let blank_low = if best.sees_blanks { best.blank_low } else { low.len() >= high.len() };
            let test = if binned.category {
                let codes = |bins: &[u16]| {
                    let mut codes: Vec<u32> = bins.iter().map(|b| u32::from(*b)).collect();
                    codes.sort_unstable();
                    codes
                };
                Test::Category {
                    low: codes(&best.order[..best.place]),
                    high: codes(&best.order[best.place..]),
                }
            } else {
                Test::Number { threshold: binned.threshold(best.place, best.place + 1) }
            };
            let (low_node, high_node) = (nodes.len(), nodes.len() + 1);
            nodes[leaf.node].split =
                Some(Split { feature: best.feature, test, blank_low, low: low_node, high: high_node });
            nodes.extend([BoostNode { value: 0.0, split: None }, BoostNode { value: 0.0, split: None }]);
            let depth = leaf.depth + 1;
            let last = open.len() + 2 >= self.settings.boost_leaves;
            let deeper = depth < self.settings.boost_depth && !last;
            // Only leaves that may be split again need counts.
            let (low_counts, high_counts) = if !deeper {
                (Vec::new(), Vec::new())
            } else if low.len() <= high.len() {
                let small = self.counts(&rows[low.clone()]);
                let large = difference(leaf.counts, &small);
                (small, large)
            } else {
                let small = self.counts(&rows[high.clone()]);
                let large = difference(leaf.counts, &small);
                (large, small)
            };
            for (node, rows, total, counts) in
                [(low_node, low, low_total, low_counts), (high_node, high, high_total, high_counts)]
            {
                let mut leaf = Open { node, depth, rows, total, counts, best: None };
                if deeper {
                    leaf.best = self.best(&leaf);
                }
                open.push(leaf);
            }
        }
        let leaves = open
            .into_iter()
            .map(|leaf| {
                let value =
                    -self.settings.boost_rate * leaf.total.g / (leaf.total.h + self.settings.boost_l2);
                nodes[leaf.node].value = value;
                (leaf.rows, value)
            })
            .collect();
        (nodes, leaves)
    }

    fn counts(&self, rows: &[u32]) -> Vec<Vec<Sums>> {
        self.binned
            .par_iter()
            .map(|binned| {
                let mut counts = vec![Sums::default(); binned.bins + 1];
                for row in rows {
                    let (g, h) = self.slopes[*row as usize];
                    let bin = &mut counts[binned.codes[*row as usize] as usize];
                    bin.g += g;
                    bin.h += h;
                    bin.rows += 1;
                }
                counts
            })
            .collect()
    }

    fn best(&self, leaf: &Open) -> Option<Best> {
        if leaf.total.rows < 2 * self.settings.boost_min_leaf as u32 {
            return None;
        }
        let bests: Vec<Option<Best>> = (0..self.binned.len())
            .into_par_iter()
            .map(|f| self.best_of_feature(f, &leaf.counts[f], leaf.total))
            .collect();
        bests.into_iter().flatten().fold(None, |best: Option<Best>, b| match best {
            Some(known) if b.gain <= known.gain => Some(known),
            _ => Some(b),
        })
    }

    fn best_of_feature(&self, feature: usize, counts: &[Sums], total: Sums) -> Option<Best> {
        let (binned, l2) = (&self.binned[feature], self.settings.boost_l2);
        let blank = counts[binned.bins];
        let least = self.settings.boost_min_leaf.max(1) as u32;
        let mut order: Vec<u16> = Vec::new();
        if binned.category {
            order.extend((0..binned.bins as u16).filter(|b| counts[*b as usize].rows > 0));
            let worth = |b: &u16| counts[*b as usize].g / (counts[*b as usize].h + l2);
            order.sort_by(|a, b| worth(a).total_cmp(&worth(b)).then(a.cmp(b)));
        }
        let places = if binned.category { order.len() } else { binned.bins };
        let whole = total.score(l2) + gain_by_chance(order.len());
        let mut best: Option<Best> = None;
        let mut below = Sums::default();
        for place in 0..places.saturating_sub(1) {
            let count = if binned.category { counts[order[place] as usize] } else { counts[place] };
            if count.rows == 0 {
                continue;
            }
            below.add(count);
            for blank_low in [true, false] {
                if !blank_low && blank.rows == 0 {
                    break;
                }
                let mut low = below;
                if blank_low {
                    low.add(blank);
                }
                if low.rows < least || total.rows - low.rows < least {
                    continue;
                }
                let gain = low.score(l2) + total.less(low).score(l2) - whole;
                if gain > 1e-6 && best.as_ref().is_none_or(|b| gain > b.gain) {
                    let place = if binned.category { place + 1 } else { place };
                    let sees_blanks = blank.rows > 0;
                    best = Some(Best { gain, feature, place, order: Vec::new(), blank_low, sees_blanks });
                }
            }
        }
        best.map(|b| Best { order, ..b })
    }
}

fn difference(mut whole: Vec<Vec<Sums>>, part: &[Vec<Sums>]) -> Vec<Vec<Sums>> {
    for (whole, part) in whole.iter_mut().zip(part) {
        whole.iter_mut().zip(part).for_each(|(w, p)| *w = w.less(*p));
    }
    whole
}
