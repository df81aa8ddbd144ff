//! k-means: k-means++ starts and Lloyd's steps, the same bits on any number of threads.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::Settings;
use crate::MineError;
use crate::parallel;

/// Points that one task assigns and sums, in order.
const CHUNK: usize = 2048;
/// Points the silhouette is measured on.
const SILHOUETTE_SAMPLE: usize = 2000;

/// The best of the starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Shape `(k, features)`.
    pub centres: Array2<f64>,
    /// The nearest centre of every point.
    pub labels: Vec<usize>,
    /// Sum of squared distances to the nearest centre.
    pub inertia: f64,
    /// Lloyd's steps.
    pub iterations: usize,
    /// Whether they ended before the limit.
    pub converged: bool,
}

/// Fits `k` centres to points, shape `(points, features)`.
///
/// # Errors
/// If `k` is zero or above the number of points, or there are no starts.
pub fn fit(points: &Array2<f64>, k: usize, settings: &Settings) -> Result<Fit, MineError> {
    if k < 1 || k > points.nrows() {
        return Err(MineError::parameter(
            "k",
            format!("within 1 to the number of customers ({})", points.nrows()),
            k,
        ));
    }
    if settings.starts < 1 {
        return Err(MineError::parameter("starts", "at least 1", settings.starts));
    }
    let variance = points.var_axis(Axis(0), 0.0).mean().unwrap_or(0.0);
    let mut best: Option<Fit> = None;
    for start in 0..settings.starts {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(
            settings.seed ^ (start as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        );
        let centres = plus_plus(points, k, &mut rng);
        let fit = lloyd(points, centres, settings.max_iterations, settings.tolerance * variance);
        if best.as_ref().is_none_or(|b| fit.inertia < b.inertia) {
            best = Some(fit);
        }
    }
    best.ok_or_else(|| MineError::parameter("starts", "at least 1", 0))
}

/// Lloyd's steps from given centres, until no label changes or the centres' summed squared movement is
/// at most `tolerance`.
pub fn lloyd(points: &Array2<f64>, mut centres: Array2<f64>, max_iterations: usize, tolerance: f64) -> Fit {
    let mut labels = vec![usize::MAX; points.nrows()];
    let (mut iterations, mut converged) = (0, false);
    while iterations < max_iterations && !converged {
        iterations += 1;
        let step = assign(points, &centres, &mut labels);
        let moved = step.means(points, &centres);
        let shift = (&moved - &centres).mapv(|d| d * d).sum();
        centres = moved;
        converged = !step.changed || shift <= tolerance;
    }
    let last = assign(points, &centres, &mut labels);
    Fit { centres, labels, inertia: last.inertia, iterations, converged }
}

/// What assigning every point to its nearest centre came to.
struct Step {
    sums: Array2<f64>,
    counts: Vec<usize>,
    inertia: f64,
    changed: bool,
    /// The point farthest from its centre.
    farthest: (f64, usize),
}

fn assign(points: &Array2<f64>, centres: &Array2<f64>, labels: &mut [usize]) -> Step {
    let (k, d) = centres.dim();
    let empty = || Step {
        sums: Array2::zeros((k, d)),
        counts: vec![0; k],
        inertia: 0.0,
        changed: false,
        farthest: (-1.0, 0),
    };
    let parts: Vec<Step> = labels
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map(|(chunk, labels)| {
            let mut part = empty();
            for (i, label) in labels.iter_mut().enumerate() {
                let at = chunk * CHUNK + i;
                let point = points.row(at);
                let (nearest, distance) = nearest(point, centres);
                part.changed |= *label != nearest;
                *label = nearest;
                part.inertia += distance;
                part.counts[nearest] += 1;
                part.sums.row_mut(nearest).scaled_add(1.0, &point);
                if distance > part.farthest.0 {
                    part.farthest = (distance, at);
                }
            }
            part
        })
        .collect();
    parts.into_iter().fold(empty(), |mut all, part| {
        all.sums += &part.sums;
        all.counts.iter_mut().zip(&part.counts).for_each(|(a, p)| *a += p);
        all.inertia += part.inertia;
        all.changed |= part.changed;
        if part.farthest.0 > all.farthest.0 {
            all.farthest = part.farthest;
        }
        all
    })
}

impl Step {
    fn means(&self, points: &Array2<f64>, centres: &Array2<f64>) -> Array2<f64> {
        let mut means = centres.clone();
        let mut farthest = Some(self.farthest.1);
        for (c, count) in self.counts.iter().enumerate() {
            if *count > 0 {
                means.row_mut(c).assign(&(&self.sums.row(c) / *count as f64));
            } else if let Some(at) = farthest.take() {
                means.row_mut(c).assign(&points.row(at));
            }
        }
        means
    }
}

/// The nearest centre and the squared distance to it; ties go to the first.
pub fn nearest(point: ArrayView1<'_, f64>, centres: &Array2<f64>) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (c, centre) in centres.rows().into_iter().enumerate() {
        let distance = squared_distance(point, centre);
        if distance < best.1 {
            best = (c, distance);
        }
    }
    best
}

