//! A classification tree (Breiman, Friedman, Olshen & Stone 1984).
//!
//! **Growing.** Features are cut into bins ([`super::bins`]); at a node the churners and rows of every bin are counted in one
//! pass, and the split that lowers the impurity most is found from the counts alone. In small data every value is a bin,
//! and the tree is the exact one. The impurity is Gini's `2 p (1 - p)` or the entropy. Values of a category are parted along their
//! shares of churners, which is optimal for two classes. Blanks are tried on both sides; where a node saw none, they go with the
//! larger side, and so do categories that it did not see. Ties go to the first feature and the lowest threshold.
//!
//! **Pruning.** Cost-complexity pruning: a split stays only if it lowers the impurity, as a share of all rows', by more than
//! `pruning` a leaf. [`Tree::pruning_path`] has the values at which the tree changes.
//!
//! **Probabilities.** A leaf's share of churners is drawn towards the shares above it, the more the fewer rows they have: hierarchical
//! shrinkage (Agarwal, Tan, Ronen, Singh & Yu 2022), `q = q_parent + (p - p_parent) / (1 + shrinkage / n_parent)`. It ranks better and
//! is never certain unless the data are. With `shrinkage = 0` a leaf has its own share, as scikit-learn's.

use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::bins::{Binned, bin_all};
use super::data::{Examples, Feature, UNKNOWN, Value, Values};
use super::grow::Grower;
use crate::MineError;

/// What a split lowers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// `2 p (1 - p)`.
    #[default]
    Gini,
    /// `-p ln p - (1 - p) ln (1 - p)`.
    Entropy,
}

/// How a tree grows.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeSettings {
    /// What a split lowers.
    pub criterion: Criterion,
    /// Splits from the root to a leaf, at most.
    pub max_depth: usize,
    /// Rows in a leaf, at least.
    pub min_leaf: usize,
    /// Cost-complexity: what a leaf must lower the impurity by, as a share of all rows.
    pub pruning: f64,
    /// Rows that the share above counts for in a leaf's probability.
    pub shrinkage: f64,
    /// For each feature 1 if churn may only rise with it, -1 if it may only fall, 0 else; may be shorter.
    pub monotone: Vec<i8>,
}

impl Default for TreeSettings {
    fn default() -> Self {
        TreeSettings {
            criterion: Criterion::Gini,
            max_depth: 5,
            min_leaf: 50,
            pruning: 0.0,
            shrinkage: 10.0,
            monotone: Vec::new(),
        }
    }
}

impl TreeSettings {
    /// # Errors
    /// If a setting is out of range.
    pub fn check(&self) -> Result<(), MineError> {
        if !(1..=30).contains(&self.max_depth) {
            return Err(MineError::parameter("max_depth", "within 1 to 30", self.max_depth));
        }
        if self.min_leaf < 1 {
            return Err(MineError::parameter("min_leaf", "at least 1", self.min_leaf));
        }
        for (name, value) in [("pruning", self.pruning), ("shrinkage", self.shrinkage)] {
            if !value.is_finite() || value < 0.0 {
                return Err(MineError::parameter(name, "a number from 0", value));
            }
        }
        Ok(())
    }
}

/// A fitted tree. Node 0 is the root; children come after their parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
}

/// A node: what fell into it, and how it parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Training rows.
    pub rows: usize,
    /// Their weight.
    pub weight: f64,
    /// The weight of churners among them.
    pub churners: f64,
    /// Impurity times weight.
    pub impurity: f64,
    /// Share of churners, drawn towards those above.
    pub probability: f64,
    /// Of a leaf its number, 1 for the highest probability; 0 of others.
    pub rule: u32,
    /// How it parts; `None` for a leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

/// How a node parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The feature.
    pub feature: usize,
    /// What is asked of it.
    pub test: Test,
    /// Where blanks, and categories in neither list, go.
    pub blank_low: bool,
    /// The node of the low side.
    pub low: usize,
    /// The node of the high side.
    pub high: usize,
}

