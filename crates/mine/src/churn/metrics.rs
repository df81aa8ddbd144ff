//! How good probabilities of churn are.
//!
//! All functions take one probability and one outcome a row. Rows with equal probabilities are treated
//! alike: no result depends on the order of the rows.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::number_or_nan;

use crate::stats::{quantile_sorted, sorted_finite};

/// The judgement of one model on one set of rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Rows judged.
    pub rows: usize,
    /// Rows that churned.
    pub churners: usize,
    /// Share that churned.
    pub churn_rate: f64,
    /// Mean predicted probability: calibrated if it equals the rate.
    pub mean_probability: f64,
    /// Area under the ROC curve; `None` unless both outcomes occur.
    pub auc: Option<f64>,
    /// Area under the precision-recall curve, as a step function.
    pub average_precision: Option<f64>,
    /// Mean squared error of the probabilities (Brier 1950).
    pub brier: f64,
    /// Part of the Brier score that calibration would mend, over tenths of the rows (Murphy 1973): large is bad.
    pub brier_reliability: f64,
    /// Part that telling rows apart earns: large is good.
    pub brier_resolution: f64,
    /// What a constant would score: the rate times one less the rate.
    pub brier_uncertainty: f64,
    /// Mean negative log-likelihood, probabilities kept within `1e-15` of 0 and 1.
    pub log_loss: f64,
    /// Mean distance of predicted and actual share over tenths of the rows, by probability (Naeini, Cooper & Hauskrecht 2015).
    pub calibration_error: f64,
    /// Churn rate among the tenth most likely to churn, over the overall rate.
    pub lift_decile_1: Option<f64>,
}

/// The measures of a judgement, by name, in the order of tables.
pub const METRICS: [&str; 13] = [
    "rows",
    "churners",
    "churn_rate",
    "mean_probability",
    "auc",
    "average_precision",
    "brier",
    "brier_reliability",
    "brier_resolution",
    "brier_uncertainty",
    "log_loss",
    "calibration_error",
    "lift_decile_1",
];

impl Judgement {
    /// The measures, in the order of [`METRICS`].
    pub fn values(&self) -> [Option<f64>; METRICS.len()] {
        [
            Some(self.rows as f64),
            Some(self.churners as f64),
            Some(self.churn_rate),
            Some(self.mean_probability),
            self.auc,
            self.average_precision,
            Some(self.brier),
            Some(self.brier_reliability),
            Some(self.brier_resolution),
            Some(self.brier_uncertainty),
            Some(self.log_loss),
            Some(self.calibration_error),
            self.lift_decile_1,
        ]
    }
}

/// Judges probabilities against outcomes.
pub fn judge(probabilities: &[f64], churned: &[bool]) -> Judgement {
    let rows = churned.len();
    let churners = churned.iter().filter(|c| **c).count();
    let n = rows.max(1) as f64;
    let rate = churners as f64 / n;
    let bins = reliability(probabilities, churned);
    let (reliability, resolution) = brier_parts(&bins);
    Judgement {
        rows,
        churners,
        churn_rate: rate,
        mean_probability: probabilities.iter().sum::<f64>() / n,
        auc: auc(probabilities, churned),
        average_precision: average_precision(probabilities, churned),
        brier: pairs(probabilities, churned).map(|(p, y)| (p - y) * (p - y)).sum::<f64>() / n,
        brier_reliability: reliability,
        brier_resolution: resolution,
        brier_uncertainty: rate * (1.0 - rate),
        log_loss: log_loss(probabilities, churned),
        calibration_error: calibration_error(&bins),
        lift_decile_1: lift(probabilities, churned, 0.1),
    }
}

/// Mean negative log-likelihood, probabilities kept within `1e-15` of 0 and 1.
pub fn log_loss(probabilities: &[f64], churned: &[bool]) -> f64 {
    let loss = |(p, y): (f64, f64)| {
        let p = p.clamp(1e-15, 1.0 - 1e-15);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    };
    pairs(probabilities, churned).map(loss).sum::<f64>() / churned.len().max(1) as f64
}

