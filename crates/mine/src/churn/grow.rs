//! How a tree grows: split after split, from counts of bins alone.

use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::bins::{Binned, gain_by_chance, partition};
use super::tree::{Criterion, Node, Split, Test, TreeSettings};

/// Weighted churners and rows of a bin or a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub churners: f64,
    pub weight: f64,
    pub rows: u32,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.churners += other.churners;
        self.weight += other.weight;
        self.rows += other.rows;
    }

    fn less(self, other: Count) -> Count {
        Count {
            churners: self.churners - other.churners,
            weight: self.weight - other.weight,
            rows: self.rows - other.rows,
        }
    }

    /// Share of churners.
    pub fn share(self) -> f64 {
        if self.weight > 0.0 { self.churners / self.weight } else { 0.0 }
    }

    /// Impurity times weight.
    fn impurity(self, criterion: Criterion) -> f64 {
        let (k, n) = (self.churners, self.weight);
        if n <= 0.0 {
            return 0.0;
        }
        match criterion {
            Criterion::Gini => 2.0 * k * (n - k) / n,
            Criterion::Entropy => {
                let term = |k: f64| if k > 0.0 { -k * (k / n).ln() } else { 0.0 };
                term(k) + term(n - k)
            }
        }
    }
}

/// The best split of a node as it is searched for.
#[derive(Clone, Debug)]
struct Found {
    gain: f64,
    feature: usize,
    /// Of a number the last bin on the low side; of a category how many of `order` go low.
    place: usize,
    /// Of a number the next bin with rows.
    next: usize,
    /// Bins of a category by their share of churners.
    order: Vec<u16>,
    blank_low: bool,
    /// Whether a row is blank.
    sees_blanks: bool,
}

/// What trees on the same binned rows share.
pub(super) struct Grower<'a> {
    pub binned: &'a [Binned],
    pub churned: &'a [bool],
    /// Empty for 1 each.
    pub weights: &'a [f64],
    pub settings: &'a TreeSettings,
    /// Of a forest: features looked at for a split, and the chance that picks them.
    pub some_features: Option<(usize, Xoshiro256PlusPlus)>,
    /// Whether features are looked at side by side; a forest grows its trees side by side instead.
    pub parallel: bool,
    pub nodes: Vec<Node>,
    pub spare: Vec<u32>,
}

