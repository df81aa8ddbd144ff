//! k-means: `k` centres such that the sum of squared distances from each point to the nearest one (the *inertia*) is small.
//!
//! * [`start()`]: k-means++ and k-means||.
//! * [`lloyd()`]: exact steps that pass over most points by bounds; fast at ten million customers.
//! * [`staged`]: the same, begun on parts of the points.
//! * [`MiniBatch`]: steps on a part of the points at a time (Sculley 2010), for tables larger than memory.
//! * [`KMeans`]: the same behind linfa's `Fit`, `FitWith` and `PredictInplace`.
//!
//! Everything here gives the same bits on any number of threads and with vectors of any width.

mod adapter;
mod lloyd;
mod start;

use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2};
use rayon::prelude::*;

pub use adapter::KMeans;
pub use lloyd::lloyd;
pub(super) use lloyd::squared_distance;
pub use start::{Start, start};

use crate::MineError;

/// Fewest points of a part that [`staged`] begins on.
const FEWEST_STAGED: usize = 5_000;
/// Points that one task looks at.
const CHUNK: usize = 8192;

/// How to fit `k` centres.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// How the first centres are drawn.
    pub start: Start,
    /// Starts, made side by side; the lowest inertia wins.
    pub starts: usize,
    /// Lloyd's steps at most, per start.
    pub max_iterations: usize,
    /// Where to stop: summed squared movement of the centres, relative to the features' mean variance.
    pub tolerance: f64,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for Steps {
    fn default() -> Self {
        Steps { start: Start::PlusPlus, starts: 4, max_iterations: 300, tolerance: 1e-4, seed: 0 }
    }
}

/// Centres, and where the points are.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Shape `(k, features)`.
    pub centres: Array2<f64>,
    /// The nearest centre of every point.
    pub labels: Vec<u32>,
    /// Sum of squared distances to the nearest centre.
    pub inertia: f64,
    /// Lloyd's steps.
    pub iterations: usize,
    /// Whether they ended before the limit.
    pub converged: bool,
}

/// Fits `k` centres to finite points, shape `(points, features)`.
///
/// # Errors
/// If `k` is zero or above the number of points, or there are no starts or features.
pub fn fit(points: ArrayView2<'_, f64>, k: usize, steps: &Steps) -> Result<Fit, MineError> {
    if k < 1 || k > points.nrows().min(lloyd::MOST) || points.ncols() == 0 {
        let must =
            format!("within 1 to the number of customers ({}), and to {}", points.nrows(), lloyd::MOST);
        return Err(MineError::parameter("k", must, k));
    }
    let tolerance = steps.tolerance * mean_variance(points);
    let one = |number: usize| {
        let seed = steps.seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        staged(points, start(points, k, steps.start, seed), steps.max_iterations, tolerance)
    };
    let fits: Vec<Fit> = (0..steps.starts).into_par_iter().with_max_len(1).map(one).collect();
    fits.into_iter()
        .reduce(|best, f| if f.inertia < best.inertia { f } else { best })
        .ok_or_else(|| MineError::parameter("starts", "at least 1", 0))
}

/// [`lloyd()`], begun on random parts of the points, each eight times the one before, where there are very many.
///
/// The centres of a part of `n / 8` points are about as near to those of all as `1 / sqrt(n / 8)`, so that few steps are left to
/// take on all points, at an eighth of the cost a step. Where it ends is a fixed point of Lloyd's steps on all points, as without, but not always
/// the same one; as steps that begin near their end are small, a tenth of the tolerance holds. Steps on parts count in none of [`Fit`]'s figures.
pub fn staged(
    points: ArrayView2<'_, f64>,
    mut centres: Array2<f64>,
    max_iterations: usize,
    tolerance: f64,
) -> Fit {
    let (n, k) = (points.nrows(), centres.nrows());
    let mut begun = false;
    for share in [64, 8] {
        if n / share < FEWEST_STAGED.max(300 * k) {
            continue;
        }
        // A hash of its place decides whether a point is in: the same on any machine, and blind to any order of the points.
        let chosen = |i: &usize| {
            (*i as u64)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(29)
                .wrapping_mul(0xD1B5_4A32_D192_ED03)
                >> 32
        };
        let below = (1u64 << 32) / share as u64;
        let rows: Vec<usize> = (0..n).filter(|i| chosen(i) < below).collect();
        let part = points.select(Axis(0), &rows);
        centres = lloyd(part.view(), centres, max_iterations, tolerance / 10.0).centres;
        begun = true;
    }
    lloyd(points, centres, max_iterations, if begun { tolerance / 10.0 } else { tolerance })
}

