use linfa::DatasetBase;
use linfa::traits::{Fit as _, FitWith, Predict};
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::Axis;
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use rand_distr::StandardNormal;

use super::kmeans::{Start, lloyd};
use super::*;
use crate::cluster::matching::assignment;
use crate::cluster::quality::{adjusted_rand, judge};

/// Three round clouds of known centres.
fn clouds(n: usize) -> (Array2<f64>, Vec<usize>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let centres = [[0.0, 0.0], [9.0, 0.0], [0.0, 12.0]];
    let truth: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let points =
        Array2::from_shape_fn((n, 2), |(i, j)| centres[truth[i]][j] + rng.sample::<f64, _>(StandardNormal));
    (points, truth)
}

/// 120 points that Python makes as well: what other programs say of them stands in the tests, computed with NumPy 2.4, SciPy 1.17 and
/// scikit-learn 1.9.
fn known() -> Array2<f64> {
    let offsets = [[0.0, 0.0, 0.0], [6.0, 1.0, -2.0], [1.0, 7.0, 3.0]];
    Array2::from_shape_fn((120, 3), |(i, j)| {
        offsets[i % 3][j] + ((i * (37 + 11 * j) + j * 101) % 97) as f64 / 97.0 * 4.0 - 2.0
    })
}

/// Labels of [`known`] that fit, and others that do not.
fn known_labels() -> (Vec<u32>, Vec<u32>) {
    ((0..120).map(|i| i % 3).collect(), (0..120).map(|i| (i * 5 / 7) % 3).collect())
}

fn settings(columns: &[&str], k: K) -> Settings {
    Settings { k, features: columns.iter().map(|c| FeatureSpec::new(c)).collect(), ..Settings::default() }
}

fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{got} is not {expected}");
}

/// Lloyd's steps as the definition has them.
fn plain_lloyd(points: &Array2<f64>, mut centres: Array2<f64>, steps: usize) -> (Array2<f64>, Vec<u32>) {
    let apart = |a: ndarray::ArrayView1<'_, f64>, b: ndarray::ArrayView1<'_, f64>| -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
    };
    let place = |centres: &Array2<f64>| -> Vec<u32> {
        let nearest = |p: ndarray::ArrayView1<'_, f64>| {
            (0..centres.nrows()).fold((0, f64::INFINITY), |best, c| {
                let v = apart(p, centres.row(c));
                if v < best.1 { (c as u32, v) } else { best }
            })
        };
        points.rows().into_iter().map(|p| nearest(p).0).collect()
    };
    for _ in 0..steps {
        let labels = place(&centres);
        for c in 0..centres.nrows() {
            let own: Vec<usize> = (0..labels.len()).filter(|i| labels[*i] as usize == c).collect();
            if let Some(mean) = points.select(Axis(0), &own).mean_axis(Axis(0)) {
                centres.row_mut(c).assign(&mean);
            }
        }
    }
    let labels = place(&centres);
    (centres, labels)
}

