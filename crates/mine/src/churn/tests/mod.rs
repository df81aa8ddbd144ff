use linfa::prelude::*;
use ndarray::Array2;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::act::{OfferTerms, best_threshold, targets};
use super::calibrate::{Method, platt};
use super::metrics::{
    Bin, Confusion, METRICS, auc, average_precision, brier_parts, confusion, gains, intervals, judge, lift,
    log_loss, reliability,
};
use super::tree::{Node, Test};
use super::tune::{out_of_fold, tune};
use super::*;
use crate::stats::Steps;

mod survive;

fn raw(criterion: Criterion, max_depth: usize, min_leaf: usize) -> TreeSettings {
    TreeSettings { criterion, max_depth, min_leaf, shrinkage: 0.0, ..TreeSettings::default() }
}

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
    Examples::of_numbers(&["a", "b"], vec![a, b], churned)
}

fn numbers(e: &Examples, f: usize) -> &[f64] {
    match &e.columns[f] {
        Values::Number(v) => v,
        Values::Category(_) => &[],
    }
}

/// A tree grown by trying every threshold on every feature, and every subset of every category, at every node: the share of churners in
/// each row's leaf. Where the best splits tie, any of them will do, so only the impurity reached is compared there.
fn exhaustive(e: &Examples, rows: &[usize], depth: usize, settings: &TreeSettings) -> f64 {
    let impurity = |side: &[usize]| {
        let (k, n) = (side.iter().filter(|i| e.churned[**i]).count() as f64, side.len() as f64);
        let term = |k: f64| if k > 0.0 { -k * (k / n).ln() } else { 0.0 };
        match settings.criterion {
            _ if n == 0.0 => 0.0,
            Criterion::Gini => 2.0 * k * (n - k) / n,
            Criterion::Entropy => term(k) + term(n - k),
        }
    };
    let whole = impurity(rows);
    let mut best: Option<(f64, Vec<usize>, Vec<usize>)> = None;
    let mut try_split = |goes_low: &dyn Fn(usize) -> bool| {
        let (low, high): (Vec<usize>, Vec<usize>) = rows.iter().partition(|i| goes_low(**i));
        let gain = whole - impurity(&low) - impurity(&high);
        let fits = low.len() >= settings.min_leaf && high.len() >= settings.min_leaf;
        if fits && gain > 1e-9 * whole && best.as_ref().is_none_or(|b| gain > b.0 * (1.0 + 1e-12)) {
            best = Some((gain, low, high));
        }
    };
    for column in &e.columns {
        match column {
            Values::Number(values) => {
                let mut distinct: Vec<f64> = rows.iter().map(|i| values[*i]).collect();
                distinct.sort_by(f64::total_cmp);
                distinct.dedup();
                for w in distinct.windows(2) {
                    try_split(&|i| values[i] <= w[0]);
                }
            }
            Values::Category(codes) => {
                for subset in 1u32..1 << 6 {
                    try_split(&|i| subset & 1 << codes[i] != 0);
                }
            }
        }
    }
    match best.filter(|_| depth < settings.max_depth) {
        Some((_, low, high)) => {
            exhaustive(e, &low, depth + 1, settings) + exhaustive(e, &high, depth + 1, settings)
        }
        None => whole,
    }
}

fn impurity_of_leaves(tree: &Tree) -> f64 {
    tree.nodes().iter().filter(|n| n.split.is_none()).map(|n| n.impurity).sum()
}

#[test]
fn the_tree_is_the_exhaustive_one() {
    let e = examples(700);
    for (depth, leaf) in [(1, 20), (4, 25)] {
        for criterion in [Criterion::Gini, Criterion::Entropy] {
            let settings = raw(criterion, depth, leaf);
            let tree = Tree::fit(&e, &settings).unwrap();
            let expected = exhaustive(&e, &(0..700).collect::<Vec<_>>(), 0, &settings);
            assert!((impurity_of_leaves(&tree) - expected).abs() < 1e-9 * expected);
        }
    }
}

