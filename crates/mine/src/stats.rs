//! Small statistics that several analyses share.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Sample quantile of type 7 (Hyndman & Fan 1996; the default of R and NumPy) of ascending values.
///
/// `p` is in `[0, 1]`; linear interpolation at rank `1 + (n - 1) p`. NaN for no values.
///
/// ```
/// assert_eq!(tillwise_mine::stats::quantile_sorted(&[1.0, 2.0, 3.0, 4.0], 0.25), 1.75);
/// ```
pub fn quantile_sorted(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let rank = p.clamp(0.0, 1.0) * last as f64;
    let below = rank.floor() as usize;
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below], sorted[above]);
    if low == high { low } else { low + (rank - below as f64) * (high - low) }
}

/// The finite values, ascending.
pub fn sorted_finite(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The mean, or NaN for no values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The 95 % interval of a share after Wilson (Journal of the American Statistical Association 22, 1927); NaN for a share of nobody.
///
/// ```
/// // R: prop.test(8, 10, correct = FALSE)
/// let (low, high) = tillwise_mine::stats::wilson(8, 10);
/// assert!((low - 0.490_162).abs() < 1e-6 && (high - 0.943_318).abs() < 1e-6);
/// ```
pub fn wilson(part: usize, all: usize) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (all as f64, part as f64 / all as f64);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// Holm's adjustment (Scandinavian Journal of Statistics 6, 1979): p-values that may be held against one rate for all of them together. NaN
/// stands for a test that was not made.
///
/// ```
/// assert_eq!(tillwise_mine::stats::holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
/// ```
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|i| !p_values[*i].is_nan()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let (tests, mut adjusted, mut so_far) = (order.len(), vec![f64::NAN; p_values.len()], 0.0f64);
    for (rank, i) in order.into_iter().enumerate() {
        so_far = so_far.max(p_values[i] * (tests - rank) as f64).min(1.0);
        adjusted[i] = so_far;
    }
    adjusted
}

/// Whether two shares (part and all of each) differ: the p-value of Pearson's chi-squared, without a correction; NaN where a side is empty or
/// nothing varies.
///
/// ```
/// use tillwise_mine::stats::chi_squared_of_two;
/// // R: prop.test(c(30, 50), c(100, 100), correct = FALSE)
/// assert!((chi_squared_of_two((30, 100), (50, 100)) - 0.003_892_417).abs() < 1e-8);
/// assert!(chi_squared_of_two((0, 0), (1, 2)).is_nan());
/// ```
pub fn chi_squared_of_two(a: (usize, usize), b: (usize, usize)) -> f64 {
    let (n, m) = (a.1 as f64, b.1 as f64);
    let (p, q) = (a.0 as f64 / n, b.0 as f64 / m);
    let pooled = (a.0 + b.0) as f64 / (n + m);
    let z = (p - q) / (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    if z.is_finite() { ChiSquared::new(1.0).map_or(f64::NAN, |chi| chi.sf(z * z)) } else { f64::NAN }
}

/// Pearson's correlation, or NaN where one side is constant or there are fewer than two values.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    ab / (aa * bb).sqrt()
}

/// Ranks from 1, equal values sharing the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for same in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (same.len() as f64 + 1.0) / 2.0;
        same.iter().for_each(|i| ranks[*i] = rank);
        before += same.len();
    }
    ranks
}

/// Spearman's rank correlation; NaN where one side does not vary.
///
/// ```
/// use tillwise_mine::stats::rank_correlation;
/// // Any rising curve is a straight line in ranks.
/// assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[1.0, 10.0, 1000.0]), 1.0);
/// ```
pub fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    correlation(&ranks(a), &ranks(b))
}

/// A step function that never falls, as isotonic regression fits it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// Scores, ascending.
    pub at: Vec<f64>,
    /// The value at each, ascending; between two scores it is interpolated, beyond the ends it stays.
    pub value: Vec<f64>,
}

