//! How good a partition is, and whether another number of clusters would be better.
//!
//! * The *silhouette* (Rousseeuw 1987): mean of `(b - a) / max(a, b)`, `a` the mean distance within the own cluster, `b` that to the
//!   nearest other. Within -1 to 1; large is good.
//! * Caliński & Harabasz (1974): variance between over variance within, each by its degrees of freedom. Large is good.
//! * Davies & Bouldin (1979): mean over clusters of the worst `(s_i + s_j) / d_ij`, `s` the mean distance to the own centroid, `d` between
//!   centroids. Small is good.
//! * The *gap* (Tibshirani, Walther & Hastie 2001): how much lower `ln(inertia)` is than on points without clusters, drawn evenly from
//!   the box of the principal axes (their variant b). The smallest `k` whose gap is at least the next one's less its error is taken.
//! * *Stability* (Ben-Hur, Elisseeff & Guyon 2002; Hubert & Arabie's adjusted Rand index 1985): how alike the partitions are that two random
//!   parts of the customers lead to. At most 1; about 0 by chance.

use ndarray::{Array2, ArrayView2, Axis};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::number_or_nan;

use super::kmeans::{Steps, assign, fit, squared_distance};
use super::scale::covariance;
use crate::stats::symmetric_eigen;
use crate::{MineError, parallel};

/// Points that all but the inertia are measured on.
const SAMPLE: usize = 2000;
/// Sets without clusters that the gap is held against.
const REFERENCES: usize = 10;
/// Pairs of parts that stability is the mean of, and the share of the points in a part.
const PAIRS: usize = 10;
const PART: f64 = 0.7;

/// What `k` is chosen by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The greatest silhouette.
    #[default]
    Silhouette,
    /// The greatest index of Caliński and Harabasz.
    CalinskiHarabasz,
    /// The smallest index of Davies and Bouldin.
    DaviesBouldin,
    /// The smallest `k` whose gap is at least the next one's less its error.
    Gap,
    /// The greatest stability.
    Stability,
}

/// One `k` that was tried. What cannot be told, as for a single cluster, is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Clusters.
    pub k: usize,
    /// Within-cluster sum of squares of the customers it was tried on.
    #[serde(deserialize_with = "number_or_nan")]
    pub inertia: f64,
    /// Mean silhouette.
    pub silhouette: Option<f64>,
    /// Index of Caliński and Harabasz.
    pub calinski_harabasz: Option<f64>,
    /// Index of Davies and Bouldin.
    pub davies_bouldin: Option<f64>,
    /// Gap statistic.
    pub gap: Option<f64>,
    /// Its standard error, with the error of the simulation.
    pub gap_error: Option<f64>,
    /// Mean adjusted Rand index between the partitions of random parts.
    pub stability: Option<f64>,
    /// For Gaussian mixtures: Schwarz's criterion; small is good.
    pub bic: Option<f64>,
    /// Place by the criterion, 1 is the choice.
    pub rank: usize,
}

/// Ranks what was tried; the best comes to have rank 1. Ties go to the smaller `k`; what a criterion cannot tell comes last.
pub fn rank(tried: &mut [Tried], by: Criterion, mixture: bool) {
    let least = |v: Option<f64>| v.filter(|v| v.is_finite()).unwrap_or(f64::INFINITY);
    let most = |v: Option<f64>| least(v.map(|v| -v));
    let by_gap = by == Criterion::Gap && !mixture;
    let enough = |at: usize, tried: &[Tried]| match (tried[at].gap, tried.get(at + 1)) {
        (Some(gap), Some(Tried { gap: Some(next), gap_error: Some(error), .. })) => gap >= next - error,
        _ => false,
    };
    let first = (0..tried.len()).find(|at| by_gap && enough(*at, tried)).map(|at| tried[at].k);
    let cost = |t: &Tried| match by {
        _ if mixture => least(t.bic),
        _ if first == Some(t.k) => f64::NEG_INFINITY,
        Criterion::Silhouette => most(t.silhouette),
        Criterion::CalinskiHarabasz => most(t.calinski_harabasz),
        Criterion::DaviesBouldin => least(t.davies_bouldin),
        Criterion::Gap => most(t.gap),
        Criterion::Stability => most(t.stability),
    };
    let mut order: Vec<usize> = (0..tried.len()).collect();
    order.sort_by(|a, b| cost(&tried[*a]).total_cmp(&cost(&tried[*b])).then(tried[*a].k.cmp(&tried[*b].k)));
    for (place, at) in order.into_iter().enumerate() {
        tried[at].rank = place + 1;
    }
}

