use linfa::DatasetBase;
use linfa::traits::{Fit as _, Predict};
use linfa_clustering::{KMeans, KMeansInit};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

/// Three round clouds of known centres.
fn clouds(n: usize) -> (Array2<f64>, Vec<usize>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let centres = [[0.0, 0.0], [9.0, 0.0], [0.0, 12.0]];
    let truth: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let points =
        Array2::from_shape_fn((n, 2), |(i, j)| centres[truth[i]][j] + rng.sample::<f64, _>(StandardNormal));
    (points, truth)
}

#[test]
fn finds_clouds_that_stand_apart() {
    let (points, truth) = clouds(600);
    let fit = kmeans::fit(&points, 3, &Settings::default()).unwrap();
    assert!(fit.converged);
    for i in 0..600 {
        for j in 0..i {
            assert_eq!(truth[i] == truth[j], fit.labels[i] == fit.labels[j]);
        }
    }
}

#[test]
fn agrees_with_linfa_from_equal_centres() {
    let (points, _) = clouds(900);
    let start = ndarray::array![[2.0, 1.0], [6.0, 2.0], [1.0, 8.0]];
    let ours = kmeans::lloyd(&points, start.clone(), 500, 0.0);
    let dataset = DatasetBase::from(points.clone());
    let linfa = KMeans::params_with_rng(3, Xoshiro256PlusPlus::seed_from_u64(0))
        .init_method(KMeansInit::Precomputed(start))
        .n_runs(1)
        .tolerance(1e-12)
        .max_n_iterations(500)
        .fit(&dataset)
        .unwrap();
    // linfa counts the old centre among a cluster's points, so it comes close more slowly.
    let apart = (&ours.centres - linfa.centroids()).iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    assert!(apart < 1e-6, "{apart}");
    assert_eq!(linfa.predict(&points).to_vec(), ours.labels);
}

#[test]
fn one_thread_and_many_give_the_same_bits() {
    let (points, _) = clouds(30_000);
    let fit = || kmeans::fit(&points, 5, &Settings { starts: 2, ..Settings::default() }).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(fit), fit());
}

#[test]
fn silhouette_picks_the_true_number() {
    let (points, _) = clouds(600);
    let columns: Vec<Vec<f64>> =
        points.columns().into_iter().map(|c| c.iter().map(|v| v.exp_m1().max(-50.0)).collect()).collect();
    let features = [("orders", columns[0].as_slice()), ("net_revenue", columns[1].as_slice())];
    let settings = Settings { k: K::Auto { min: 2, max: 6 }, ..Settings::default() };
    let (model, report) = Clusters::fit(&features, &columns[1], &settings).unwrap();
    assert_eq!(report.k, 3);
    assert_eq!(report.tried.len(), 5);
    assert_eq!(model.score(&features).unwrap().len(), 600);
}

#[test]
fn clusters_are_ordered_by_revenue_and_named_apart() {
    let revenue: Vec<f64> = (0..90).map(|i| [10.0, 1000.0, 100.0][i % 3] + (i / 3) as f64 * 0.1).collect();
    let orders: Vec<f64> = (0..90).map(|i| [1.0, 30.0, 5.0][i % 3]).collect();
    let features = [("net_revenue", revenue.as_slice()), ("orders", orders.as_slice())];
    let settings = Settings { k: K::Fixed(3), ..Settings::default() };
    let (model, _) = Clusters::fit(&features, &revenue, &settings).unwrap();
    let labels = model.score(&features).unwrap();
    assert_eq!((labels[1], labels[2], labels[0]), (0, 1, 2));
    assert!(model.names[0].contains("high spend"), "{:?}", model.names);
    assert!(model.names[2].contains("low spend"), "{:?}", model.names);
    let mut names = model.names.clone();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[test]
fn degenerate_customers_get_a_clear_message() {
    let same = [5.0; 8];
    let e = Clusters::fit(&[("orders", &same)], &same, &Settings::default()).unwrap_err().to_string();
    assert_eq!(e, "clusters need a feature that varies between customers, but orders do not");
    let two = [1.0, 1.0, 2.0, 2.0];
    let settings = Settings { k: K::Fixed(3), ..Settings::default() };
    let e = Clusters::fit(&[("orders", &two)], &two, &settings).unwrap_err().to_string();
    assert!(e.contains("there are 2 of 4 that differ"), "{e}");
    let blanks = [f64::NAN; 4];
    assert!(Clusters::fit(&[("a", &blanks)], &two, &settings).is_err());
}

#[test]
fn blanks_count_as_the_median() {
    let with_blank = [1.0, 2.0, f64::NAN, 3.0];
    let (scaling, _) = Scaling::fit(&[("a", &with_blank)]).unwrap();
    let points = scaling.apply(&[("a", &with_blank)]).unwrap();
    assert_eq!(points[[2, 0]], points[[1, 0]]);
}
