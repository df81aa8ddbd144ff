//! Columns to coordinates: skew-corrected, imputed, centred, scaled.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::MineError;
use crate::stats::{mean, quantile_sorted, sorted_finite};

/// How one column becomes a coordinate: `(s(v) - mean) / std_dev` with `s(v) = sign(v) ln(1 + |v|)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The column.
    pub name: String,
    /// Stands in for blanks, before the transformation.
    pub median: f64,
    /// Mean after the transformation.
    pub mean: f64,
    /// Population standard deviation after it; above zero.
    pub std_dev: f64,
}

impl Feature {
    fn coordinate(&self, value: f64) -> f64 {
        let value = if value.is_finite() { value } else { self.median };
        (soften(value) - self.mean) / self.std_dev
    }
}

fn soften(value: f64) -> f64 {
    value.signum() * value.abs().ln_1p()
}

/// The features of a cluster model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scaling(pub Vec<Feature>);

impl Scaling {
    /// Learns the scaling; also the names of features that do not vary, which are left out.
    ///
    /// # Errors
    /// If no feature varies.
    pub fn fit(features: &[(&str, &[f64])]) -> Result<(Scaling, Vec<String>), MineError> {
        let (mut kept, mut constant) = (Vec::new(), Vec::new());
        for (name, values) in features {
            let sorted = sorted_finite(values);
            let median = quantile_sorted(&sorted, 0.5);
            let soft: Vec<f64> =
                values.iter().map(|v| soften(if v.is_finite() { *v } else { median })).collect();
            let mean = mean(&soft);
            let std_dev = (soft.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / soft.len() as f64).sqrt();
            // Rounding leaves a constant column a spread of a few units in the last place.
            if std_dev.is_finite() && std_dev > 1e-12 * mean.abs().max(1.0) {
                kept.push(Feature { name: (*name).to_owned(), median, mean, std_dev });
            } else {
                constant.push((*name).to_owned());
            }
        }
        if kept.is_empty() {
            return Err(MineError::data(
                "clusters need a feature that varies between customers",
                format!("{} do not", constant.join(", ")),
            ));
        }
        Ok((Scaling(kept), constant))
    }

    /// Coordinates, shape `(customers, features)`.
    ///
    /// # Errors
    /// If a feature is not among the columns.
    pub fn apply(&self, columns: &[(&str, &[f64])]) -> Result<Array2<f64>, MineError> {
        let n = columns.first().map_or(0, |c| c.1.len());
        let mut points = Array2::zeros((n, self.0.len()));
        for (mut coordinates, feature) in points.columns_mut().into_iter().zip(&self.0) {
            let Some((_, values)) = columns.iter().find(|c| c.0 == feature.name) else {
                return Err(MineError::data(
                    format!("the cluster model needs the column `{}`", feature.name),
                    "it is not there",
                ));
            };
            for (c, v) in coordinates.iter_mut().zip(*values) {
                *c = feature.coordinate(*v);
            }
        }
        Ok(points)
    }

    /// The features' names in one line.
    pub fn names(&self) -> String {
        self.0.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}
