//! Special functions that no crate has in the form needed: in log space, or as sums of positive terms.

use statrs::function::beta::ln_beta;
use statrs::function::gamma::ln_gamma;

/// Nodes and weights of eight-point Gauss-Legendre quadrature on `[0, 1]` (Abramowitz & Stegun 25.4.30).
pub const GAUSS_LEGENDRE_8: [(f64, f64); 8] = [
    (0.019855071751231884, 0.050_614_268_145_188_13),
    (0.101_666_761_293_186_64, 0.111_190_517_226_687_24),
    (0.237_233_795_041_835_5, 0.156_853_322_938_943_63),
    (0.408_282_678_752_175_1, 0.181_341_891_689_181),
    (0.591_717_321_247_825, 0.181_341_891_689_181),
    (0.762_766_204_958_164_5, 0.156_853_322_938_943_63),
    (0.898_333_238_706_813_4, 0.111_190_517_226_687_24),
    (0.980_144_928_248_768_1, 0.050_614_268_145_188_13),
];

/// Ten points.
pub const GAUSS_LEGENDRE_10: [(f64, f64); 10] = [
    (0.013046735741414128, 0.033_335_672_154_344_19),
    (0.06746831665550773, 0.07472567457529039),
    (0.16029521585048778, 0.109_543_181_257_991_04),
    (0.2833023029353764, 0.13463335965499826),
    (0.4255628305091844, 0.14776211235737646),
    (0.5744371694908156, 0.14776211235737646),
    (0.7166976970646236, 0.13463335965499826),
    (0.8397047841495122, 0.109_543_181_257_991_04),
    (0.9325316833444923, 0.07472567457529039),
    (0.9869532642585859, 0.033_335_672_154_344_19),
];

/// As far below a peak, in logs, as doubles reach.
const NEGLIGIBLE: f64 = 42.0;

/// `ln(1 + e^v)` without overflow.
pub fn ln_1p_exp(v: f64) -> f64 {
    if v > 0.0 { v + (-v).exp().ln_1p() } else { v.exp().ln_1p() }
}

