//! Clusters of customers: k-means, Gaussian mixtures or density, on scaled, skew-corrected features.
//!
//! **Story.** k-means places `k` centres so that the sum of squared distances from each customer to the nearest centre (the *inertia*) is
//! small. Distances only mean something when features are on one scale and not ruled by a few giants, so each feature is first
//! transformed, centred and scaled ([`FeatureSpec`]); blanks become its median. Features that do not vary are left out, and pairs that
//! correlate are pointed out, for they count twice.
//!
//! **Methods** ([`Method`]). [`kmeans`] is our own kernel, exact and fast. Mini-batches hold one batch of coordinates at a time. [`mixture`]
//! gives membership probabilities, [`density`] clusters of any shape and outliers; both come from linfa-clustering, and are fitted on a
//! sample of [`Settings::sample`] customers.
//!
//! **Choosing k** ([`quality`]). Every `k` of a range is tried on that sample and judged in six ways; one is the criterion, all are
//! reported, best first. The winner's centres are then brought to their end on all customers.
//!
//! **Labels.** Clusters are numbered by mean net revenue, the highest first, and named by the features in which they stand farthest from
//! the average. On a later night they take the ids, and where they are still the same customers the names, of the last model's clusters that
//! they overlap most ([`Clusters::follow`]).
//!
//! **Map.** Two coordinates a customer for plots: the first principal components (Pearson 1901) of the scaled features.

pub mod density;
pub mod kmeans;
pub mod matching;
pub mod mixture;
mod name;
pub mod profile;
pub mod quality;
mod scale;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use ndarray::{Array2, ArrayView2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use tillwise_core::told::Message;
use tillwise_core::{Parameters, message, number_or_nan, settings};

use crate::MineError;
use crate::stats::symmetric_eigen;
use density::Density;
use kmeans::{MiniBatch, Start, Steps};
use mixture::Mixture;
pub use quality::{Criterion, Tried};
pub use scale::{Feature, FeatureSpec, Scale, Scaling, Transform, yeo_johnson, yeo_johnson_power};

/// The label of customers in no cluster.
pub const OUTLIER: u32 = u32::MAX;
/// Rows that are scaled and placed at a time.
const CHUNK: usize = 1 << 16;
/// Correlation from which two features are pointed out.
const CORRELATED: f64 = 0.9;
/// Overlap (customers in both over customers in either) from which a matched cluster keeps its name.
const SAME: f64 = 0.5;
/// Customers that density is fitted on, at most: every one is held against every other.
const DENSITY_SAMPLE: usize = 10_000;
/// Customers of the sample for each cluster, at least.
const FEWEST_A_CLUSTER: usize = 50;

/// How clusters are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// [`kmeans::fit`].
    #[default]
    Kmeans,
    /// [`MiniBatch`].
    MiniBatch,
    /// [`Mixture`].
    GaussianMixture,
    /// [`Density`].
    Density,
}

/// How many clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum K {
    /// As many as said.
    Fixed(usize),
    /// The best by the criterion within the range, bounds inclusive.
    Auto {
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
    },
}

settings! {
    /// How clusters are found.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct How {
        /// The method.
        pub method: Method = Method::Kmeans,
        /// What `k` is chosen by; mixtures always go by Schwarz's criterion.
        pub choose: Criterion = Criterion::Silhouette,
        /// How first centres are drawn.
        pub start: Start = Start::PlusPlus,
        /// Starts; the best wins.
        pub starts: usize = 4,
        /// Steps at most, per start.
        pub max_iterations: usize = 300,
        /// Where to stop: squared movement of the centres, relative to the features' variance.
        pub tolerance: f64 = 1e-4,
        /// Customers that `k` and the starts are tried on, and that mixtures are fitted on; density, on ten thousand at most.
        pub sample: usize = 100_000,
        /// Customers of a mini-batch.
        pub batch: usize = 65_536,
        /// For density: neighbours that make a core, the core itself among them.
        pub min_points: usize = 20,
        /// For density: how near neighbours are, in the scaled space; without it, the knee of the distances.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub eps: Option<f64> = None,
    }
}

impl How {
    /// The steps of a fit of centres.
    fn steps(&self, seed: u64) -> Steps {
        Steps {
            start: self.start,
            starts: self.starts,
            max_iterations: self.max_iterations,
            tolerance: self.tolerance,
            seed,
        }
    }
}