/// Reliability and resolution (Murphy 1973) over bins of rows: were all probabilities of a bin equal, the Brier score would be reliability
/// less resolution and uncertainty added.
pub fn brier_parts(bins: &[Bin]) -> (f64, f64) {
    let n: f64 = bins.iter().map(|b| b.rows as f64).sum::<f64>().max(1.0);
    let rate = bins.iter().map(|b| b.churners as f64).sum::<f64>() / n;
    let part = |f: &dyn Fn(&Bin) -> f64| bins.iter().map(|b| b.rows as f64 * f(b)).sum::<f64>() / n;
    (part(&|b| (b.expected - b.actual).powi(2)), part(&|b| (b.actual - rate).powi(2)))
}

/// Rows of about equal probability: what was expected of them, and what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Rows.
    pub rows: usize,
    /// Those that churned.
    pub churners: usize,
    /// Mean probability.
    #[serde(deserialize_with = "number_or_nan")]
    pub expected: f64,
    /// Share that churned.
    #[serde(deserialize_with = "number_or_nan")]
    pub actual: f64,
}

/// Tenths of the rows by probability, the lowest first, equal ones kept together: the reliability table.
pub fn reliability(probabilities: &[f64], churned: &[bool]) -> Vec<Bin> {
    let n = churned.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let mut bins: Vec<Bin> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut done = 0;
    let mut close = |open: &mut Vec<usize>| {
        let rows = open.len();
        let churners = open.iter().filter(|i| churned[**i]).count();
        let expected = open.iter().map(|i| probabilities[*i]).sum::<f64>() / rows as f64;
        bins.push(Bin { rows, churners, expected, actual: churners as f64 / rows as f64 });
        open.clear();
    };
    let mut tenth = 1;
    for equal in order.chunk_by(|a, b| probabilities[*a] == probabilities[*b]) {
        open.extend_from_slice(equal);
        done += equal.len();
        if done * 10 >= tenth * n {
            close(&mut open);
            while done * 10 >= tenth * n && tenth <= 10 {
                tenth += 1;
            }
        }
    }
    if !open.is_empty() {
        close(&mut open);
    }
    bins
}

/// Mean distance of expected and actual share over bins.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    let n: f64 = bins.iter().map(|b| b.rows as f64).sum::<f64>().max(1.0);
    bins.iter().map(|b| b.rows as f64 * (b.expected - b.actual).abs()).sum::<f64>() / n
}

/// One tenth of the rows, counted from the most likely to churn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// 1 for the most likely.
    pub decile: u8,
    /// Rows up to this tenth.
    #[serde(deserialize_with = "number_or_nan")]
    pub rows: f64,
    /// Churners up to it; of equal probabilities across its border in part.
    #[serde(deserialize_with = "number_or_nan")]
    pub churners: f64,
    /// Their share of all churners.
    #[serde(deserialize_with = "number_or_nan")]
    pub captured: f64,
    /// Churn rate up to it, over the overall rate.
    #[serde(deserialize_with = "number_or_nan")]
    pub lift: f64,
}

/// Cumulative gains and lift by tenths. Empty without churners.
pub fn gains(probabilities: &[f64], churned: &[bool]) -> Vec<Gain> {
    let n = churned.len() as f64;
    let total = churned.iter().filter(|c| **c).count() as f64;
    (1..=10u8)
        .filter_map(|decile| {
            let share = f64::from(decile) / 10.0;
            let lift = lift(probabilities, churned, share)?;
            Some(Gain {
                decile,
                rows: n * share,
                churners: lift * share * total,
                captured: lift * share,
                lift,
            })
        })
        .collect()
}

/// Rows by what was predicted, at a threshold, and what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Churners at the threshold or above.
    pub true_positives: usize,
    /// Others at the threshold or above.
    pub false_positives: usize,
    /// Churners below.
    pub false_negatives: usize,
    /// Others below.
    pub true_negatives: usize,
}

