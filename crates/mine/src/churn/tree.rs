//! A classification tree on binned features.
//!
//! Each feature is cut into at most [`BINS`] bins at midpoints between its values (between quantiles,
//! if it has more values). At a node the churners and others of every bin are counted in one pass, and the
//! split that lowers the Gini impurity most is found from the counts alone. Blanks have a bin of their
//! own and are tried on both sides. Ties go to the first feature and the lowest threshold.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Examples;
use crate::MineError;
use crate::stats::{quantile_sorted, sorted_finite};

/// Bins of a feature, at most, not counting that of the blanks.
pub const BINS: usize = 255;
const BLANK: u8 = BINS as u8;

/// How a tree grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeSettings {
    /// Splits from the root to a leaf, at most.
    pub max_depth: usize,
    /// Rows in a leaf, at least.
    pub min_leaf: usize,
}

impl Default for TreeSettings {
    fn default() -> Self {
        TreeSettings { max_depth: 5, min_leaf: 50 }
    }
}

/// A fitted tree. Node 0 is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Node {
    /// Values at most `threshold` go to `low`, greater ones to `high`, blanks where `blank_low` says.
    Split { feature: usize, threshold: f64, blank_low: bool, low: usize, high: usize },
    /// `rule` counts from 1, the highest probability first.
    Leaf { rule: u32, probability: f64, rows: usize, churners: usize },
}

/// A leaf as a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its number, 1 for the highest probability.
    pub id: u32,
    /// The way to the leaf, in words.
    pub words: String,
    /// Smoothed share of churners.
    pub probability: f64,
    /// Training rows.
    pub rows: usize,
    /// Those of them that churned.
    pub churners: usize,
}

/// The share of churners, drawn towards `prior` by the weight of two rows, so that no leaf is certain.
pub fn smoothed(churners: f64, rows: f64, prior: f64) -> f64 {
    (churners + 2.0 * prior) / (rows + 2.0)
}

/// A feature cut into bins.
struct Binned {
    /// Bin of every row; [`BLANK`] for blanks.
    codes: Vec<u8>,
    /// Between bin `i` and bin `i + 1`.
    thresholds: Vec<f64>,
}

fn bin(values: &[f64]) -> Binned {
    let sorted = sorted_finite(values);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let midpoint = |w: &[f64]| w[0] + (w[1] - w[0]) / 2.0;
    let thresholds: Vec<f64> = if distinct.len() <= BINS {
        distinct.windows(2).map(midpoint).collect()
    } else {
        let mut cuts: Vec<f64> = (1..BINS)
            .map(|i| {
                let quantile = quantile_sorted(&sorted, i as f64 / BINS as f64);
                let at = distinct.partition_point(|v| *v <= quantile).clamp(1, distinct.len() - 1);
                midpoint(&distinct[at - 1..=at])
            })
            .collect();
        cuts.dedup();
        cuts
    };
    let codes = values
        .iter()
        .map(|v| if v.is_finite() { thresholds.partition_point(|t| t < v) as u8 } else { BLANK })
        .collect();
    Binned { codes, thresholds }
}

#[derive(Clone, Copy, Debug)]
struct Split {
    gain: f64,
    feature: usize,
    bin: usize,
    blank_low: bool,
}

/// Churners and rows.
#[derive(Clone, Copy, Default)]
struct Count {
    churners: u32,
    rows: u32,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.churners += other.churners;
        self.rows += other.rows;
    }

    fn less(self, other: Count) -> Count {
        Count { churners: self.churners - other.churners, rows: self.rows - other.rows }
    }

    /// Gini impurity times rows: `2 k (n - k) / n`.
    fn impurity(self) -> f64 {
        if self.rows == 0 {
            return 0.0;
        }
        let (k, n) = (f64::from(self.churners), f64::from(self.rows));
        2.0 * k * (n - k) / n
    }
}

impl Tree {
    /// Grows a tree.
    ///
    /// # Errors
    /// If a setting is out of range, the columns differ in length, or there are no rows.
    pub fn fit(examples: &Examples, settings: &TreeSettings) -> Result<Tree, MineError> {
        let n = examples.churned.len();
        if settings.max_depth < 1 || settings.max_depth > 30 {
            return Err(MineError::parameter("max_depth", "within 1 to 30", settings.max_depth));
        }
        if settings.min_leaf < 1 {
            return Err(MineError::parameter("min_leaf", "at least 1", settings.min_leaf));
        }
        if n == 0 || examples.features.iter().any(|f| f.len() != n) || u32::try_from(n).is_err() {
            return Err(MineError::data(
                "a tree needs rows, as many in every column",
                format!("there are {n}"),
            ));
        }
        let binned: Vec<Binned> = examples.features.par_iter().map(|f| bin(f)).collect();
        let churners = examples.churned.iter().filter(|c| **c).count();
        let mut grower = Grower {
            binned: &binned,
            churned: &examples.churned,
            settings,
            prior: churners as f64 / n as f64,
            nodes: Vec::new(),
        };
        let mut rows: Vec<u32> = (0..n as u32).collect();
        grower.grow(&mut rows, 0);
        let mut tree = Tree { nodes: grower.nodes };
        tree.number_rules();
        Ok(tree)
    }