/// What clusters are fitted by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Clusters; density finds as many as there are.
    pub k: K,
    /// The features.
    pub features: Vec<FeatureSpec>,
    /// How they are found.
    pub how: How,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { k: K::Auto { min: 3, max: 8 }, features: Vec::new(), how: How::default(), seed: 0 }
    }
}

/// Where clusters lie in the scaled space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The nearest centre decides; one row a cluster.
    Centres(Vec<Vec<f64>>),
    /// The likeliest distribution decides.
    Mixture(Mixture),
    /// The nearest core decides.
    Density(Density),
}

/// A cluster's label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its number, from 1; the same cluster keeps it from model to model.
    pub id: u32,
    /// What marks it.
    pub name: String,
}

/// A fitted cluster model.
///
/// ```
/// use tillwise_mine::cluster::{Clusters, FeatureSpec, K, Settings};
///
/// // Two kinds of customers: a few orders long ago, and many lately.
/// let orders: Vec<f64> = (0..200).map(|i| if i % 2 == 0 { 1.0 + f64::from(i % 3) } else { 40.0 + f64::from(i % 7) }).collect();
/// let silent: Vec<f64> = (0..200).map(|i| if i % 2 == 0 { 300.0 + f64::from(i % 5) } else { 5.0 + f64::from(i % 4) }).collect();
/// let revenue: Vec<f64> = orders.iter().map(|o| 20.0 * o).collect();
/// let features: [(&str, &[f64]); 2] = [("orders", &orders), ("days_since_last", &silent)];
/// let settings = Settings {
///     k: K::Fixed(2),
///     features: features.iter().map(|f| FeatureSpec::new(f.0)).collect(),
///     ..Settings::default()
/// };
/// let (clusters, _) = Clusters::fit(&features, &revenue, &settings)?;
/// // Clusters are numbered by mean revenue.
/// let labels = clusters.score(&features)?.labels;
/// assert_eq!(clusters.labels[labels[1] as usize].id, 1);
/// assert!(labels.iter().step_by(2).all(|l| *l == labels[0]) && labels[0] != labels[1]);
/// # Ok::<(), tillwise_mine::MineError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clusters {
    /// The settings that it was fitted by: it stands in for a fit of the same only.
    pub settings: Settings,
    /// How columns become coordinates.
    pub scaling: Scaling,
    /// Where the clusters lie.
    pub shape: Shape,
    /// Their labels, in the order of the shape.
    pub labels: Vec<Label>,
    /// The number that the next new cluster gets: none is used twice.
    pub next_id: u32,
    /// The mean of the scaled features.
    pub map_origin: Vec<f64>,
    /// Directions of the map's two axes.
    pub map_axes: [Vec<f64>; 2],
}

impl Parameters for Clusters {
    const KIND: &'static str = "cluster";
    const VERSION: u32 = 4;

    fn check(&self) -> Result<(), String> {
        let d = self.scaling.0.len();
        let fits = |c: &Vec<f64>| c.len() == d && c.iter().all(|v| v.is_finite());
        let rows: Vec<&Vec<f64>> = match &self.shape {
            Shape::Centres(centres) => centres.iter().collect(),
            Shape::Mixture(m) => {
                m.check()?;
                m.means.iter().collect()
            }
            Shape::Density(m) => m.cores.iter().collect(),
        };
        let k = match &self.shape {
            Shape::Density(m) if m.labels.len() == m.cores.len() => m.k(),
            Shape::Density(_) => 0,
            _ => rows.len(),
        };
        let axes = [&self.map_origin, &self.map_axes[0], &self.map_axes[1]];
        if k == 0 || d == 0 || self.labels.len() != k || !rows.into_iter().chain(axes).all(fits) {
            return Err(format!("it needs a label and {d} coordinates for every cluster"));
        }
        let sound = |f: &Feature| {
            let finite = [f.median, f.centre, f.power.unwrap_or(1.0)].iter().all(|v| v.is_finite());
            finite && f.spread > 0.0 && f.weight > 0.0 && f.winsor.is_none_or(|[low, high]| low <= high)
        };
        if !self.scaling.0.iter().all(sound) {
            return Err("every feature needs finite numbers, and a spread and a weight above 0".to_owned());
        }
        Ok(())
    }
}

