//! One piece of work on one file, timed once, as one JSON line: to stand beside the same work by other tools.
//!
//! `cargo bench -p tillwise --bench peers -- clv FILE MODEL` with a Parquet file of `frequency, recency, T, monetary_value` (weeks)
//! and a model (`bg_nbd`, `pareto_nbd`, ...): seconds of the fits of orders and of spend, and of scoring every customer with
//! all point quantities, and with intervals.
//!
//! `-- kmeans FILE INIT` with Parquet files of points and of start centres: seconds of Lloyd's steps from those centres, at most 100, to
//! scikit-learn's tolerance of 1e-4, plain and begun on parts; `-- kmeans FILE K` begins with the first K points.
//!
//! `-- baskets FILE SUPPORT` with a Parquet file of `basket_id, item` (32-bit, sorted by basket): seconds of reading, of mining all
//! itemsets, and of the rules with one item on the right and a confidence of 0.5.
//!
//! `-- churn FILE` with a Parquet file of 32-bit features and a `label`, the last fifth held out: seconds and AUC of a tree (depth 6, leaves of
//! 50), of boosting (100 trees of 31 leaves) and of a forest (100 trees of depth 10), and of scoring with the tree.
//!
//! `-- rfm FILE` with the customer table of a run: seconds of reading the three columns, of the break points, and of scoring.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up should stop")]
#![expect(clippy::print_stdout, reason = "its result")]

use std::path::Path;
use std::time::Instant;

use ndarray::{Array2, Axis};
use tillwise_mine::basket::{rules, Baskets, Least, Limits, Miner, RuleSettings, Share};
use tillwise_mine::churn::metrics::auc;
use tillwise_mine::churn::{
    Boost, BoostSettings, Examples, Forest, ForestSettings, Scorer, Tree, TreeSettings,
};
use tillwise_mine::cluster::kmeans::{lloyd, mean_variance, staged};
use tillwise_mine::clv::{Clv, GammaGamma, Input, Model, Settings, TimeUnit, Value};
use tillwise_mine::rfm::{Rfm, Settings as RfmSettings};
use tillwise_table::Table;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["clv", file, model] => clv(file, model),
        ["kmeans", file, start] => kmeans(file, start),
        ["baskets", file, support] => baskets(file, support),
        ["churn", file] => churn(file),
        ["rfm", file] => rfm(file),
        // `cargo bench` without arguments runs every bench; this one has nothing to do then.
        _ => println!(
            "usage: -- clv FILE MODEL, -- kmeans FILE INIT|K, -- baskets FILE SUPPORT, -- churn FILE, or -- rfm FILE"
        ),
    }
}

/// The result and the seconds it took.
fn timed<T>(f: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = f();
    (result, start.elapsed().as_secs_f64())
}