proptest! {
    /// One split on a category of six values is the best of all 62 ways to part it; blanks never do worse than on one side.
    #[test]
    fn categories_part_in_the_best_way(codes in prop::collection::vec((0u32..6, prop::bool::weighted(0.4)), 30..120)) {
        let churned: Vec<bool> = codes.iter().map(|c| c.1).collect();
        let feature = Feature { name: "c".into(), categories: Some(("a".."g").map_names()) };
        let e = Examples {
            features: vec![feature],
            columns: vec![Values::Category(codes.iter().map(|c| c.0).collect())],
            churned,
            ..Examples::default()
        };
        for criterion in [Criterion::Gini, Criterion::Entropy] {
            let settings = raw(criterion, 1, 3);
            let tree = Tree::fit(&e, &settings).unwrap();
            let expected = exhaustive(&e, &(0..e.len()).collect::<Vec<_>>(), 0, &settings);
            prop_assert!((impurity_of_leaves(&tree) - expected).abs() < 1e-9 * expected.max(1.0));
        }
    }

    #[test]
    fn monotone_features_are_obeyed(rows in prop::collection::vec((0i32..30, 0i32..5, prop::bool::ANY), 60..300)) {
        let column = |f: &dyn Fn(&(i32, i32, bool)) -> f64| rows.iter().map(f).collect::<Vec<f64>>();
        let e = Examples::of_numbers(
            &["up", "free"],
            vec![column(&|r| f64::from(r.0)), column(&|r| f64::from(r.1))],
            rows.iter().map(|r| r.2 ^ (r.0 > 14)).collect(),
        );
        for (direction, shrinkage) in [(1, 0.0), (-1, 0.0), (1, 20.0), (-1, 20.0)] {
            let settings = TreeSettings { monotone: vec![direction], shrinkage, ..raw(Criterion::Gini, 5, 5) };
            let tree = Tree::fit(&e, &settings).unwrap();
            for free in 0..5 {
                let p: Vec<f64> = (0..30)
                    .map(|up| tree.score(|f| Value::Number(f64::from(if f == 0 { up } else { free }))).0)
                    .collect();
                prop_assert!(p.windows(2).all(|w| f64::from(direction) * (w[1] - w[0]) >= -1e-12), "{p:?}");
            }
        }
    }

    #[test]
    fn probabilities_stay_within_reach(
        rows in prop::collection::vec((prop::option::of(-5i32..5), 0u32..4, prop::bool::ANY, 0u8..4), 10..80),
        shrinkage in 0.0f64..50.0,
    ) {
        let e = Examples {
            features: vec![Feature::number("n"), Feature { name: "c".into(), categories: Some(("a".."e").map_names()) }],
            columns: vec![
                Values::Number(rows.iter().map(|r| r.0.map_or(f64::NAN, f64::from)).collect()),
                Values::Category(rows.iter().map(|r| if r.1 == 3 { UNKNOWN } else { r.1 }).collect()),
            ],
            churned: rows.iter().map(|r| r.2).collect(),
            weights: rows.iter().map(|r| f64::from(r.3)).collect(),
            customers: Vec::new(),
        };
        let settings = TreeSettings { shrinkage, ..raw(Criterion::Gini, 4, 2) };
        let tree = Tree::fit(&e, &settings).unwrap();
        let (kinds, any) = (tree.leaves(), |v: f64| (0.0..=1.0).contains(&v));
        for value in [f64::NAN, -9.0, 0.0, 9.0, f64::INFINITY] {
            for code in [0, 2, 3, UNKNOWN] {
                let (p, rule) =
                    tree.score(|f| if f == 0 { Value::Number(value) } else { Value::Category(code) });
                prop_assert!(any(p) && (1..=kinds as u32).contains(&rule));
            }
        }
        let boost = Boost::fit(&e, &BoostSettings { boost_rounds: 5, boost_leaves: 8, boost_depth: 3, boost_rate: 0.1, boost_min_leaf: 2, boost_l2: 1.0 }).unwrap();
        prop_assert!((0..rows.len()).all(|r| any(boost.predict_row(&e.columns, r))));
    }
}

/// Names of categories for tests: one a letter.
trait MapNames {
    fn map_names(self) -> Vec<String>;
}

