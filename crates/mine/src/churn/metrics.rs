//! How good probabilities of churn are.
//!
//! All functions take one probability and one outcome a row. Rows with equal probabilities are treated
//! alike: no result depends on the order of the rows.

use serde::Serialize;

/// The judgement of one model at one cutoff.
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
    /// Mean negative log-likelihood, probabilities kept within `1e-15` of 0 and 1.
    pub log_loss: f64,
    /// Churn rate among the tenth most likely to churn, over the overall rate.
    pub lift_decile_1: Option<f64>,
}

/// Judges probabilities against outcomes.
pub fn judge(probabilities: &[f64], churned: &[bool]) -> Judgement {
    let rows = churned.len();
    let churners = churned.iter().filter(|c| **c).count();
    let n = rows.max(1) as f64;
    Judgement {
        rows,
        churners,
        churn_rate: churners as f64 / n,
        mean_probability: probabilities.iter().sum::<f64>() / n,
        auc: auc(probabilities, churned),
        average_precision: average_precision(probabilities, churned),
        brier: pairs(probabilities, churned).map(|(p, y)| (p - y) * (p - y)).sum::<f64>() / n,
        log_loss: pairs(probabilities, churned)
            .map(|(p, y)| {
                let p = p.clamp(1e-15, 1.0 - 1e-15);
                -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
            })
            .sum::<f64>()
            / n,
        lift_decile_1: lift(probabilities, churned, 0.1),
    }
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
