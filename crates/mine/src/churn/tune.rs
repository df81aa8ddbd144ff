//! Cross-validation: predictions for rows that a model has not seen, and the tree's settings that do best on such rows.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::number_or_nan;

use super::bins::bin_all;
use super::data::Examples;
use super::metrics::{auc, log_loss};
use super::tree::{Tree, TreeSettings};
use super::{Boost, BoostSettings, Kind, ModelSettings, Scorer};
use crate::MineError;

/// What may be tried, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// Folds of the cross-validation.
    pub folds: usize,
    /// Where chance begins.
    pub seed: u64,
    /// Depths that are tried.
    pub depths: Vec<usize>,
    /// Leaf sizes that are tried.
    pub leaves: Vec<usize>,
    /// Rows that the share above counts for, that are tried.
    pub shrinkages: Vec<f64>,
    /// Cost-complexities that are tried.
    pub prunings: Vec<f64>,
    /// Leaves and depths of boosted trees that are tried, where the settings allow as many.
    pub boosted: Vec<(usize, usize)>,
    /// Rounds of boosting that may pass without a smaller loss.
    pub patience: usize,
    /// Rows that settings are tried on, at most, evenly spread.
    pub sample: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            folds: 5,
            seed: 0,
            depths: vec![3, 4, 5, 6, 8],
            leaves: vec![20, 50, 100],
            shrinkages: vec![0.0, 10.0, 100.0, 300.0],
            prunings: vec![0.0, 0.0002, 0.001],
            boosted: vec![(2, 1), (4, 2), (8, 3), (16, 5), (31, 8)],
            patience: 20,
            sample: 100_000,
        }
    }
}

/// One setting that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Splits from the root to a leaf, at most.
    pub max_depth: usize,
    /// Rows in a leaf, at least.
    pub min_leaf: usize,
    /// Rows that the share above counts for.
    #[serde(deserialize_with = "number_or_nan")]
    pub shrinkage: f64,
    /// Cost-complexity.
    #[serde(deserialize_with = "number_or_nan")]
    pub pruning: f64,
    /// Mean log loss of the rows of each fold, by the tree of the others.
    #[serde(deserialize_with = "number_or_nan")]
    pub log_loss: f64,
    /// Mean AUC over the folds.
    #[serde(deserialize_with = "number_or_nan")]
    pub auc: f64,
}

/// The settings with the smallest log loss on rows not seen, and everything that was tried, the best first. Of settings that
/// are equal the simplest wins.
///
/// # Errors
/// If the examples do not carry a tree.
pub fn tune(
    examples: &Examples,
    base: &TreeSettings,
    tuning: &Tuning,
) -> Result<(TreeSettings, Vec<Choice>), MineError> {
    base.check()?;
    let sampled = sample(examples, tuning)?;
    let fold = sampled.folds(tuning.folds, tuning.seed);
    let binned = bin_all(&sampled.columns, true);
    let deepest = tuning.depths.iter().copied().max().unwrap_or(base.max_depth);
    let grid: Vec<(usize, u8)> =
        tuning.leaves.iter().flat_map(|leaf| (0..tuning.folds as u8).map(move |f| (*leaf, f))).collect();
    // A tree of a smaller depth is the deeper one, cut off: one tree a leaf size and fold is enough.
    let parts: Vec<Vec<Choice>> = grid
        .par_iter()
        .with_max_len(1)
        .map(|(min_leaf, held_out)| {
            let settings = TreeSettings { max_depth: deepest, min_leaf: *min_leaf, ..base.clone() };
            let mut train: Vec<u32> =
                (0..sampled.len() as u32).filter(|r| fold[*r as usize] != *held_out).collect();
            let test: Vec<usize> = (0..sampled.len()).filter(|r| fold[*r] == *held_out).collect();
            let churned: Vec<bool> = test.iter().map(|r| sampled.churned[*r]).collect();
            let whole = Tree::grown(&sampled, &binned, &mut train, &settings);
            let mut choices = Vec::new();
            for max_depth in &tuning.depths {
                let cut = whole.cut(*max_depth);
                for pruning in &tuning.prunings {
                    let mut pruned = cut.clone();
                    pruned.prune(*pruning);
                    for shrinkage in &tuning.shrinkages {
                        let mut tree = pruned.clone();
                        tree.shrink(*shrinkage);
                        let p: Vec<f64> =
                            test.iter().map(|r| tree.predict_row(&sampled.columns, *r).0).collect();
                        choices.push(Choice {
                            max_depth: *max_depth,
                            min_leaf: *min_leaf,
                            shrinkage: *shrinkage,
                            pruning: *pruning,
                            log_loss: log_loss(&p, &churned),
                            auc: auc(&p, &churned).unwrap_or(0.5),
                        });
                    }
                }
            }
            choices
        })
        .collect();
    let folds = tuning.folds.max(1);
    let mut all: Vec<Choice> = Vec::new();
    for of_leaf in parts.chunks(folds) {
        for i in 0..of_leaf.first().map_or(0, Vec::len) {
            let mean =
                |f: &dyn Fn(&Choice) -> f64| of_leaf.iter().map(|c| f(&c[i])).sum::<f64>() / folds as f64;
            let (log_loss, auc) = (mean(&|c| c.log_loss), mean(&|c| c.auc));
            all.push(Choice { log_loss, auc, ..of_leaf[0][i].clone() });
        }
    }
    let simple = |c: &Choice| (c.max_depth, std::cmp::Reverse(c.min_leaf));
    all.sort_by(|a, b| a.log_loss.total_cmp(&b.log_loss).then_with(|| simple(a).cmp(&simple(b))));
    let Some(best) = all.first() else { return Ok((base.clone(), all)) };
    let chosen = TreeSettings {
        max_depth: best.max_depth,
        min_leaf: best.min_leaf,
        shrinkage: best.shrinkage,
        pruning: best.pruning,
        ..base.clone()
    };
    Ok((chosen, all))
}