impl MapNames for std::ops::Range<&str> {
    fn map_names(self) -> Vec<String> {
        let letter = |s: &str| s.bytes().next().unwrap_or(b'a');
        (letter(self.start)..letter(self.end)).map(|b| char::from(b).to_string()).collect()
    }
}

fn without_ties() -> Examples {
    let mut columns = vec![Vec::new(); 5];
    let mut churned = Vec::new();
    for line in include_str!("notie.csv").lines().skip(1) {
        let values: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
        columns.iter_mut().zip(&values).for_each(|(c, v)| c.push(*v));
        churned.push(values[5] == 1.0);
    }
    Examples::of_numbers(&["f0", "f1", "f2", "f3", "f4"], columns, churned)
}

/// Node by node, as scikit-learn grew them on data without ties.
#[test]
fn trees_are_scikit_learns() {
    let e = without_ties();
    let mut trees = 0;
    let mut lines = include_str!("trees.txt").lines().skip(1).peekable();
    while let Some(head) = lines.next() {
        let parts: Vec<&str> = head.split(' ').collect();
        let criterion = if parts[1] == "gini" { Criterion::Gini } else { Criterion::Entropy };
        let settings = raw(criterion, parts[2].parse().unwrap(), parts[3].parse().unwrap());
        let tree = Tree::fit(&e, &settings).unwrap();
        for node in tree.nodes() {
            let line: Vec<&str> = lines.next().unwrap().split(' ').collect();
            let (name, threshold) = match &node.split {
                None => ("leaf".to_owned(), f64::NAN),
                Some(split) => match &split.test {
                    Test::Number { threshold } => (format!("f{}", split.feature), *threshold),
                    Test::Category { .. } => ("?".to_owned(), f64::NAN),
                },
            };
            assert_eq!(name, line[0], "{head}");
            if node.split.is_some() {
                assert!((threshold - line[1].parse::<f64>().unwrap()).abs() < 1e-12, "{head}");
            }
            assert_eq!((node.rows.to_string(), node.churners.to_string()), (line[2].into(), line[3].into()));
        }
        assert!(
            lines.peek().is_none_or(|l| l.starts_with("tree")),
            "{head}: fewer nodes than there should be"
        );
        trees += 1;
    }
    assert_eq!(trees, 6);
}