/// What a reader wants to know of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How the clusters were found.
    pub method: Method,
    /// Clusters.
    pub k: usize,
    /// Within-cluster sum of squares of all customers in the scaled space; null for density, and for a mixture fitted on a sample.
    pub inertia: Option<f64>,
    /// Steps, or batches, of the winning start; null where linfa does not tell.
    pub iterations: Option<usize>,
    /// Whether they ended before the limit.
    pub converged: bool,
    /// Customers that `k` was tried on.
    pub tried_on: usize,
    /// Each `k` tried, with its judgement and its place.
    pub tried: Vec<Tried>,
    /// What to bear in mind.
    pub warnings: Vec<Message>,
}

/// Where customers belong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scored {
    /// Index into [`Clusters::labels`], or [`OUTLIER`].
    pub labels: Vec<u32>,
    /// Probability of that membership, NaN for methods without one.
    pub probabilities: Vec<f64>,
    /// The two coordinates of the map.
    pub map: [Vec<f64>; 2],
}

/// A fit before its clusters have labels.
struct Found {
    shape: Shape,
    inertia: Option<f64>,
    iterations: Option<usize>,
    converged: bool,
    tried: Vec<Tried>,
}

impl Clusters {
    /// Fits clusters to named columns. `revenue` (one value a customer) orders them.
    ///
    /// # Errors
    /// If a setting is out of range, no feature varies, a number is infinite, or there are fewer distinct customers than clusters.
    pub fn fit(
        columns: &[(&str, &[f64])],
        revenue: &[f64],
        settings: &Settings,
    ) -> Result<(Clusters, Report), MineError> {
        let n = revenue.len();
        let mut warnings = Vec::new();
        let scaling = Scaling::fit(&settings.features, columns, &mut warnings)?;
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
        let most = match settings.how.method {
            Method::Density => settings.how.sample.min(DENSITY_SAMPLE),
            _ => settings.how.sample.max(FEWEST_A_CLUSTER.saturating_mul(high)),
        };
        let places = quality::sample(n, most, settings.seed);
        let sample = scaling.apply_to(columns, &places)?;
        let (origin, matrix) = scale::covariance(sample.view());
        warnings.extend(scale::correlated(&scaling, &matrix, CORRELATED));
        let distinct = kmeans::distinct_rows(sample.view(), high);
        if low > distinct && settings.how.method != Method::Density {
            return Err(MineError::data(
                format!("{low} clusters need at least as many different customers"),
                format!("there are {distinct} of {} that differ in {}", sample.nrows(), scaling.names()),
            ));
        }
        let range = low..=high.min(distinct);
        let mut found = match settings.how.method {
            Method::Kmeans | Method::MiniBatch => by_centres(sample.view(), range, settings, |start| {
                finish(columns, &scaling, &places, &sample, start, n, settings)
            })?,
            Method::GaussianMixture => by_mixtures(sample.view(), range, n, settings, &mut warnings)?,
            Method::Density => {
                let model = Density::fit(sample.view(), settings.how.min_points, settings.how.eps)?;
                Found {
                    shape: Shape::Density(model),
                    inertia: None,
                    iterations: None,
                    converged: true,
                    tried: Vec::new(),
                }
            }
        };
        let mut model = Clusters {
            settings: settings.clone(),
            scaling,
            labels: Vec::new(),
            next_id: 0,
            map_axes: map_axes(&matrix),
            map_origin: origin,
            shape: found.shape,
        };
        let labels = model.score(columns)?.labels;
        let order = by_mean_revenue(&labels, revenue, model.shape.k());
        model.shape.reorder(&order);
        let placed: Vec<u32> = labels
            .iter()
            .map(|l| order.iter().position(|o| *o == *l as usize).map_or(OUTLIER, |p| p as u32))
            .collect();
        let marks = profile::standing(&model.scaling, columns, &placed, order.len())?;
        let names = name::names(&model.scaling, &marks);
        model.labels = names.into_iter().zip(1..).map(|(name, id)| Label { id, name }).collect();
        model.next_id = order.len() as u32 + 1;
        found.tried.sort_by_key(|t| t.k);
        if !found.converged {
            warnings.push(match settings.how.method {
                Method::MiniBatch => message!("batches_ran_out"),
                _ => message!("steps_ran_out"),
            });
        }
        let report = Report {
            method: settings.how.method,
            k: order.len(),
            inertia: found.inertia,
            iterations: found.iterations,
            converged: found.converged,
            tried_on: places.len(),
            tried: found.tried,
            warnings,
        };
        Ok((model, report))
    }