    /// Numbers the leaves by falling probability; equal ones from left to right.
    fn number_rules(&mut self) {
        let mut leaves: Vec<(usize, f64)> = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(i, n)| match n {
                Node::Leaf { probability, .. } => Some((i, *probability)),
                Node::Split { .. } => None,
            })
            .collect();
        leaves.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (number, (at, _)) in leaves.into_iter().enumerate() {
            if let Node::Leaf { rule, .. } = &mut self.nodes[at] {
                *rule = number as u32 + 1;
            }
        }
    }

    /// The probability of churn, and the rule that gives it, for a row of feature values.
    pub fn predict(&self, value: impl Fn(usize) -> f64) -> (f64, u32) {
        let mut at = 0;
        loop {
            match self.nodes.get(at) {
                Some(Node::Leaf { rule, probability, .. }) => return (*probability, *rule),
                Some(Node::Split { feature, threshold, blank_low, low, high }) => {
                    let v = value(*feature);
                    let goes_low = if v.is_finite() { v <= *threshold } else { *blank_low };
                    at = if goes_low { *low } else { *high };
                }
                // No tree is empty, and none leads outside itself: `check` sees to that.
                None => return (f64::NAN, 0),
            }
        }
    }

    /// Checks a tree from a file: children come after their parent, and it asks for known features only.
    pub(super) fn check(&self, features: usize) -> Result<(), String> {
        let sound = self.nodes.iter().enumerate().all(|(at, node)| match node {
            Node::Leaf { rule, probability, .. } => {
                (0.0..=1.0).contains(probability) && (1..=self.nodes.len()).contains(&(*rule as usize))
            }
            Node::Split { feature, low, high, .. } => {
                *feature < features && [low, high].iter().all(|c| (at + 1..self.nodes.len()).contains(*c))
            }
        });
        if sound && !self.nodes.is_empty() {
            Ok(())
        } else {
            Err("its tree does not hold together".to_owned())
        }
    }

    /// Every leaf as a rule in words, rule 1 first.
    pub fn rules(&self, names: &[String]) -> Vec<Rule> {
        let mut rules = Vec::new();
        if !self.nodes.is_empty() {
            self.collect_rules(0, &mut Vec::new(), names, &mut rules);
        }
        rules.sort_by_key(|r| r.id);
        rules
    }

    fn collect_rules(&self, at: usize, path: &mut Vec<Condition>, names: &[String], rules: &mut Vec<Rule>) {
        match &self.nodes[at] {
            Node::Leaf { rule, probability, rows, churners } => rules.push(Rule {
                id: *rule,
                words: words(path, names),
                probability: *probability,
                rows: *rows,
                churners: *churners,
            }),
            Node::Split { feature, threshold, blank_low, low, high } => {
                for (goes_low, next) in [(true, *low), (false, *high)] {
                    path.push(Condition {
                        feature: *feature,
                        threshold: *threshold,
                        low: goes_low,
                        blanks: goes_low == *blank_low,
                    });
                    self.collect_rules(next, path, names, rules);
                    path.pop();
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Condition {
    feature: usize,
    threshold: f64,
    low: bool,
    blanks: bool,
}

/// The conditions on each feature, drawn together into one range.
fn words(path: &[Condition], names: &[String]) -> String {
    let mut features: Vec<usize> = path.iter().map(|c| c.feature).collect();
    let mut seen = Vec::new();
    features.retain(|f| {
        !seen.contains(f) && {
            seen.push(*f);
            true
        }
    });
    let parts: Vec<String> = features
        .into_iter()
        .map(|feature| {
            let on = path.iter().filter(|c| c.feature == feature);
            let above = on.clone().filter(|c| !c.low).map(|c| c.threshold).fold(f64::NEG_INFINITY, f64::max);
            let up_to = on.clone().filter(|c| c.low).map(|c| c.threshold).fold(f64::INFINITY, f64::min);
            let name = names.get(feature).map_or("?", String::as_str);
            let range = match (above.is_finite(), up_to.is_finite()) {
                (true, true) => format!("{} < {name} <= {}", number(above), number(up_to)),
                (true, false) => format!("{name} > {}", number(above)),
                _ => format!("{name} <= {}", number(up_to)),
            };
            let nullable = matches!(name, "mean_repeat_spend" | "mean_gap_days" | "std_gap_days" | "cost");
            if nullable && on.clone().all(|c| c.blanks) { format!("({range} or none)") } else { range }
        })
        .collect();
    if parts.is_empty() { "every customer".to_owned() } else { parts.join(" and ") }
}

fn number(value: f64) -> String {
    let text = if value.abs() >= 100.0 { format!("{value:.1}") } else { format!("{value:.3}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Grower<'a> {
    binned: &'a [Binned],
    churned: &'a [bool],
    settings: &'a TreeSettings,
    prior: f64,
    nodes: Vec<Node>,
}

impl Grower<'_> {
    /// Grows the node of these rows and returns its index.
    fn grow(&mut self, rows: &mut [u32], depth: usize) -> usize {
        let at = self.nodes.len();
        let churners = rows.iter().filter(|r| self.churned[**r as usize]).count();
        self.nodes.push(Node::Leaf {
            rule: 0,
            probability: smoothed(churners as f64, rows.len() as f64, self.prior),
            rows: rows.len(),
            churners,
        });
        let pure = churners == 0 || churners == rows.len();
        if depth == self.settings.max_depth || pure || rows.len() < 2 * self.settings.min_leaf {
            return at;
        }
        let total = Count { churners: churners as u32, rows: rows.len() as u32 };
        let Some(split) = self.best_split(rows, total) else { return at };
        let binned = &self.binned[split.feature];
        let goes_low = |row: u32| match binned.codes[row as usize] {
            BLANK => split.blank_low,
            code => usize::from(code) <= split.bin,
        };
        let middle = partition(rows, goes_low);
        let (low_rows, high_rows) = rows.split_at_mut(middle);
        let threshold = binned.thresholds[split.bin];
        let low = self.grow(low_rows, depth + 1);
        let high = self.grow(high_rows, depth + 1);
        self.nodes[at] =
            Node::Split { feature: split.feature, threshold, blank_low: split.blank_low, low, high };
        at
    }

    fn best_split(&self, rows: &[u32], total: Count) -> Option<Split> {
        let bests: Vec<Option<Split>> =
            (0..self.binned.len()).into_par_iter().map(|f| self.best_of_feature(f, rows, total)).collect();
        bests.into_iter().flatten().fold(None, |best: Option<Split>, s| match best {
            Some(b) if b.gain >= s.gain => Some(b),
            _ => Some(s),
        })
    }

    fn best_of_feature(&self, feature: usize, rows: &[u32], total: Count) -> Option<Split> {
        let binned = &self.binned[feature];
        let mut bins = [Count::default(); BINS + 1];
        for row in rows {
            let row = *row as usize;
            bins[binned.codes[row] as usize].add(Count { churners: u32::from(self.churned[row]), rows: 1 });
        }
        let blank = bins[BLANK as usize];
        let min_leaf = self.settings.min_leaf as u32;
        let mut best: Option<Split> = None;
        let mut below = Count::default();
        for (bin, count) in bins.iter().enumerate().take(binned.thresholds.len()) {
            below.add(*count);
            if count.rows == 0 && bin > 0 {
                continue;
            }
            for blank_low in [true, false] {
                if !blank_low && blank.rows == 0 {
                    break;
                }
                let mut low = below;
                if blank_low {
                    low.add(blank);
                }
                let high = total.less(low);
                if low.rows < min_leaf || high.rows < min_leaf {
                    continue;
                }
                let gain = total.impurity() - low.impurity() - high.impurity();
                // Rounding makes a useless split look like a gain of a few units in the last place.
                if gain > 1e-9 * total.impurity() && best.is_none_or(|b| gain > b.gain) {
                    best = Some(Split { gain, feature, bin, blank_low });
                }
            }
        }
        best
    }
}

/// Moves the rows for which `first` holds to the front, both parts in their order; returns the border.
fn partition(rows: &mut [u32], first: impl Fn(u32) -> bool) -> usize {
    let rest: Vec<u32> = rows.iter().copied().filter(|r| !first(*r)).collect();
    let mut border = 0;
    for i in 0..rows.len() {
        if first(rows[i]) {
            rows[border] = rows[i];
            border += 1;
        }
    }
    rows[border..].copy_from_slice(&rest);
    border
}
