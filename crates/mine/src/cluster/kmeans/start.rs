//! Where k-means begins.

use ndarray::{Array2, ArrayView2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::lloyd::{Groups, MOST, squared_distance};
use super::{CHUNK, rows};

/// Rounds of [`Start::Parallel`], and centres drawn in each for one that is wanted.
const ROUNDS: usize = 5;
const OVERSAMPLING: f64 = 2.0;

/// How the first centres are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Start {
    /// k-means++ (Arthur & Vassilvitskii 2007): each next centre is a point drawn with probability proportional to its squared distance
    /// from the centres so far; of `2 + ln k` draws the one that lowers the inertia most. One pass over the points a centre.
    #[default]
    #[serde(rename = "k-means++")]
    PlusPlus,
    /// k-means|| (Bahmani and others 2012): five rounds, each of which draws about `2 k` points at once (fewer for many hundred centres), then a
    /// weighted k-means++ among those. Six passes over the points, whatever `k`: for points that are slow to come by. In memory k-means++ is
    /// faster.
    #[serde(rename = "k-means||")]
    Parallel,
}

/// `k` first centres; there are at least `k` points.
pub fn start(points: ArrayView2<'_, f64>, k: usize, how: Start, seed: u64) -> Array2<f64> {
    let held = points.as_standard_layout();
    let (points, d) = (rows(&held), points.ncols());
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let chosen = match how {
        Start::PlusPlus => plus_plus(points, None, d, k, &mut rng),
        Start::Parallel => {
            let drawn = oversample(points, d, k, &mut rng);
            if drawn.len() <= k {
                plus_plus(points, None, d, k, &mut rng)
            } else {
                let candidates: Vec<f64> =
                    drawn.iter().flat_map(|i| points[i * d..][..d].iter().copied()).collect();
                let weights = weigh(points, &candidates, d);
                plus_plus(&candidates, Some(&weights), d, k, &mut rng).into_iter().map(|c| drawn[c]).collect()
            }
        }
    };
    Array2::from_shape_fn((k, d), |(c, j)| points[chosen[c] * d + j])
}

