//! What every model promises: the same seed gives the same bits, permuted rows give permuted scores, and a subset
//! scores as it does within the whole.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillwise_mine::basket::{rules, Baskets, Limits, Miner, RuleSettings};
use tillwise_mine::churn::{Examples, Tree, TreeSettings, Value as Feature};
use tillwise_mine::cluster::{Clusters, FeatureSpec, How, Method, Settings, K};
use tillwise_mine::clv::{Clv, Input as ClvInput, Model, Settings as ClvSettings, TimeUnit, Value};
use tillwise_mine::ledger::{LedgerLine, OwnedLedger};
use tillwise_mine::offer::{self, Names, Offers, Settings as OfferSettings, Workspace};
use tillwise_mine::rfm::{Binning, Input as RfmInput, Rfm, Scoring, Settings as RfmSettings};

/// Columns of a made-up customer table: days since last, orders, revenue, x, t_x, age, spend.
fn columns(n: usize) -> Vec<Vec<f64>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let mut columns = vec![Vec::new(); 7];
    for _ in 0..n {
        let age = rng.gen_range(30.0_f64..700.0).round();
        let x = (rng.gen::<f64>().powi(3) * 12.0).floor();
        let t_x = if x > 0.0 { (age * rng.gen::<f64>()).round() } else { 0.0 };
        let spend = if x > 0.0 { 20.0 * rng.gen_range(0.3..4.0) } else { f64::NAN };
        let revenue = (x + 1.0) * rng.gen_range(5.0..90.0);
        for (column, value) in columns.iter_mut().zip([age - t_x, x + 1.0, revenue, x, t_x, age, spend]) {
            column.push(value);
        }
    }
    columns
}

fn pick(columns: &[Vec<f64>], rows: &[usize]) -> Vec<Vec<f64>> {
    columns.iter().map(|c| rows.iter().map(|i| c[*i]).collect()).collect()
}

fn rfm_input(c: &[Vec<f64>]) -> RfmInput<'_> {
    RfmInput {
        days_since_last: &c[0],
        orders: &c[1],
        net_revenue: &c[2],
        mean_gap_days: &c[4],
        x: &c[3],
        ids: &[],
        groups: &[],
    }
}

fn clv_input(c: &[Vec<f64>]) -> ClvInput<'_> {
    ClvInput {
        x: &c[3],
        t_x_days: &c[4],
        age_days: &c[5],
        // Here the mean spend stands in for any number a customer has.
        mean_ln_gap_days: &c[6],
        mean_repeat_spend: &c[6],
        orders: &c[1],
        net_revenue: &c[2],
        cost: &c[6],
        groups: &[],
        known: &[],
        occasions: None,
    }
}

fn clv_settings(model: Model) -> ClvSettings {
    ClvSettings {
        model,
        time_unit: TimeUnit::Week,
        occasion_days: 30.0,
        min_group: 100,
        by: None,
        purchase: vec![],
        drop_out: vec![],
        l2: 0.0,
        value: Value::default(),
    }
}

fn features(c: &[Vec<f64>]) -> Vec<(&'static str, &[f64])> {
    vec![("days_since_last", &c[0]), ("orders", &c[1]), ("net_revenue", &c[2])]
}

fn cluster_settings(method: Method) -> Settings {
    let features = ["days_since_last", "orders", "net_revenue"].map(FeatureSpec::new).to_vec();
    let how = How { method, batch: 256, ..How::default() };
    Settings { how, features, k: K::Auto { min: 2, max: 4 }, ..Settings::default() }
}

/// One of each model.
struct Models {
    rfm: Vec<Rfm>,
    clusters: Vec<Clusters>,
    tree: Tree,
    clv: Clv,
    pareto: Clv,
}