#[test]
fn the_pruning_path_is_scikit_learns() {
    let tree = Tree::fit(&without_ties(), &raw(Criterion::Gini, 6, 20)).unwrap();
    let path = tree.pruning_path();
    let alphas = [
        0.0,
        0.002328304597701149,
        0.0027435064935064936,
        0.004949494949494949,
        0.0066870532568206985,
        0.007412849188152169,
        0.007830131445904954,
        0.011176079734219269,
        0.013423657328586906,
        0.015007411067193676,
        0.017619620145935936,
        0.0202020268061458,
        0.022406412069778406,
        0.028210713041135524,
        0.05875792664892044,
    ];
    let impurities = [
        0.2704665086288025,
        0.2751231178242048,
        0.27786662431771125,
        0.28281611926720623,
        0.2895031725240269,
        0.29691602171217907,
        0.30474615315808407,
        0.3159222328923033,
        0.3293458902208902,
        0.3443533012880839,
        0.3619729214340198,
        0.3821749482401656,
        0.404581360309944,
        0.43279207335107955,
        0.49155,
    ];
    let leaves = [16, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    assert_eq!(path.iter().map(|p| p.1).collect::<Vec<_>>(), leaves);
    for (i, (alpha, _, impurity)) in path.iter().enumerate() {
        assert!((alpha - alphas[i]).abs() < 1e-14 && (impurity - impurities[i]).abs() < 1e-14, "{i}");
    }
    for (alpha, leaves) in [(0.0038465007215007212, 13), (0.012299868531403087, 8), (0.025308562555456965, 3)]
    {
        let mut pruned = tree.clone();
        pruned.prune(alpha);
        assert_eq!(pruned.leaves(), leaves);
        assert!(pruned.check(&without_ties().features).is_ok());
    }
}

#[test]
fn the_first_split_agrees_with_linfa_trees_and_linfas_traits_work() {
    let e = examples(400);
    let x = Array2::from_shape_fn((400, 2), |(i, j)| numbers(&e, j)[i]);
    let y = ndarray::Array1::from_iter(e.churned.iter().copied());
    let data = Dataset::new(x.clone(), y);
    let ours = raw(Criterion::Gini, 1, 10).fit(&data).unwrap();
    let theirs = linfa_trees::DecisionTree::params().max_depth(Some(1)).fit(&data).unwrap();
    let (predicted, probabilities): (ndarray::Array1<bool>, ndarray::Array1<f64>) =
        (theirs.predict(&x), ours.predict(&x));
    for i in 0..400 {
        assert_eq!(predicted[i], probabilities[i] > 0.5, "row {i}");
    }
}

#[test]
fn weights_count_as_so_many_rows() {
    let e = examples(300);
    let times: Vec<usize> = (0..300).map(|i| i % 3).collect();
    let repeated: Vec<usize> = (0..300).flat_map(|i| std::iter::repeat_n(i, times[i])).collect();
    let weighted = Examples { weights: times.iter().map(|t| *t as f64).collect(), ..e.clone() };
    let settings = raw(Criterion::Gini, 3, 1);
    let (a, b) =
        (Tree::fit(&weighted, &settings).unwrap(), Tree::fit(&e.pick(&repeated), &settings).unwrap());
    for i in 0..300 {
        let p = |t: &Tree| t.predict_row(&e.columns, i).0;
        assert!((p(&a) - p(&b)).abs() < 1e-12);
    }
}

#[test]
fn leaves_count_rank_and_add_up() {
    let e = examples(2000);
    let tree = Tree::fit(&e, &TreeSettings::default()).unwrap();
    let rules = tree.rules(&e.features, &[false, false]);
    assert_eq!(rules.iter().map(|r| r.rows).sum::<usize>(), 2000);
    assert!(rules.windows(2).all(|w| w[0].probability >= w[1].probability && w[0].id + 1 == w[1].id));
    assert!(rules.iter().all(|r| r.rows >= 50 && r.probability > 0.0 && r.probability < 1.0));
    let p: Vec<f64> = (0..2000).map(|i| tree.predict_row(&e.columns, i).0).collect();
    assert!(auc(&p, &e.churned).unwrap() > 0.75);
    assert!((tree.importance(2).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // Reasons add up to what sets a customer apart from all.
    for (row, p) in p.iter().enumerate().take(50) {
        let path = tree.path(|f| e.columns[f].at(row));
        let rise: f64 = tree.reasons(&path, &e.features).iter().map(|r| r.1).sum();
        assert!((rise - (p - tree.nodes()[0].probability)).abs() < 1e-12);
    }
}

#[test]
fn shrinkage_is_that_of_its_authors() {
    // Root: 40 of 100; low: 30 of 40; high: 10 of 60.
    let values: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i >= 40))).collect();
    let churned: Vec<bool> = (0..100).map(|i| i < 30 || (40..50).contains(&i)).collect();
    let e = Examples::of_numbers(&["x"], vec![values], churned);
    let tree = Tree::fit(&e, &TreeSettings { shrinkage: 25.0, ..raw(Criterion::Gini, 1, 5) }).unwrap();
    let p = |x: f64| tree.score(|_| Value::Number(x)).0;
    assert!((p(0.0) - (0.4 + (0.75 - 0.4) / 1.25)).abs() < 1e-15);
    assert!((p(1.0) - (0.4 + (1.0 / 6.0 - 0.4) / 1.25)).abs() < 1e-15);
}

