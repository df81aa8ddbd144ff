//! BG/NBD: buying while alive, dropping out after orders.
//!
//! **Story** (Fader, Hardie & Lee 2005, "Counting your customers the easy way", Marketing Science 24).
//! While alive, a customer orders at a Poisson rate `lambda`; after each order the customer drops out
//! with probability `p`. Rates differ between customers as Gamma(`r`, rate `alpha`), drop-out
//! probabilities as Beta(`a`, `b`), independently.
//!
//! **Likelihood** (equation 6), per customer, with `x`, `t_x` and `T` (here [`History::age`]):
//!
//! `L = G(r+x) alpha^r / G(r) * B(a, b+x) / B(a, b) * [ (alpha+T)^-(r+x) + 1{x>0} a/(b+x-1) (alpha+t_x)^-(r+x) ]`
//!
//! **P(alive)** follows from the same two terms: `1 / (1 + 1{x>0} a/(b+x-1) ((alpha+T)/(alpha+t_x))^(r+x))`. A
//! customer without a repeat order has had no chance to drop out, so P(alive) = 1: the model knows no
//! better, and says more than it knows.
//!
//! **Expected orders** in the next `t` (equation 10). The published form divides by `a - 1` and subtracts
//! nearly equal numbers. Euler's transformation of its hypergeometric function takes the factor out:
//! with `z = t/(alpha+T+t)` and `c = a+b+x-1`,
//!
//! `E = P(alive) c * [ -expm1((a-1) ln(1-z)) / (a-1) - (1-z)^(a-1) S ]`,
//! `S = sum over n >= 1 of (a+b-1-r)_n (a)_(n-1) / ((c)_n n!) z^n`
//!
//! which is smooth at `a = 1`. Where the series is slow, or its terms alternate and cancel, the same
//! expectation is an integral over the drop-out probability, all of it positive:
//!
//! `E = P(alive) * integral of p^(a-2) (1-p)^(b+x-1) / B(a, b+x) * [1 - (1 + p t/(alpha+T))^-(r+x)] dp`

use serde::{Deserialize, Serialize};
use statrs::function::beta::ln_beta;
use statrs::function::gamma::{digamma, ln_gamma};

use super::History;
use super::optimize::{Optimum, minimize};
use super::special::{GAUSS_LEGENDRE_8, LogitIntegrand, ln_1p_exp};
use crate::MineError;
use crate::parallel;

/// Parameters of BG/NBD, all above zero. `alpha` is in the model's time unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BgNbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate parameter of the purchase rates: `r / alpha` is the mean rate.
    pub alpha: f64,
    /// First parameter of the drop-out probabilities.
    pub a: f64,
    /// Second: `a / (a + b)` is the mean drop-out probability.
    pub b: f64,
}

/// How a fit went.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Log-likelihood at the optimum, without the constant `-sum ln x!`.
    pub log_likelihood: f64,
    /// Steps of the optimiser.
    pub iterations: usize,
    /// Largest absolute element of the mean log-likelihood's gradient by log parameters.
    pub gradient: f64,
    /// Parameters that ran off towards zero or infinity: customers do not differ in what they describe.
    pub run_off: Vec<String>,
}

impl Fit {
    pub(super) fn new(optimum: &Optimum, rows: f64, names: &[&str]) -> Fit {
        Fit {
            log_likelihood: -optimum.value * rows,
            iterations: optimum.iterations,
            gradient: optimum.gradient,
            run_off: optimum.run_off(names),
        }
    }
}

/// Equal histories drawn together, ordered by `x`.
struct Collapsed {
    /// `(x, t_x, age, customers)`.
    rows: Vec<(f64, f64, f64, f64)>,
    /// Each distinct `x`, with its customers.
    counts: Vec<(f64, f64)>,
    customers: f64,
}

fn collapse(histories: &[History]) -> Collapsed {
    let mut sorted = histories.to_vec();
    sorted.sort_unstable_by(|a, b| {
        a.x.total_cmp(&b.x).then(a.t_x.total_cmp(&b.t_x)).then(a.age.total_cmp(&b.age))
    });
    let mut rows: Vec<(f64, f64, f64, f64)> = Vec::new();
    let mut counts: Vec<(f64, f64)> = Vec::new();
    for h in sorted {
        match rows.last_mut() {
            Some(last) if (last.0, last.1, last.2) == (h.x, h.t_x, h.age) => last.3 += 1.0,
            _ => rows.push((h.x, h.t_x, h.age, 1.0)),
        }
        match counts.last_mut() {
            Some(last) if last.0 == h.x => last.1 += 1.0,
            _ => counts.push((h.x, 1.0)),
        }
    }
    Collapsed { rows, counts, customers: histories.len() as f64 }
}