    /// Whether it was fitted by these settings.
    pub fn suits(&self, settings: &Settings) -> bool {
        self.settings == *settings
    }

    /// Where every customer belongs. Coordinates are held for a part of the customers at a time.
    ///
    /// # Errors
    /// If a feature that the model was fitted on is not among the columns.
    pub fn score(&self, columns: &[(&str, &[f64])]) -> Result<Scored, MineError> {
        let n = columns.first().map_or(0, |c| c.1.len());
        let mut scored = Scored::default();
        for from in (0..n).step_by(CHUNK) {
            let rows: Vec<usize> = (from..(from + CHUNK).min(n)).collect();
            let points = self.scaling.apply_to(columns, &rows)?;
            match &self.shape {
                Shape::Centres(centres) => {
                    scored.labels.extend(kmeans::assign(points.view(), &table(centres)?));
                    scored.probabilities.resize(from + rows.len(), f64::NAN);
                }
                Shape::Mixture(mixture) => {
                    for (label, probability) in mixture.place(points.view()) {
                        scored.labels.push(label);
                        scored.probabilities.push(probability);
                    }
                }
                Shape::Density(density) => {
                    scored.labels.extend(density.place(points.view())?);
                    scored.probabilities.resize(from + rows.len(), f64::NAN);
                }
            }
            for (axis, direction) in scored.map.iter_mut().zip(&self.map_axes) {
                axis.extend(points.rows().into_iter().map(|p| {
                    p.iter().zip(&self.map_origin).zip(direction).map(|((v, o), d)| (v - o) * d).sum::<f64>()
                }));
            }
        }
        Ok(scored)
    }

    /// Takes over the ids of an earlier model's clusters, so that overlaps are as large as can be, and the names of those that are still
    /// mostly the same customers. Both label lists are of the same customers, by this model and by the last.
    pub fn follow(&mut self, last: &Clusters, labels: &[u32], last_labels: &[u32]) -> Drift {
        let inside = |l: &u32, m: &Clusters| if *l == OUTLIER { m.labels.len() as u32 } else { *l };
        let ours: Vec<u32> = labels.iter().map(|l| inside(l, self)).collect();
        let theirs: Vec<u32> = last_labels.iter().map(|l| inside(l, last)).collect();
        let mut table = quality::crosstab(&ours, &theirs);
        table.resize(self.labels.len() + 1, Vec::new());
        table.iter_mut().for_each(|r| r.resize(last.labels.len() + 1, 0));
        let size = |c: usize| table[c].iter().sum::<u64>();
        let last_size = |c: usize| table.iter().map(|r| r[c]).sum::<u64>();
        let gains: Vec<Vec<f64>> = table[..self.labels.len()]
            .iter()
            .map(|r| r[..last.labels.len()].iter().map(|n| *n as f64).collect())
            .collect();
        let matched = matching::assignment(&gains);
        let mut next_id = last.next_id;
        let mut clusters = Vec::new();
        let fresh: Vec<String> = self.labels.iter().map(|l| l.name.clone()).collect();
        for (c, label) in self.labels.iter_mut().enumerate() {
            let matched = matched[c].filter(|m| table[c][*m] > 0);
            let kept = matched.map_or(0, |m| table[c][m]);
            let before = matched.map_or(0, last_size);
            let status = match matched {
                Some(m) => {
                    label.id = last.labels[m].id;
                    if kept as f64 >= SAME * (size(c) + before - kept) as f64 {
                        label.name.clone_from(&last.labels[m].name);
                    }
                    "kept"
                }
                None => {
                    label.id = next_id;
                    next_id += 1;
                    "new"
                }
            };
            let row = Drifted {
                label: label.clone(),
                status: Cow::Borrowed(status),
                last: before,
                now: size(c),
                kept,
            };
            clusters.push(row);
        }
        // A fresh name may be one that another cluster has kept.
        for c in 0..self.labels.len() {
            let twice = (0..self.labels.len()).any(|o| o != c && self.labels[o].name == self.labels[c].name);
            if twice && self.labels[c].name == fresh[c] {
                self.labels[c].name = format!("{} [{}]", fresh[c], self.labels[c].id);
                clusters[c].label.clone_from(&self.labels[c]);
            }
        }
        self.next_id = next_id;
        for (m, label) in last.labels.iter().enumerate() {
            if !self.labels.iter().any(|l| l.id == label.id) {
                clusters.push(Drifted {
                    label: label.clone(),
                    status: Cow::Borrowed("gone"),
                    last: last_size(m),
                    now: 0,
                    kept: 0,
                });
            }
        }
        clusters.sort_by_key(|c| c.label.id);
        let outliers = table[self.labels.len()][last.labels.len()];
        let kept: u64 = clusters.iter().map(|c| c.kept).sum::<u64>() + outliers;
        Drift { moved_share: 1.0 - kept as f64 / (labels.len() as f64).max(1.0), clusters }
    }
}

