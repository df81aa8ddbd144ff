//! Special functions that no crate has in the form needed.

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
    /// The integral over `(0, 1)` by the trapezoidal rule in `y`, which converges exponentially for functions that
    /// are analytic around the real line (Trefethen & Weideman 2014). Tails that are pure exponentials
    /// are summed as geometric series.
    pub fn integrate(&self) -> f64 {
        // As far below the peak as doubles reach.
        const NEGLIGIBLE: f64 = 42.0;
        let step = 0.5 * self.width.min(1.0);
        let at = |y: f64| (self.ln_f)(-ln_1p_exp(-y), -ln_1p_exp(y));
        let start = self.peak.clamp(self.left.0, self.right.0);
        let mut logs = vec![at(start)];
        let mut highest = logs[0];
        for (direction, (end, rate)) in [(-1.0, self.left), (1.0, self.right)] {
            let mut y = start;
            loop {
                y += direction * step;
                let value = at(y);
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
        step * highest.exp() * logs.iter().map(|l| (l - highest).exp()).sum::<f64>()
    }
}

/// `ln(1 + e^v)` without overflow.
pub fn ln_1p_exp(v: f64) -> f64 {
    if v > 0.0 { v + (-v).exp().ln_1p() } else { v.exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::function::beta::ln_beta;

    #[test]
    fn gauss_legendre_is_exact_for_polynomials() {
        let integral: f64 = GAUSS_LEGENDRE_8.iter().map(|(x, w)| w * x.powi(15)).sum();
        assert!((integral - 1.0 / 16.0).abs() < 1e-15);
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
            let integral = integrand.integrate();
            assert!((integral - 1.0).abs() < 1e-9, "({a}, {b}): {integral}");
        }
    }
}