impl Steps {
    /// Isotonic regression of outcomes on scores by pooling adjacent violators (Ayer et al. 1955): the least-squares fit that
    /// never falls. Equal scores are pooled first; scores that are not finite are left out.
    ///
    /// ```
    /// use tillwise_mine::stats::Steps;
    /// let steps = Steps::fit(&[(1.0, false), (2.0, true), (3.0, false), (4.0, true)]);
    /// assert_eq!((steps.at(0.0), steps.at(2.5), steps.at(9.0)), (0.0, 0.5, 1.0));
    /// ```
    pub fn fit(points: &[(f64, bool)]) -> Steps {
        let mut sorted: Vec<(f64, bool)> = points.iter().copied().filter(|p| p.0.is_finite()).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        // Blocks of a first and last score, outcomes that are true, and all.
        let mut blocks: Vec<(f64, f64, u64, u64)> = Vec::new();
        for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
            let hits = equal.iter().filter(|p| p.1).count() as u64;
            let mut block = (equal[0].0, equal[0].0, hits, equal.len() as u64);
            while let Some(last) = blocks.last() {
                // Compared as whole numbers: last.hits / last.n >= block.hits / block.n.
                if u128::from(last.2) * u128::from(block.3) < u128::from(block.2) * u128::from(last.3) {
                    break;
                }
                block = (last.0, block.1, last.2 + block.2, last.3 + block.3);
                blocks.pop();
            }
            blocks.push(block);
        }
        let mut steps = Steps::default();
        for (first, last, hits, n) in blocks {
            let value = hits as f64 / n as f64;
            steps.at.push(first);
            steps.value.push(value);
            if last > first {
                steps.at.push(last);
                steps.value.push(value);
            }
        }
        steps
    }

    /// The value at a score; 0 where nothing was fitted.
    pub fn at(&self, score: f64) -> f64 {
        let above = self.at.partition_point(|a| *a < score);
        match (
            above.checked_sub(1).and_then(|i| Some((self.at.get(i)?, self.value.get(i)?))),
            self.at.get(above),
        ) {
            (None, None) => 0.0,
            (None, Some(_)) => self.value[above],
            (Some((_, value)), None) => *value,
            (Some((low, from)), Some(high)) => {
                let to = self.value[above];
                from + (to - from) * (score - low) / (high - low)
            }
        }
    }

    /// # Errors
    /// What is wrong with numbers that come from a file.
    pub fn check(&self) -> Result<(), String> {
        let rising = |v: &[f64]| v.iter().all(|x| x.is_finite()) && v.is_sorted();
        if self.at.len() == self.value.len() && rising(&self.at) && rising(&self.value) {
            Ok(())
        } else {
            Err("a calibration does not rise".to_owned())
        }
    }
}

/// Eigenvalues of a symmetric matrix, and the orthonormal eigenvectors as columns, by Jacobi's rotations (Golub & Van Loan 2013,
/// section 8.5): for the handful of parameters of a model. The values are in no order.
pub fn symmetric_eigen(matrix: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = matrix.len();
    let mut a = matrix.to_vec();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..100 {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j].powi(2)).sum();
        let on: f64 = (0..n).map(|i| a[i][i].powi(2)).sum();
        if off <= 1e-30 * on || !off.is_finite() {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in &mut a {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                let (above, below) = a.split_at_mut(q);
                for (x, y) in above[p].iter_mut().zip(&mut below[0]) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
                for row in &mut vectors {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
            }
        }
    }
    ((0..n).map(|i| a[i][i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_take_a_matrix_apart() {
        let m = [vec![4.0, 1.0, -2.0], vec![1.0, 3.0, 0.5], vec![-2.0, 0.5, 1.0]];
        let (values, vectors) = symmetric_eigen(&m);
        assert!((values.iter().sum::<f64>() - 8.0).abs() < 1e-12);
        for (i, row) in m.iter().enumerate() {
            for (j, expected) in row.iter().enumerate() {
                let got: f64 = (0..3).map(|e| values[e] * vectors[i][e] * vectors[j][e]).sum();
                assert!((got - expected).abs() < 1e-12, "{i} {j}");
            }
        }
        assert!(symmetric_eigen(&[]).0.is_empty());
    }

    #[test]
    fn quantiles_are_r_type_7() {
        // R: quantile(mtcars$mpg, 1:4/5) = 15.20 17.92 21.00 24.08
        let mpg = [
            21.0, 21.0, 22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2, 10.4, 10.4,
            14.7, 32.4, 30.4, 33.9, 21.5, 15.5, 15.2, 13.3, 19.2, 27.3, 26.0, 30.4, 15.8, 19.7, 15.0, 21.4,
        ];
        let sorted = sorted_finite(&mpg);
        for (p, expected) in [(0.2, 15.20), (0.4, 17.92), (0.6, 21.00), (0.8, 24.08)] {
            assert!((quantile_sorted(&sorted, p) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn degenerate_inputs_are_nan_not_panics() {
        assert!(quantile_sorted(&[], 0.5).is_nan());
        assert_eq!(quantile_sorted(&[3.0], 0.9), 3.0);
        assert!(correlation(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
    }
}