/// What a split asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Test {
    /// At most the threshold goes low.
    Number {
        /// The threshold.
        threshold: f64,
    },
    /// Categories, by code, of either side.
    Category {
        /// Those that go low.
        low: Vec<u32>,
        /// Those that go high.
        high: Vec<u32>,
    },
}

impl Split {
    /// Whether it asks for a known feature, in its own way, and leads to nodes after `at`.
    pub(super) fn fits(&self, features: &[Feature], at: usize, nodes: usize) -> bool {
        let finite = !matches!(self.test, Test::Number { threshold } if !threshold.is_finite());
        let known = features
            .get(self.feature)
            .is_some_and(|f| f.categories.is_some() == matches!(self.test, Test::Category { .. }));
        finite && known && [self.low, self.high].iter().all(|c| (at + 1..nodes).contains(c))
    }

    /// Whether a value goes low.
    pub fn goes_low(&self, value: Value) -> bool {
        match (&self.test, value) {
            (Test::Number { threshold }, Value::Number(v)) if v.is_finite() => v <= *threshold,
            (Test::Category { low, high }, Value::Category(code)) if code != UNKNOWN => {
                if low.binary_search(&code).is_ok() {
                    true
                } else if high.binary_search(&code).is_ok() {
                    false
                } else {
                    self.blank_low
                }
            }
            _ => self.blank_low,
        }
    }
}

impl Tree {
    /// Grows a tree, prunes it, and gives its leaves their probabilities.
    ///
    /// # Errors
    /// If a setting is out of range, the columns differ in length, or there are no rows.
    pub fn fit(examples: &Examples, settings: &TreeSettings) -> Result<Tree, MineError> {
        settings.check()?;
        examples.check_shape()?;
        let binned = bin_all(&examples.columns, true);
        let mut rows: Vec<u32> = (0..examples.len() as u32).collect();
        let mut tree = Tree::grown(examples, &binned, &mut rows, settings);
        tree.prune(settings.pruning);
        tree.shrink(settings.shrinkage);
        Ok(tree)
    }

    /// On features in bins that others share.
    pub(super) fn grown(
        examples: &Examples,
        binned: &[Binned],
        rows: &mut [u32],
        settings: &TreeSettings,
    ) -> Tree {
        let mut grower = Grower {
            binned,
            churned: &examples.churned,
            weights: &examples.weights,
            settings,
            some_features: None,
            parallel: true,
            nodes: Vec::new(),
            spare: Vec::new(),
        };
        grower.grow(rows, 0, (0.0, 1.0));
        let mut tree = Tree { nodes: grower.nodes };
        tree.number_rules();
        tree
    }

