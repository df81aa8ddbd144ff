//! What every model promises: the same seed gives the same bits, permuted rows give permuted scores, and a subset
//! scores as it does within the whole.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillwise_mine::churn::{Examples, Tree, TreeSettings};
use tillwise_mine::cluster::{Clusters, Settings};
use tillwise_mine::clv::{Clv, Input as ClvInput, TimeUnit, Value};
use tillwise_mine::rfm::{Input as RfmInput, Rfm, SegmentMap};

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
    RfmInput { days_since_last: &c[0], orders: &c[1], net_revenue: &c[2] }
}

fn clv_input(c: &[Vec<f64>]) -> ClvInput<'_> {
    ClvInput { x: &c[3], t_x_days: &c[4], age_days: &c[5], mean_repeat_spend: &c[6] }
}

fn features(c: &[Vec<f64>]) -> Vec<(&'static str, &[f64])> {
    vec![("days_since_last", &c[0]), ("orders", &c[1]), ("net_revenue", &c[2])]
}

/// One of each model.
struct Models {
    rfm: Rfm,
    clusters: Clusters,
    tree: Tree,
    clv: Clv,
}

impl Models {
    fn fit(c: &[Vec<f64>]) -> Models {
        let churned = c[0].iter().map(|d| *d > 120.0).collect();
        let examples = Examples { features: c[1..4].to_vec(), churned };
        Models {
            rfm: Rfm::fit(rfm_input(c), 5, SegmentMap::default()).unwrap(),
            clusters: Clusters::fit(&features(c), &c[2], &Settings::default()).unwrap().0,
            tree: Tree::fit(&examples, &TreeSettings::default()).unwrap(),
            clv: Clv::fit(clv_input(c), TimeUnit::Week, Value::new(365.0, 0.3, 0.1).unwrap()).unwrap().0,
        }
    }

    /// Every score of every customer, as text, so that one comparison takes them all.
    fn score(&self, c: &[Vec<f64>]) -> Vec<String> {
        let rfm = self.rfm.score(rfm_input(c));
        let labels = self.clusters.score(&features(c)).unwrap();
        let clv = self.clv.score(clv_input(c));
        (0..c[0].len())
            .map(|i| {
                format!("{} {} {:?} {:?}", rfm[i], labels[i], self.tree.predict(|f| c[1 + f][i]), clv[i])
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
        (&one.rfm, &one.clusters, &one.tree, &one.clv),
        (&many.rfm, &many.clusters, &many.tree, &many.clv)
    );

    let through_json = Models {
        rfm: serde_json::from_str(&serde_json::to_string(&one.rfm).unwrap()).unwrap(),
        clusters: serde_json::from_str(&serde_json::to_string(&one.clusters).unwrap()).unwrap(),
        tree: serde_json::from_str(&serde_json::to_string(&one.tree).unwrap()).unwrap(),
        clv: serde_json::from_str(&serde_json::to_string(&one.clv).unwrap()).unwrap(),
    };
    assert_eq!(through_json.score(&table), one.score(&table));
}

#[test]
fn fits_take_rows_in_any_order() {
    let table = columns(900);
    let backwards = pick(&table, &(0..900).rev().collect::<Vec<_>>());
    let (a, b) = (Models::fit(&table), Models::fit(&backwards));
    assert_eq!((a.rfm, a.tree, a.clv.orders), (b.rfm, b.tree, b.clv.orders));
    // The scale that spend is brought to is a sum in the order of rows: the last bits may differ.
    for (x, y) in
        [(a.clv.spend.p, b.clv.spend.p), (a.clv.spend.q, b.clv.spend.q), (a.clv.spend.v, b.clv.spend.v)]
    {
        assert!((x / y).ln().abs() < 1e-6);
    }
}