fn clv(file: &str, model: &str) {
    let table = Table::read(Path::new(file)).expect("a Parquet file");
    let column = |name: &str| table.f64s(name).expect("a number column");
    let model = Model::IN_TIME.into_iter().find(|m| m.name() == model).expect("a model in time");
    let x = column("frequency");
    let days = |name: &str| column(name).into_iter().map(|weeks| 7.0 * weeks).collect::<Vec<_>>();
    let spend = column("monetary_value");
    let net: Vec<f64> = x.iter().zip(&spend).map(|(x, m)| (x + 1.0) * m.max(1.0)).collect();
    let input = Input {
        x: &x,
        t_x_days: &days("recency"),
        age_days: &days("T"),
        mean_ln_gap_days: &vec![f64::NAN; x.len()],
        mean_repeat_spend: &spend,
        orders: &x,
        net_revenue: &net,
        cost: &vec![f64::NAN; x.len()],
        groups: &[],
        known: &[],
        occasions: None,
    };
    let histories = input.histories(7.0);
    let repeat: Vec<(f64, f64)> =
        x.iter().zip(&spend).filter(|(x, m)| **x > 0.0 && **m > 0.0).map(|(x, m)| (*x, *m)).collect();
    let ((_, orders), fit) = timed(|| model.fit(&histories, 0.0).expect("a fit"));
    let ((_, gamma), spend_fit) = timed(|| GammaGamma::fit(&repeat).expect("a fit"));
    let settings = |interval| Settings {
        model,
        time_unit: TimeUnit::Week,
        occasion_days: 30.0,
        min_group: 1,
        by: None,
        purchase: vec![],
        drop_out: vec![],
        l2: 0.0,
        value: Value { horizon_days: 273.0, interval, ..Value::default() },
    };
    let (plain, _) = Clv::fit(input, &settings(0.0)).expect("a model");
    let (scores, points) = timed(|| plain.score(input));
    let (with, _) = Clv::fit(input, &settings(0.95)).expect("a model");
    let (_, intervals) = timed(|| with.score(input));
    let sum: f64 = scores.iter().map(|s| s.expected_orders).sum();
    println!(
        "{}",
        serde_json::json!({
            "model": model.name(), "customers": x.len(), "fit_s": fit, "log_likelihood": orders.log_likelihood,
            "iterations": orders.iterations, "gradient": orders.gradient, "spend_fit_s": spend_fit,
            "spend_log_likelihood": gamma.log_likelihood, "score_points_s": points, "score_with_intervals_s": intervals,
            "expected_orders": sum,
        })
    );
}

/// A table of numbers, row after row.
fn matrix(file: &str) -> Array2<f64> {
    let table = Table::read(Path::new(file)).expect("a Parquet file");
    let names: Vec<String> = table.batch().schema().fields().iter().map(|f| f.name().clone()).collect();
    let mut points = Array2::zeros((table.rows(), names.len()));
    for (mut column, name) in points.columns_mut().into_iter().zip(&names) {
        let values = table.f64s(name).expect("a number column");
        column.iter_mut().zip(values).for_each(|(c, v)| *c = v);
    }
    points
}

fn kmeans(file: &str, start: &str) {
    let points = matrix(file);
    let centres = match start.parse::<usize>() {
        Ok(k) => points.select(Axis(0), &(0..k).collect::<Vec<_>>()),
        Err(_) => matrix(start),
    };
    let tolerance = 1e-4 * mean_variance(points.view());
    let (plain, plain_s) = timed(|| lloyd(points.view(), centres.clone(), 100, tolerance));
    let (fit, seconds) = timed(|| staged(points.view(), centres.clone(), 100, tolerance));
    println!(
        "{}",
        serde_json::json!({
            "points": points.nrows(), "features": points.ncols(), "k": centres.nrows(),
            "lloyd_s": plain_s, "lloyd_iterations": plain.iterations, "lloyd_inertia": plain.inertia, "staged_s": seconds,
            "iterations": fit.iterations, "converged": fit.converged, "inertia": fit.inertia,
        })
    );
}

fn baskets(file: &str, support: &str) {
    let support = Least::Share(support.parse::<Share>().expect("a share"));
    let (baskets, read_s) = timed(|| {
        let table = Table::read_columns(Path::new(file), &["basket_id", "item"]).expect("a Parquet file");
        let column = |name: &str| -> Vec<u32> {
            table.i32s(name).expect("a 32-bit column").iter().map(|v| *v as u32).collect()
        };
        let (basket, item) = (column("basket_id"), column("item"));
        let items = item.iter().max().map_or(0, |i| *i as usize + 1);
        Baskets::from_lines(&basket, &item, items).expect("baskets")
    });
    let min_count = support.of(baskets.len() as u64);
    let limits = Limits { max_items: usize::MAX, max_basket: 0, ..Limits::default() };
    let miner = Miner { min_count, limits, apart: &[] };
    let ((itemsets, report), mine_s) = timed(|| miner.mine(&baskets));
    let settings = RuleSettings {
        min_confidence: Share::decimal(5, 1),
        min_lift: Share::ZERO,
        drop_redundant: false,
        max_p_value: 1.0,
        ..RuleSettings::default()
    };
    let ((found, _), rules_s) = timed(|| rules(&itemsets, &[], &settings));
    let sum: u64 = (0..itemsets.len()).map(|i| itemsets.count(i)).sum();
    println!(
        "{}",
        serde_json::json!({
            "baskets": baskets.len(), "min_count": min_count, "read_s": read_s, "mine_s": mine_s, "rules_s": rules_s,
            "itemsets": itemsets.len(), "closed": report.closed, "maximal": report.maximal, "sum_of_counts": sum,
            "rules": found.len(),
        })
    );
}