impl Models {
    fn fit(c: &[Vec<f64>]) -> Models {
        let churned = c[0].iter().map(|d| *d > 120.0).collect();
        let examples = Examples::of_numbers(&["a", "b", "c"], c[1..4].to_vec(), churned);
        Models {
            rfm: [Binning::Quantile, Binning::Kmeans, Binning::RRfm]
                .into_iter()
                .zip([false, true, true])
                .map(|(binning, nested)| {
                    let scoring = Scoring { binning, nested, ..Scoring::default() };
                    let settings = RfmSettings { scoring, ..RfmSettings::default() };
                    Rfm::fit(rfm_input(c), &settings).unwrap()
                })
                .collect(),
            clusters: [Method::Kmeans, Method::MiniBatch, Method::GaussianMixture, Method::Density]
                .into_iter()
                .map(|method| Clusters::fit(&features(c), &c[2], &cluster_settings(method)).unwrap().0)
                .collect(),
            tree: Tree::fit(&examples, &TreeSettings::default()).unwrap(),
            clv: Clv::fit(clv_input(c), &clv_settings(Model::MbgNbd)).unwrap().0,
            pareto: Clv::fit(clv_input(c), &clv_settings(Model::ParetoNbd)).unwrap().0,
        }
    }

    /// Every score of every customer, as text, so that one comparison takes them all.
    fn score(&self, c: &[Vec<f64>]) -> Vec<String> {
        let rfm: Vec<_> = self.rfm.iter().map(|m| m.score(rfm_input(c))).collect();
        let clusters: Vec<_> = self.clusters.iter().map(|m| m.score(&features(c)).unwrap()).collect();
        let (clv, pareto) = (self.clv.score(clv_input(c)), self.pareto.score(clv_input(c)));
        (0..c[0].len())
            .map(|i| {
                let leaf = self.tree.score(|f| Feature::Number(c[1 + f][i]));
                let scores: Vec<String> = rfm.iter().map(|r| r[i].to_string()).collect();
                let placed =
                    clusters.iter().map(|s| (s.labels[i], s.probabilities[i], s.map[0][i], s.map[1][i]));
                format!("{scores:?} {:?} {leaf:?} {:?} {:?}", placed.collect::<Vec<_>>(), clv[i], pareto[i])
            })
            .collect()
    }
}