/// k-means++ among points, which may have weights; the chosen points' places.
fn plus_plus(points: &[f64], weights: Option<&[f64]>, d: usize, k: usize, rng: &mut impl Rng) -> Vec<usize> {
    let n = points.len() / d;
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let trials = 2 + (k as f64).ln() as usize;
    let mut nearest = vec![f64::INFINITY; n];
    let mut chosen = vec![match weights {
        None => rng.gen_range(0..n),
        Some(_) => {
            let sums = chunked(n, weight);
            draw(rng.r#gen::<f64>() * sums.iter().sum::<f64>(), &sums, n, weight)
        }
    }];
    update(points, &mut nearest, &points[chosen[0] * d..][..d]);
    while chosen.len() < k {
        let potential = chunked(n, |i| weight(i) * nearest[i]);
        let total: f64 = potential.iter().sum();
        let draws: Vec<usize> = (0..trials)
            .map(|_| draw(rng.r#gen::<f64>() * total, &potential, n, |i| weight(i) * nearest[i]))
            .collect();
        let after = |c: usize| -> f64 {
            let centre = &points[c * d..][..d];
            chunked(n, |i| weight(i) * nearest[i].min(squared_distance(&points[i * d..][..d], centre)))
                .iter()
                .sum()
        };
        let best = draws.iter().map(|c| (after(*c), *c)).reduce(|a, b| if b.0 < a.0 { b } else { a });
        let next = best.map_or(0, |b| b.1);
        update(points, &mut nearest, &points[next * d..][..d]);
        chosen.push(next);
    }
    chosen
}

/// Sums of `f` over chunks of the points.
fn chunked(n: usize, f: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
    (0..n.div_ceil(CHUNK))
        .into_par_iter()
        .map(|c| (c * CHUNK..((c + 1) * CHUNK).min(n)).map(&f).sum())
        .collect()
}

/// The point at which the running sum of `value` passes `left`, found by way of the chunks' sums; a point of value zero never is, if others are not.
fn draw(mut left: f64, sums: &[f64], n: usize, value: impl Fn(usize) -> f64) -> usize {
    let mut last = None;
    for (chunk, sum) in sums.iter().enumerate() {
        if left < *sum || chunk + 1 == sums.len() {
            for i in chunk * CHUNK..((chunk + 1) * CHUNK).min(n) {
                let v = value(i);
                if v > 0.0 {
                    last = Some(i);
                    if left < v {
                        return i;
                    }
                }
                left -= v;
            }
            // Rounding may leave a little: the last point with a value takes it.
            if let Some(last) = last {
                return last;
            }
        } else {
            left -= sum;
        }
    }
    (0..n).rev().find(|i| value(*i) > 0.0).unwrap_or(0)
}

/// Lowers the squared distances to the nearest centre by a new one.
fn update(points: &[f64], nearest: &mut [f64], centre: &[f64]) {
    nearest.par_iter_mut().zip(points.par_chunks_exact(centre.len())).with_min_len(CHUNK).for_each(
        |(v, p)| {
            *v = v.min(squared_distance(p, centre));
        },
    );
}

/// The draws of k-means||: places of points, each once.
fn oversample(points: &[f64], d: usize, k: usize, rng: &mut impl Rng) -> Vec<usize> {
    let n = points.len() / d;
    // So that all rounds together draw no more than can be held against the points.
    let per_round = (OVERSAMPLING * k as f64).min((MOST / (2 * ROUNDS)) as f64);
    let mut nearest = vec![f64::INFINITY; n];
    let mut drawn = vec![rng.gen_range(0..n)];
    update(points, &mut nearest, &points[drawn[0] * d..][..d]);
    for _ in 0..ROUNDS {
        let total: f64 = chunked(n, |i| nearest[i]).iter().sum();
        if total <= 0.0 {
            break;
        }
        let seed: u64 = rng.r#gen();
        let fresh: Vec<usize> = (0..n.div_ceil(CHUNK))
            .into_par_iter()
            .flat_map_iter(|c| {
                // Each chunk has its own stream, so that draws do not depend on who makes them.
                let mut rng =
                    Xoshiro256PlusPlus::seed_from_u64(seed ^ (c as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                let nearest = &nearest;
                (c * CHUNK..((c + 1) * CHUNK).min(n))
                    .filter(move |i| rng.r#gen::<f64>() * total < per_round * nearest[*i])
            })
            .collect();
        if fresh.is_empty() {
            continue;
        }
        let groups = Groups::new(&Array2::from_shape_fn((fresh.len(), d), |(c, j)| points[fresh[c] * d + j]));
        nearest
            .par_iter_mut()
            .zip(points.par_chunks_exact(d))
            .with_min_len(CHUNK)
            .for_each(|(v, p)| *v = v.min(groups.search::<0>(p, 0).near));
        drawn.extend(fresh);
    }
    drawn.sort_unstable();
    drawn.dedup();
    drawn.truncate(MOST);
    drawn
}

/// How many points are nearest to each candidate.
fn weigh(points: &[f64], candidates: &[f64], d: usize) -> Vec<f64> {
    let m = candidates.len() / d;
    let centres = Array2::from_shape_fn((m, d), |(c, j)| candidates[c * d + j]);
    let groups = Groups::new(&centres);
    let parts: Vec<Vec<u32>> = points
        .par_chunks(CHUNK * d)
        .map(|points| {
            let mut counts = vec![0; m];
            points.chunks_exact(d).for_each(|p| counts[usize::from(groups.search::<0>(p, 0).label)] += 1);
            counts
        })
        .collect();
    (0..m).map(|c| parts.iter().map(|p| f64::from(p[c])).sum()).collect()
}
