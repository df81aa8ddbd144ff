//! What clusters are like: figures of each feature, and rules that find their customers again.

use rayon::prelude::*;

use super::scale::column;
use super::{OUTLIER, Scaling, quality};
use crate::churn::{Examples, Tree, TreeSettings, Value};
use crate::stats::{quantile_sorted, sorted_finite};
use crate::{MineError, parallel};

/// Customers that the trees behind the rules are grown on, at most.
const SAMPLE: usize = 50_000;
/// Splits in a rule, at most.
const DEPTH: usize = 3;

/// One feature of one cluster; blanks count in none of the figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Index of the cluster.
    pub cluster: usize,
    /// The feature.
    pub feature: String,
    /// Its mean in the cluster.
    pub mean: Option<f64>,
    /// Its median in the cluster.
    pub median: Option<f64>,
    /// Its mean over all customers.
    pub overall_mean: Option<f64>,
    /// 100 times the cluster's mean over the mean of all; `None` unless that is above zero.
    pub index: Option<f64>,
    /// How many standard deviations the cluster stands from the average, on the model's scale.
    pub standing: f64,
    /// 1 for the feature that marks the cluster most.
    pub mark: usize,
}

/// The profile of every cluster and feature, clusters in order, features by their mark.
///
/// # Errors
/// If a feature is not among the columns.
pub fn profiles(
    scaling: &Scaling,
    columns: &[(&str, &[f64])],
    labels: &[u32],
    k: usize,
) -> Result<Vec<Profile>, MineError> {
    let standing = standing(scaling, columns, labels, k)?;
    let mut all: Vec<Vec<Profile>> = vec![Vec::new(); k];
    for (j, feature) in scaling.0.iter().enumerate() {
        let values = column(columns, &feature.name)?;
        let overall = finite_mean(values);
        let mut parts: Vec<Vec<f64>> = vec![Vec::new(); k];
        for (label, v) in labels.iter().zip(values).filter(|(l, _)| **l != OUTLIER) {
            parts[*label as usize].push(*v);
        }
        let figures: Vec<(Option<f64>, Option<f64>)> = parts
            .into_par_iter()
            .map(|part| {
                let sorted = sorted_finite(&part);
                (finite_mean(&part), Some(quantile_sorted(&sorted, 0.5)).filter(|m| m.is_finite()))
            })
            .collect();
        for (c, (mean, median)) in figures.into_iter().enumerate() {
            all[c].push(Profile {
                cluster: c,
                feature: feature.name.clone(),
                mean,
                median,
                overall_mean: overall,
                index: mean.zip(overall.filter(|o| *o > 0.0)).map(|(m, o)| 100.0 * m / o),
                standing: standing[c][j],
                mark: 0,
            });
        }
    }
    for features in &mut all {
        features.sort_by(|a, b| b.standing.abs().total_cmp(&a.standing.abs()));
        features.iter_mut().enumerate().for_each(|(i, f)| f.mark = i + 1);
    }
    Ok(all.concat())
}

fn finite_mean(values: &[f64]) -> Option<f64> {
    let [sum, n] = parallel::sum(values.len(), |i, s: &mut [f64; 2]| {
        if values[i].is_finite() {
            s[0] += values[i];
            s[1] += 1.0;
        }
    });
    (n > 0.0).then(|| sum / n)
}