/// How far clusters have moved since the last model: the same customers, placed by both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Share of the customers that the two models put into different clusters.
    #[serde(deserialize_with = "number_or_nan")]
    pub moved_share: f64,
    /// Clusters by id, those of the last model that are gone among them.
    pub clusters: Vec<Drifted>,
}

/// One cluster's drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drifted {
    /// Its label.
    #[serde(flatten)]
    pub label: Label,
    /// `kept`, `new` or `gone`.
    pub status: Cow<'static, str>,
    /// Customers that the last model puts into it.
    pub last: u64,
    /// Customers that this model puts into it.
    pub now: u64,
    /// Customers that both put into it.
    pub kept: u64,
}

impl Shape {
    /// Clusters.
    pub fn k(&self) -> usize {
        match self {
            Shape::Centres(centres) => centres.len(),
            Shape::Mixture(m) => m.weights.len(),
            Shape::Density(m) => m.k(),
        }
    }

    fn reorder(&mut self, order: &[usize]) {
        fn pick<T: Clone>(from: &mut Vec<T>, order: &[usize]) {
            *from = order.iter().map(|o| from[*o].clone()).collect();
        }
        match self {
            Shape::Centres(centres) => pick(centres, order),
            Shape::Mixture(m) => {
                pick(&mut m.weights, order);
                pick(&mut m.means, order);
                pick(&mut m.covariances, order);
            }
            Shape::Density(m) => {
                for label in &mut m.labels {
                    *label = order.iter().position(|o| *o == *label as usize).unwrap_or(0) as u32;
                }
            }
        }
    }
}

fn table(rows: &[Vec<f64>]) -> Result<Array2<f64>, MineError> {
    let d = rows.first().map_or(0, Vec::len);
    Array2::from_shape_vec((rows.len(), d), rows.concat())
        .map_err(|e| MineError::data("every centre needs the same features", e.to_string()))
}

/// Tries every `k` on the sample, and brings the best centres to their end.
fn by_centres(
    sample: ArrayView2<'_, f64>,
    range: std::ops::RangeInclusive<usize>,
    settings: &Settings,
    finish: impl Fn(kmeans::Fit) -> Result<kmeans::Fit, MineError>,
) -> Result<Found, MineError> {
    let (seed, steps) = (settings.seed, settings.how.steps(settings.seed));
    let mut fits = Vec::new();
    let mut tried = Vec::new();
    for k in range {
        let fit = kmeans::fit(sample, k, &steps)?;
        tried.push(quality::judge(sample, &fit.labels, k, seed));
        fits.push(fit);
    }
    if matches!(settings.k, K::Auto { .. }) {
        quality::resample(sample, &mut tried, seed)?;
    }
    quality::rank(&mut tried, settings.how.choose, false);
    let best = fits.into_iter().zip(&tried).find(|(_, t)| t.rank == 1);
    let (fit, _) = best.ok_or_else(|| MineError::data("clusters need customers", "there are none"))?;
    let fit = finish(fit)?;
    let centres = fit.centres.rows().into_iter().map(|r| r.to_vec()).collect();
    Ok(Found {
        shape: Shape::Centres(centres),
        inertia: Some(fit.inertia),
        iterations: Some(fit.iterations),
        converged: fit.converged,
        tried,
    })
}