impl BgNbd {
    /// Fits by maximum likelihood: logs of the parameters, analytic gradient, time scaled so that the
    /// longest age is ten.
    ///
    /// # Errors
    /// If a history is impossible, there are no repeat orders, or the fit does not converge.
    pub fn fit(histories: &[History]) -> Result<(BgNbd, Fit), MineError> {
        let wrong = |h: &&History| {
            !(h.x >= 0.0 && h.x.fract() == 0.0 && h.t_x >= 0.0 && h.t_x <= h.age && h.age.is_finite())
        };
        if let Some(h) = histories.iter().find(wrong) {
            return Err(MineError::data(
                "BG/NBD needs whole x >= 0 and 0 <= t_x <= age",
                format!("a customer has {h:?}"),
            ));
        }
        let repeaters = histories.iter().filter(|h| h.x > 0.0).count();
        let longest = histories.iter().map(|h| h.age).fold(0.0, f64::max);
        if repeaters < 3 || longest == 0.0 {
            return Err(MineError::data(
                "BG/NBD needs at least 3 customers with repeat orders",
                format!("{repeaters} of {} have any", histories.len()),
            ));
        }
        let scale = 10.0 / longest;
        let scaled: Vec<History> =
            histories.iter().map(|h| History { x: h.x, t_x: h.t_x * scale, age: h.age * scale }).collect();
        let data = collapse(&scaled);
        let f = |logs: &[f64]| negative_mean_log_likelihood(logs, &data);
        let starts =
            [[0.0, 0.0, 0.0, 0.0], [-1.0, 0.5, -0.5, 1.0], [1.0, 2.0, -2.0, 1.0], [-1.0, -2.0, 1.0, 3.0]];
        let optimum = minimize(&f, &starts.map(|s| s.to_vec()));
        if !optimum.converged {
            return Err(MineError::NotConverged { model: "BG/NBD", why: optimum.trouble() });
        }
        let p: Vec<f64> = optimum.at.iter().map(|l| l.exp()).collect();
        let model = BgNbd { r: p[0], alpha: p[1] / scale, a: p[2], b: p[3] };
        // Scaling time by s multiplies every likelihood by s^-x.
        let repeats: f64 = histories.iter().map(|h| h.x).sum();
        let mut fit = Fit::new(&optimum, data.customers, &["r", "alpha", "a", "b"]);
        fit.log_likelihood += repeats * scale.ln();
        Ok((model, fit))
    }

    /// The log-likelihood of a customer, without `-ln x!`.
    pub fn log_likelihood(&self, h: History) -> f64 {
        let BgNbd { r, alpha, a, b } = *self;
        let rx = r + h.x;
        let base = ln_gamma(rx) - ln_gamma(r) + r * alpha.ln() + ln_beta(a, b + h.x) - ln_beta(a, b);
        base - rx * (alpha + h.age).ln() + ln_1p_exp(self.ln_odds_dead(h))
    }

    /// Logarithm of the odds of having dropped out.
    fn ln_odds_dead(&self, h: History) -> f64 {
        if h.x == 0.0 {
            return f64::NEG_INFINITY;
        }
        let BgNbd { r, alpha, a, b } = *self;
        a.ln() - (b + h.x - 1.0).ln() + (r + h.x) * ((h.age - h.t_x) / (alpha + h.t_x)).ln_1p()
    }

    /// The probability that a customer is still alive at the end of observation.
    pub fn p_alive(&self, h: History) -> f64 {
        (-ln_1p_exp(self.ln_odds_dead(h))).exp()
    }

    /// Expected orders in the next `t`, given the history.
    pub fn expected_orders(&self, h: History, t: f64) -> f64 {
        self.p_alive(h) * self.expected_if_alive(h, t)
    }

    /// Expected orders of a new customer within `t` of the first order (equation 9).
    pub fn expected_orders_of_new_customer(&self, t: f64) -> f64 {
        self.expected_if_alive(History { x: 0.0, t_x: 0.0, age: 0.0 }, t)
    }

    /// Expected orders in the next `horizon`, each discounted continuously at `delta` per time unit.
    pub fn discounted_orders(&self, h: History, horizon: f64, delta: f64) -> f64 {
        let at_end = self.expected_if_alive(h, horizon);
        let inner: f64 = if delta == 0.0 {
            0.0
        } else {
            GAUSS_LEGENDRE_8
                .iter()
                .map(|(u, w)| w * (-delta * horizon * u).exp() * self.expected_if_alive(h, horizon * u))
                .sum()
        };
        self.p_alive(h) * ((-delta * horizon).exp() * at_end + delta * horizon * inner)
    }

    fn expected_if_alive(&self, h: History, t: f64) -> f64 {
        let BgNbd { r, alpha, a, b } = *self;
        let (z, c) = (t / (alpha + h.age + t), a + b + h.x - 1.0);
        if t <= 0.0 {
            return 0.0;
        }
        let p = a + b - 1.0 - r;
        // The series is of one sign for p >= 0, and short unless z is near one.
        if z <= 0.9
            && p > -1.0
            && c > 0.0
            && let Some(sum) = series(p, a, c, z)
        {
            let ln_1mz = (-z).ln_1p();
            let head = if a == 1.0 { -ln_1mz } else { -((a - 1.0) * ln_1mz).exp_m1() / (a - 1.0) };
            let tail = ((a - 1.0) * ln_1mz).exp() * sum;
            let value = c * (head - tail);
            // What is left after cancellation must still carry digits.
            if value.is_finite() && (head - tail) > 1e-4 * head.abs() {
                return value;
            }
        }
        self.expected_if_alive_by_integral(h, t)
    }