/// How many standard deviations each cluster's mean stands from that of all customers, by feature, on the model's scale.
pub(super) fn standing(
    scaling: &Scaling,
    columns: &[(&str, &[f64])],
    labels: &[u32],
    k: usize,
) -> Result<Vec<Vec<f64>>, MineError> {
    let (n, d) = (labels.len(), scaling.0.len());
    let mut sums = vec![0.0; (k + 1) * d];
    let mut squares = vec![0.0; d];
    let mut counts = vec![0.0; k + 1];
    for from in (0..n).step_by(super::CHUNK) {
        let rows: Vec<usize> = (from..(from + super::CHUNK).min(n)).collect();
        let points = scaling.apply_to(columns, &rows)?;
        for (row, point) in rows.iter().zip(points.rows()) {
            let c = if labels[*row] == OUTLIER { k } else { labels[*row] as usize };
            counts[c] += 1.0;
            for (j, v) in point.iter().enumerate() {
                sums[c * d + j] += v;
                squares[j] += v * v;
            }
        }
    }
    let mean = |j: usize| (0..=k).map(|c| sums[c * d + j]).sum::<f64>() / n.max(1) as f64;
    let deviation = |j: usize| (squares[j] / n.max(1) as f64 - mean(j).powi(2)).max(f64::MIN_POSITIVE).sqrt();
    Ok((0..k)
        .map(|c| {
            (0..d).map(|j| (sums[c * d + j] / f64::max(counts[c], 1.0) - mean(j)) / deviation(j)).collect()
        })
        .collect())
}

/// A rule that finds a cluster's customers again.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Index of the cluster.
    pub cluster: usize,
    /// The rule in words.
    pub words: String,
    /// Customers that it holds for.
    pub customers: usize,
    /// Those of them that are in the cluster.
    pub hits: usize,
    /// Customers of the cluster.
    pub size: usize,
}

/// Rules for every cluster, those that find most of it first: a small tree, this cluster against all others, whose leaves are mostly in it.
///
/// The trees are grown on a sample and their leaves counted on all customers.
///
/// # Errors
/// If a feature is not among the columns.
pub fn rules(
    scaling: &Scaling,
    columns: &[(&str, &[f64])],
    labels: &[u32],
    k: usize,
    seed: u64,
) -> Result<Vec<Rule>, MineError> {
    let names: Vec<String> = scaling.0.iter().map(|f| f.name.clone()).collect();
    let values = names.iter().map(|n| column(columns, n)).collect::<Result<Vec<_>, _>>()?;
    let places = quality::sample(labels.len(), SAMPLE, seed);
    let features: Vec<Vec<f64>> = values.iter().map(|v| places.iter().map(|i| v[*i]).collect()).collect();
    let named: Vec<&str> = names.iter().map(String::as_str).collect();
    let blanks: Vec<bool> = values.iter().map(|v| v.iter().any(|v| !v.is_finite())).collect();
    let mut rules = Vec::new();
    for cluster in 0..k {
        let inside = |i: usize| labels[i] as usize == cluster;
        let churned: Vec<bool> = places.iter().map(|i| inside(*i)).collect();
        let size = (0..labels.len()).filter(|i| inside(*i)).count();
        let least = churned.iter().filter(|c| **c).count() / 20;
        let examples = Examples::of_numbers(&named, features.clone(), churned);
        let settings = TreeSettings {
            max_depth: DEPTH,
            min_leaf: least.max(1),
            shrinkage: 0.0,
            ..TreeSettings::default()
        };
        let Ok(tree) = Tree::fit(&examples, &settings) else {
            continue;
        };
        let leaves = parallel::map(labels.len(), |i| tree.score(|f| Value::Number(values[f][i])).1);
        let mut counts = std::collections::BTreeMap::<u32, (usize, usize)>::new();
        for (i, leaf) in leaves.into_iter().enumerate() {
            let count = counts.entry(leaf).or_default();
            count.0 += 1;
            count.1 += usize::from(inside(i));
        }
        let mut own: Vec<Rule> = tree
            .rules(&examples.features, &blanks)
            .into_iter()
            .filter_map(|r| {
                let (customers, hits) = *counts.get(&r.id)?;
                (2 * hits > customers).then_some(Rule { cluster, words: r.words, customers, hits, size })
            })
            .collect();
        own.sort_by_key(|r| std::cmp::Reverse(r.hits));
        rules.extend(own);
    }
    Ok(rules)
}
