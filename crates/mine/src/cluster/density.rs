//! Clusters of any shape by density: linfa-clustering's DBSCAN (Ester, Kriegel, Sander & Xu 1996).
//!
//! A *core* is a point with at least `min_points` points, itself among them, within `eps`. Cores within `eps` of each other belong together; who
//! is within `eps` of a core belongs to the nearest one; all others are outliers. The cores are the model, so that new customers can be placed.

use linfa::ParamGuard;
use linfa::traits::Transformer;
use linfa_clustering::Dbscan;
use linfa_nn::distance::L2Dist;
use linfa_nn::{CommonNearestNeighbour, NearestNeighbour};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{MineError, parallel};

/// A fitted density model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Density {
    /// How near neighbours are.
    pub eps: f64,
    /// The cores.
    pub cores: Vec<Vec<f64>>,
    /// The cluster of each core.
    pub labels: Vec<u32>,
}

impl Density {
    /// Finds the clusters of points. Without `eps`, the knee of the distances to the `min_points`-th neighbour is taken.
    ///
    /// # Errors
    /// If `min_points` or `eps` is out of range, or no cluster is found.
    pub fn fit(
        points: ArrayView2<'_, f64>,
        min_points: usize,
        eps: Option<f64>,
    ) -> Result<Density, MineError> {
        if min_points < 2 {
            return Err(MineError::parameter("min_points", "at least 2", min_points));
        }
        if let Some(eps) = eps.filter(|e| !(*e > 0.0 && e.is_finite())) {
            return Err(MineError::parameter("eps", "above 0", eps));
        }
        let n = points.nrows();
        let rows: Vec<Vec<f64>> = points.rows().into_iter().map(|r| r.to_vec()).collect();
        // The distance to the `min_points`-th point, the point itself the first.
        let reach: Vec<f64> = parallel::map(n, |i| {
            let apart = |other: &Vec<f64>| -> f64 {
                other.iter().zip(&rows[i]).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            let mut all: Vec<f64> = rows.iter().map(apart).collect();
            let at = (min_points - 1).min(n - 1);
            all.select_nth_unstable_by(at, f64::total_cmp).1.sqrt()
        });
        let eps = match eps {
            Some(eps) => eps,
            None => match knee(&reach) {
                // Every customer lies on a point with enough others: only those on one point are near.
                0.0 => narrowest_gap(&rows) / 2.0,
                eps => eps,
            },
        };
        let none = |found: String| {
            MineError::data(
                format!("a density cluster needs {min_points} customers within {eps:.4} of one of them"),
                format!("{found}; raise eps or lower min_points"),
            )
        };
        if !(eps > 0.0 && eps.is_finite()) {
            return Err(none("the customers lie on too few points".to_owned()));
        }
        let params = Dbscan::params(min_points).tolerance(eps);
        let valid = params.check().map_err(|e| none(e.to_string()))?;
        let found = valid.transform(&points);
        let mut model = Density { eps, cores: Vec::new(), labels: Vec::new() };
        for ((row, label), reach) in rows.into_iter().zip(&found).zip(&reach) {
            if let Some(label) = label.filter(|_| n >= min_points && *reach <= eps) {
                model.cores.push(row);
                model.labels.push(label as u32);
            }
        }
        if model.cores.is_empty() { Err(none("there is none".to_owned())) } else { Ok(model) }
    }

    /// Clusters.
    pub fn k(&self) -> usize {
        self.labels.iter().max().map_or(0, |m| *m as usize + 1)
    }

    /// The cluster of every point, [`super::OUTLIER`] for outliers.
    pub(super) fn place(&self, points: ArrayView2<'_, f64>) -> Result<Vec<u32>, MineError> {
        let broken = |e: String| MineError::data("the density model must fit its features", e);
        let d = points.ncols();
        let cores = Array2::from_shape_vec((self.cores.len(), d), self.cores.concat())
            .map_err(|e| broken(e.to_string()))?;
        let index =
            CommonNearestNeighbour::KdTree.from_batch(&cores, L2Dist).map_err(|e| broken(e.to_string()))?;
        (0..points.nrows())
            .into_par_iter()
            .with_min_len(256)
            .map(|i| {
                let nearest = index.k_nearest(points.row(i), 1).map_err(|e| broken(e.to_string()))?;
                let within = |(core, at): &(ndarray::ArrayView1<'_, f64>, usize)| {
                    let square: f64 = core.iter().zip(points.row(i)).map(|(a, b)| (a - b) * (a - b)).sum();
                    (square.sqrt() <= self.eps).then_some(self.labels[*at])
                };
                Ok(nearest.first().and_then(within).unwrap_or(super::OUTLIER))
            })
            .collect()
    }
}

/// The least distance between two different points; of very many points, between neighbours along the first coordinate.
fn narrowest_gap(rows: &[Vec<f64>]) -> f64 {
    const FEW: usize = 2_000;
    let mut distinct: Vec<&Vec<f64>> = rows.iter().collect();
    distinct.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    distinct.dedup();
    let reach = if distinct.len() <= FEW { distinct.len() } else { 2 };
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let gaps = distinct
        .iter()
        .enumerate()
        .flat_map(|(i, a)| distinct.iter().skip(i + 1).take(reach).map(move |b| apart(a, b)));
    let least = gaps.fold(f64::INFINITY, f64::min);
    // All on one point: anything is near enough.
    if least.is_finite() { least } else { 1.0 }
}

/// Where the ascending curve of distances turns up: the value farthest below the line from its first to its last point (Satopää and
/// others 2011, in its simplest form).
fn knee(reach: &[f64]) -> f64 {
    let sorted = crate::stats::sorted_finite(reach);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return f64::NAN };
    let below = |i: usize| first + (last - first) * i as f64 / (sorted.len().max(2) - 1) as f64 - sorted[i];
    let at = (0..sorted.len()).fold(0, |best, i| if below(i) > below(best) { i } else { best });
    if sorted[at] > 0.0 { sorted[at] } else { *last }
}