fn squared_distance(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// k-means++: each next centre is a point drawn with probability proportional to its squared distance
/// from the centres so far (Arthur & Vassilvitskii 2007).
fn plus_plus(points: &Array2<f64>, k: usize, rng: &mut impl Rng) -> Array2<f64> {
    let n = points.nrows();
    let mut centres = Array2::zeros((k, points.ncols()));
    centres.row_mut(0).assign(&points.row(rng.gen_range(0..n)));
    let mut distances = Array1::from_elem(n, f64::INFINITY);
    for c in 1..k {
        let newest = centres.row(c - 1).to_owned();
        let fresh = parallel::map(n, |i| squared_distance(points.row(i), newest.view()));
        for (d, f) in distances.iter_mut().zip(fresh) {
            *d = f64::min(*d, f);
        }
        let [total] = parallel::sum(n, |i, s: &mut [f64; 1]| s[0] += distances[i]);
        let mut left = rng.r#gen::<f64>() * total;
        let mut chosen = distances.iter().rposition(|d| *d > 0.0).unwrap_or(0);
        for (i, d) in distances.iter().enumerate() {
            left -= d;
            if left < 0.0 && *d > 0.0 {
                chosen = i;
                break;
            }
        }
        centres.row_mut(c).assign(&points.row(chosen));
    }
    centres
}

/// The mean silhouette of a sample (Rousseeuw 1987): for each point `(b - a) / max(a, b)`, with `a` the mean
/// distance within its cluster and `b` that to the nearest other. `None` for fewer than two clusters.
pub fn silhouette(points: &Array2<f64>, labels: &[usize], k: usize, seed: u64) -> Option<f64> {
    if k < 2 {
        return None;
    }
    let n = points.nrows();
    let mut sample: Vec<usize> = (0..n).collect();
    if n > SILHOUETTE_SAMPLE {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        for i in 0..SILHOUETTE_SAMPLE {
            sample.swap(i, rng.gen_range(i..n));
        }
        sample.truncate(SILHOUETTE_SAMPLE);
    }
    let widths = parallel::map(sample.len(), |s| {
        let own = labels[sample[s]];
        let mut sums = vec![(0.0, 0usize); k];
        for other in &sample {
            let sum = &mut sums[labels[*other]];
            sum.0 += squared_distance(points.row(sample[s]), points.row(*other)).sqrt();
            sum.1 += 1;
        }
        // Alone in its cluster: zero, by definition.
        if sums[own].1 < 2 {
            return 0.0;
        }
        let a = sums[own].0 / (sums[own].1 - 1) as f64;
        let others = sums.iter().enumerate().filter(|(c, (_, m))| *c != own && *m > 0);
        let b = others.map(|(_, (sum, m))| sum / *m as f64).fold(f64::INFINITY, f64::min);
        if b.is_finite() && a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
    });
    Some(widths.iter().sum::<f64>() / widths.len() as f64)
}

/// The number of different points, counted up to `enough`.
pub fn distinct_rows(points: &Array2<f64>, enough: usize) -> usize {
    let mut seen: Vec<Vec<u64>> = Vec::new();
    for row in points.rows() {
        let bits: Vec<u64> = row.iter().map(|v| v.to_bits()).collect();
        if !seen.contains(&bits) {
            seen.push(bits);
            if seen.len() >= enough {
                break;
            }
        }
    }
    seen.len()
}
