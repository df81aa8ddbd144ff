//! From scores to probabilities that mean what they say.
//!
//! A model's probabilities for rows that it has not seen (the folds of a cross-validation) are held against what happened:
//! *isotonic* regression (Zadrozny & Elkan 2002) fits the best function that never falls, *Platt* (1999) scaling a logistic curve in
//! the log-odds, which needs fewer rows.

use serde::{Deserialize, Serialize};

use crate::stats::Steps;

/// How probabilities are calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Not at all.
    None,
    /// A logistic curve in the log-odds.
    #[default]
    Platt,
    /// A step function that never falls.
    Isotonic,
}

/// A fitted calibration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Calibration {
    /// Probabilities stay as they are.
    #[default]
    None,
    /// `1 / (1 + exp(-(slope ln(p / (1 - p)) + intercept)))`.
    Platt {
        /// 1 where nothing is to be done.
        slope: f64,
        /// 0 where nothing is to be done.
        intercept: f64,
    },
    /// Interpolated between its steps.
    Isotonic(Steps),
}

/// Log-odds of a probability, kept within a millionth of 0 and 1.
pub(super) fn log_odds(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}

impl Calibration {
    /// Fits a calibration to probabilities of rows that the model has not seen.
    pub fn fit(method: Method, probabilities: &[f64], churned: &[bool]) -> Calibration {
        match method {
            Method::None => Calibration::None,
            Method::Isotonic => {
                let points: Vec<(f64, bool)> =
                    probabilities.iter().copied().zip(churned.iter().copied()).collect();
                Calibration::Isotonic(Steps::fit(&points))
            }
            Method::Platt => {
                let scores: Vec<f64> = probabilities.iter().map(|p| log_odds(*p)).collect();
                let (slope, intercept) = match platt(&scores, churned) {
                    // A score that ranks the wrong way round says nothing; turned round, it would contradict its own rules.
                    (slope, _) if slope <= 0.0 => (0.0, platt(&vec![0.0; scores.len()], churned).1),
                    fitted => fitted,
                };
                Calibration::Platt { slope, intercept }
            }
        }
    }

    /// The calibrated probability.
    pub fn apply(&self, p: f64) -> f64 {
        match self {
            Calibration::None => p,
            Calibration::Platt { slope, intercept } => {
                1.0 / (1.0 + (-(slope * log_odds(p) + intercept)).exp())
            }
            // Never certain, where the rows of an end are few.
            Calibration::Isotonic(steps) => steps.at(p).clamp(1e-4, 1.0 - 1e-4),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Calibration::Isotonic(steps) => steps.check(),
            Calibration::Platt { slope, intercept } if !slope.is_finite() || !intercept.is_finite() => {
                Err("its calibration is not a number".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Slope and intercept of a logistic curve, by Newton's method, for targets `(n1 + 1) / (n1 + 2)` and `1 / (n0 + 2)` (Platt 1999; Lin, Lin &
/// Weng 2007), which keep it from certainty.
pub fn platt(scores: &[f64], churned: &[bool]) -> (f64, f64) {
    let churners = churned.iter().filter(|c| **c).count() as f64;
    let others = churned.len() as f64 - churners;
    let target = |c: bool| if c { (churners + 1.0) / (churners + 2.0) } else { 1.0 / (others + 2.0) };
    let (mut a, mut b) = (0.0, ((churners + 1.0) / (others + 1.0)).ln());
    let loss = |a: f64, b: f64| -> f64 {
        scores
            .iter()
            .zip(churned)
            .map(|(s, c)| {
                let z = a * s + b;
                // ln(1 + e^z) - t z, without overflow.
                z.max(0.0) + (-z.abs()).exp().ln_1p() - target(*c) * z
            })
            .sum()
    };
    let mut best = loss(a, b);
    for _ in 0..100 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-12, 0.0, 1e-12);
        for (s, c) in scores.iter().zip(churned) {
            let p = 1.0 / (1.0 + (-(a * s + b)).exp());
            let (d, w) = (p - target(*c), p * (1.0 - p));
            ga += d * s;
            gb += d;
            haa += w * s * s;
            hab += w * s;
            hbb += w;
        }
        let determinant = haa * hbb - hab * hab;
        if determinant <= 0.0 || (ga.abs() + gb.abs()) < 1e-10 {
            break;
        }
        let (step_a, step_b) = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant);
        let mut length = 1.0;
        loop {
            let (next_a, next_b) = (a - length * step_a, b - length * step_b);
            let next = loss(next_a, next_b);
            if next <= best || length < 1e-8 {
                let gained = best - next;
                (a, b, best) = (next_a, next_b, next);
                if gained.abs() < 1e-14 * best.abs().max(1.0) {
                    return (a, b);
                }
                break;
            }
            length /= 2.0;
        }
    }
    (a, b)
}
