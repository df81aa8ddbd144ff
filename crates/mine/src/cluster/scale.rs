//! Columns to coordinates: blanks filled, tails cut, skew corrected, centred, scaled, weighted.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::message;
use tillwise_core::told::{Cell, Message};

use crate::stats::{quantile_sorted, sorted_finite};
use crate::{MineError, parallel};

/// What is to become of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    /// The column.
    pub column: String,
    /// Its skew.
    #[serde(default)]
    pub transform: Transform,
    /// Its scale.
    #[serde(default)]
    pub scale: Scale,
    /// Share of the customers at either end whose values are drawn in to the quantile there; below one half.
    #[serde(default)]
    pub winsor: f64,
    /// How much its squared differences count; above zero.
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

impl FeatureSpec {
    /// A column with the defaults.
    pub fn new(column: &str) -> FeatureSpec {
        FeatureSpec {
            column: column.to_owned(),
            transform: Transform::default(),
            scale: Scale::default(),
            winsor: 0.0,
            weight: 1.0,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// If one is out of its range.
    pub fn check(&self) -> Result<(), MineError> {
        if !(0.0..0.5).contains(&self.winsor) {
            return Err(MineError::parameter("winsor", "at least 0 and below 0.5", self.winsor));
        }
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return Err(MineError::parameter("weight", "above 0", self.weight));
        }
        Ok(())
    }
}

/// How skew is corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// `sign(v) ln(1 + |v|)`.
    #[default]
    Log,
    /// `sign(v) ln(1 + |v| / u)` with `u` the median size of the values that are not zero: for money, whose unit means nothing.
    RelativeLog,
    /// Yeo & Johnson's (2000) power, with the power of greatest likelihood.
    YeoJohnson,
    /// As it is.
    None,
}

/// How a column is centred and scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// By mean and standard deviation.
    #[default]
    Standard,
    /// By median and interquartile range, brought to the scale of a standard deviation (divided by 1.349).
    Robust,
    /// As it is.
    None,
}

/// How one column becomes a coordinate: `sqrt(weight) (t(v) - centre) / spread`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The column.
    pub name: String,
    /// Stands in for blanks, before everything else.
    pub median: f64,
    /// Values below and above are drawn in to these, if there are any.
    pub winsor: Option<[f64; 2]>,
    /// The transformation.
    pub transform: Transform,
    /// Yeo and Johnson's power.
    pub power: Option<f64>,
    /// What values are counted in before a logarithm.
    #[serde(default = "one")]
    pub unit: f64,
    /// Subtracted after it.
    pub centre: f64,
    /// Divided by; above zero.
    pub spread: f64,
    /// How much its squared differences count.
    pub weight: f64,
}

impl Feature {
    fn coordinate(&self, value: f64) -> f64 {
        self.weight.sqrt() * (self.transformed(value) - self.centre) / self.spread
    }

    fn transformed(&self, value: f64) -> f64 {
        let mut v = if value.is_finite() { value } else { self.median };
        if let Some([low, high]) = self.winsor {
            v = v.clamp(low, high);
        }
        match self.transform {
            Transform::None => v,
            Transform::Log | Transform::RelativeLog => v.signum() * (v.abs() / self.unit).ln_1p(),
            Transform::YeoJohnson => yeo_johnson(v, self.power.unwrap_or(1.0)),
        }
    }

