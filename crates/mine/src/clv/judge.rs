//! Judging models of orders on what came after they were fitted, and choosing among them.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::told::{Cell, Message};
use tillwise_core::{message, number_or_nan};

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
    judge_each(orders, histories, known, actual, t, days_per_order).0
}

/// The same, and the logarithm of the probability that the model gave to what each customer did.
fn judge_each(
    orders: &Orders,
    histories: &[History],
    known: &[Known],
    actual: &[f64],
    t: f64,
    days_per_order: f64,
) -> (Judged, Vec<f64>) {
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
    let (mut expected, mut log_scores) = (vec![0.0; n], vec![0.0; n]);
    let mut log_score = 0.0;
    for (i, e, ln_p) in found.into_iter().flatten() {
        expected[i as usize] = e;
        log_scores[i as usize] = ln_p;
        log_score += ln_p;
    }
    let errors = || expected.iter().zip(actual).map(|(e, a)| e - a);
    let mut bins = vec![(0, 0.0, 0.0); BINS];
    for (i, h) in histories.iter().enumerate() {
        let bin = &mut bins[(h.x as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + actual[i], bin.2 + expected[i]);
    }
    let per = |sum: f64| sum / n as f64;
    let judged = Judged {
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
    };
    (judged, log_scores)
}

/// A model that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub model: Model,
    /// Its fit to the calibration and its judgement in the holdout, or why there is none.
    pub outcome: Result<(Orders, Fit, Judged), String>,
}

/// Standard errors within which a model counts as good as the best: a two-sided test at 5 %.
const AS_GOOD: f64 = 1.96;
/// A difference of Schwarz's criterion that is not worth a mention (Kass & Raftery 1995, *JASA* 90, section 3.2).
const BIC_WORTH: f64 = 2.0;

/// Fits every model in time to the calibration, judges each in the holdout, and names one, with the reason.
///
/// The log score of the holdout's orders ranks them. A model counts as good as the best if the mean of their differences, customer by
/// customer, is within 1.96 of its standard errors. Of those as good, one whose parameters are all inside their bounds and off
/// every ridge goes before one that is not; then the lower Schwarz's criterion; of those within 2 of it, the one of fewest parameters;
/// then the order of [`Model::IN_TIME`]. So the fifth digit of a score chooses nothing.
pub fn choose(
    histories: &[History],
    sum_ln_gaps: f64,
    actual: &[f64],
    t: f64,
) -> (Vec<Candidate>, Option<(Model, Message)>) {
    let (candidates, scores): (Vec<Candidate>, Vec<Vec<f64>>) = Model::IN_TIME
        .into_par_iter()
        .with_max_len(1)
        .map(|model| match model.fit(histories, sum_ln_gaps) {
            Ok((orders, fit)) => {
                let (judged, scores) = judge_each(&orders, histories, &[], actual, t, 1.0);
                (Candidate { model, outcome: Ok((orders, fit, judged)) }, scores)
            }
            Err(e) => (Candidate { model, outcome: Err(e.to_string()) }, Vec::new()),
        })
        .unzip();
    // A family fitted to its simplest member is that member.
    let scored: Vec<Scored<'_>> = candidates
        .iter()
        .zip(&scores)
        .filter_map(|(c, scores)| {
            let (orders, fit, judged) = c.outcome.as_ref().ok()?;
            let score = judged.log_score.filter(|s| s.is_finite())?;
            (orders.model() == c.model).then_some(Scored { model: c.model, fit, judged, score, scores })
        })
        .collect();
    let best = scored.iter().max_by(|a, b| a.score.total_cmp(&b.score));
    let chosen = best.and_then(|best| {
        let as_good = || scored.iter().filter(|s| s.as_good_as(best));
        let inside = as_good().any(Scored::is_inside);
        let fair = || as_good().filter(|s| s.is_inside() == inside);
        let lowest = fair().map(|s| s.fit.bic).fold(f64::INFINITY, f64::min);
        let few = |s: &&Scored<'_>| s.fit.parameters.len();
        let chosen = fair().filter(|s| s.fit.bic <= lowest + BIC_WORTH).min_by_key(few)?;
        let judged = chosen.judged;
        Some((
            chosen.model,
            message!(
                "model_chosen",
                models = as_good().count(),
                model = &chosen.fit.model,
                score = Cell::Number(chosen.score, 4),
                best = &best.fit.model,
                best_score = Cell::Number(best.score, 4),
                expected = Cell::Count(judged.expected),
                actual = Cell::Count(judged.actual)
            ),
        ))
    });
    (candidates, chosen)
}

/// A model with its score in the holdout.
struct Scored<'a> {
    model: Model,
    fit: &'a Fit,
    judged: &'a Judged,
    score: f64,
    /// By customer.
    scores: &'a [f64],
}

impl Scored<'_> {
    /// Whether the best is not better beyond chance.
    fn as_good_as(&self, best: &Scored<'_>) -> bool {
        let n = self.scores.len() as f64;
        let differences = || best.scores.iter().zip(self.scores).map(|(b, s)| b - s);
        let mean = differences().sum::<f64>() / n;
        let spread = differences().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        mean <= AS_GOOD * (spread / n).sqrt()
    }

    /// Whether its parameters are determined: none ran off, and the likelihood is not flat along any direction.
    fn is_inside(&self) -> bool {
        self.fit.run_off.is_empty() && self.fit.ridge.is_none()
    }
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