#[test]
fn permuted_rows_give_permuted_scores_and_subsets_score_as_in_the_whole() {
    let table = columns(900);
    let models = Models::fit(&table);
    let whole = models.score(&table);
    let backwards: Vec<usize> = (0..900).rev().collect();
    let some: Vec<usize> = (0..900).step_by(7).collect();
    for rows in [backwards, some, vec![5], Vec::new()] {
        let expected: Vec<&String> = rows.iter().map(|i| &whole[*i]).collect();
        assert_eq!(models.score(&pick(&table, &rows)).iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn fits_do_not_depend_on_threads_and_survive_a_file() {
    let table = columns(5000);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (one, many) = (pool.install(|| Models::fit(&table)), Models::fit(&table));
    assert_eq!(
        (&one.rfm, &one.clusters, &one.tree, &one.clv, &one.pareto),
        (&many.rfm, &many.clusters, &many.tree, &many.clv, &many.pareto)
    );

    let through_json = Models {
        rfm: serde_json::from_str(&serde_json::to_string(&one.rfm).unwrap()).unwrap(),
        clusters: serde_json::from_str(&serde_json::to_string(&one.clusters).unwrap()).unwrap(),
        tree: serde_json::from_str(&serde_json::to_string(&one.tree).unwrap()).unwrap(),
        clv: serde_json::from_str(&serde_json::to_string(&one.clv).unwrap()).unwrap(),
        pareto: serde_json::from_str(&serde_json::to_string(&one.pareto).unwrap()).unwrap(),
    };
    assert_eq!(through_json.score(&table), one.score(&table));
}

#[test]
fn fits_take_rows_in_any_order() {
    let table = columns(900);
    let backwards = pick(&table, &(0..900).rev().collect::<Vec<_>>());
    let (a, b) = (Models::fit(&table), Models::fit(&backwards));
    assert_eq!((a.rfm, a.tree), (b.rfm, b.tree));
    assert_eq!(a.clv.pooled.orders, b.clv.pooled.orders);
    assert_eq!(a.pareto.pooled.orders, b.pareto.pooled.orders);
    // The scale that spend is brought to is a sum in the order of rows: the last bits may differ.
    let (x, y) = (a.clv.pooled.spend, b.clv.pooled.spend);
    for (x, y) in [(x.p, y.p), (x.q, y.q), (x.v, y.v)] {
        assert!((x / y).ln().abs() < 1e-6);
    }
}

/// Lines of 300 customers; `shift` numbers them differently.
fn ledger(shift: i32) -> OwnedLedger {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut lines = Vec::new();
    for customer in 0..300 {
        for day in 0..rng.gen_range(1..6) {
            for _ in 0..rng.gen_range(1..7) {
                let product = (40.0 * rng.gen::<f64>().powi(2)) as i32;
                lines.push(LedgerLine {
                    customer: (customer + shift) % 300,
                    day: 20 * day + rng.gen_range(0..20),
                    order: day,
                    product,
                    units_e4: 10_000,
                    money_e4: 10_000 * i64::from(1 + product),
                    cost_e4: None,
                });
            }
        }
    }
    OwnedLedger::from_lines(&lines)
}

#[test]
fn offers_follow_customers_and_come_back_from_a_file() {
    let names: Vec<String> = (0..40).map(|i| format!("p{i:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let how = offer::How { min_repeats: 2, ..offer::How::default() };
    let settings = OfferSettings { how, ..OfferSettings::default() };
    let fit = |owned: &OwnedLedger| {
        let names = Names { products: &names[..owned.products], categories: &[] };
        Offers::fit(&owned.ledger(true), names, &settings).unwrap().0
    };
    let best = |model: &Offers, owned: &OwnedLedger, customer: usize| {
        let (histories, mut work) = (Offers::histories(&owned.ledger(true)), Workspace::new(model));
        model.best(histories.on(customer, 120), 5, &|_| true, &|o| o.probability, &mut work)
    };
    let (straight, shifted) = (ledger(0), ledger(7));
    let (model, other) = (fit(&straight), fit(&shifted));
    assert_eq!(model, fit(&straight));
    // What products are to each other does not depend on the order of customers.
    assert_eq!((&model.products, &model.rules), (&other.products, &other.rules));
    let text = serde_json::to_string(&model).unwrap();
    let loaded: Offers = serde_json::from_str(&text).unwrap();
    assert_eq!(loaded, model);
    for customer in 0..300 {
        let offers = best(&model, &straight, customer);
        assert_eq!(offers, best(&loaded, &straight, customer));
        assert_eq!(offers, best(&model, &shifted, (customer + 7) % 300));
        assert!(offers.iter().all(|o| (0.0..=1.0).contains(&o.probability)));
    }
}

#[test]
fn baskets_do_not_depend_on_threads_or_on_their_order() {
    let lists: Vec<Vec<u32>> = {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        (0..3000).map(|_| (0..8).map(|_| (60.0 * rng.gen::<f64>().powi(2)) as u32).collect()).collect()
    };
    let mined = |lists: &[Vec<u32>]| {
        let baskets = Baskets::from_lists(lists, 60).unwrap();
        let miner =
            Miner { min_count: 30, limits: Limits { max_itemsets: 400, ..Limits::default() }, apart: &[] };
        let (sets, report) = miner.mine(&baskets);
        let found: Vec<_> = (0..sets.len()).map(|i| (sets.items(i).to_vec(), sets.count(i))).collect();
        (found, report, rules(&sets, &[], &RuleSettings::default()))
    };
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let one = pool(1).install(|| mined(&lists));
    assert!(one.1.used_count > 30, "the limit bites");
    assert!(one == pool(4).install(|| mined(&lists)));
    let mut reversed = lists.clone();
    reversed.reverse();
    assert!(one == mined(&reversed));
}