    pub(super) fn expected_if_alive_by_integral(&self, h: History, t: f64) -> f64 {
        let (a, bx, rx) = (self.a, self.b + h.x, self.r + h.x);
        let rate = t / (self.alpha + h.age);
        let ln_norm = ln_beta(a, bx);
        // ln of 1 - (1 + u t/(alpha+T))^-(r+x), which is linear in u where u is tiny.
        let ln_buys = |ln_u: f64| {
            let u = ln_u.exp();
            if u * rate * (rx + 1.0) < 1e-12 {
                (rx * rate).ln() + ln_u
            } else {
                (-(-rx * (u * rate).ln_1p()).exp_m1()).ln()
            }
        };
        LogitIntegrand {
            ln_f: |ln_u: f64, ln_v: f64| (a - 1.0) * ln_u + bx * ln_v - ln_norm + ln_buys(ln_u),
            peak: (a / bx).ln(),
            width: (1.0 / a + 1.0 / bx).sqrt(),
            left: (-40.0 - (rate * (rx + 1.0)).ln_1p(), a),
            right: (40.0, bx),
        }
        .integrate()
    }
}

/// `sum over n >= 1 of (p)_n (a)_(n-1) / ((c)_n n!) z^n`, or `None` if it is slow.
fn series(p: f64, a: f64, c: f64, z: f64) -> Option<f64> {
    let mut term = p / c * z;
    let mut sum = term;
    for n in 1..2000 {
        let n = f64::from(n);
        term *= (p + n) * (a + n - 1.0) / ((c + n) * (n + 1.0)) * z;
        sum += term;
        if term.abs() <= 1e-17 * sum.abs() {
            return Some(sum);
        }
    }
    None
}

/// The mean negative log-likelihood and its gradient by the logs of `r, alpha, a, b`.
fn negative_mean_log_likelihood(logs: &[f64], data: &Collapsed) -> (f64, Vec<f64>) {
    let [r, alpha, a, b] = [logs[0].exp(), logs[1].exp(), logs[2].exp(), logs[3].exp()];
    // What depends on x alone: gamma and beta functions, once for each distinct x.
    let (mut value, mut dr, mut dalpha, mut da, mut db) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let (psi_r, psi_ab, psi_b) = (digamma(r), digamma(a + b), digamma(b));
    for &(x, n) in &data.counts {
        value += n * (ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + ln_beta(a, b + x) - ln_beta(a, b));
        dr += n * (digamma(r + x) - psi_r + alpha.ln());
        dalpha += n * r / alpha;
        let psi_abx = digamma(a + b + x);
        // The digamma(a) of ln B(a, b+x) and of ln B(a, b) cancel.
        da += n * (psi_ab - psi_abx);
        db += n * (digamma(b + x) - psi_abx - psi_b + psi_ab);
    }
    let ln_a = a.ln();
    let rows: [f64; 5] = parallel::sum(data.rows.len(), |i, s: &mut [f64; 5]| {
        let (x, t_x, age, n) = data.rows[i];
        let rx = r + x;
        let (ln_age, inv_age) = ((alpha + age).ln(), 1.0 / (alpha + age));
        s[0] -= n * rx * ln_age;
        s[1] -= n * ln_age;
        s[2] -= n * rx * inv_age;
        if x > 0.0 {
            let ln_ratio = ln_age - (alpha + t_x).ln();
            let odds = ln_a - (b + x - 1.0).ln() + rx * ln_ratio;
            let dead = n / (1.0 + (-odds).exp());
            s[0] += n * ln_1p_exp(odds);
            s[1] += dead * ln_ratio;
            s[2] += dead * rx * (inv_age - 1.0 / (alpha + t_x));
            s[3] += dead / a;
            s[4] -= dead / (b + x - 1.0);
        }
    });
    value += rows[0];
    dr += rows[1];
    dalpha += rows[2];
    da += rows[3];
    db += rows[4];
    let n = data.customers;
    (-value / n, vec![-r * dr / n, -alpha * dalpha / n, -a * da / n, -b * db / n])
}

#[cfg(test)]
pub(super) fn gradient_check(histories: &[History], logs: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let data = collapse(histories);
    let (_, gradient) = negative_mean_log_likelihood(logs, &data);
    let numeric = (0..logs.len())
        .map(|i| {
            let step = 1e-5;
            let shifted = |s: f64| {
                let mut at = logs.to_vec();
                at[i] += s;
                negative_mean_log_likelihood(&at, &data).0
            };
            (shifted(step) - shifted(-step)) / (2.0 * step)
        })
        .collect();
    (gradient, numeric)
}