#[test]
fn blanks_go_where_they_fit_and_unseen_categories_with_most() {
    let values: Vec<f64> = (0..300).map(|i| if i % 3 == 0 { f64::NAN } else { f64::from(i % 3) }).collect();
    let churned: Vec<bool> = (0..300).map(|i| i % 3 != 1).collect();
    let e = Examples::of_numbers(&["x"], vec![values], churned);
    let tree = Tree::fit(&e, &raw(Criterion::Gini, 1, 10)).unwrap();
    assert_eq!((tree.score(|_| Value::Number(f64::NAN)).0, tree.score(|_| Value::Number(1.0)).0), (1.0, 0.0));
    assert_eq!(tree.rules(&e.features, &[true])[0].words, "(x > 1.5 or none)");

    let texts: Vec<&str> = (0..300).map(|i| ["monthly", "yearly", "two years"][i % 3]).collect();
    let (feature, column) = Feature::category("contract", &texts);
    let e = Examples {
        features: vec![feature.clone()],
        columns: vec![column],
        churned: (0..300).map(|i| i % 3 == 0).collect(),
        ..Examples::default()
    };
    let tree = Tree::fit(&e, &raw(Criterion::Gini, 1, 10)).unwrap();
    let rules = tree.rules(&e.features, &[false]);
    assert_eq!(rules[0].words, "contract = monthly");
    assert_eq!(rules[1].words, "contract in {two years, yearly}");
    let (codes, unseen) = feature.codes(&["weekly", "monthly", ""]);
    assert_eq!((unseen, codes.clone()), (1, Values::Category(vec![UNKNOWN, 0, UNKNOWN])));
    assert_eq!(tree.predict_row(&[codes], 0).0, 0.0, "with the larger side");
}

#[test]
fn pictures_hold_every_leaf() {
    let e = examples(2000);
    let tree = Tree::fit(&e, &raw(Criterion::Gini, 3, 50)).unwrap();
    let (dot, svg, text) = (tree.dot(&e.features), tree.svg(&e.features), tree.text(&e.features));
    assert_eq!(svg.matches("<rect").count(), tree.nodes().len());
    assert_eq!(dot.matches(" -> ").count(), tree.nodes().len() - 1);
    assert_eq!(text.lines().count(), tree.nodes().len());
    assert_eq!(text.matches("rule ").count(), tree.leaves());
    assert!(text.starts_with("all customers: ") && dot.starts_with("digraph"));
}

