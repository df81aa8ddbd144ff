//! Gaussian mixtures, fitted by linfa-clustering's expectation maximisation (Dempster, Laird & Rubin 1977), chosen by Schwarz's (1978)
//! criterion. Unlike k-means they know clusters of any elliptic shape, and say how sure each membership is.

use linfa::DatasetBase;
use linfa::traits::Fit as _;
use linfa_clustering::GaussianMixtureModel;
use ndarray::{Array2, ArrayView2};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kmeans::Steps;
use crate::{MineError, parallel};

/// Added to every variance, so that no cluster shrinks to a point.
const LEAST_VARIANCE: f64 = 1e-6;

/// A fitted mixture of `k` normal distributions with full covariances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// The share of each cluster.
    pub weights: Vec<f64>,
    /// Its mean.
    pub means: Vec<Vec<f64>>,
    /// Its covariance matrix, row after row.
    pub covariances: Vec<Vec<Vec<f64>>>,
}

impl Mixture {
    /// Fits `k` distributions to points.
    ///
    /// # Errors
    /// If the search finds no mixture, as where a cluster would be empty or flat.
    pub fn fit(points: ArrayView2<'_, f64>, k: usize, steps: &Steps) -> Result<Mixture, MineError> {
        let dataset = DatasetBase::from(points.to_owned());
        let fitted = GaussianMixtureModel::params_with_rng(k, Xoshiro256PlusPlus::seed_from_u64(steps.seed))
            .n_runs(steps.starts as u64)
            .max_n_iterations(steps.max_iterations.max(1) as u64)
            .tolerance(1e-6)
            .reg_covariance(LEAST_VARIANCE)
            .fit(&dataset)
            .map_err(|e| {
                MineError::data(
                    format!("a Gaussian mixture of {k} needs as many rounded clusters"),
                    format!("none was found ({e}); try fewer clusters or other features"),
                )
            })?;
        let matrix =
            |m: ndarray::ArrayView2<'_, f64>| m.rows().into_iter().map(|r| r.to_vec()).collect::<Vec<_>>();
        let mixture = Mixture {
            weights: fitted.weights().to_vec(),
            means: matrix(fitted.means().view()),
            covariances: fitted.covariances().outer_iter().map(matrix).collect(),
        };
        mixture.check().map_err(|problem| MineError::data("a Gaussian mixture must be sound", problem))?;
        Ok(mixture)
    }

    /// Whether the numbers make a mixture.
    pub(super) fn check(&self) -> Result<(), String> {
        let (k, d) = (self.weights.len(), self.means.first().map_or(0, Vec::len));
        let shapes = k > 0
            && self.means.len() == k
            && self.means.iter().all(|m| m.len() == d && m.iter().all(|v| v.is_finite()))
            && self.covariances.len() == k
            && self.covariances.iter().all(|m| m.len() == d && m.iter().all(|r| r.len() == d))
            && self.weights.iter().all(|w| *w > 0.0 && *w <= 1.0 + 1e-9);
        if !shapes || self.covariances.iter().any(|m| cholesky(m).is_none()) {
            return Err(
                "every cluster of a mixture needs a share, a mean and a positive definite covariance matrix"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Membership probabilities of every point, shape `(points, clusters)`, and the logarithm of its density.
    pub fn memberships(&self, points: ArrayView2<'_, f64>) -> (Array2<f64>, Vec<f64>) {
        let (n, k) = (points.nrows(), self.weights.len());
        let parts: Vec<(Vec<Vec<f64>>, f64)> = self
            .covariances
            .iter()
            .map(|m| {
                let lower = cholesky(m).unwrap_or_default();
                let log_determinant = lower.iter().enumerate().map(|(i, r)| r[i].ln()).sum();
                (lower, log_determinant)
            })
            .collect();
        let d = points.ncols() as f64;
        let rows: Vec<(Vec<f64>, f64)> = parallel::map(n, |i| {
            let point = points.row(i);
            let mut logs: Vec<f64> = (0..k)
                .map(|c| {
                    let (lower, log_determinant) = &parts[c];
                    let mut solved: Vec<f64> = Vec::with_capacity(lower.len());
                    for (j, row) in lower.iter().enumerate() {
                        let known: f64 = row.iter().zip(&solved).map(|(l, s)| l * s).sum();
                        solved.push((point[j] - self.means[c][j] - known) / row[j]);
                    }
                    let square: f64 = solved.iter().map(|s| s * s).sum();
                    self.weights[c].ln() - 0.5 * (square + d * std::f64::consts::TAU.ln()) - log_determinant
                })
                .collect();
            let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let density = most + logs.iter().map(|l| (l - most).exp()).sum::<f64>().ln();
            logs.iter_mut().for_each(|l| *l = (*l - density).exp());
            (logs, density)
        });
        let mut memberships = Array2::zeros((n, k));
        for (mut to, (from, _)) in memberships.rows_mut().into_iter().zip(&rows) {
            to.iter_mut().zip(from).for_each(|(t, f)| *t = *f);
        }
        (memberships, rows.into_iter().map(|r| r.1).collect())
    }

    /// Schwarz's criterion: free parameters times `ln n`, less twice the log-likelihood.
    pub fn bic(&self, points: ArrayView2<'_, f64>) -> f64 {
        let (n, d) = points.dim();
        let k = self.weights.len();
        let free = k - 1 + k * d + k * d * (d + 1) / 2;
        let densities = self.memberships(points).1;
        let [log_likelihood] = parallel::sum(n, |i, s: &mut [f64; 1]| s[0] += densities[i]);
        free as f64 * (n as f64).ln() - 2.0 * log_likelihood
    }

    /// The likeliest cluster of every point, with its probability.
    pub(super) fn place(&self, points: ArrayView2<'_, f64>) -> Vec<(u32, f64)> {
        let (memberships, _) = self.memberships(points);
        let likeliest = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter()
                .enumerate()
                .fold((0, -1.0), |best, (c, p)| if *p > best.1 || p.is_nan() { (c as u32, *p) } else { best })
        };
        (0..points.nrows())
            .into_par_iter()
            .with_min_len(1024)
            .map(|i| likeliest(memberships.row(i)))
            .collect()
    }
}

/// The lower triangle whose square is the matrix, or `None` unless it is positive definite.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let d = matrix.len();
    let mut lower = vec![vec![0.0; d]; d];
    for i in 0..d {
        for j in 0..=i {
            let known: f64 = (0..j).map(|e| lower[i][e] * lower[j][e]).sum();
            let left = matrix[i][j] - known;
            if i == j {
                if !(left > 0.0 && left.is_finite()) {
                    return None;
                }
                lower[i][i] = left.sqrt();
            } else {
                lower[i][j] = left / lower[j][j];
            }
        }
    }
    Some(lower)
}