/// The rows that settings are tried on.
fn sample(examples: &Examples, tuning: &Tuning) -> Result<Examples, MineError> {
    let n = examples.len().min(tuning.sample);
    let rows: Vec<usize> = (0..n).map(|i| i * examples.len() / n.max(1)).collect();
    let sampled = examples.pick(&rows);
    sampled.check_shape()?;
    Ok(sampled)
}

/// The leaves, depth and rounds of boosting with the smallest log loss on rows not seen: each fold's loss is followed tree by tree until it has
/// not fallen for [`Tuning::patience`] of them (early stopping), and the losses of all folds are added up. Of settings that are equal the
/// simplest wins.
///
/// # Errors
/// If the examples do not carry a tree.
pub fn tune_boosting(
    examples: &Examples,
    base: &BoostSettings,
    tuning: &Tuning,
) -> Result<BoostSettings, MineError> {
    let sampled = sample(examples, tuning)?;
    let fold = sampled.folds(tuning.folds, tuning.seed);
    let mut best: Option<(f64, BoostSettings)> = None;
    for (leaves, depth) in &tuning.boosted {
        let settings = BoostSettings {
            boost_leaves: (*leaves).min(base.boost_leaves),
            boost_depth: (*depth).min(base.boost_depth),
            ..base.clone()
        };
        let curves = (0..tuning.folds as u8)
            .into_par_iter()
            .with_max_len(1)
            .map(|held_out| {
                let rows = |own: bool| -> Vec<usize> {
                    (0..sampled.len()).filter(|r| (fold[*r] == held_out) == own).collect()
                };
                losses(&sampled.pick(&rows(false)), &sampled.pick(&rows(true)), &settings, tuning.patience)
            })
            .collect::<Result<Vec<Vec<f64>>, MineError>>()?;
        let longest = curves.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..longest {
            // A fold that has ended does not get better.
            let loss: f64 = curves.iter().filter_map(|c| c.get(round).or(c.last())).sum();
            if best.as_ref().is_none_or(|b| loss < b.0) {
                best = Some((loss, BoostSettings { boost_rounds: round + 1, ..settings.clone() }));
            }
        }
    }
    Ok(best.map_or_else(|| base.clone(), |b| b.1))
}

/// The log loss on other rows after each tree.
fn losses(
    train: &Examples,
    test: &Examples,
    settings: &BoostSettings,
    patience: usize,
) -> Result<Vec<f64>, MineError> {
    let mut odds: Vec<f64> = vec![0.0; test.len()];
    let (mut curve, mut least) = (Vec::new(), 0);
    Boost::watched(train, settings, &mut |boost| {
        for (row, odds) in odds.iter_mut().enumerate() {
            let (start, more) = boost.last(&test.columns, row);
            *odds = if curve.is_empty() { start + more } else { *odds + more };
        }
        let p: Vec<f64> = odds.iter().map(|o| 1.0 / (1.0 + (-o).exp())).collect();
        let loss = log_loss(&p, &test.churned) * test.len() as f64;
        if curve.get(least).is_none_or(|l| loss < *l) {
            least = curve.len();
        }
        curve.push(loss);
        curve.len() - least <= patience
    })?;
    Ok(curve)
}

/// For each row the probability by a model that was fitted to the other folds.
///
/// # Errors
/// If one of the models cannot be fitted.
pub fn out_of_fold(
    kind: Kind,
    examples: &Examples,
    settings: &ModelSettings,
    fold: &[u8],
    seed: u64,
) -> Result<Vec<f64>, MineError> {
    let folds = fold.iter().max().map_or(0, |f| *f + 1);
    let mut probabilities = vec![f64::NAN; examples.len()];
    for held_out in 0..folds {
        let rows = |own: bool| -> Vec<usize> {
            (0..examples.len()).filter(|r| (fold[*r] == held_out) == own).collect()
        };
        let scorer = Scorer::fit(kind, &examples.pick(&rows(false)), settings, seed)?;
        for row in rows(true) {
            probabilities[row] = scorer.predict_row(&examples.columns, row);
        }
    }
    Ok(probabilities)
}
