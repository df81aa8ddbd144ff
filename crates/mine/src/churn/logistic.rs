//! Logistic regression, by linfa-logistic: a straight line in the log-odds, the plain challenger.
//!
//! On standardised numbers and marks ([`super::design`]), with a penalty of `l2 / 2` on the squared coefficients, as scikit-learn's with
//! `C = 1 / l2`. Weights of rows are not used.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::data::{Examples, Feature, Values};
use super::design::Design;
use crate::MineError;

/// A fitted line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    design: Design,
    intercept: f64,
    coefficients: Vec<f64>,
}

impl Logistic {
    /// Fits the line.
    ///
    /// # Errors
    /// If the columns differ in length, one outcome is missing, or the search does not converge.
    pub fn fit(examples: &Examples, l2: f64) -> Result<Logistic, MineError> {
        examples.check_shape()?;
        let design = Design::learn(examples);
        let rows: Vec<Vec<f64>> = (0..examples.len()).map(|row| design.row(&examples.columns, row)).collect();
        let records = Array2::from_shape_fn((rows.len(), design.width()), |(i, j)| rows[i][j]);
        let targets = Array1::from_iter(examples.churned.iter().copied());
        let fitted = LogisticRegression::default()
            .alpha(l2)
            .max_iterations(300)
            .fit(&DatasetBase::new(records, targets))
            .map_err(|e| MineError::data("the logistic regression must converge", e.to_string()))?;
        // linfa says which class it took for the positive one.
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        let coefficients = fitted.params().iter().map(|c| sign * c).collect();
        Ok(Logistic { design, intercept: sign * fitted.intercept(), coefficients })
    }

    /// Checks a line from a file.
    pub(super) fn check(&self, features: &[Feature]) -> Result<(), String> {
        self.design.check(features)?;
        let finite = self.intercept.is_finite() && self.coefficients.iter().all(|c| c.is_finite());
        if finite && self.coefficients.len() == self.design.width() {
            Ok(())
        } else {
            Err("its logistic regression does not hold together".to_owned())
        }
    }

    /// Probability of churn of a row.
    pub fn predict_row(&self, columns: &[Values], row: usize) -> f64 {
        let numbers = self.design.row(columns, row);
        let sum: f64 = self.coefficients.iter().zip(numbers).map(|(c, x)| c * x).sum();
        1.0 / (1.0 + (-(self.intercept + sum)).exp())
    }
}