/// The confusion matrix at a threshold: at or above it counts as churn.
pub fn confusion(probabilities: &[f64], churned: &[bool], threshold: f64) -> Confusion {
    let mut c = Confusion::default();
    for (p, churned) in probabilities.iter().zip(churned) {
        *match (*p >= threshold, churned) {
            (true, true) => &mut c.true_positives,
            (true, false) => &mut c.false_positives,
            (false, true) => &mut c.false_negatives,
            (false, false) => &mut c.true_negatives,
        } += 1;
    }
    c
}

/// Percentile intervals (Efron 1979) of all measures: 2.5 and 97.5 % over `samples` draws of rows with replacement. `None` where a measure is.
pub fn intervals(
    probabilities: &[f64],
    churned: &[bool],
    samples: usize,
    seed: u64,
) -> [Option<(f64, f64)>; METRICS.len()] {
    let n = churned.len();
    let drawn: Vec<[Option<f64>; METRICS.len()]> = (0..samples as u64)
        .into_par_iter()
        .map(|number| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(number));
            let (mut p, mut y) = (Vec::with_capacity(n), Vec::with_capacity(n));
            for _ in 0..n {
                let i = rng.gen_range(0..n);
                p.push(probabilities[i]);
                y.push(churned[i]);
            }
            judge(&p, &y).values()
        })
        .collect();
    std::array::from_fn(|m| {
        let values: Vec<f64> = drawn.iter().filter_map(|d| d[m]).collect();
        let sorted = sorted_finite(&values);
        (!sorted.is_empty()).then(|| (quantile_sorted(&sorted, 0.025), quantile_sorted(&sorted, 0.975)))
    })
}

fn pairs<'a>(probabilities: &'a [f64], churned: &'a [bool]) -> impl Iterator<Item = (f64, f64)> + 'a {
    probabilities.iter().zip(churned).map(|(p, c)| (*p, f64::from(u8::from(*c))))
}

/// Rows from the highest score to the lowest, grouped by equal score: (churners, others) of each group.
fn groups(scores: &[f64], churned: &[bool]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order
        .chunk_by(|a, b| scores[*a] == scores[*b])
        .map(|group| {
            let churners = group.iter().filter(|i| churned[**i]).count();
            (churners as f64, (group.len() - churners) as f64)
        })
        .collect()
}

/// The probability that a churner scores above another customer, ties counting half (Mann & Whitney
/// 1947). `None` unless both outcomes occur.
pub fn auc(scores: &[f64], churned: &[bool]) -> Option<f64> {
    let (mut churners, mut others, mut wins) = (0.0, 0.0, 0.0);
    for (c, o) in groups(scores, churned) {
        wins += o * (churners + c / 2.0);
        churners += c;
        others += o;
    }
    (churners > 0.0 && others > 0.0).then(|| wins / (churners * others))
}

/// The mean precision at each churner found, going down the scores. `None` without churners.
pub fn average_precision(scores: &[f64], churned: &[bool]) -> Option<f64> {
    let (mut found, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for (c, o) in groups(scores, churned) {
        found += c;
        seen += c + o;
        sum += c * found / seen;
    }
    (found > 0.0).then(|| sum / found)
}

/// The churn rate in the top share of the scores over the overall rate; a group of equal scores across
/// the border counts in part. `None` without churners.
pub fn lift(scores: &[f64], churned: &[bool], share: f64) -> Option<f64> {
    let size = scores.len() as f64 * share;
    let rate = churned.iter().filter(|c| **c).count() as f64 / scores.len() as f64;
    let (mut left, mut found) = (size, 0.0);
    for (c, o) in groups(scores, churned) {
        let take = left.min(c + o);
        found += c * take / (c + o);
        left -= take;
        if left <= 0.0 {
            break;
        }
    }
    (rate > 0.0 && size > 0.0).then(|| found / size / rate)
}