/// The mean of the features' population variances.
pub fn mean_variance(points: ArrayView2<'_, f64>) -> f64 {
    let (n, d) = points.dim();
    let held = points.as_standard_layout();
    let chunks: Vec<[Vec<f64>; 2]> = rows(&held)
        .par_chunks(CHUNK * d.max(1))
        .map(|points| {
            let mut sums = [vec![0.0; d], vec![0.0; d]];
            for point in points.chunks_exact(d) {
                for (j, v) in point.iter().enumerate() {
                    sums[0][j] += v;
                    sums[1][j] += v * v;
                }
            }
            sums
        })
        .collect();
    let total = |part: usize, j: usize| chunks.iter().map(|c| c[part][j]).sum::<f64>() / n as f64;
    (0..d).map(|j| (total(1, j) - total(0, j).powi(2)).max(0.0)).sum::<f64>() / d.max(1) as f64
}

/// The nearest centre of every point; ties go to the first.
pub fn assign(points: ArrayView2<'_, f64>, centres: &Array2<f64>) -> Vec<u32> {
    nearest(points, centres).into_iter().map(|f| f.0).collect()
}

/// The nearest centre of every point, and the squared distance to it.
pub fn nearest(points: ArrayView2<'_, f64>, centres: &Array2<f64>) -> Vec<(u32, f64)> {
    let held = points.as_standard_layout();
    let groups = lloyd::Groups::new(centres);
    let d = points.ncols().max(1);
    rows(&held)
        .par_chunks_exact(d)
        .with_min_len(CHUNK)
        .map(|p| {
            let found = groups.search::<0>(p, 0);
            (u32::from(found.label), found.near)
        })
        .collect()
}

/// The coordinates of points in standard layout, row after row.
fn rows<'a>(points: &'a CowArray<'_, f64, Ix2>) -> &'a [f64] {
    // `as_standard_layout` makes them contiguous.
    points.as_slice().unwrap_or_default()
}

/// Centres that learn from one batch of points after another, each centre the running mean of all points that were nearest to it when
/// they came (Sculley 2010, *Web-scale k-means clustering*, WWW).
///
/// Memory holds the centres and one batch. Batches should be drawn at random, or pass by more than once: a centre moves by one over
/// the number of points it has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct MiniBatch {
    centres: Array2<f64>,
    seen: Vec<u64>,
}

impl MiniBatch {
    /// Begins with given centres, such as those of [`start()`] on a first batch.
    pub fn new(centres: Array2<f64>) -> MiniBatch {
        let seen = vec![0; centres.nrows()];
        MiniBatch { centres, seen }
    }

    /// Learns from a batch, shape `(points, features)`; the batch's inertia before.
    pub fn step(&mut self, batch: ArrayView2<'_, f64>) -> f64 {
        let nearest = nearest(batch, &self.centres);
        let mut sums = Array2::<f64>::zeros(self.centres.dim());
        let mut counts = vec![0u64; self.seen.len()];
        for (point, (label, _)) in batch.rows().into_iter().zip(&nearest) {
            let mut sum = sums.row_mut(*label as usize);
            sum += &point;
            counts[*label as usize] += 1;
        }
        for (c, mut centre) in self.centres.axis_iter_mut(Axis(0)).enumerate().filter(|(c, _)| counts[*c] > 0)
        {
            self.seen[c] += counts[c];
            let share = 1.0 / self.seen[c] as f64;
            let count = counts[c] as f64;
            centre.zip_mut_with(&sums.row(c), |m, s| *m += (s - count * *m) * share);
        }
        nearest.iter().map(|n| n.1).sum()
    }

    /// Forgets how much each centre has seen, so that it can move again.
    pub fn forget(&mut self) {
        self.seen.fill(0);
    }

    /// The centres, shape `(k, features)`.
    pub fn centres(&self) -> &Array2<f64> {
        &self.centres
    }
}

/// The number of different points, counted up to `enough`.
pub fn distinct_rows(points: ArrayView2<'_, f64>, enough: usize) -> usize {
    let mut seen = std::collections::HashSet::new();
    for row in points.rows() {
        // Zero and minus zero are one.
        let bits: Vec<u64> = row.iter().map(|v| (v + 0.0).to_bits()).collect();
        if seen.insert(bits) && seen.len() >= enough {
            break;
        }
    }
    seen.len()
}
