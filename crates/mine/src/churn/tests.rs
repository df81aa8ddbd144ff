use linfa::prelude::*;
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::metrics::{auc, average_precision, judge, lift};
use super::tree::smoothed;
use super::*;

fn examples(n: usize) -> Examples {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let a: Vec<f64> = (0..n).map(|_| f64::from(rng.gen_range(0..40))).collect();
    let b: Vec<f64> = (0..n).map(|_| f64::from(rng.gen_range(0..7))).collect();
    let churned = (0..n)
        .map(|i| {
            rng.gen_bool(if a[i] > 25.0 {
                0.8
            } else if b[i] < 2.0 {
                0.5
            } else {
                0.1
            })
        })
        .collect();
    Examples { features: vec![a, b], churned }
}

/// A tree grown by trying every threshold on every feature at every node: the smoothed share of
/// churners in each row's leaf.
fn exhaustive(
    e: &Examples,
    rows: &[usize],
    depth: usize,
    settings: &TreeSettings,
    prior: f64,
    out: &mut [f64],
) {
    let gini = |side: &[usize]| {
        let (k, n) = (side.iter().filter(|i| e.churned[**i]).count() as f64, side.len() as f64);
        if n == 0.0 { 0.0 } else { 2.0 * k * (n - k) / n }
    };
    let mut best: Option<(f64, usize, f64)> = None;
    for (f, values) in e.features.iter().enumerate() {
        let mut distinct: Vec<f64> = rows.iter().map(|i| values[*i]).collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        for w in distinct.windows(2) {
            let (low, high): (Vec<usize>, Vec<usize>) = rows.iter().partition(|i| values[**i] <= w[0]);
            let gain = gini(rows) - gini(&low) - gini(&high);
            let fits = low.len() >= settings.min_leaf && high.len() >= settings.min_leaf;
            if fits && gain > 1e-9 * gini(rows) && best.is_none_or(|b| gain > b.0 + 1e-9) {
                best = Some((gain, f, w[0]));
            }
        }
    }
    match best.filter(|_| depth < settings.max_depth) {
        Some((_, f, at)) => {
            let (low, high): (Vec<usize>, Vec<usize>) = rows.iter().partition(|i| e.features[f][**i] <= at);
            exhaustive(e, &low, depth + 1, settings, prior, out);
            exhaustive(e, &high, depth + 1, settings, prior, out);
        }
        None => {
            let k = rows.iter().filter(|i| e.churned[**i]).count() as f64;
            rows.iter().for_each(|i| out[*i] = smoothed(k, rows.len() as f64, prior));
        }
    }
}

#[test]
fn the_tree_is_the_exhaustive_one() {
    let e = examples(700);
    for settings in [TreeSettings { max_depth: 1, min_leaf: 20 }, TreeSettings { max_depth: 4, min_leaf: 25 }]
    {
        let tree = Tree::fit(&e, &settings).unwrap();
        let prior = e.churned.iter().filter(|c| **c).count() as f64 / 700.0;
        let mut expected = vec![0.0; 700];
        exhaustive(&e, &(0..700).collect::<Vec<_>>(), 0, &settings, prior, &mut expected);
        for (i, probability) in expected.iter().enumerate() {
            assert_eq!(tree.predict(|f| e.features[f][i]).0, *probability, "row {i}");
        }
    }
}

#[test]
fn the_first_split_agrees_with_linfa_trees() {
    let e = examples(400);
    let ours = Tree::fit(&e, &TreeSettings { max_depth: 1, min_leaf: 10 }).unwrap();
    let x = Array2::from_shape_fn((400, 2), |(i, j)| e.features[j][i]);
    let y = ndarray::Array1::from_iter(e.churned.iter().copied());
    let theirs =
        linfa_trees::DecisionTree::params().max_depth(Some(1)).fit(&Dataset::new(x.clone(), y)).unwrap();
    let predicted: ndarray::Array1<bool> = theirs.predict(&x);
    for i in 0..400 {
        assert_eq!(predicted[i], ours.predict(|f| e.features[f][i]).0 > 0.5, "row {i}");
    }
}

#[test]
fn leaves_count_and_rank_their_rows() {
    let e = examples(2000);
    let tree = Tree::fit(&e, &TreeSettings::default()).unwrap();
    let rules = tree.rules(&["a".into(), "b".into()]);
    assert_eq!(rules.iter().map(|r| r.rows).sum::<usize>(), 2000);
    assert!(rules.windows(2).all(|w| w[0].probability >= w[1].probability && w[0].id + 1 == w[1].id));
    assert!(rules.iter().all(|r| r.rows >= 50 && r.probability > 0.0 && r.probability < 1.0));
    let p: Vec<f64> = (0..2000).map(|i| tree.predict(|f| e.features[f][i]).0).collect();
    assert!(auc(&p, &e.churned).unwrap() > 0.75);
}

#[test]
fn blanks_go_where_they_fit() {
    let values: Vec<f64> = (0..300).map(|i| if i % 3 == 0 { f64::NAN } else { f64::from(i % 3) }).collect();
    let churned: Vec<bool> = (0..300).map(|i| i % 3 != 1).collect();
    let e = Examples { features: vec![values], churned };
    let tree = Tree::fit(&e, &TreeSettings { max_depth: 1, min_leaf: 10 }).unwrap();
    assert!(tree.predict(|_| f64::NAN).0 > 0.9);
    assert!(tree.predict(|_| 1.0).0 < 0.1);
}

#[test]
fn one_thread_and_many_give_the_same_tree() {
    let e = examples(3000);
    let fit = || Tree::fit(&e, &TreeSettings::default()).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(fit), fit());
}

#[test]
fn metrics_by_hand() {
    let p = [0.9, 0.8, 0.7, 0.6];
    let y = [true, false, true, false];
    assert_eq!(auc(&p, &y), Some(0.75));
    assert!((average_precision(&p, &y).unwrap() - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    assert_eq!(auc(&[0.5; 4], &y), Some(0.5));
    assert_eq!(auc(&p, &[true; 4]), None);
    assert_eq!(lift(&p, &y, 0.25), Some(2.0));
    assert_eq!(lift(&[0.5; 4], &y, 0.25), Some(1.0), "equal scores say nothing");
    let j = judge(&p, &y);
    assert!((j.brier - (0.01 + 0.64 + 0.09 + 0.36) / 4.0).abs() < 1e-12);
    assert_eq!(j.churners, 2);
}

#[test]
fn deciles_share_equal_probabilities() {
    let p: Vec<f64> = (0..100).map(f64::from).collect();
    let d = deciles(&p);
    assert_eq!((d[99], d[90], d[89], d[0]), (1, 1, 2, 10));
    assert!(deciles(&[0.3; 7]).iter().all(|d| *d == 1));
    assert!(deciles(&[]).is_empty());
}

#[test]
fn recency_rule_learns_shares() {
    let days: Vec<f64> = (0..200).map(f64::from).collect();
    let churned: Vec<bool> = (0..200).map(|d| d >= 100).collect();
    let rule = RecencyRule::fit(&days, &churned);
    assert!(rule.probability(5.0) < 0.15 && rule.probability(190.0) > 0.85);
}

#[test]
fn too_few_of_either_kind_is_said() {
    let e = Examples { features: vec![vec![1.0; 30]], churned: vec![true; 30] };
    let message = e.check("to train on").unwrap_err().to_string();
    assert_eq!(
        message,
        "churn needs at least 20 customers who left and 20 who stayed to train on, but there are 30 and 0"
    );
}