/// Everything that can be told of a partition of points into `k`, but for [`Tried::gap`] and [`Tried::stability`].
pub fn judge(points: ArrayView2<'_, f64>, labels: &[u32], k: usize, seed: u64) -> Tried {
    let (n, d) = points.dim();
    let sums = parallel::sums(n, k * (d + 1), |i, s| {
        let own = &mut s[labels[i] as usize * (d + 1)..][..d + 1];
        own.iter_mut().zip(points.row(i)).for_each(|(s, v)| *s += v);
        own[d] += 1.0;
    });
    let centroids: Vec<(Vec<f64>, f64)> = sums
        .chunks_exact(d + 1)
        .map(|s| (s[..d].iter().map(|v| v / s[d].max(1.0)).collect(), s[d]))
        .collect();
    let within = parallel::sums(n, 2 * k, |i, s| {
        let label = labels[i] as usize;
        let apart = squared_distance(&points.row(i).to_vec(), &centroids[label].0);
        s[2 * label] += apart;
        s[2 * label + 1] += apart.sqrt();
    });
    let inertia: f64 = within.iter().step_by(2).sum();
    let full: Vec<usize> = (0..k).filter(|c| centroids[*c].1 > 0.0).collect();
    let mut tried = Tried { k, inertia, ..Tried::default() };
    if full.len() < 2 {
        return tried;
    }
    tried.silhouette = Some(silhouette(points, labels, k, seed));
    let (_, matrix) = covariance(points);
    let total = n as f64 * (0..d).map(|j| matrix[j][j]).sum::<f64>();
    let filled = full.len() as f64;
    if inertia > 0.0 && n as f64 > filled {
        tried.calinski_harabasz = Some((total - inertia) / (filled - 1.0) / (inertia / (n as f64 - filled)));
    }
    let spread = |c: usize| within[2 * c + 1] / centroids[c].1;
    let worst = |a: usize| {
        let apart = |b: usize| squared_distance(&centroids[a].0, &centroids[b].0).sqrt();
        let others = full.iter().filter(|b| **b != a && apart(**b) > 0.0);
        others.map(|b| (spread(a) + spread(*b)) / apart(*b)).fold(0.0, f64::max)
    };
    tried.davies_bouldin = Some(full.iter().map(|a| worst(*a)).sum::<f64>() / filled);
    tried
}

/// `most` different places of `0..n`, ascending; all of them if there are no more.
pub fn sample(n: usize, most: usize, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    if n > most {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        for i in 0..most {
            places.swap(i, rng.gen_range(i..n));
        }
        places.truncate(most);
        places.sort_unstable();
    }
    places
}

/// The mean silhouette of a sample; a point alone in its cluster counts zero.
pub fn silhouette(points: ArrayView2<'_, f64>, labels: &[u32], k: usize, seed: u64) -> f64 {
    let sample = sample(points.nrows(), SAMPLE, seed);
    let held: Vec<Vec<f64>> = sample.iter().map(|i| points.row(*i).to_vec()).collect();
    let widths = parallel::map(sample.len(), |s| {
        let own = labels[sample[s]] as usize;
        let mut sums = vec![(0.0, 0usize); k];
        for (other, i) in held.iter().zip(&sample) {
            let sum = &mut sums[labels[*i] as usize];
            sum.0 += squared_distance(&held[s], other).sqrt();
            sum.1 += 1;
        }
        if sums[own].1 < 2 {
            return 0.0;
        }
        let a = sums[own].0 / (sums[own].1 - 1) as f64;
        let others = sums.iter().enumerate().filter(|(c, (_, m))| *c != own && *m > 0);
        let b = others.map(|(_, (sum, m))| sum / *m as f64).fold(f64::INFINITY, f64::min);
        if b.is_finite() && a.max(b) > 0.0 { (b - a) / a.max(b) } else { 0.0 }
    });
    widths.iter().sum::<f64>() / widths.len().max(1) as f64
}

