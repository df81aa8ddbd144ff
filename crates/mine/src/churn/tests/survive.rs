//! Survival against simulated truth and against counts by hand. Published figures of real data are in the end-to-end tests.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::churn::survival::{Cox, Times, kaplan_meier, log_rank, median_time, survival_at};

/// Freireich et al. (1963): weeks of remission of 21 patients on 6-MP, + for censored.
const REMISSION: [(f64, bool); 21] = [
    (6.0, true),
    (6.0, true),
    (6.0, true),
    (6.0, false),
    (7.0, true),
    (9.0, false),
    (10.0, true),
    (10.0, false),
    (11.0, false),
    (13.0, true),
    (16.0, true),
    (17.0, false),
    (19.0, false),
    (20.0, false),
    (22.0, true),
    (23.0, true),
    (25.0, false),
    (32.0, false),
    (32.0, false),
    (34.0, false),
    (35.0, false),
];
/// ... and of 21 on placebo, all ended.
const PLACEBO: [f64; 21] = [
    1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0, 5.0, 8.0, 8.0, 8.0, 8.0, 11.0, 11.0, 12.0, 12.0, 15.0, 17.0,
    22.0, 23.0,
];

#[test]
fn the_classic_trial() {
    let (time, left): (Vec<f64>, Vec<bool>) = REMISSION.into_iter().unzip();
    let steps = kaplan_meier(Times { time: &time, left: &left }).unwrap();
    // The textbook table: S(6) = .857 (.0764), S(10) = .753 (.0963), S(23) = .448 (.1346); median 23.
    for (t, s, se) in [(6.0, 0.857, 0.0764), (10.0, 0.753, 0.0963), (23.0, 0.448, 0.1346)] {
        let (survival, error) = survival_at(&steps, t);
        assert!((survival - s).abs() < 5e-4 && (error - se).abs() < 5e-5, "{t}: {survival} {error}");
    }
    assert_eq!(median_time(&steps), Some(23.0));
    assert_eq!(survival_at(&steps, 1.0), (1.0, 0.0));

    let all: Vec<(f64, bool, usize)> =
        REMISSION.iter().map(|(t, l)| (*t, *l, 0)).chain(PLACEBO.iter().map(|t| (*t, true, 1))).collect();
    let time: Vec<f64> = all.iter().map(|a| a.0).collect();
    let left: Vec<bool> = all.iter().map(|a| a.1).collect();
    let group: Vec<usize> = all.iter().map(|a| a.2).collect();
    let times = Times { time: &time, left: &left };
    // Chi-squared 16.79; observed 9 and 21, expected 19.25 and 10.75.
    let test = log_rank(times, &group, 2).unwrap();
    assert!((test.statistic - 16.793).abs() < 1e-3 && test.p_value < 1e-4);
    assert!((test.expected[0] - 19.25).abs() < 5e-3 && test.observed == [9.0, 21.0]);
    // R's coxph on the same data, Efron: coefficient 1.572, standard error .412.
    let cox = Cox::fit(times, &[group.iter().map(|g| *g as f64).collect()]).unwrap();
    assert!((cox.coefficients[0] - 1.572).abs() < 1e-3 && (cox.standard_errors[0] - 0.412).abs() < 1e-3);
}

#[test]
fn known_hazards_come_back() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut a, mut b, mut time, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..4000 {
        let (x, y) = (rng.gen_range(-1.0..1.0), f64::from(rng.gen_range(0..2)));
        let hazard = 0.05 * f64::exp(0.8 * x - 0.5 * y);
        let (leaves, censored) = (-rng.r#gen::<f64>().ln() / hazard, rng.gen_range(0.0..40.0));
        a.push(x);
        b.push(y);
        // Whole months: many ties.
        time.push(f64::min(leaves, censored).ceil());
        left.push(leaves <= censored);
    }
    let cox = Cox::fit(Times { time: &time, left: &left }, &[a.clone(), b]).unwrap();
    for (j, truth) in [0.8, -0.5].into_iter().enumerate() {
        let error = cox.standard_errors[j];
        assert!(error < 0.06 && (cox.coefficients[j] - truth).abs() < 3.0 * error, "{:?}", cox);
        assert!(cox.p_value(j) < 1e-6);
    }
    assert!(cox.log_likelihood > cox.null_log_likelihood + 50.0 && cox.concordance.unwrap() > 0.6);
    // A covariate that follows from another, one that tells everything, and nobody leaving are refused.
    let times = Times { time: &time, left: &left };
    assert!(Cox::fit(times, &[a.clone(), a.iter().map(|v| 2.0 * v).collect()]).is_err());
    assert!(Cox::fit(Times { time: &time, left: &vec![false; 4000] }, &[a]).is_err());
    assert!(kaplan_meier(Times { time: &[-1.0], left: &[true] }).is_err());
    assert!(kaplan_meier(Times { time: &[], left: &[] }).unwrap().is_empty());
}
