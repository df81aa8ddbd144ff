//! Judging models of orders on what came after they were fitted, and choosing among them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::number_or_nan;

use super::score::{Runs, patterns};
use super::{Fit, History, Known, Model, Orders};

/// What came of the customers with so many orders in the calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrequencyBin {
    /// Repeat order days in the calibration; the last bin holds all with at least so many.
    pub x: usize,
    /// Customers.
    pub customers: usize,
    /// Mean order days that they made in the holdout.
    #[serde(deserialize_with = "number_or_nan")]
    pub actual: f64,
    /// Mean order days that were expected.
    #[serde(deserialize_with = "number_or_nan")]
    pub expected: f64,
}

/// How a model did in the holdout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Customers.
    pub customers: usize,
    /// Order days that they made.
    #[serde(deserialize_with = "number_or_nan")]
    pub actual: f64,
    /// Order days that were expected.
    #[serde(deserialize_with = "number_or_nan")]
    pub expected: f64,
    /// Mean absolute error a customer.
    #[serde(deserialize_with = "number_or_nan")]
    pub mae: f64,
    /// Root of the mean squared error.
    #[serde(deserialize_with = "number_or_nan")]
    pub rmse: f64,
    /// Pearson's correlation of expected and actual.
    pub correlation: Option<f64>,
    /// Mean logarithm of the probability that the model gave to what happened; `None` where it counts occasions.
    pub log_score: Option<f64>,
    /// By orders in the calibration: 0 to 6, and 7 or more.
    pub by_frequency: Vec<FrequencyBin>,
}

/// Bins by calibration frequency, the last one open.
const BINS: usize = 8;

/// Holds a model against the order days that customers made in the `t` after it was fitted. `known` may be empty;
/// `days_per_order` is one, but for models that count occasions with an order.
pub fn judge(
    orders: &Orders,
    histories: &[History],
    known: &[Known],
    actual: &[f64],
    t: f64,
    days_per_order: f64,
) -> Judged {
    let n = histories.len();
    let none = Known::default();
    let (patterns, _) = patterns(known);
    let kind = |i: usize| patterns.get(i).copied().unwrap_or(0);
    let runs = Runs::new(n, !orders.future_ignores_t_x(), kind, |i| histories[i]);
    let found: Vec<Vec<(u32, f64, f64)>> = runs
        .each()
        .map(|run| {
            let first = run[0] as usize;
            let known = known.get(first).unwrap_or(&none);
            let most = run.iter().map(|i| actual[*i as usize]).fold(0.0, f64::max) as usize;
            let (expected, ahead) = orders.ask(histories[first], known, |_, future| {
                (future.expected_orders(t), future.distribution(t, most))
            });
            run.iter()
                .map(|&i| {
                    let alive = orders.p_alive_of(histories[i as usize], known);
                    let came = actual[i as usize] as usize;
                    let p = alive * ahead[came] + if came == 0 { 1.0 - alive } else { 0.0 };
                    (i, alive * expected * days_per_order, p.max(1e-300).ln())
                })
                .collect()
        })
        .collect();
    let (mut expected, mut log_score) = (vec![0.0; n], 0.0);
    for (i, e, ln_p) in found.into_iter().flatten() {
        expected[i as usize] = e;
        log_score += ln_p;
    }
    let errors = || expected.iter().zip(actual).map(|(e, a)| e - a);
    let mut bins = vec![(0, 0.0, 0.0); BINS];
    for (i, h) in histories.iter().enumerate() {
        let bin = &mut bins[(h.x as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + actual[i], bin.2 + expected[i]);
    }
    let per = |sum: f64| sum / n as f64;
    Judged {
        customers: n,
        actual: actual.iter().sum(),
        expected: expected.iter().sum(),
        mae: per(errors().map(f64::abs).sum()),
        rmse: per(errors().map(|e| e * e).sum()).sqrt(),
        correlation: Some(crate::stats::correlation(&expected, actual)).filter(|c| c.is_finite()),
        log_score: (!orders.counts_occasions()).then(|| per(log_score)),
        by_frequency: bins
            .into_iter()
            .enumerate()
            .filter(|(_, bin)| bin.0 > 0)
            .map(|(x, (customers, actual, expected))| FrequencyBin {
                x,
                customers,
                actual: actual / customers as f64,
                expected: expected / customers as f64,
            })
            .collect(),
    }
}

/// A model that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub model: Model,
    /// Its fit to the calibration and its judgement in the holdout, or why there is none.
    pub outcome: Result<(Orders, Fit, Judged), String>,
}

/// Fits every model in time to the calibration, judges each in the holdout, and names the one that gave what happened the greatest
/// probability, with the reason. Models whose scores are equal to six digits are taken by Schwarz's criterion, then
/// in the order of [`Model::IN_TIME`].
pub fn choose(
    histories: &[History],
    sum_ln_gaps: f64,
    actual: &[f64],
    t: f64,
) -> (Vec<Candidate>, Option<(Model, String)>) {
    let candidates: Vec<Candidate> = Model::IN_TIME
        .into_par_iter()
        .with_max_len(1)
        .map(|model| {
            let outcome = model
                .fit(histories, sum_ln_gaps)
                .map(|(orders, fit)| {
                    let judged = judge(&orders, histories, &[], actual, t, 1.0);
                    (orders, fit, judged)
                })
                .map_err(|e| e.to_string());
            Candidate { model, outcome }
        })
        .collect();
    let digits = |score: f64| (score * 1e6).round();
    let scored = candidates.iter().filter_map(|c| {
        let (orders, fit, judged) = c.outcome.as_ref().ok()?;
        // A family fitted to its simplest member is that member.
        let score = judged.log_score.filter(|s| s.is_finite())?;
        (orders.model() == c.model).then_some((c.model, fit, judged, score))
    });
    let mut scored: Vec<_> = scored.collect();
    scored.sort_by(|a, b| digits(b.3).total_cmp(&digits(a.3)).then(a.1.bic.total_cmp(&b.1.bic)));
    let chosen = scored.first().map(|(model, fit, best, score)| {
        let mut why = format!(
            "{} gave the holdout's orders the greatest probability: a mean log score of {:.4}",
            fit.model, score
        );
        if let Some((_, next, _, score)) = scored.get(1) {
            why += &format!(", next is {} with {:.4}", next.model, score);
        }
        why += &format!("; it expected {:.0} order days, and {:.0} came", best.expected, best.actual);
        if best.actual > 0.0 {
            why += &format!(" ({:+.1} %)", 100.0 * (best.expected / best.actual - 1.0));
        }
        (*model, why)
    });
    (candidates, chosen)
}

/// Expected repeat orders by the end of each day from the first on, when `first_orders[d]` customers come on day `d`. None for
/// models that count occasions.
pub fn track(orders: &Orders, unit_days: f64, first_orders: &[f64]) -> Option<Vec<f64>> {
    if orders.counts_occasions() || orders.has_covariates() {
        return None;
    }
    let days = first_orders.len();
    let path: Vec<f64> = (0..days)
        .into_par_iter()
        .map(|d| orders.expected_orders_of_new_customer(d as f64 / unit_days))
        .collect();
    let sums = (0..days).into_par_iter().map(|day| {
        first_orders[..=day]
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0.0)
            .map(|(d, n)| n * path[day - d])
            .sum()
    });
    Some(sums.collect())
}
