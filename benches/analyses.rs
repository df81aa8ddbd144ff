//! The analyses on made-up customers: fixed seeds, sizes in the names.
//!
//! `cargo bench -p tillwise`

#![expect(clippy::expect_used, reason = "a bench that cannot be set up should stop")]

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_distr::{Beta, Distribution, Gamma};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillwise_core::Day;
use tillwise_mine::basket::sequences::{sequences, SequenceSettings};
use tillwise_mine::basket::{rules, Baskets, Limits, Miner, RuleSettings};
use tillwise_mine::churn::{Boost, BoostSettings, Examples, Tree, TreeSettings};
use tillwise_mine::cluster::kmeans::{self, lloyd, Start, Steps};
use tillwise_mine::clv::{BetaGeometric, GammaGamma, History, Model, Orders};
use tillwise_mine::cohort::{cohorts, Calendar, Length};
use tillwise_mine::ledger::{LedgerLine, OwnedLedger};
use tillwise_mine::offer::{Names, Offers, Settings as OfferSettings};
use tillwise_mine::rfm::{Binning, Input, Rfm, Scoring, Settings};

/// BG/NBD buyers: gamma rates, beta drop-out, whole days.
fn histories(n: usize) -> Vec<History> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let rates = Gamma::new(0.9, 1.0 / 18.0).expect("a gamma distribution");
    let drops = Beta::new(0.7, 8.0).expect("a beta distribution");
    (0..n)
        .map(|_| {
            let age = rng.gen_range(60.0_f64..730.0).round();
            let (rate, drop) = (rates.sample(&mut rng), drops.sample(&mut rng));
            let (mut x, mut t_x, mut t) = (0.0, 0.0, 0.0);
            loop {
                t += -rng.gen::<f64>().ln() / rate;
                if t > age {
                    break;
                }
                (x, t_x) = (x + 1.0, t.round());
                if rng.gen_bool(drop) {
                    break;
                }
            }
            History { x, t_x, age }
        })
        .collect()
}

fn clv(c: &mut Criterion) {
    let histories = histories(100_000);
    let spend: Vec<(f64, f64)> =
        histories.iter().filter(|h| h.x > 0.0).map(|h| (h.x, 20.0 + h.age % 37.0 + h.t_x / 50.0)).collect();
    let mut group = c.benchmark_group("clv");
    group.sample_size(10);
    for model in Model::IN_TIME {
        group.bench_function(format!("{}_fit_100k", model.name()), |b| {
            b.iter(|| model.fit(black_box(&histories), 0.0).is_ok());
        });
    }
    group.bench_function("gamma_gamma_fit_100k", |b| b.iter(|| GammaGamma::fit(black_box(&spend)).is_ok()));
    let model = Orders::BetaGeometric(BetaGeometric::bg_nbd(0.24, 31.0, 0.79, 2.4));
    group.bench_function("bg_nbd_discounted_orders_100k", |b| {
        b.iter(|| histories.iter().map(|h| model.discounted_orders(*h, 365.0, 0.0003)).sum::<f64>());
    });
    group.bench_function("bg_nbd_residual_orders_100k", |b| {
        b.iter(|| histories.iter().map(|h| model.residual_orders(*h, 0.0003)).sum::<f64>());
    });
    group.finish();
}

fn points(n: usize, d: usize) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    Array2::from_shape_fn((n, d), |(i, _)| (i % 7) as f64 + rng.gen::<f64>() * 4.0)
}

fn clusters(c: &mut Criterion) {
    let points = points(100_000, 8);
    let steps = Steps { starts: 1, max_iterations: 50, ..Steps::default() };
    let mut group = c.benchmark_group("cluster");
    group.sample_size(10);
    for k in [8, 50] {
        let start = kmeans::start(points.view(), k, Start::PlusPlus, 0);
        group.bench_function(format!("lloyd_100k_x_8_k_{k}"), |b| {
            b.iter(|| lloyd(black_box(points.view()), start.clone(), 50, 1e-4).inertia)
        });
        group.bench_function(format!("kmeans_100k_x_8_k_{k}"), |b| {
            b.iter(|| kmeans::fit(black_box(points.view()), k, &steps).is_ok())
        });
    }
    for (name, how) in [("plus_plus", Start::PlusPlus), ("parallel", Start::Parallel)] {
        group.bench_function(format!("start_{name}_100k_x_8_k_50"), |b| {
            b.iter(|| kmeans::start(black_box(points.view()), 50, how, 0))
        });
    }
    group.finish();
}

