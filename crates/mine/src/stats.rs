//! Small statistics that several analyses share.

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