/// From the sample's centres to those of all customers.
fn finish(
    columns: &[(&str, &[f64])],
    scaling: &Scaling,
    places: &[usize],
    sample: &Array2<f64>,
    start: kmeans::Fit,
    n: usize,
    settings: &Settings,
) -> Result<kmeans::Fit, MineError> {
    let steps = settings.how.steps(settings.seed);
    let tolerance = steps.tolerance * kmeans::mean_variance(sample.view());
    if settings.how.method == Method::Kmeans {
        if places.len() == n {
            return Ok(start);
        }
        let points = scaling.apply(columns)?;
        return Ok(kmeans::staged(points.view(), start.centres, steps.max_iterations, tolerance));
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(steps.seed);
    let batch = settings.how.batch.clamp(1, n);
    // Every customer is seen about three times, in no fewer than a hundred batches.
    let batches = (3 * n).div_ceil(batch).max(100);
    let mut model = MiniBatch::new(start.centres);
    let mut before = model.centres().clone();
    for number in 0..batches {
        if number == batches - batches / 10 {
            before.assign(model.centres());
        }
        let rows: Vec<usize> = (0..batch).map(|_| rng.gen_range(0..n)).collect();
        model.step(scaling.apply_to(columns, &rows)?.view());
    }
    let shift = (model.centres() - &before).mapv(|v| v * v).sum();
    let centres = model.centres().clone();
    let mut inertia = 0.0;
    for from in (0..n).step_by(CHUNK) {
        let rows: Vec<usize> = (from..(from + CHUNK).min(n)).collect();
        let points = scaling.apply_to(columns, &rows)?;
        inertia += kmeans::nearest(points.view(), &centres).iter().map(|f| f.1).sum::<f64>();
    }
    Ok(kmeans::Fit {
        centres,
        labels: Vec::new(),
        inertia,
        iterations: batches,
        converged: shift <= tolerance,
    })
}

fn by_mixtures(
    sample: ArrayView2<'_, f64>,
    range: std::ops::RangeInclusive<usize>,
    n: usize,
    settings: &Settings,
    warnings: &mut Vec<Message>,
) -> Result<Found, MineError> {
    let (mut fits, mut tried, mut failure) = (Vec::new(), Vec::new(), None);
    for k in range {
        match Mixture::fit(sample, k, &settings.how.steps(settings.seed)) {
            Ok(mixture) => {
                let labels: Vec<u32> = mixture.place(sample).into_iter().map(|p| p.0).collect();
                let judged = quality::judge(sample, &labels, k, settings.seed);
                tried.push(Tried { bic: Some(mixture.bic(sample)), ..judged });
                fits.push(mixture);
            }
            Err(e) => {
                warnings.push(message!("no_clusters_of", k = k, why = e.to_string()));
                failure = Some(e);
            }
        }
    }
    quality::rank(&mut tried, settings.how.choose, true);
    let best = fits.into_iter().zip(&tried).find(|(_, t)| t.rank == 1);
    match (best, failure) {
        (Some((mixture, t)), _) => Ok(Found {
            inertia: Some(t.inertia).filter(|_| sample.nrows() == n),
            shape: Shape::Mixture(mixture),
            iterations: None,
            converged: true,
            tried,
        }),
        (None, Some(e)) => Err(e),
        (None, None) => Err(MineError::data("clusters need customers", "there are none")),
    }
}

/// The two directions in which the points vary most, each with its largest part positive.
fn map_axes(covariance: &[Vec<f64>]) -> [Vec<f64>; 2] {
    let d = covariance.len();
    let (values, vectors) = symmetric_eigen(covariance);
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    std::array::from_fn(|axis| {
        let Some(e) = order.get(axis) else { return vec![0.0; d] };
        let direction: Vec<f64> = (0..d).map(|j| vectors[j][*e]).collect();
        let largest = direction.iter().fold(0.0, |m: f64, v| if v.abs() > m.abs() + 1e-12 { *v } else { m });
        direction.into_iter().map(|v| v * largest.signum()).collect()
    })
}

/// The clusters, the highest mean revenue first; ties by their first order.
fn by_mean_revenue(labels: &[u32], revenue: &[f64], k: usize) -> Vec<usize> {
    let mut sums = vec![(0.0, 0usize); k];
    for (label, value) in labels.iter().zip(revenue).filter(|(l, _)| **l != OUTLIER) {
        sums[*label as usize].0 += value;
        sums[*label as usize].1 += 1;
    }
    let means: Vec<f64> = sums.iter().map(|(s, n)| s / (*n).max(1) as f64).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|a, b| means[*b].total_cmp(&means[*a]));
    order
}
