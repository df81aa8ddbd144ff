//! Fisher's exact test of a rule, and corrections for testing many.

use serde::{Deserialize, Serialize};
use statrs::function::factorial::ln_binomial;

/// The probability of at least `both` joint baskets if left and right side were independent: the upper tail of
/// the hypergeometric distribution, Fisher's (1935) exact one-sided test on the two-by-two table.
///
/// `left` and `right` are the baskets with each side, of `n`. Accurate to about 1e-8 of itself with millions of baskets, and better with fewer; what lies below 1e-308 is 0.
///
/// ```
/// // scipy.stats.fisher_exact([[8, 2], [1, 5]], alternative="greater")
/// let p = tillwise_mine::basket::fisher_greater(8, 10, 9, 16);
/// assert!((p - 0.024475524475524472).abs() < 1e-12);
/// ```
pub fn fisher_greater(both: u64, left: u64, right: u64, n: u64) -> f64 {
    let least = (left + right).saturating_sub(n);
    let most = left.min(right);
    if both <= least {
        return 1.0;
    }
    if both > most || right > n || left > n {
        return 0.0;
    }
    let ln_point = |k: u64| ln_binomial(left, k) + ln_binomial(n - left, right - k) - ln_binomial(n, right);
    // Terms fall on both sides of the mode; the tail is summed away from it, from the side that `both` lies on.
    let mode = ((left + 1) as f64 * (right + 1) as f64 / (n + 2) as f64) as u64;
    let ratio_up = |k: u64| {
        ((left - k) as f64 * (right - k) as f64) / ((k + 1) as f64 * (n + k + 1 - left - right) as f64)
    };
    let mut sum = 1.0;
    let mut term = 1.0;
    if both > mode {
        for k in both..most {
            term *= ratio_up(k);
            sum += term;
            if term < 1e-17 * sum {
                break;
            }
        }
        (ln_point(both).exp() * sum).min(1.0)
    } else {
        // One less the lower tail, up to both - 1.
        for k in (least..both - 1).rev() {
            term /= ratio_up(k);
            sum += term;
            if term < 1e-17 * sum {
                break;
            }
        }
        (1.0 - ln_point(both - 1).exp() * sum).max(0.0)
    }
}

/// How p-values are corrected for the number of rules that were tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Not at all.
    None,
    /// Bonferroni: times the number of tests.
    Bonferroni,
    /// Holm (1979): bounds the probability of one false rule, as Bonferroni, and is never weaker.
    #[default]
    Holm,
    /// Benjamini & Hochberg (1995): bounds the expected share of false rules.
    BenjaminiHochberg,
}

/// Adjusted p-values: a test at level `a` rejects where they are at most `a`. In the order given.
pub fn adjust(p: &[f64], correction: Correction) -> Vec<f64> {
    let m = p.len() as f64;
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = p.to_vec();
    match correction {
        Correction::None => {}
        Correction::Bonferroni => adjusted.iter_mut().for_each(|p| *p = (*p * m).min(1.0)),
        Correction::Holm => {
            let mut largest: f64 = 0.0;
            for (rank, i) in order.into_iter().enumerate() {
                largest = largest.max((p[i] * (m - rank as f64)).min(1.0));
                adjusted[i] = largest;
            }
        }
        Correction::BenjaminiHochberg => {
            let mut smallest: f64 = 1.0;
            for (rank, i) in order.into_iter().enumerate().rev() {
                smallest = smallest.min(p[i] * m / (rank + 1) as f64);
                adjusted[i] = smallest;
            }
        }
    }
    adjusted
}