#[test]
fn bounds_and_groups_change_nothing() {
    for (n, d, k, steps) in
        [(3000, 3, 40, 7), (2000, 1, 9, 50), (1500, 12, 17, 20), (500, 2, 1, 3), (300, 2, 100, 40)]
    {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(n as u64);
        let points = Array2::from_shape_fn((n, d), |_| rng.r#gen::<f64>() * 10.0);
        let first = points.select(Axis(0), &(0..k).collect::<Vec<_>>());
        let ours = lloyd(points.view(), first.clone(), steps, 0.0);
        let (centres, labels) = plain_lloyd(&points, first, ours.iterations);
        assert_eq!(ours.labels, labels, "{n} x {d}, k = {k}");
        let apart = (&ours.centres - &centres).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        assert!(apart < 1e-10, "{apart}");
        let inertia: f64 = kmeans::nearest(points.view(), &ours.centres).iter().map(|f| f.1).sum();
        assert!((ours.inertia - inertia).abs() < 1e-9 * inertia.max(1.0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_nearest_centre_is_the_nearest_whatever_the_points(
        values in proptest::collection::vec(-3i32..4, 60..200),
        d in 1usize..4,
        k in 1usize..20,
    ) {
        // Small whole numbers: many points and centres are equal.
        let n = values.len() / d;
        let points = Array2::from_shape_fn((n, d), |(i, j)| f64::from(values[i * d + j]));
        let k = k.min(n);
        let first = points.select(Axis(0), &(0..k).collect::<Vec<_>>());
        let fit = lloyd(points.view(), first, 100, 0.0);
        let found = kmeans::nearest(points.view(), &fit.centres);
        for (i, (label, square)) in found.iter().enumerate() {
            let apart = |c: usize| -> f64 { (0..d).map(|j| (points[[i, j]] - fit.centres[[c, j]]).powi(2)).sum() };
            let least = (0..k).map(apart).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(*square, least);
            prop_assert_eq!((0..k).find(|c| apart(*c) == least), Some(*label as usize));
            prop_assert!((apart(fit.labels[i] as usize) - least).abs() < 1e-9);
        }
    }
}

#[test]
fn of_equal_centres_in_many_groups_the_first_is_nearest() {
    // Fifteen equal centres, in whatever groups they come to lie, behind and before others.
    for first in 0..10 {
        let centres = Array2::from_shape_fn((25, 2), |(c, j)| {
            if (first..first + 15).contains(&c) { 1.0 } else { (c * (j + 2)) as f64 + 3.0 }
        });
        let points = ndarray::array![[1.0, 1.0], [1.5, 0.5], [0.0, -4.0]];
        let labels = kmeans::assign(points.view(), &centres);
        assert_eq!(labels, [first as u32; 3]);
        assert_eq!(lloyd(points.view(), centres, 0, 0.0).labels, labels);
    }
}

#[test]
fn lloyd_agrees_with_scikit_learn() {
    let points = known();
    let three = lloyd(points.view(), points.select(Axis(0), &[0, 1, 3]), 300, 0.0);
    near(three.inertia, 490.293123605);
    assert_eq!((three.iterations, three.labels), (4, known_labels().0));
    for (got, expected) in three.centres.row(2).iter().zip([1.00927835052, 7.0175257732, 3.02577319588]) {
        near(*got, expected);
    }
    let eight = lloyd(points.view(), points.select(Axis(0), &[0, 1, 2, 3, 4, 5, 6, 7]), 300, 0.0);
    near(eight.inertia, 308.234832455);
    let digits = "012345672372315612315315345672315072315615345072315072375612345072045072345672345612045012345672342612645615372375672315";
    let labels: String = eight.labels.iter().map(u32::to_string).collect();
    assert_eq!((eight.iterations, labels.as_str()), (4, digits));
}

#[test]
fn measures_agree_with_scikit_learn() {
    let (fit, bad) = known_labels();
    let points = known();
    let good = judge(points.view(), &fit, 3, 0);
    near(good.silhouette.unwrap(), 0.620719043354);
    near(good.calinski_harabasz.unwrap(), 306.522340483);
    near(good.davies_bouldin.unwrap(), 0.545371064339);
    near(good.inertia, 490.293123605);
    let worse = judge(points.view(), &bad, 3, 0);
    near(worse.silhouette.unwrap(), -0.0431677996196);
    near(worse.calinski_harabasz.unwrap(), 1.20473876786);
    near(worse.davies_bouldin.unwrap(), 13.852486743);
    near(adjusted_rand(&fit, &bad), 401.0 / 62400.0);
    let two: Vec<u32> = (0..120).map(|i| u32::from(i % 3 != 0)).collect();
    near(adjusted_rand(&fit, &two), 156.0 / 275.0);
    assert_eq!(adjusted_rand(&fit, &fit), 1.0);
}

#[test]
fn the_map_is_scikit_learns_pca() {
    let (_, matrix) = scale::covariance(known().view());
    let axes = map_axes(&matrix);
    // The first axis with its largest part positive, as there.
    for (got, expected) in axes[0].iter().zip([-0.43794053054, 0.719879094244, 0.538499936286]) {
        near(*got, expected);
    }
    for (got, expected) in axes[1].iter().zip([0.826474289098, 0.558097848359, -0.0739394422327]) {
        near(*got, expected);
    }
}

#[test]
fn the_mixture_is_scikit_learns() {
    let points = known();
    let mixture =
        Mixture::fit(points.view(), 3, &Steps { max_iterations: 1000, ..Steps::default() }).unwrap();
    assert!((mixture.bic(points.view()) - 1530.67808954).abs() < 1e-3, "{}", mixture.bic(points.view()));
    let placed = mixture.place(points.view());
    let labels: Vec<u32> = placed.iter().map(|p| p.0).collect();
    assert_eq!(adjusted_rand(&labels, &known_labels().0), 1.0);
    assert!(placed.iter().all(|p| p.1 > 0.5 && p.1 <= 1.0));
    let (memberships, _) = mixture.memberships(points.view());
    assert!(memberships.rows().into_iter().all(|r| (r.sum() - 1.0).abs() < 1e-12));
}

#[test]
fn density_finds_rings_and_outliers() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let ring = |i: usize, r: f64| (r * (i as f64 * 0.03).cos(), r * (i as f64 * 0.03).sin());
    let mut points = Array2::zeros((421, 2));
    for i in 0..420 {
        let (x, y) = ring(i, if i % 2 == 0 { 2.0 } else { 6.0 });
        points[[i, 0]] = x + 0.02 * rng.r#gen::<f64>();
        points[[i, 1]] = y + 0.02 * rng.r#gen::<f64>();
    }
    points[[420, 0]] = 40.0;
    let model = Density::fit(points.view(), 5, Some(1.0)).unwrap();
    assert_eq!(model.k(), 2);
    let labels = model.place(points.view()).unwrap();
    assert_eq!(labels[420], OUTLIER);
    assert!((0..420).all(|i| labels[i] == labels[i % 2]));
    let knee = Density::fit(points.view(), 5, None).unwrap();
    assert!(knee.eps > 0.0 && knee.eps < 4.0, "{}", knee.eps);
    assert!(Density::fit(points.view(), 1, None).is_err());
    assert!(Density::fit(points.view(), 400, Some(0.001)).unwrap_err().to_string().contains("raise eps"));
}

#[test]
fn the_assignment_is_scipys() {
    let gains = |rows: usize, columns: usize| -> Vec<Vec<f64>> {
        (0..rows)
            .map(|i| (0..columns).map(|j| ((i * 7 + j * 13 + i * j * 5) % 17) as f64).collect())
            .collect()
    };
    assert_eq!(assignment(&gains(5, 5)), [1, 2, 3, 4, 0].map(Some));
    assert_eq!(assignment(&gains(4, 6)), [5, 4, 3, 1].map(Some));
    let tall = assignment(&gains(6, 4));
    assert_eq!(tall.iter().flatten().count(), 4);
    assert!(assignment(&[]).is_empty());
}

#[test]
fn the_power_is_scipys() {
    let values = |less: f64| -> Vec<f64> {
        (0..200).map(|i| f64::from((i * i) % 101).powi(2) / 50.0 - less).collect()
    };
    for (less, power) in [(20.0, 0.7458445989747), (0.0, 0.3006920964072)] {
        let sorted = crate::stats::sorted_finite(&values(less));
        assert!((yeo_johnson_power(&sorted) - power).abs() < 1e-6, "{}", yeo_johnson_power(&sorted));
    }
    near(yeo_johnson(-20.0, 0.7458445989747), -35.50352761818);
    near(yeo_johnson(115.52, 0.3006920964072), 10.58117316628);
    near(yeo_johnson(0.5, 0.0), 1.5f64.ln());
    near(yeo_johnson(-0.5, 2.0), -(1.5f64.ln()));
}

#[test]
fn finds_clouds_that_stand_apart() {
    let (points, truth) = clouds(600);
    for start in [Start::PlusPlus, Start::Parallel] {
        let fit = kmeans::fit(points.view(), 3, &Steps { start, ..Steps::default() }).unwrap();
        assert!(fit.converged);
        for i in 0..600 {
            for j in 0..i {
                assert_eq!(truth[i] == truth[j], fit.labels[i] == fit.labels[j]);
            }
        }
    }
}

#[test]
fn agrees_with_linfa_from_equal_centres() {
    let (points, _) = clouds(900);
    let start = ndarray::array![[2.0, 1.0], [6.0, 2.0], [1.0, 8.0]];
    let ours = lloyd(points.view(), start.clone(), 500, 0.0);
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
    let theirs: Vec<u32> = linfa.predict(&points).iter().map(|l| *l as u32).collect();
    assert_eq!(theirs, ours.labels);
}

#[test]
fn one_thread_and_many_give_the_same_bits() {
    let (points, _) = clouds(30_000);
    for start in [Start::PlusPlus, Start::Parallel] {
        let fit = || kmeans::fit(points.view(), 12, &Steps { starts: 2, start, ..Steps::default() }).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(fit), fit());
    }
}

#[test]
fn batches_come_close_to_the_whole() {
    let (points, _) = clouds(3000);
    let whole = kmeans::fit(points.view(), 3, &Steps::default()).unwrap();
    let clusterer = kmeans::KMeans { k: 3, steps: Steps::default() };
    let mut model = None;
    for _ in 0..3 {
        for batch in 0..10 {
            let rows: Vec<usize> = (batch * 300..(batch + 1) * 300).collect();
            let batch = DatasetBase::from(points.select(Axis(0), &rows));
            model = Some(clusterer.fit_with(model, &batch).unwrap());
        }
    }
    let nearest = kmeans::nearest(points.view(), model.unwrap().centres());
    let inertia: f64 = nearest.iter().map(|n| n.1).sum();
    assert!(inertia < 1.01 * whole.inertia, "{inertia} against {}", whole.inertia);
}

/// Columns whose logarithms are the clouds.
fn cloud_columns(n: usize) -> (Vec<Vec<f64>>, Vec<usize>) {
    let (points, truth) = clouds(n);
    let columns = points
        .columns()
        .into_iter()
        .map(|c| c.iter().map(|v| v.signum() * v.abs().exp_m1()).collect())
        .collect();
    (columns, truth)
}

#[test]
fn every_criterion_picks_the_true_number() {
    let (columns, _) = cloud_columns(600);
    let features = [("orders", columns[0].as_slice()), ("net_revenue", columns[1].as_slice())];
    for criterion in [
        Criterion::Silhouette,
        Criterion::CalinskiHarabasz,
        Criterion::DaviesBouldin,
        Criterion::Gap,
        Criterion::Stability,
    ] {
        let settings = Settings {
            how: How { choose: criterion, ..How::default() },
            ..settings(&["orders", "net_revenue"], K::Auto { min: 2, max: 6 })
        };
        let (model, report) = Clusters::fit(&features, &columns[1], &settings).unwrap();
        assert_eq!((report.k, report.tried.len()), (3, 5), "{criterion:?} {:?}", report.tried);
        assert_eq!(report.tried.iter().filter(|t| t.rank == 1).map(|t| t.k).collect::<Vec<_>>(), [3]);
        assert_eq!(model.score(&features).unwrap().labels.len(), 600);
    }
}

#[test]
fn every_method_finds_the_clouds() {
    let (columns, truth) = cloud_columns(3000);
    let features = [("orders", columns[0].as_slice()), ("net_revenue", columns[1].as_slice())];
    let truth: Vec<u32> = truth.into_iter().map(|t| t as u32).collect();
    for (method, sample) in [
        (Method::Kmeans, 100_000),
        (Method::Kmeans, 500),
        (Method::MiniBatch, 500),
        (Method::GaussianMixture, 1000),
        (Method::Density, 1000),
    ] {
        let settings = Settings {
            how: How { method, sample, batch: 256, eps: Some(0.25), ..How::default() },
            ..settings(&["orders", "net_revenue"], K::Auto { min: 2, max: 5 })
        };
        let (model, report) = Clusters::fit(&features, &columns[1], &settings).unwrap();
        let scored = model.score(&features).unwrap();
        let placed: Vec<usize> = (0..3000).filter(|i| scored.labels[*i] != OUTLIER).collect();
        let pick = |l: &[u32]| placed.iter().map(|i| l[*i]).collect::<Vec<_>>();
        assert!(adjusted_rand(&pick(&scored.labels), &pick(&truth)) > 0.995, "{method:?} {:?}", report.tried);
        assert!(placed.len() > 2900, "{method:?} {}", placed.len());
        let sure = scored.probabilities.iter().all(|p| (0.0..=1.0 + 1e-12).contains(p));
        assert_eq!(sure, method == Method::GaussianMixture);
        let text = serde_json::to_string(&model).unwrap();
        let back: Clusters = serde_json::from_str(&text).unwrap();
        back.check().unwrap();
        assert_eq!(back, model);
    }
}

#[test]
fn clusters_are_ordered_by_revenue_and_named_apart() {
    let revenue: Vec<f64> = (0..90).map(|i| [10.0, 1000.0, 100.0][i % 3] + (i / 3) as f64 * 0.1).collect();
    let orders: Vec<f64> = (0..90).map(|i| [1.0, 30.0, 5.0][i % 3]).collect();
    let features = [("net_revenue", revenue.as_slice()), ("orders", orders.as_slice())];
    let settings = settings(&["net_revenue", "orders"], K::Fixed(3));
    let (model, report) = Clusters::fit(&features, &revenue, &settings).unwrap();
    let labels = model.score(&features).unwrap().labels;
    assert_eq!((labels[1], labels[2], labels[0]), (0, 1, 2));
    let names: Vec<&str> = model.labels.iter().map(|l| l.name.as_str()).collect();
    assert!(names[0].contains("high spend"), "{names:?}");
    assert!(names[2].contains("low spend"), "{names:?}");
    assert!(report.warnings.iter().any(|w| w.key == "features_alike"), "{:?}", report.warnings);

    let profiles = profile::profiles(&model.scaling, &features, &labels, 3).unwrap();
    let first = profiles.iter().find(|p| p.cluster == 0 && p.feature == "orders").unwrap();
    assert_eq!((first.mean, first.median, first.overall_mean), (Some(30.0), Some(30.0), Some(12.0)));
    assert_eq!(first.index, Some(250.0));
    let rules = profile::rules(&model.scaling, &features, &labels, 3, 0).unwrap();
    for cluster in 0..3 {
        let rule = rules.iter().find(|r| r.cluster == cluster).unwrap();
        assert_eq!((rule.customers, rule.hits, rule.size), (30, 30, 30), "{rule:?}");
    }
}

#[test]
fn labels_follow_the_last_model() {
    let (columns, _) = cloud_columns(600);
    let features = [("orders", columns[0].as_slice()), ("net_revenue", columns[1].as_slice())];
    let fit = |revenue: &[f64], k| {
        Clusters::fit(&features, revenue, &settings(&["orders", "net_revenue"], K::Fixed(k))).unwrap().0
    };
    let last = fit(&columns[1], 3);
    // Ordered by another column, the same clusters have other numbers at first.
    let upside_down: Vec<f64> = columns[1].iter().map(|v| -v).collect();
    let mut next = fit(&upside_down, 3);
    let labels = |m: &Clusters| m.score(&features).unwrap().labels;
    assert_ne!(labels(&last), labels(&next));
    let drift = {
        let ours = labels(&next);
        next.follow(&last, &ours, &labels(&last))
    };
    assert!(drift.moved_share < 0.01 && drift.clusters.iter().all(|c| c.status == "kept"), "{drift:?}");
    let ids = |m: &Clusters| labels(m).into_iter().map(|l| m.labels[l as usize].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&last), ids(&next));
    // A fourth cluster is new, and its number is not used again when it goes.
    let mut more = fit(&columns[1], 4);
    let ours = labels(&more);
    let drift = more.follow(&next, &ours, &labels(&next));
    assert_eq!(
        drift.clusters.iter().filter(|c| c.status == "new").map(|c| c.label.id).collect::<Vec<_>>(),
        [4]
    );
    let mut fewer = fit(&columns[1], 3);
    let ours = labels(&fewer);
    let drift = fewer.follow(&more, &ours, &labels(&more));
    assert_eq!(drift.clusters.iter().filter(|c| c.status == "gone").count(), 1);
    assert_eq!(fewer.next_id, 5);
}

#[test]
fn degenerate_customers_get_a_clear_message() {
    let same = [5.0; 8];
    let one = settings(&["orders"], K::Fixed(3));
    let e = Clusters::fit(&[("orders", &same)], &same, &one).unwrap_err().to_string();
    assert_eq!(e, "clusters need a feature that varies between customers, but orders do not");
    let two = [1.0, 1.0, 2.0, 2.0];
    let e = Clusters::fit(&[("orders", &two)], &two, &one).unwrap_err().to_string();
    assert!(e.contains("there are 2 of 4 that differ"), "{e}");
    let blanks = [f64::NAN; 4];
    let (_, report) = Clusters::fit(
        &[("orders", &two), ("lateness", &blanks)],
        &two,
        &settings(&["orders", "lateness"], K::Fixed(2)),
    )
    .unwrap();
    assert_eq!(report.warnings, [message!("cluster_feature_blank", feature = "lateness")]);
    let infinite = [1.0, f64::INFINITY, 2.0, 3.0];
    let e = Clusters::fit(&[("orders", &infinite)], &two, &one).unwrap_err().to_string();
    assert!(e.contains("1 are infinite, the first in row 2"), "{e}");
    let single = [3.0];
    for method in [Method::Kmeans, Method::MiniBatch, Method::GaussianMixture, Method::Density] {
        let s = Settings {
            how: How { method, ..How::default() },
            ..settings(&["orders"], K::Auto { min: 2, max: 3 })
        };
        assert!(Clusters::fit(&[("orders", &single)], &single, &s).is_err());
        assert!(Clusters::fit(&[("orders", &[])], &[], &s).is_err());
        let s = Settings {
            how: How { method, eps: Some(0.5), ..How::default() },
            ..settings(&["orders"], K::Auto { min: 2, max: 5 })
        };
        let _ = Clusters::fit(&[("orders", &two)], &two, &s);
    }
    let bad = Settings {
        features: vec![FeatureSpec { winsor: 0.7, ..FeatureSpec::new("orders") }],
        ..Settings::default()
    };
    assert!(Clusters::fit(&[("orders", &two)], &two, &bad).unwrap_err().to_string().contains("`winsor`"));
}

#[test]
fn columns_become_coordinates_as_asked() {
    let values = [1.0, 2.0, f64::NAN, 3.0, 100.0];
    let scaled = |spec: FeatureSpec| {
        let scaling = Scaling::fit(&[spec], &[("a", &values)], &mut Vec::new()).unwrap();
        scaling.apply(&[("a", &values)]).unwrap().column(0).to_vec()
    };
    let plain = FeatureSpec { transform: Transform::None, scale: Scale::None, ..FeatureSpec::new("a") };
    assert_eq!(scaled(plain.clone()), [1.0, 2.0, 2.5, 3.0, 100.0], "blanks count as the median");
    assert_eq!(scaled(FeatureSpec { weight: 4.0, ..plain.clone() })[0], 2.0, "four times the square");
    let drawn_in = scaled(FeatureSpec { winsor: 0.25, ..plain.clone() });
    assert_eq!(drawn_in, [1.75, 2.0, 2.5, 3.0, 27.25], "type-7 quartiles of 1, 2, 3, 100");
    let robust = scaled(FeatureSpec { scale: Scale::Robust, ..plain.clone() });
    near(robust[0], (1.0 - 2.5) / (1.0 / 1.349));
    let standard = scaled(FeatureSpec { scale: Scale::Standard, ..plain });
    near(standard.iter().sum::<f64>(), 0.0);
    near(standard.iter().map(|v| v * v).sum::<f64>(), 5.0);
    near(scaled(FeatureSpec { scale: Scale::None, ..FeatureSpec::new("a") })[4], 101f64.ln());
}
