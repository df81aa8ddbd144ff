//! Logistic regression, by linfa-logistic: a straight line in the log-odds, the plain challenger.
//!
//! Numbers are standardised, blanks become the mean and a mark of their own; a category becomes a mark for each value. Penalty `l2 / 2` on
//! the squared coefficients, as scikit-learn's with `C = 1 / l2`. Weights of rows are not used.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::data::{Examples, Feature, UNKNOWN, Value, Values};
use crate::MineError;

/// A fitted line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    intercept: f64,
    /// For each feature what its values add.
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Part {
    Number { mean: f64, deviation: f64, slope: f64, blank: f64 },
    Category { values: Vec<f64> },
}

impl Part {
    fn at(&self, value: Value) -> f64 {
        match (self, value) {
            (Part::Number { mean, deviation, slope, blank }, Value::Number(v)) => {
                if v.is_finite() {
                    slope * (v - mean) / deviation
                } else {
                    *blank
                }
            }
            (Part::Category { values }, Value::Category(c)) => values.get(c as usize).copied().unwrap_or(0.0),
            _ => 0.0,
        }
    }
}

impl Logistic {
    /// Fits the line.
    ///
    /// # Errors
    /// If the columns differ in length, one outcome is missing, or the search does not converge.
    pub fn fit(examples: &Examples, l2: f64) -> Result<Logistic, MineError> {
        examples.check_shape()?;
        let n = examples.len();
        // Columns of the design, and which of them each feature has.
        let mut design: Vec<Vec<f64>> = Vec::new();
        let mut scales = Vec::new();
        for (feature, column) in examples.features.iter().zip(&examples.columns) {
            match column {
                Values::Number(values) => {
                    let known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
                    let mean = if known.is_empty() { 0.0 } else { crate::stats::mean(&known) };
                    let spread =
                        known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / known.len().max(1) as f64;
                    let deviation = if spread > 0.0 { spread.sqrt() } else { 1.0 };
                    scales.push((mean, deviation));
                    let z = |v: &f64| if v.is_finite() { (v - mean) / deviation } else { 0.0 };
                    design.push(values.iter().map(z).collect());
                    if known.len() < n {
                        design.push(values.iter().map(|v| f64::from(u8::from(!v.is_finite()))).collect());
                    }
                }
                Values::Category(codes) => {
                    scales.push((0.0, 1.0));
                    let most = feature.categories.as_ref().map_or(0, Vec::len);
                    for code in 0..most as u32 {
                        design.push(
                            codes.iter().map(|c| f64::from(u8::from(*c == code && *c != UNKNOWN))).collect(),
                        );
                    }
                }
            }
        }
        let records = Array2::from_shape_fn((n, design.len()), |(i, j)| design[j][i]);
        let targets = Array1::from_iter(examples.churned.iter().copied());
        let fitted = LogisticRegression::default()
            .alpha(l2)
            .max_iterations(300)
            .fit(&DatasetBase::new(records, targets))
            .map_err(|e| MineError::data("the logistic regression must converge", e.to_string()))?;
        // linfa takes the class that comes first for the positive one, or says which it took.
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        let mut coefficients = fitted.params().iter().map(|c| sign * c);
        let mut next = || coefficients.next().unwrap_or(0.0);
        let parts = examples
            .features
            .iter()
            .zip(&examples.columns)
            .zip(scales)
            .map(|((feature, column), (mean, deviation))| match column {
                Values::Number(values) => {
                    let slope = next();
                    let blank = if values.iter().any(|v| !v.is_finite()) { next() } else { 0.0 };
                    Part::Number { mean, deviation, slope, blank }
                }
                Values::Category(_) => {
                    let most = feature.categories.as_ref().map_or(0, Vec::len);
                    Part::Category { values: (0..most).map(|_| next()).collect() }
                }
            })
            .collect();
        Ok(Logistic { intercept: sign * fitted.intercept(), parts })
    }

    /// Checks a line from a file.
    pub(super) fn check(&self, features: &[Feature]) -> Result<(), String> {
        let fits = |(part, feature): (&Part, &Feature)| match part {
            Part::Number { mean, deviation, slope, blank } => {
                feature.categories.is_none()
                    && *deviation > 0.0
                    && [mean, deviation, slope, blank].iter().all(|v| v.is_finite())
            }
            Part::Category { values } => feature.categories.is_some() && values.iter().all(|v| v.is_finite()),
        };
        let sound = self.parts.len() == features.len() && self.parts.iter().zip(features).all(fits);
        if sound && self.intercept.is_finite() {
            Ok(())
        } else {
            Err("its logistic regression does not hold together".to_owned())
        }
    }

    /// Probability of churn of a row.
    pub fn predict_row(&self, columns: &[Values], row: usize) -> f64 {
        let sum: f64 = self.parts.iter().zip(columns).map(|(part, column)| part.at(column.at(row))).sum();
        1.0 / (1.0 + (-(self.intercept + sum)).exp())
    }
}