    fn fit(
        spec: &FeatureSpec,
        values: &[f64],
        warnings: &mut Vec<Message>,
    ) -> Result<Option<Feature>, MineError> {
        spec.check()?;
        let name = &spec.column;
        if let Some(row) = values.iter().position(|v| v.is_infinite()) {
            let many = values.iter().filter(|v| v.is_infinite()).count();
            return Err(MineError::data(
                format!("clusters need finite numbers in `{name}`"),
                format!(
                    "{many} are infinite, the first in row {}; leave the feature out or mend the export",
                    row + 1
                ),
            ));
        }
        let sorted = sorted_finite(values);
        if sorted.is_empty() {
            warnings.push(message!("cluster_feature_blank", feature = name));
            return Ok(None);
        }
        let quantile = |p| quantile_sorted(&sorted, p);
        let winsor = (spec.winsor > 0.0).then(|| [quantile(spec.winsor), quantile(1.0 - spec.winsor)]);
        let mut feature = Feature {
            name: name.clone(),
            median: quantile(0.5),
            winsor,
            transform: spec.transform,
            power: None,
            unit: if spec.transform == Transform::RelativeLog { median_size(&sorted) } else { 1.0 },
            centre: 0.0,
            spread: 1.0,
            weight: spec.weight,
        };
        if spec.transform == Transform::YeoJohnson {
            let held: Vec<f64> = match winsor {
                Some([low, high]) => sorted.iter().map(|v| v.clamp(low, high)).collect(),
                None => sorted,
            };
            feature.power = Some(yeo_johnson_power(&held));
        }
        let soft = parallel::map(values.len(), |i| feature.transformed(values[i]));
        let n = soft.len() as f64;
        let [sum] = parallel::sum(soft.len(), |i, s: &mut [f64; 1]| s[0] += soft[i]);
        let middle = sum / n;
        let [squares] = parallel::sum(soft.len(), |i, s: &mut [f64; 1]| s[0] += (soft[i] - middle).powi(2));
        let deviation = (squares / n).sqrt();
        // Rounding leaves a constant column a spread of a few units in the last place.
        if !(deviation.is_finite() && deviation > 1e-12 * middle.abs().max(1.0)) {
            warnings.push(message!("cluster_feature_constant", feature = name));
            return Ok(None);
        }
        (feature.centre, feature.spread) = match spec.scale {
            Scale::Standard => (middle, deviation),
            Scale::None => (0.0, 1.0),
            Scale::Robust => {
                let sorted = sorted_finite(&soft);
                let range = quantile_sorted(&sorted, 0.75) - quantile_sorted(&sorted, 0.25);
                if range <= 1e-12 * middle.abs().max(1.0) {
                    warnings.push(message!("cluster_feature_narrow", feature = name));
                }
                let spread = if range > 1e-12 * middle.abs().max(1.0) { range / 1.349 } else { deviation };
                (quantile_sorted(&sorted, 0.5), spread)
            }
        };
        Ok(Some(feature))
    }
}

/// The median of the sizes of values that are not zero; one where all are.
fn median_size(values: &[f64]) -> f64 {
    let sizes: Vec<f64> = values.iter().map(|v| v.abs()).filter(|v| *v > 0.0).collect();
    let sorted = sorted_finite(&sizes);
    if sorted.is_empty() { 1.0 } else { quantile_sorted(&sorted, 0.5) }
}

/// The power transformation of Yeo & Johnson (2000, *Biometrika* 87, equation 2.1).
pub fn yeo_johnson(v: f64, power: f64) -> f64 {
    let boxed = |v: f64, power: f64| {
        if power.abs() < 1e-9 { v.ln_1p() } else { (power * v.ln_1p()).exp_m1() / power }
    };
    if v >= 0.0 { boxed(v, power) } else { -boxed(-v, 2.0 - power) }
}

/// The logarithm of the profile likelihood of a power (Yeo & Johnson 2000, equation 3.1), less its constants.
fn yeo_johnson_log_likelihood(values: &[f64], power: f64) -> f64 {
    let n = values.len();
    let [sum, jacobian] = parallel::sum(n, |i, s: &mut [f64; 2]| {
        s[0] += yeo_johnson(values[i], power);
        s[1] += values[i].signum() * values[i].abs().ln_1p();
    });
    let middle = sum / n as f64;
    let [squares] =
        parallel::sum(n, |i, s: &mut [f64; 1]| s[0] += (yeo_johnson(values[i], power) - middle).powi(2));
    -0.5 * n as f64 * (squares / n as f64).ln() + (power - 1.0) * jacobian
}

/// The power of greatest likelihood within -4 to 6, from ascending values; from evenly spaced ones where there are very many.
pub fn yeo_johnson_power(sorted: &[f64]) -> f64 {
    const MOST: usize = 1 << 18;
    let step = sorted.len().div_ceil(MOST).max(1);
    let held: Vec<f64> = sorted.iter().copied().step_by(step).collect();
    // Golden-section search; the likelihood has one peak.
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-4.0, 6.0);
    let value = |p: f64| {
        let v = yeo_johnson_log_likelihood(&held, p);
        if v.is_nan() { f64::NEG_INFINITY } else { v }
    };
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_a, mut at_b) = (value(a), value(b));
    while high - low > 1e-8 {
        if at_a >= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - ratio * (high - low);
            at_a = value(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + ratio * (high - low);
            at_b = value(b);
        }
    }
    0.5 * (low + high)
}