fn churn(file: &str) {
    let table = Table::read(Path::new(file)).expect("a Parquet file");
    let mut names = Vec::new();
    let mut columns = Vec::new();
    let mut labels = Vec::new();
    for (field, array) in table.batch().schema().fields().iter().zip(table.batch().columns()) {
        let array = arrow::compute::cast(array, &arrow::datatypes::DataType::Float64).expect("numbers");
        let values =
            arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&array).values().to_vec();
        if field.name() == "label" {
            labels = values.iter().map(|v| *v > 0.5).collect();
        } else {
            names.push(field.name().clone());
            columns.push(values);
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = Examples::of_numbers(&names, columns, labels);
    let cut = all.len() * 4 / 5;
    let part = |rows: std::ops::Range<usize>| all.pick(&rows.collect::<Vec<_>>());
    let (train, test) = (part(0..cut), part(cut..all.len()));
    let settings = TreeSettings { max_depth: 6, min_leaf: 50, shrinkage: 0.0, ..TreeSettings::default() };
    let (tree, tree_s) = timed(|| Scorer::Tree(Tree::fit(&train, &settings).expect("a tree")));
    let boost = BoostSettings {
        boost_rounds: 100,
        boost_depth: 30,
        boost_rate: 0.1,
        boost_l2: 0.0,
        ..BoostSettings::default()
    };
    let (boosting, boosting_s) = timed(|| Scorer::Boosting(Boost::fit(&train, &boost).expect("trees")));
    let forest = ForestSettings { forest_trees: 100, forest_depth: 10, forest_min_leaf: 1 };
    let (forest, forest_s) = timed(|| Scorer::Forest(Forest::fit(&train, &forest, 0).expect("trees")));
    let (_, score_s) = timed(|| tree.predict(&all.columns));
    let auc_of = |scorer: &Scorer| auc(&scorer.predict(&test.columns), &test.churned);
    println!(
        "{}",
        serde_json::json!({
            "rows": train.len(), "tree_s": tree_s, "tree_auc": auc_of(&tree), "boosting_s": boosting_s,
            "boosting_auc": auc_of(&boosting), "forest_s": forest_s, "forest_auc": auc_of(&forest),
            "score_all_s": score_s, "rows_scored": all.len(),
        })
    );
}

fn rfm(file: &str) {
    let read = || {
        let columns = ["days_since_last", "orders", "net_revenue", "mean_gap_days", "x"];
        Table::read_columns(Path::new(file), &columns).expect("a customer table")
    };
    let (table, read_s) = timed(read);
    let column = |name: &str| table.f64s(name).expect("a number column");
    let (days, orders, revenue) = (column("days_since_last"), column("orders"), column("net_revenue"));
    let (gaps, x) = (column("mean_gap_days"), column("x"));
    let input = tillwise_mine::rfm::Input {
        days_since_last: &days,
        orders: &orders,
        net_revenue: &revenue,
        mean_gap_days: &gaps,
        x: &x,
        ids: &[],
        groups: &[],
    };
    let (model, fit_s) = timed(|| Rfm::fit(input, &RfmSettings::default()).expect("a model"));
    let (scores, score_s) = timed(|| model.score(input));
    let sum: u64 = scores.iter().map(|s| u64::from(s.r) + u64::from(s.f) + u64::from(s.m)).sum();
    println!(
        "{}",
        serde_json::json!({
            "customers": orders.len(), "read_s": read_s, "fit_s": fit_s, "score_s": score_s, "sum_of_scores": sum,
        })
    );
}