    /// Its nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The number of leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|n| n.split.is_none()).count()
    }

    /// Gives every node its share of churners drawn towards those above; within what monotone features allow, for a mean
    /// of values in order stays in order. Leaves are numbered anew.
    pub fn shrink(&mut self, shrinkage: f64) {
        let share = |n: &Node| if n.weight > 0.0 { n.churners / n.weight } else { 0.0 };
        let own: Vec<f64> = self.nodes.iter().map(|n| n.probability).collect();
        let kept = |at: usize, n: &Node| {
            // Where a bound held the share back, the bound is what counts.
            let p = share(n);
            if (own[at] - p).abs() > 1e-12 { own[at] } else { p }
        };
        let shares: Vec<f64> = self.nodes.iter().enumerate().map(|(i, n)| kept(i, n)).collect();
        let mut drawn = shares.clone();
        for at in 0..self.nodes.len() {
            let Some(split) = &self.nodes[at].split else { continue };
            let weight = self.nodes[at].weight;
            for child in [split.low, split.high] {
                drawn[child] = drawn[at] + (shares[child] - shares[at]) / (1.0 + shrinkage / weight);
            }
        }
        self.nodes.iter_mut().zip(drawn).for_each(|(n, p)| n.probability = p.clamp(0.0, 1.0));
        self.number_rules();
    }

    /// Numbers the leaves by falling probability; equal ones from left to right.
    fn number_rules(&mut self) {
        let mut leaves: Vec<usize> =
            (0..self.nodes.len()).filter(|i| self.nodes[*i].split.is_none()).collect();
        leaves.sort_by(|a, b| self.nodes[*b].probability.total_cmp(&self.nodes[*a].probability));
        for (number, at) in leaves.into_iter().enumerate() {
            self.nodes[at].rule = number as u32 + 1;
        }
    }

    /// The leaf of a row of feature values, and every node on the way to it.
    pub fn path(&self, value: impl Fn(usize) -> Value) -> Vec<usize> {
        let mut path = vec![0];
        let mut at = 0;
        while let Some(split) = self.nodes.get(at).and_then(|n| n.split.as_ref()) {
            at = if split.goes_low(value(split.feature)) { split.low } else { split.high };
            path.push(at);
        }
        path
    }

    /// The leaf of a row.
    pub fn leaf(&self, value: impl Fn(usize) -> Value) -> &Node {
        let mut at = &self.nodes[0];
        while let Some(split) = &at.split {
            at = &self.nodes[if split.goes_low(value(split.feature)) { split.low } else { split.high }];
        }
        at
    }

    /// The probability of churn, and the rule that gives it, for a row of feature values.
    pub fn score(&self, value: impl Fn(usize) -> Value) -> (f64, u32) {
        let leaf = self.leaf(value);
        (leaf.probability, leaf.rule)
    }

    /// The same for a row of columns.
    pub fn predict_row(&self, columns: &[Values], row: usize) -> (f64, u32) {
        self.score(|f| columns[f].at(row))
    }

    /// Cost-complexity pruning (Breiman et al. 1984, chapter 3): the weakest splits go, as long as they lower the impurity by
    /// `alpha` a leaf or less.
    pub fn prune(&mut self, alpha: f64) {
        while let Some((weakest, at)) = self.weakest_link() {
            if weakest > alpha {
                break;
            }
            self.nodes[at].split = None;
        }
        self.tidy();
    }

    /// The values of `alpha` at which the pruned tree changes, with the leaves and the impurity, as a share of all weight, that
    /// are left from there on; the first is the whole tree.
    pub fn pruning_path(&self) -> Vec<(f64, usize, f64)> {
        let mut tree = self.clone();
        let total = self.nodes.first().map_or(1.0, |n| n.weight);
        let state = |tree: &Tree, alpha: f64| {
            let reached = tree.reached();
            let leaves = reached.iter().filter(|i| tree.nodes[**i].split.is_none());
            let impurity: f64 = leaves.clone().map(|i| tree.nodes[*i].impurity).sum();
            (alpha, leaves.count(), impurity / total)
        };
        let mut path = vec![state(&tree, 0.0)];
        while let Some((weakest, at)) = tree.weakest_link() {
            tree.nodes[at].split = None;
            // Splits that are equally weak go together.
            let same = path.last().is_some_and(|p| weakest <= p.0 + 1e-12 && path.len() > 1);
            if same {
                path.pop();
            }
            path.push(state(&tree, weakest));
        }
        path
    }

    /// The nodes that are still reached from the root, parents first.
    fn reached(&self) -> Vec<usize> {
        let mut reached = vec![0];
        let mut next = 0;
        while next < reached.len() {
            if let Some(split) = &self.nodes[reached[next]].split {
                reached.extend([split.low, split.high]);
            }
            next += 1;
        }
        reached
    }

    /// The split that lowers the impurity least a leaf, and by how much, as a share of all weight.
    fn weakest_link(&self) -> Option<(f64, usize)> {
        let total = self.nodes.first()?.weight;
        // Leaves below each node and their impurity; children come after their parents.
        let mut below = vec![(0usize, 0.0); self.nodes.len()];
        let mut weakest: Option<(f64, usize)> = None;
        for at in self.reached().into_iter().rev() {
            below[at] = match &self.nodes[at].split {
                None => (1, self.nodes[at].impurity),
                Some(split) => {
                    let (l, h) = (below[split.low], below[split.high]);
                    let (leaves, impurity) = (l.0 + h.0, l.1 + h.1);
                    let alpha = (self.nodes[at].impurity - impurity) / total / (leaves - 1) as f64;
                    if weakest.is_none_or(|w| alpha < w.0 || (alpha == w.0 && at < w.1)) {
                        weakest = Some((alpha, at));
                    }
                    (leaves, impurity)
                }
            };
        }
        weakest
    }

    /// The same tree, cut off below a depth.
    pub fn cut(&self, depth: usize) -> Tree {
        let mut tree = self.clone();
        let mut level = vec![0];
        for _ in 0..depth {
            level = level
                .into_iter()
                .filter_map(|at: usize| tree.nodes[at].split.as_ref().map(|s| [s.low, s.high]))
                .flatten()
                .collect();
        }
        level.into_iter().for_each(|at| tree.nodes[at].split = None);
        tree.tidy();
        tree
    }

    /// Drops nodes that are no longer reached, and numbers nodes and leaves anew.
    fn tidy(&mut self) {
        let mut kept: Vec<usize> = self.reached();
        kept.sort_unstable();
        let mut place = vec![usize::MAX; self.nodes.len()];
        kept.iter().enumerate().for_each(|(new, old)| place[*old] = new);
        self.nodes = kept
            .iter()
            .map(|old| {
                let mut node = self.nodes[*old].clone();
                node.rule = 0;
                if let Some(split) = &mut node.split {
                    (split.low, split.high) = (place[split.low], place[split.high]);
                }
                node
            })
            .collect();
        self.number_rules();
    }

    /// How much each feature lowers the impurity over all its splits, as a share of what all do.
    pub fn importance(&self, features: usize) -> Vec<f64> {
        let mut gains = vec![0.0; features];
        for node in &self.nodes {
            if let Some(split) = &node.split {
                let below = self.nodes[split.low].impurity + self.nodes[split.high].impurity;
                if let Some(gain) = gains.get_mut(split.feature) {
                    *gain += node.impurity - below;
                }
            }
        }
        let total: f64 = gains.iter().sum();
        if total > 0.0 {
            gains.iter_mut().for_each(|g| *g /= total);
        }
        gains
    }

    /// Checks a tree from a file: children come after their parent, and it asks for known features only.
    pub(super) fn check(&self, features: &[Feature]) -> Result<(), String> {
        let sound = self.nodes.iter().enumerate().all(|(at, node)| {
            let fits = |s: &Split| s.fits(features, at, self.nodes.len());
            (0.0..=1.0).contains(&node.probability) && node.split.as_ref().is_none_or(fits)
        });
        if sound && !self.nodes.is_empty() {
            Ok(())
        } else {
            Err("its tree does not hold together".to_owned())
        }
    }
}