/// The features of a cluster model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scaling(pub Vec<Feature>);

impl Scaling {
    /// Learns the scaling; features that do not vary are left out, each with a warning.
    ///
    /// # Errors
    /// If a number is infinite or missing from its range, or no feature varies.
    pub fn fit(
        specs: &[FeatureSpec],
        columns: &[(&str, &[f64])],
        warnings: &mut Vec<Message>,
    ) -> Result<Scaling, MineError> {
        let mut kept = Vec::new();
        for spec in specs {
            kept.extend(Feature::fit(spec, column(columns, &spec.column)?, warnings)?);
        }
        if kept.is_empty() {
            let names: Vec<&str> = specs.iter().map(|s| s.column.as_str()).collect();
            return Err(MineError::data(
                "clusters need a feature that varies between customers",
                format!("{} do not", names.join(", ")),
            ));
        }
        Ok(Scaling(kept))
    }

    /// Coordinates, shape `(customers, features)`.
    ///
    /// # Errors
    /// If a feature is not among the columns.
    pub fn apply(&self, columns: &[(&str, &[f64])]) -> Result<Array2<f64>, MineError> {
        let n = columns.first().map_or(0, |c| c.1.len());
        let rows: Vec<usize> = (0..n).collect();
        self.apply_to(columns, &rows)
    }

    /// Coordinates of some rows.
    ///
    /// # Errors
    /// If a feature is not among the columns.
    pub fn apply_to(&self, columns: &[(&str, &[f64])], rows: &[usize]) -> Result<Array2<f64>, MineError> {
        let values = self.0.iter().map(|f| column(columns, &f.name)).collect::<Result<Vec<_>, _>>()?;
        let d = self.0.len();
        let mut points = vec![0.0; rows.len() * d];
        points.par_chunks_mut(d).zip(rows).with_min_len(1024).for_each(|(point, row)| {
            for ((c, feature), values) in point.iter_mut().zip(&self.0).zip(&values) {
                *c = feature.coordinate(values[*row]);
            }
        });
        Array2::from_shape_vec((rows.len(), d), points)
            .map_err(|e| MineError::data("coordinates must fill their table", e.to_string()))
    }

    /// The features' names in one line.
    pub fn names(&self) -> String {
        self.0.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

pub(super) fn column<'a>(columns: &[(&str, &'a [f64])], name: &str) -> Result<&'a [f64], MineError> {
    columns.iter().find(|c| c.0 == name).map(|c| c.1).ok_or_else(|| {
        MineError::data(format!("the cluster model needs the column `{name}`"), "it is not there")
    })
}

/// Means and the population covariance matrix of points.
pub fn covariance(points: ArrayView2<'_, f64>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (n, d) = points.dim();
    let sums = parallel::sums(n, d, |i, s| s.iter_mut().zip(points.row(i)).for_each(|(s, v)| *s += v));
    let means: Vec<f64> = sums.into_iter().map(|s| s / n.max(1) as f64).collect();
    let products = parallel::sums(n, d * d, |i, s| {
        let row = points.row(i);
        for a in 0..d {
            for b in 0..=a {
                s[a * d + b] += (row[a] - means[a]) * (row[b] - means[b]);
            }
        }
    });
    let matrix = (0..d)
        .map(|a| (0..d).map(|b| products[a.max(b) * d + a.min(b)] / n.max(1) as f64).collect())
        .collect();
    (means, matrix)
}

/// Pairs of features whose coordinates correlate at `least` or more, in words.
pub fn correlated(scaling: &Scaling, covariance: &[Vec<f64>], least: f64) -> Vec<Message> {
    let mut found = Vec::new();
    for a in 0..scaling.0.len() {
        for b in 0..a {
            let r = covariance[a][b] / (covariance[a][a] * covariance[b][b]).sqrt();
            if r.abs() >= least {
                let (first, second) = (&scaling.0[b].name, &scaling.0[a].name);
                let r = Cell::Number(r, 2);
                found.push(message!("features_alike", first = first, second = second, correlation = r));
            }
        }
    }
    found
}
