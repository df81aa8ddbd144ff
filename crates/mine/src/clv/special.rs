//! Special functions that no crate has in the form needed.

/// Nodes and weights of eight-point Gauss-Legendre quadrature on `[0, 1]` (Abramowitz & Stegun 25.4.30).
pub const GAUSS_LEGENDRE_8: [(f64, f64); 8] = [
    (0.019855071751231884, 0.050614268145188130),
    (0.101666761293186630, 0.111190517226687235),
    (0.237233795041835507, 0.156853322938943644),
    (0.408282678752175098, 0.181341891689180991),
    (0.591717321247824902, 0.181341891689180991),
    (0.762766204958164493, 0.156853322938943644),
    (0.898333238706813370, 0.111190517226687235),
    (0.980144928248768116, 0.050614268145188130),
];

/// The integral over `(0, 1)` of a positive function, given as `ln f` of `(u, ln u, ln(1 - u))`, by the tanh-sinh rule (Takahasi & Mori 1974), which
/// forgives singular ends: the logarithms stay exact where `u` or `1 - u` underflows. The step is
/// halved until two sums agree.
pub fn tanh_sinh(ln_f: impl Fn(f64, f64, f64) -> f64) -> f64 {
    // Far enough for ends as flat as u^(-1 + 1e-4).
    const REACH: f64 = 12.5;
    const HALVINGS: u32 = 7;
    let term = |t: f64| {
        // u = 1 / (1 + e^(-2 s)), s = (pi / 2) sinh t
        let two_s = std::f64::consts::PI * t.sinh();
        let (ln_u, ln_v) = (-ln_1p_exp(-two_s), -ln_1p_exp(two_s));
        let value = std::f64::consts::PI * t.cosh() * (ln_u + ln_v + ln_f(ln_u.exp(), ln_u, ln_v)).exp();
        if value.is_finite() { value } else { 0.0 }
    };
    let mut step = 1.0 / 16.0;
    let points = (REACH / step) as i32;
    let mut sum: f64 = (-points..=points).map(|i| term(f64::from(i) * step)).sum();
    let mut before = sum * step;
    for _ in 0..HALVINGS {
        let half = step / 2.0;
        let points = (REACH / step) as i32;
        sum += (-points..points).map(|i| term(f64::from(i) * step + half)).sum::<f64>();
        step = half;
        let now = sum * step;
        if now != 0.0 && (now - before).abs() <= 1e-12 * now.abs() {
            return now;
        }
        before = now;
    }
    before
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
    fn tanh_sinh_gives_beta_functions() {
        for (a, b) in [(2.0, 3.0), (0.5, 0.5), (0.05, 4.0), (0.001, 900.0), (30.0, 0.2), (500.0, 700.0)] {
            let integral = tanh_sinh(|_, ln_u, ln_v| (a - 1.0) * ln_u + (b - 1.0) * ln_v - ln_beta(a, b));
            assert!((integral - 1.0).abs() < 1e-9, "({a}, {b}): {integral}");
        }
    }
}
