//! Clusters of customers: k-means on scaled, skew-corrected features.
//!
//! **Story.** k-means places `k` centres so that the sum of squared distances from each customer to the
//! nearest centre (the *inertia*) is small. Distances only mean something when features are on one
//! scale and not ruled by a few giants, so each feature is first turned into `sign(v) ln(1 + |v|)`,
//! blanks become its median, and it is centred and divided by its standard deviation ([`Scaling`]).
//! Constant features are left out.
//!
//! **Fit** ([`kmeans::fit`]). Starts by k-means++ (Arthur & Vassilvitskii 2007), then Lloyd's steps
//! (Lloyd 1982) until no customer moves or the centres move less than the tolerance; of several starts
//! the one with the lowest inertia wins. A centre that loses all its customers goes to the customer
//! farthest from its own centre.
//!
//! **Choosing k.** With [`K::Auto`] every `k` in a range is fitted and the one with the best mean
//! silhouette (Rousseeuw 1987), on a sample of fixed size, is taken; the curve is in the report.
//!
//! **Names.** Clusters are ordered by mean net revenue, the highest first, and named by the features in
//! which their centre stands farthest from the average, as in "frequent, high spend".

pub mod kmeans;
mod name;
mod scale;

#[cfg(test)]
mod tests;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use tillwise_core::Parameters;

use crate::MineError;
use crate::parallel;
pub use scale::{Feature, Scaling};

/// How many clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum K {
    /// As many as said.
    Fixed(usize),
    /// The best silhouette within the range, bounds inclusive.
    Auto {
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
    },
}

/// How to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Clusters.
    pub k: K,
    /// Starts; the best wins.
    pub starts: usize,
    /// Lloyd's steps at most, per start.
    pub max_iterations: usize,
    /// Where to stop: squared movement of the centres, relative to the features' mean variance.
    pub tolerance: f64,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { k: K::Auto { min: 3, max: 8 }, starts: 4, max_iterations: 300, tolerance: 1e-4, seed: 0 }
    }
}

/// A fitted cluster model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clusters {
    /// How columns become coordinates.
    pub scaling: Scaling,
    /// Centres in the scaled space, one row a cluster, the highest mean net revenue first.
    pub centres: Vec<Vec<f64>>,
    /// The clusters' names, in the same order.
    pub names: Vec<String>,
}

impl Parameters for Clusters {
    const KIND: &'static str = "cluster";
    const VERSION: u32 = 1;

    fn check(&self) -> Result<(), String> {
        let features = self.scaling.0.len();
        let fits = |c: &Vec<f64>| c.len() == features && c.iter().all(|v| v.is_finite());
        if self.centres.is_empty() || self.names.len() != self.centres.len() || !self.centres.iter().all(fits)
        {
            return Err(format!("it needs a name and {features} coordinates for every centre"));
        }
        Ok(())
    }
}

/// What a reader wants to know of a fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Clusters.
    pub k: usize,
    /// Within-cluster sum of squares, in the scaled space.
    pub inertia: f64,
    /// Lloyd's steps of the winning start.
    pub iterations: usize,
    /// Whether they ended before the limit.
    pub converged: bool,
    /// Each `k` tried, with its inertia and its silhouette.
    pub tried: Vec<Tried>,
    /// Features that do not vary, and were left out.
    pub constant_features: Vec<String>,
}

/// One `k` that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Clusters.
    pub k: usize,
    /// Within-cluster sum of squares.
    pub inertia: f64,
    /// Mean silhouette on the sample; null for a single cluster.
    pub silhouette: Option<f64>,
}

impl Clusters {
    /// Fits clusters to named columns. `revenue` (one value a customer) orders them.
    ///
    /// # Errors
    /// If a setting is out of range, no feature varies, or there are fewer distinct customers than
    /// clusters.
    pub fn fit(
        features: &[(&str, &[f64])],
        revenue: &[f64],
        settings: &Settings,
    ) -> Result<(Clusters, Report), MineError> {
        let (scaling, constant) = Scaling::fit(features)?;
        let points = scaling.apply(features)?;
        let (low, high) = match settings.k {
            K::Fixed(k) => (k, k),
            K::Auto { min, max } => (min, max),
        };
        if low < 1 || low > high {
            return Err(MineError::parameter(
                "k",
                "at least 1, or a range of such",
                format!("{low} to {high}"),
            ));
        }
        let distinct = kmeans::distinct_rows(&points, high);
        if low > distinct {
            return Err(MineError::data(
                format!("{low} clusters need at least as many different customers"),
                format!("there are {distinct} of {} that differ in {}", points.nrows(), scaling.names()),
            ));
        }
        let mut tried = Vec::new();
        let mut best: Option<(f64, kmeans::Fit)> = None;
        for k in low..=high.min(distinct) {
            let fit = kmeans::fit(&points, k, settings)?;
            let silhouette = kmeans::silhouette(&points, &fit.labels, k, settings.seed);
            tried.push(Tried { k, inertia: fit.inertia, silhouette });
            let merit = silhouette.unwrap_or(-1.0);
            if best.as_ref().is_none_or(|(m, _)| merit > *m) {
                best = Some((merit, fit));
            }
        }
        let Some((_, fit)) = best else {
            return Err(MineError::data("clusters need customers", "there are none"));
        };
        let k = fit.centres.nrows();
        let order = by_mean_revenue(&fit.labels, revenue, k);
        let centres: Vec<Vec<f64>> = order.iter().map(|c| fit.centres.row(*c).to_vec()).collect();
        let names = name::names(&scaling, &centres);
        let report = Report {
            k,
            inertia: fit.inertia,
            iterations: fit.iterations,
            converged: fit.converged,
            tried,
            constant_features: constant,
        };
        Ok((Clusters { scaling, centres, names }, report))
    }

    /// The cluster of every customer, as an index into [`Clusters::names`].
    ///
    /// # Errors
    /// If a feature that the model was fitted on is not among the columns.
    pub fn score(&self, features: &[(&str, &[f64])]) -> Result<Vec<usize>, MineError> {
        let points = self.scaling.apply(features)?;
        let k = self.centres.len();
        let centres = Array2::from_shape_vec((k, points.ncols()), self.centres.concat())
            .map_err(|e| MineError::data("the model's centres must match its features", e.to_string()))?;
        Ok(parallel::map(points.nrows(), |i| kmeans::nearest(points.row(i), &centres).0))
    }
}

/// The clusters, the highest mean revenue first; ties by their first order.
fn by_mean_revenue(labels: &[usize], revenue: &[f64], k: usize) -> Vec<usize> {
    let mut sums = vec![(0.0, 0usize); k];
    for (label, value) in labels.iter().zip(revenue) {
        sums[*label].0 += value;
        sums[*label].1 += 1;
    }
    let means: Vec<f64> = sums.iter().map(|(s, n)| s / (*n).max(1) as f64).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|a, b| means[*b].total_cmp(&means[*a]));
    order
}