/// Fills in gaps and stability, measured on a sample by k-means.
///
/// # Errors
/// If k-means cannot be fitted.
pub fn resample(points: ArrayView2<'_, f64>, tried: &mut [Tried], seed: u64) -> Result<(), MineError> {
    let places = sample(points.nrows(), SAMPLE, seed ^ 0x6761_7073);
    let held = points.select(Axis(0), &places);
    let n = held.nrows();
    let references: Vec<Array2<f64>> =
        (0..REFERENCES).map(|r| without_clusters(&held, seed ^ (r as u64 + 1))).collect();
    for t in tried.iter_mut() {
        let steps = Steps { starts: 2, seed, ..Steps::default() };
        if t.k > n {
            continue;
        }
        let k = t.k;
        let log_inertia = |p: &Array2<f64>| fit(p.view(), k, &steps).map(|f| f.inertia.ln());
        let own = log_inertia(&held)?;
        let others = references.par_iter().map(log_inertia).collect::<Result<Vec<_>, _>>()?;
        let mean = crate::stats::mean(&others);
        let deviation = (others.iter().map(|o| (o - mean).powi(2)).sum::<f64>() / REFERENCES as f64).sqrt();
        if own.is_finite() {
            t.gap = Some(mean - own);
            t.gap_error = Some(deviation * (1.0 + 1.0 / REFERENCES as f64).sqrt());
        }
        let part = (n as f64 * PART) as usize;
        if k > 1 && part >= k {
            let partition = |number: u64| -> Result<Vec<u32>, MineError> {
                let rows = sample(n, part, seed ^ number.wrapping_mul(0xA076_1D64_78BD_642F));
                let centres =
                    fit(held.select(Axis(0), &rows).view(), k, &Steps { seed: seed ^ number, ..steps })?
                        .centres;
                Ok(assign(held.view(), &centres))
            };
            let partitions =
                (1..=2 * PAIRS as u64).into_par_iter().map(partition).collect::<Result<Vec<_>, _>>()?;
            let alike = partitions.chunks_exact(2).map(|p| adjusted_rand(&p[0], &p[1]));
            t.stability = Some(alike.sum::<f64>() / PAIRS as f64);
        }
    }
    Ok(())
}

/// As many points, drawn evenly from the box of the principal axes.
fn without_clusters(points: &Array2<f64>, seed: u64) -> Array2<f64> {
    let (n, d) = points.dim();
    let (means, matrix) = covariance(points.view());
    let (_, axes) = symmetric_eigen(&matrix);
    let along =
        |row: usize, e: usize| (0..d).map(|j| (points[[row, j]] - means[j]) * axes[j][e]).sum::<f64>();
    let box_: Vec<(f64, f64)> = (0..d)
        .map(|e| {
            (0..n)
                .map(|i| along(i, e))
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
        })
        .collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut drawn = Array2::zeros((n, d));
    for mut row in drawn.rows_mut() {
        let at: Vec<f64> = box_.iter().map(|(low, high)| low + (high - low) * rng.r#gen::<f64>()).collect();
        for (j, v) in row.iter_mut().enumerate() {
            *v = means[j] + (0..d).map(|e| at[e] * axes[j][e]).sum::<f64>();
        }
    }
    drawn
}

/// How alike two partitions are: Hubert & Arabie's (1985) adjusted Rand index. 1 if they are the same, about 0 by chance.
pub fn adjusted_rand(a: &[u32], b: &[u32]) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let table = crosstab(a, b);
    let both: f64 = table.iter().flatten().map(|n| pairs(*n as f64)).sum();
    let rows: f64 = table.iter().map(|r| pairs(r.iter().sum::<u64>() as f64)).sum();
    let width = table.first().map_or(0, Vec::len);
    let columns: f64 = (0..width).map(|c| pairs(table.iter().map(|r| r[c]).sum::<u64>() as f64)).sum();
    let expected = rows * columns / pairs(a.len() as f64);
    let most = (rows + columns) / 2.0;
    if a.len() < 2 || most == expected { 1.0 } else { (both - expected) / (most - expected) }
}

/// How many customers have label `i` in the one partition and `j` in the other.
pub fn crosstab(a: &[u32], b: &[u32]) -> Vec<Vec<u64>> {
    let most = |labels: &[u32]| labels.iter().max().map_or(0, |m| *m as usize + 1);
    let mut table = vec![vec![0; most(b)]; most(a)];
    for (i, j) in a.iter().zip(b) {
        table[*i as usize][*j as usize] += 1;
    }
    table
}