impl Grower<'_> {
    fn count(&self, rows: &[u32]) -> Count {
        let mut count = Count { rows: rows.len() as u32, ..Count::default() };
        for row in rows {
            let row = *row as usize;
            let weight = self.weights.get(row).copied().unwrap_or(1.0);
            count.weight += weight;
            count.churners += if self.churned[row] { weight } else { 0.0 };
        }
        count
    }

    /// Grows the node of these rows, whose share of churners must lie within `bounds`, and returns its index.
    pub fn grow(&mut self, rows: &mut [u32], depth: usize, bounds: (f64, f64)) -> usize {
        let at = self.nodes.len();
        let total = self.count(rows);
        self.nodes.push(Node {
            rows: rows.len(),
            weight: total.weight,
            churners: total.churners,
            impurity: total.impurity(self.settings.criterion),
            probability: total.share().clamp(bounds.0, bounds.1),
            rule: 0,
            split: None,
        });
        let pure = total.churners <= 0.0 || total.churners >= total.weight;
        if depth == self.settings.max_depth || pure || rows.len() < 2 * self.settings.min_leaf {
            return at;
        }
        let Some(found) = self.best_split(rows, total, bounds) else { return at };
        let binned = &self.binned[found.feature];
        let blank = binned.blank();
        // For each bin, whether it goes low.
        let mut low_bins = vec![false; binned.bins + 1];
        if binned.category {
            found.order[..found.place].iter().for_each(|b| low_bins[*b as usize] = true);
        } else {
            low_bins[..=found.place].fill(true);
        }
        low_bins[blank as usize] = found.blank_low;
        let mut spare = std::mem::take(&mut self.spare);
        let middle = partition(rows, &mut spare, |row| low_bins[binned.codes[row as usize] as usize]);
        self.spare = spare;
        let (low_rows, high_rows) = rows.split_at_mut(middle);
        let bigger_low = low_rows.len() >= high_rows.len();
        let blank_low = if found.sees_blanks { found.blank_low } else { bigger_low };
        let test = if binned.category {
            let mut low: Vec<u32> = found.order[..found.place].iter().map(|b| u32::from(*b)).collect();
            let mut high: Vec<u32> = found.order[found.place..].iter().map(|b| u32::from(*b)).collect();
            low.sort_unstable();
            high.sort_unstable();
            Test::Category { low, high }
        } else {
            Test::Number { threshold: binned.threshold(found.place, found.next) }
        };
        let (low_bounds, high_bounds) = self.child_bounds(found.feature, low_rows, high_rows, bounds);
        let low = self.grow(low_rows, depth + 1, low_bounds);
        let high = self.grow(high_rows, depth + 1, high_bounds);
        self.nodes[at].split = Some(Split { feature: found.feature, test, blank_low, low, high });
        at
    }

    fn direction(&self, feature: usize) -> i8 {
        self.settings.monotone.get(feature).copied().unwrap_or(0)
    }

    /// With a monotone feature, neither child may cross the middle between them.
    fn child_bounds(
        &self,
        feature: usize,
        low: &[u32],
        high: &[u32],
        bounds: (f64, f64),
    ) -> ((f64, f64), (f64, f64)) {
        let direction = self.direction(feature);
        if direction == 0 {
            return (bounds, bounds);
        }
        let share = |rows: &[u32]| self.count(rows).share().clamp(bounds.0, bounds.1);
        let middle = (share(low) + share(high)) / 2.0;
        if direction > 0 {
            ((bounds.0, middle), (middle, bounds.1))
        } else {
            ((middle, bounds.1), (bounds.0, middle))
        }
    }

    fn best_split(&mut self, rows: &[u32], total: Count, bounds: (f64, f64)) -> Option<Found> {
        let mut features: Vec<usize> = (0..self.binned.len()).collect();
        if let Some((some, rng)) = &mut self.some_features {
            let (chosen, _) = features.partial_shuffle(rng, *some);
            let mut chosen = chosen.to_vec();
            chosen.sort_unstable();
            features = chosen;
        }
        let best = |f: &usize| self.best_of_feature(*f, rows, total, bounds);
        let bests: Vec<Option<Found>> = if self.parallel {
            features.par_iter().map(best).collect()
        } else {
            features.iter().map(best).collect()
        };
        bests.into_iter().flatten().fold(None, |best: Option<Found>, s| match best {
            // Gains that are equal but for rounding go to the first feature.
            Some(b) if s.gain <= b.gain * (1.0 + 1e-12) => Some(b),
            _ => Some(s),
        })
    }

    /// Counts by bin, that of the blanks last.
    fn histogram(&self, binned: &Binned, rows: &[u32]) -> Vec<Count> {
        if self.weights.is_empty() {
            // Rows in the lower half, churners in the upper: one addition a row.
            let mut packed = vec![0u64; binned.bins + 1];
            for row in rows {
                let row = *row as usize;
                packed[binned.codes[row] as usize] += 1 | u64::from(self.churned[row]) << 32;
            }
            let count =
                |p: u64| Count { churners: (p >> 32) as f64, weight: f64::from(p as u32), rows: p as u32 };
            return packed.into_iter().map(count).collect();
        }
        let mut counts = vec![Count::default(); binned.bins + 1];
        for row in rows {
            let row = *row as usize;
            let weight = self.weights[row];
            let churners = if self.churned[row] { weight } else { 0.0 };
            counts[binned.codes[row] as usize].add(Count { churners, weight, rows: 1 });
        }
        counts
    }

    fn best_of_feature(
        &self,
        feature: usize,
        rows: &[u32],
        total: Count,
        bounds: (f64, f64),
    ) -> Option<Found> {
        let binned = &self.binned[feature];
        let counts = self.histogram(binned, rows);
        let blank = counts[binned.bins];
        let criterion = self.settings.criterion;
        let direction = self.direction(feature);
        let whole = total.impurity(criterion);
        let least = self.settings.min_leaf as u32;
        let mut order: Vec<u16> = Vec::new();
        if binned.category {
            // The best of all ways to part a category is one along its bins by share of churners (Breiman et al. 1984, 4.5).
            order.extend((0..binned.bins as u16).filter(|b| counts[*b as usize].rows > 0));
            order.sort_by(|a, b| {
                let share = |b: &u16| counts[*b as usize].share();
                share(a).total_cmp(&share(b)).then(a.cmp(b))
            });
        }
        let places = if binned.category { order.len() } else { binned.bins };
        // A unit of chi-squared, as impurity.
        let share = total.share();
        let unit = total.weight / f64::from(total.rows.max(1))
            * match criterion {
                Criterion::Gini => 2.0 * share * (1.0 - share),
                Criterion::Entropy => 0.5,
            };
        let by_chance = unit * gain_by_chance(order.len());
        let mut best: Option<Found> = None;
        let mut below = Count::default();
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
                let high = total.less(low);
                if low.rows < least.max(1) || high.rows < least.max(1) {
                    continue;
                }
                if direction != 0 {
                    let shares = [low, high].map(|c| c.share().clamp(bounds.0, bounds.1));
                    if f64::from(direction) * (shares[1] - shares[0]) < 0.0 {
                        continue;
                    }
                }
                let gain = whole - low.impurity(criterion) - high.impurity(criterion) - by_chance;
                // Rounding makes a useless split look like a gain of a few units in the last place.
                let better = best.as_ref().is_none_or(|b| gain > b.gain * (1.0 + 1e-12));
                if gain > 1e-9 * whole && better {
                    let place = if binned.category { place + 1 } else { place };
                    best = Some(Found {
                        gain,
                        feature,
                        place,
                        next: place + 1,
                        order: Vec::new(),
                        blank_low,
                        sees_blanks: blank.rows > 0,
                    });
                }
            }
        }
        best.map(|mut found| {
            if !binned.category {
                // The threshold lies between values of this node's own rows.
                let after = found.place + 1..binned.bins;
                found.next = after.clone().find(|b| counts[*b].rows > 0).unwrap_or(after.start);
            }
            Found { order, ..found }
        })
    }
}