impl Fit<Array2<f64>, Array1<bool>, MineError> for TreeSettings {
    type Object = Tree;

    /// On a linfa data set of numbers, NaN for blanks.
    fn fit(&self, dataset: &linfa::DatasetBase<Array2<f64>, Array1<bool>>) -> Result<Tree, MineError> {
        let columns: Vec<Vec<f64>> = dataset.records.columns().into_iter().map(|c| c.to_vec()).collect();
        let names: Vec<String> = (0..columns.len()).map(|i| format!("feature {i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut examples = Examples::of_numbers(&names, columns, dataset.targets.to_vec());
        examples.weights = dataset.weights.iter().map(|w| f64::from(*w)).collect();
        Tree::fit(&examples, self)
    }
}

impl PredictInplace<Array2<f64>, Array1<f64>> for Tree {
    /// Probabilities of churn.
    fn predict_inplace(&self, x: &Array2<f64>, y: &mut Array1<f64>) {
        for (row, p) in x.rows().into_iter().zip(y.iter_mut()) {
            *p = self.score(|f| Value::Number(row.get(f).copied().unwrap_or(f64::NAN))).0;
        }
    }

    fn default_target(&self, x: &Array2<f64>) -> Array1<f64> {
        Array1::zeros(x.nrows())
    }
}