fn churn(c: &mut Criterion) {
    let columns = points(100_000, 20);
    let features: Vec<Vec<f64>> = columns.columns().into_iter().map(|c| c.to_vec()).collect();
    let churned = (0..100_000).map(|i| features[0][i] + features[5][i] > 9.0).collect();
    let names: Vec<String> = (0..20).map(|i| i.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let examples = Examples::of_numbers(&names, features, churned);
    let mut group = c.benchmark_group("churn");
    group.sample_size(10);
    let settings = TreeSettings { max_depth: 6, min_leaf: 50, ..TreeSettings::default() };
    group.bench_function("tree_fit_100k_x_20", |b| {
        b.iter(|| Tree::fit(black_box(&examples), &settings).is_ok())
    });
    group.bench_function("boosting_fit_100k_x_20", |b| {
        b.iter(|| Boost::fit(black_box(&examples), &BoostSettings::default()).is_ok())
    });
    group.finish();
}

fn rfm(c: &mut Criterion) {
    let columns = points(1_000_000, 3);
    let columns: Vec<Vec<f64>> = columns.columns().into_iter().map(|c| c.to_vec()).collect();
    let input = Input {
        days_since_last: &columns[0],
        orders: &columns[1],
        net_revenue: &columns[2],
        mean_gap_days: &columns[0],
        x: &columns[1],
        ids: &[],
        groups: &[],
    };
    let mut group = c.benchmark_group("rfm");
    group.sample_size(10);
    for (name, binning) in [("quantile", Binning::Quantile), ("kmeans", Binning::Kmeans)] {
        let settings = Settings { scoring: Scoring { binning, ..Scoring::default() }, ..Settings::default() };
        group.bench_function(format!("fit_and_score_{name}_1m"), |b| {
            b.iter(|| Rfm::fit(black_box(input), &settings).map(|m| m.score(input).len()).ok())
        });
    }
    group.finish();
}

/// Lines of customers with tastes: a few products each, some of them far more popular, and pairs that go together.
fn lines(customers: i32, orders: i32, products: i32) -> Vec<LedgerLine> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut lines = Vec::new();
    for customer in 0..customers {
        let taste = rng.gen_range(0..products);
        for order in 0..orders {
            let day = order * 17 + rng.gen_range(0..17);
            for _ in 0..5 {
                let popular = (f64::from(products) * rng.gen::<f64>().powi(3)) as i32;
                let near = (taste + rng.gen_range(0..30)) % products;
                let product = if rng.gen_bool(0.5) { popular } else { near };
                let bought = [Some(product), rng.gen_bool(0.3).then_some(product ^ 1)];
                for product in bought.into_iter().flatten().filter(|p| *p < products) {
                    let (units_e4, money_e4) = (10_000, 10_000 * i64::from(1 + product % 50));
                    lines.push(LedgerLine {
                        customer,
                        day,
                        order,
                        product,
                        units_e4,
                        money_e4,
                        cost_e4: None,
                    });
                }
            }
        }
    }
    lines
}

fn market(c: &mut Criterion) {
    let owned = OwnedLedger::from_lines(&lines(20_000, 5, 1000));
    let ledger = owned.ledger(true);
    let order: Vec<u32> = ledger.order.iter().map(|o| *o as u32).collect();
    let product: Vec<u32> = ledger.product.iter().map(|p| *p as u32).collect();
    let baskets = Baskets::from_lines(&order, &product, 1000).expect("baskets");
    let miner = Miner { min_count: 100, limits: Limits::default(), apart: &[] };
    let itemsets = miner.mine(&baskets).0;
    let mut group = c.benchmark_group("market");
    group.sample_size(10);
    group.bench_function("itemsets_100k_baskets_x_1000_products", |b| {
        b.iter(|| miner.mine(black_box(&baskets)).0.len())
    });
    group.bench_function("rules_100k_baskets_x_1000_products", |b| {
        b.iter(|| rules(black_box(&itemsets), &[], &RuleSettings::default()).0.len())
    });
    let owner: Vec<u32> = ledger.order_customer.iter().map(|c| *c as u32).collect();
    let sequence = SequenceSettings {
        min_count: 400,
        max_length: 3,
        max_items: 4,
        min_gap_days: 1,
        max_gap_days: 90,
        max_sequences: 100_000,
    };
    group.bench_function("sequences_20k_customers_x_5_orders", |b| {
        b.iter(|| sequences(black_box(&baskets), &owner, ledger.order_day, &sequence).is_ok())
    });
    let names: Vec<String> = (0..1000).map(|i| i.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let names = Names { products: &names, categories: &[] };
    group.bench_function("offers_fit_and_judge_20k_customers", |b| {
        b.iter(|| Offers::fit(black_box(&ledger), names, &OfferSettings::default()).is_ok())
    });
    let calendar = Calendar::new(Length::Month, 1).expect("a calendar");
    let everyone = vec![0; ledger.customers];
    group.bench_function("cohorts_20k_customers", |b| {
        b.iter(|| cohorts(black_box(&ledger), &everyone, calendar, Day(90)).map_or(0, |cells| cells.len()))
    });
    group.finish();
}

criterion_group!(benches, clv, clusters, churn, rfm, market);
criterion_main!(benches);