/// `ln(e^a + e^b)` without overflow.
pub fn ln_add_exp(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// `(e^(a v) - 1) / a`, smooth at `a = 0`.
pub fn expm1_over(a: f64, v: f64) -> f64 {
    if (a * v).abs() < 1e-9 { v * (1.0 + 0.5 * a * v) } else { (a * v).exp_m1() / a }
}

/// A positive function of a probability `u`, given as `ln(f(u) u (1-u))`: its integrand in `y = ln(u/(1-u))`.
pub struct LogitIntegrand<F> {
    /// Takes `ln u` and `ln(1-u)`, which stay exact where `u` or `1-u` underflows.
    pub ln_f: F,
    /// A `y` near the peak.
    pub peak: f64,
    /// How wide the peak is in `y`, about.
    pub width: f64,
    /// Below this `y`, and at this rate, the integrand falls off as `e^(rate y)`.
    pub left: (f64, f64),
    /// Above this `y`, and at this rate, it falls off as `e^(-rate y)`.
    pub right: (f64, f64),
}

impl<F: Fn(f64, f64) -> f64> LogitIntegrand<F> {
    /// The logarithm of the integral over `(0, 1)` by the trapezoidal rule in `y`, which converges exponentially for
    /// functions that are analytic around the real line (Trefethen & Weideman 2014). Tails that are pure
    /// exponentials are summed as geometric series. NaN where the integrand is none, or is still not negligible after
    /// a hundred thousand steps: its peak is then nowhere near `peak`.
    pub fn ln_integrate(&self) -> f64 {
        const MOST_STEPS: usize = 100_000;
        let step = 0.5 * self.width.min(1.0);
        let at = |y: f64| (self.ln_f)(-ln_1p_exp(-y), -ln_1p_exp(y));
        let start = self.peak.clamp(self.left.0, self.right.0);
        let mut logs = vec![at(start)];
        let mut highest = logs[0];
        for (direction, (end, rate)) in [(-1.0, self.left), (1.0, self.right)] {
            let (mut y, enough) = (start, logs.len() + MOST_STEPS);
            loop {
                y += direction * step;
                let value = at(y);
                if value.is_nan() || logs.len() > enough {
                    return f64::NAN;
                }
                highest = highest.max(value);
                logs.push(value);
                if (y - end) * direction >= 0.0 {
                    // The rest of the way: value * (q + q^2 + ...) with q = e^(-rate step).
                    logs.push(value - (rate * step).exp_m1().ln());
                    break;
                }
                if value < highest - NEGLIGIBLE {
                    break;
                }
            }
        }
        step.ln() + highest + logs.iter().map(|l| (l - highest).exp()).sum::<f64>().ln()
    }

    /// The integral itself.
    pub fn integrate(&self) -> f64 {
        self.ln_integrate().exp()
    }
}

/// The logarithm of Gauss's hypergeometric function `2F1(a, b; c; z)` for `a > 0`, `c > b > 0` and `z < 1`, where it is
/// positive. A negative `z` goes through Pfaff's transformation, after which all terms of the series
/// are positive; near `z = 1`, where the series is slow, Euler's integral takes over.
pub fn ln_gauss_2f1(a: f64, b: f64, c: f64, z: f64) -> f64 {
    if z < 0.0 {
        // 2F1(a, b; c; z) = (1-z)^-a 2F1(a, c-b; c; z/(z-1))
        return -a * (-z).ln_1p() + ln_gauss_2f1(a, c - b, c, z / (z - 1.0));
    }
    if z <= 0.9
        && let Some(sum) = ln_positive_series(a, b, c, z)
    {
        return sum;
    }
    // Euler: B(b, c-b) 2F1 = integral of u^(b-1) (1-u)^(c-b-1) (1-zu)^-a du.
    let rest = c - b;
    // ln(1 - zu) = ln((1-u) + (1-z) u), exact at both ends.
    let ln_1mz = (-z).ln_1p();
    let peak = (b / rest).ln();
    LogitIntegrand {
        ln_f: |ln_u: f64, ln_v: f64| {
            b * ln_u + rest * ln_v - ln_beta(b, rest) - a * ln_add_exp(ln_v, ln_1mz + ln_u)
        },
        peak,
        width: (1.0 / (a + b) + 1.0 / (a + rest)).sqrt().min((1.0 / b + 1.0 / rest).sqrt()),
        left: (-40.0 - a.ln_1p(), b),
        right: (40.0 + a.ln_1p() - ln_1mz, rest),
    }
    .ln_integrate()
}

/// `ln(sum over n of (a)_n (b)_n / ((c)_n n!) z^n)`, or `None` if it takes too long.
fn ln_positive_series(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    let (mut term, mut sum, mut ln_scale) = (1.0, 1.0, 0.0);
    for n in 0..3000 {
        let n = f64::from(n);
        let ratio = (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        term *= ratio;
        sum += term;
        if sum > 1e250 {
            (term, sum, ln_scale) = (term * 1e-250, sum * 1e-250, ln_scale + 250.0 * std::f64::consts::LN_10);
        }
        if ratio < 1.0 && term <= 1e-17 * sum * (1.0 - ratio) {
            return Some(ln_scale + f64::ln(sum));
        }
    }
    None
}

/// Nodes and weights for expectations over Gamma(`shape`, rate 1) of functions that, below `flat`, are constant or
/// fall towards zero. The trapezoidal rule in the logarithm; what lies below the first node is lumped there.
pub fn gamma_nodes(shape: f64, flat: f64) -> Vec<(f64, f64)> {
    let width = (1.0 / shape).sqrt();
    let step = 0.4 * width.min(1.0);
    let peak = shape.ln();
    let ln_norm = ln_gamma(shape);
    let ln_density = |y: f64| shape * y - y.exp() - ln_norm;
    let top = ln_density(peak);
    let end = flat.ln().min(peak) - 16.0;
    let mut nodes = Vec::with_capacity(64);
    let mut y = peak;
    loop {
        let l = ln_density(y);
        nodes.push((y.exp(), step * l.exp()));
        if l < top - 36.0 {
            break;
        }
        if y < end {
            // Below: a geometric series of rate `shape`.
            nodes.push((y.exp(), step * (l - (shape * step).exp_m1().ln()).exp()));
            break;
        }
        y -= step;
    }
    y = peak + step;
    loop {
        let l = ln_density(y);
        if l < top - 36.0 {
            break;
        }
        nodes.push((y.exp(), step * l.exp()));
        y += step;
    }
    nodes
}

/// Nodes and weights for expectations over Beta(`a`, `b`) of functions that are flat below `flat` and near one: the
/// trapezoidal rule in the logit, tails lumped.
pub fn beta_nodes(a: f64, b: f64, flat: f64) -> Vec<(f64, f64)> {
    let width = (1.0 / a + 1.0 / b).sqrt();
    let step = 0.4 * width.min(1.0);
    let peak = (a / b).ln();
    let ln_norm = ln_beta(a, b);
    let ln_density = |y: f64| -a * ln_1p_exp(-y) - b * ln_1p_exp(y) - ln_norm;
    let probability = |y: f64| 1.0 / (1.0 + (-y).exp());
    let top = ln_density(peak);
    let mut nodes = vec![(probability(peak), step * top.exp())];
    for (direction, end, rate) in [(-1.0, flat.ln().min(peak) - 16.0, a), (1.0, peak.max(0.0) + 34.0, b)] {
        let mut y = peak;
        loop {
            y += direction * step;
            let l = ln_density(y);
            nodes.push((probability(y), step * l.exp()));
            if l < top - 36.0 {
                break;
            }
            if (y - end) * direction > 0.0 {
                nodes.push((probability(y), step * (l - (rate * step).exp_m1().ln()).exp()));
                break;
            }
        }
    }
    nodes
}

/// Probabilities `P(N = n)` for `n = 0..=most` of the negative binomial count of a Poisson process over `t`, whose rate is
/// Gamma(`shape`, rate `rate`): the terms of (1 - z)^shape (shape)_n / n! z^n with z = t / (rate + t).
pub fn negative_binomial(shape: f64, rate: f64, t: f64, most: usize) -> Vec<f64> {
    let ln_none = -shape * (t / rate).ln_1p();
    let z = t / (rate + t);
    // Where the first term underflows, terms are kept as logarithms until they surface.
    let mut ln = ln_none;
    (0..=most)
        .map(|n| {
            let p = ln.exp();
            let n = n as f64;
            ln += ((shape + n) * z / (n + 1.0)).ln();
            p
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64, relative: f64) {
        assert!((got - expected).abs() <= relative * expected.abs(), "{got} is not {expected}");
    }

    #[test]
    fn gauss_legendre_is_exact_for_polynomials() {
        let integral: f64 = GAUSS_LEGENDRE_8.iter().map(|(x, w)| w * x.powi(15)).sum();
        close(integral, 1.0 / 16.0, 1e-14);
        let integral: f64 = GAUSS_LEGENDRE_10.iter().map(|(x, w)| w * x.powi(19)).sum();
        close(integral, 1.0 / 20.0, 1e-14);
    }

    #[test]
    fn the_trapezoidal_rule_gives_beta_functions() {
        for (a, b) in [
            (2.0, 3.0),
            (0.5, 0.5),
            (0.05, 4.0),
            (1e-4, 1e-4),
            (0.001, 900.0),
            (30.0, 0.2),
            (500.0, 700.0),
            (2e5, 1e5),
        ] {
            let integrand = LogitIntegrand {
                ln_f: |ln_u: f64, ln_v: f64| a * ln_u + b * ln_v - ln_beta(a, b),
                peak: f64::ln(a / b),
                width: (1.0 / a + 1.0 / b).sqrt(),
                left: (-40.0, a),
                right: (40.0, b),
            };
            close(integrand.integrate(), 1.0, 1e-9);
            let nodes: f64 = beta_nodes(a, b, 1.0).iter().map(|n| n.1).sum();
            close(nodes, 1.0, 1e-7);
            // The mean a / (a+b), where the lumped tail is far enough out.
            let mean: f64 = beta_nodes(a, b, 1e-6).iter().map(|n| n.0 * n.1).sum();
            assert!((mean - a / (a + b)).abs() < 1e-7, "{a} {b} {mean}");
        }
    }

    #[test]
    fn gamma_nodes_give_moments() {
        for shape in [1e-3, 0.24, 1.0, 7.3, 5000.0] {
            let nodes = gamma_nodes(shape, 1e-9);
            close(nodes.iter().map(|n| n.1).sum(), 1.0, 1e-7);
            close(nodes.iter().map(|n| n.0 * n.1).sum(), shape, 1e-7);
            // The Laplace transform, 2^-shape.
            let laplace: f64 = nodes.iter().map(|n| n.1 * (-n.0).exp()).sum();
            assert!((laplace - 2f64.powf(-shape)).abs() < 1e-8, "{shape} {laplace}");
        }
    }

    #[test]
    fn the_hypergeometric_function_has_its_known_values() {
        // -ln(1-z)/z, (1-z)^-a, arcsin(z)/z: Abramowitz & Stegun 15.1.3, 15.1.8, 15.1.6.
        for z in [1e-9, 0.3, 0.85, 0.95, 0.999_999, -0.5, -20.0, -1e6] {
            close(ln_gauss_2f1(1.0, 1.0, 2.0, z).exp(), -f64::ln_1p(-z) / z, 1e-11);
        }
        for z in [0.2f64, 0.8, 0.97, 0.9999] {
            close(ln_gauss_2f1(0.5, 0.5, 1.5, z * z).exp(), z.asin() / z, 1e-10);
        }
        // mpmath, 40 digits.
        for (a, b, c, z, ln) in [
            (300.2, 0.7, 9.5, -3.7, -3.401402529791347),
            (55.0, 2.5, 4.0, 0.93, 137.906628093146),
            (1e4, 3.0, 5.0, 0.7, 12022.09780198573),
        ] {
            close(ln_gauss_2f1(a, b, c, z), ln, 1e-11);
        }
    }

    #[test]
    fn negative_binomial_probabilities_add_up() {
        for (shape, rate, t) in [(0.3, 4.0, 2.0), (5000.0, 10.0, 30.0), (0.01, 1.0, 9.0)] {
            let p = negative_binomial(shape, rate, t, 40_000);
            close(p.iter().sum(), 1.0, 1e-9);
            let mean: f64 = p.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
            close(mean, shape * t / rate, 1e-9);
        }
    }

    /// A peak that is nowhere near, or a function that is none, must not keep the integral going for ever.
    #[test]
    fn an_integral_that_cannot_be_taken_is_none() {
        let of = |value: f64, width: f64| {
            let ends = ((-1e9, 1.0), (1e9, 1.0));
            LogitIntegrand { ln_f: move |_, _| value, peak: 0.0, width, left: ends.0, right: ends.1 }
                .ln_integrate()
        };
        assert!(of(0.0, 1e-9).is_nan() && of(f64::NAN, 1.0).is_nan());
    }
}