#[test]
fn one_thread_and_many_give_the_same_models() {
    let e = examples(3000);
    let fit = || {
        let tree = TreeSettings::default();
        Kind::ALL.map(|kind| Scorer::fit(kind, &e, &tree.clone().into(), 7).unwrap())
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert!(pool.install(fit) == fit());
}

#[test]
fn challengers_find_what_there_is() {
    let e = examples(4000);
    let test = examples(4000);
    let truth = |i: usize| {
        if numbers(&test, 0)[i] > 25.0 {
            0.8
        } else if numbers(&test, 1)[i] < 2.0 {
            0.5
        } else {
            0.1
        }
    };
    let best = auc(&(0..4000).map(truth).collect::<Vec<_>>(), &test.churned).unwrap();
    for kind in Kind::ALL {
        let scorer = Scorer::fit(kind, &e, &ModelSettings::default(), 1).unwrap();
        let p = scorer.predict(&test.columns);
        // Two steps are no straight line, but most of the way is.
        let least = if kind == Kind::Logistic { best - 0.06 } else { best - 0.01 };
        assert!(auc(&p, &test.churned).unwrap() > least, "{}", kind.name());
        let j = judge(&p, &test.churned);
        assert!((j.mean_probability - j.churn_rate).abs() < 0.02);
    }
}

#[test]
fn folds_keep_customers_together_and_outcomes_apart() {
    let mut e = examples(900);
    e.customers = (0..900).map(|i| i / 3).collect();
    let fold = e.folds(5, 3);
    assert!(fold.chunks(3).all(|c| c[0] == c[1] && c[1] == c[2]));
    let overall = e.churners() as f64 / 900.0;
    for f in 0..5u8 {
        let rows: Vec<usize> = (0..900).filter(|r| fold[*r] == f).collect();
        let share = rows.iter().filter(|r| e.churned[**r]).count() as f64 / rows.len() as f64;
        assert!(rows.len() > 150 && (share - overall).abs() < 0.08);
    }
    assert_eq!(fold, e.folds(5, 3));
    assert_ne!(fold, e.folds(5, 4));
}

#[test]
fn tuning_prefers_what_predicts() {
    let e = examples(3000);
    let (chosen, tried) = tune(&e, &TreeSettings::default(), &Tuning::default()).unwrap();
    assert!(tried.windows(2).all(|w| w[0].log_loss <= w[1].log_loss));
    assert_eq!((chosen.max_depth, chosen.min_leaf), (tried[0].max_depth, tried[0].min_leaf));
    let fold = e.folds(5, 0);
    let p = out_of_fold(Kind::Tree, &e, &chosen.into(), &fold, 0).unwrap();
    assert!(p.iter().all(|p| (0.0..=1.0).contains(p)));
    let of_fold = |f: u8| {
        let rows = (0..3000).filter(|r| fold[*r] == f);
        let (p, y): (Vec<f64>, Vec<bool>) = rows.map(|r| (p[r], e.churned[r])).unzip();
        log_loss(&p, &y)
    };
    let mean = (0..5).map(of_fold).sum::<f64>() / 5.0;
    assert!((mean - tried[0].log_loss).abs() < 1e-9, "the same folds, the same loss");
}

fn given() -> (Vec<f64>, Vec<bool>) {
    let lines = include_str!("metrics.csv").lines().skip(1);
    lines.map(|l| l.split_once(',').unwrap()).map(|(p, y)| (p.parse::<f64>().unwrap(), y == "1")).unzip()
}

/// By scikit-learn, and by hand where it has no such measure.
#[test]
fn metrics_of_a_thousand_rows() {
    let (p, y) = given();
    let near = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
    let j = judge(&p, &y);
    near(j.auc.unwrap(), 0.7256824448529412);
    near(j.average_precision.unwrap(), 0.5197714672209113);
    near(j.log_loss, 0.5660220667508884);
    near(j.brier, 0.19203972);
    near(j.brier_uncertainty, 0.2176);
    near(j.lift_decile_1.unwrap(), 1.875);
    // Over rows of equal probability the parts are exact.
    let mut order: Vec<usize> = (0..1000).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let bins: Vec<Bin> = order
        .chunk_by(|a, b| p[*a] == p[*b])
        .map(|same| {
            let churners = same.iter().filter(|i| y[**i]).count();
            Bin {
                rows: same.len(),
                churners,
                expected: p[same[0]],
                actual: churners as f64 / same.len() as f64,
            }
        })
        .collect();
    let (bad, good) = brier_parts(&bins);
    near(bad, 0.11142543428571432);
    near(good, 0.13698571428571482);
    near(bad - good + 0.2176, 0.19203972);
    let table = reliability(&p, &y);
    assert_eq!((table.len(), table.iter().map(|b| b.rows).sum::<usize>()), (10, 1000));
    // Counted in tenths that part equal rows: .0478.
    assert!((j.calibration_error - 0.0478).abs() < 0.003);
    let captured: Vec<f64> = gains(&p, &y).iter().map(|g| g.captured).collect();
    // Equal rows across a border count in part: the third to the fifth differ from a count that takes them in their order.
    for (i, expected) in [(0, 0.1875), (1, 0.340625), (5, 0.80625), (7, 0.94375), (9, 1.0)] {
        near(captured[i], expected);
    }
    let c = Confusion { true_positives: 234, false_positives: 273, false_negatives: 86, true_negatives: 407 };
    assert_eq!(confusion(&p, &y, 0.3), c);
    let (low, high) = intervals(&p, &y, 400, 1)[4].unwrap();
    // DeLong's standard error of this AUC is about .017.
    assert!((low - 0.692).abs() < 0.01 && (high - 0.759).abs() < 0.01, "{low} {high}");
}

#[test]
fn calibrations_of_a_thousand_rows() {
    let (p, y) = given();
    let points: Vec<(f64, bool)> = p.iter().copied().zip(y.iter().copied()).collect();
    let steps = Steps::fit(&points);
    for (at, expected) in [
        (0.0, 0.0),
        (0.05, 0.05263157894736842),
        (0.2345, 0.21739130434782608),
        (0.5, 0.4794520547945205),
        (0.77777, 0.6851851851851852),
        (0.9999, 1.0),
    ] {
        assert!((steps.at(at) - expected).abs() < 1e-12, "{at}: {}", steps.at(at));
    }
    let sums = p.iter().map(|p| steps.at(*p)).fold((0.0, 0.0), |s, v| (s.0 + v, s.1 + v * v));
    assert!((sums.0 - 320.0).abs() < 1e-9 && (sums.1 - 135.14275511667182).abs() < 1e-9);
    let scores: Vec<f64> = p.iter().map(|p| (p / (1.0 - p)).ln()).collect();
    let (slope, intercept) = platt(&scores, &y);
    assert!((slope - 0.7167737642923457).abs() < 1e-8 && (intercept + 0.23757463973169735).abs() < 1e-8);
    let platt = Calibration::fit(Method::Platt, &p, &y);
    for (at, expected) in [(0.05, 0.08721920186481714), (0.5, 0.44088412892594814), (0.9, 0.7920518836819894)]
    {
        assert!((platt.apply(at) - expected).abs() < 1e-8);
    }
    assert_eq!(Calibration::None.apply(0.3), 0.3);
    assert!(Calibration::fit(Method::Isotonic, &p, &y).apply(2.0) < 1.0);
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
    assert!(gains(&p, &[false; 4]).is_empty());
    assert!(judge(&[], &[]).auc.is_none());
}

#[test]
fn offers_go_where_they_pay() {
    let terms = OfferTerms { offer_cost: 10.0, response_rate: 0.5, value_saved: 1.0 };
    // Worth .5 p v - 10: 35, -5, 15, -10.
    let (p, values) = ([0.9, 0.1, 0.5, 0.0], [100.0, 100.0, 100.0, -50.0]);
    assert_eq!(targets(&p, &values, &terms, None), [(0, 35.0), (2, 15.0)]);
    assert_eq!(targets(&p, &values, &terms, Some(19.0)), [(0, 35.0)]);
    assert!(targets(&p, &values, &terms, Some(0.0)).is_empty());
    // Who left: 0 and 1. Down to .1 offers bring 40 - 10 + 40; down to .5, 30.
    let churned = [true, true, false, false];
    assert_eq!(best_threshold(&p, &churned, &values, &terms), (0.1, 70.0));
    assert_eq!(best_threshold(&p, &[false; 4], &values, &terms), (1.0, 0.0));
}

#[test]
fn deciles_share_equal_probabilities() {
    let p: Vec<f64> = (0..100).map(f64::from).collect();
    let d = deciles(&p);
    assert_eq!((d[99], d[90], d[89], d[0]), (1, 1, 2, 10));
    assert!(deciles(&[0.3; 7]).iter().all(|d| *d == 1));
    assert!(deciles(&[]).is_empty());
}

/// Neighbouring doubles, and the largest ones: what tells the classes apart is found by all models, and every threshold is a number.
#[test]
fn extreme_numbers_part_as_others_do() {
    let next = 0.3f64.next_up();
    for (low, high) in [(0.3, next), (-1.7e308, 1.7e308), (0.0, 5e-324)] {
        let values: Vec<f64> = (0..400).map(|i| if i % 3 == 0 { high } else { low }).collect();
        let e = Examples::of_numbers(&["x"], vec![values], (0..400).map(|i| i % 3 == 0).collect());
        for kind in [Kind::Tree, Kind::Forest, Kind::Boosting] {
            let scorer = Scorer::fit(kind, &e, &raw(Criterion::Gini, 2, 5).into(), 1).unwrap();
            assert_eq!(auc(&scorer.predict(&e.columns), &e.churned), Some(1.0), "{} {low}", kind.name());
            assert!(scorer.check(&e.features).is_ok());
        }
    }
}

#[test]
fn a_score_that_misleads_is_not_turned_round() {
    let p: Vec<f64> = (0..200).map(|i| f64::from(i) / 200.0).collect();
    let churned: Vec<bool> = (0..200).map(|i| i < 60).collect();
    let calibration = Calibration::fit(Method::Platt, &p, &churned);
    assert!((calibration.apply(0.1) - 0.3).abs() < 0.01 && calibration.apply(0.1) == calibration.apply(0.9));
}

#[test]
fn ids_are_left_out_whatever_they_look_like() {
    let n = 300;
    let texts: Vec<String> = (0..n).map(|i| format!("mail{i}")).collect();
    let (email, codes) = Feature::category("email", &texts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut e = Examples {
        features: vec![email, Feature::number("account"), Feature::number("age")],
        columns: vec![
            codes,
            Values::Number((0..n).map(|i| f64::from(7000 + i)).collect()),
            Values::Number((0..n).map(|i| f64::from(i % 60)).collect()),
        ],
        churned: (0..n).map(|i| i % 4 == 0).collect(),
        ..Examples::default()
    };
    // The same customers at six cutoffs.
    let rows: Vec<usize> = (0..6).flat_map(|_| 0..n as usize).collect();
    e.customers = (0..n as u32).collect();
    let mut repeated = e.pick(&rows);
    for examples in [&mut e, &mut repeated] {
        let said = super::train::clean(examples);
        assert_eq!(
            examples.features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["age"],
            "{said:?}"
        );
        assert_eq!(
            said.iter().filter(|w| ["feature_id", "feature_number_id"].contains(&w.key.as_ref())).count(),
            2
        );
    }
}

#[test]
fn bad_examples_are_refused() {
    let e = Examples::of_numbers(&["x"], vec![vec![1.0; 30]], vec![true; 30]);
    assert_eq!(
        e.check("to train on").unwrap_err().to_string(),
        "churn needs at least 20 customers who left and 20 who stayed to train on, but there are 30 and 0"
    );
    // One class, a constant, all blank: one leaf, and no panic.
    for values in [vec![1.0; 30], vec![f64::NAN; 30]] {
        let e = Examples::of_numbers(&["x"], vec![values], (0..30).map(|i| i % 2 == 0).collect());
        let tree = Tree::fit(&e, &raw(Criterion::Gini, 3, 1)).unwrap();
        assert_eq!(tree.leaves(), 1);
        for kind in Kind::ALL {
            let p = Scorer::fit(kind, &e, &ModelSettings::default(), 0).unwrap().predict(&e.columns);
            assert!(p.iter().all(|p| (p - 0.5).abs() < 0.2), "{}", kind.name());
        }
    }
    assert!(Tree::fit(&Examples::default(), &TreeSettings::default()).is_err());
    assert!(Tree::fit(&e, &TreeSettings { max_depth: 0, ..TreeSettings::default() }).is_err());
    assert!(Tree::fit(&Examples { weights: vec![-1.0; 30], ..e.clone() }, &TreeSettings::default()).is_err());
    let broken = Tree { nodes: Vec::<Node>::new() };
    assert!(broken.check(&e.features).is_err());
}

#[test]
fn the_rows_that_choose_a_model_are_not_those_it_is_reported_on() {
    use super::train::{Judge, TrainSettings, own_level, train};
    let training = examples(600);
    let values = vec![1.0; 600];
    let settings = TrainSettings {
        model: None,
        margin: 0.0,
        models: raw(Criterion::Gini, 2, 20).into(),
        tuning: None,
        folds: 4,
        seed: 3,
        calibration: Method::None,
        bootstrap: 0,
        terms: OfferTerms { offer_cost: 1.0, response_rate: 0.1, value_saved: 0.3 },
    };
    // At a later cutoff: whatever happens there, the same model is chosen.
    let mut later = examples(500);
    let chosen = |later: &Examples| {
        let against = Judge::Later(later, &values[..500]);
        train(&training, against, &[], &settings, &mut own_level).unwrap().report.model
    };
    let one = chosen(&later);
    later.churned.iter_mut().for_each(|c| *c = !*c);
    assert_eq!(one, chosen(&later));
    // In folds: every other fold is reported.
    let trained = train(&training, Judge::Folds(&values), &[], &settings, &mut own_level).unwrap();
    let fold = training.folds(settings.folds, settings.seed);
    let rows: Vec<usize> = (0..600).filter(|row| fold[*row] % 2 == 1).collect();
    assert!(rows.len() > 250 && rows.len() < 350);
    let p: Vec<f64> = rows.iter().map(|row| trained.judged[*row]).collect();
    let churned: Vec<bool> = rows.iter().map(|row| training.churned[*row]).collect();
    let told = trained.report.judged.iter().find(|j| j.chosen).unwrap();
    let place = METRICS.iter().position(|m| *m == "auc").unwrap();
    assert_eq!(told.values[place], auc(&p, &churned));
    assert_eq!(trained.judged.len(), 600, "everyone has a probability all the same");
}
