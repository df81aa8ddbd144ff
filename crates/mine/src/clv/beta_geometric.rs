//! BG/NBD and its relatives: buying while alive, dropping out after orders.
//!
//! **Story** (Fader, Hardie & Lee 2005, "Counting your customers the easy way", Marketing Science 24). While alive, a
//! customer orders at a Poisson rate `lambda`; after each order the customer drops out with probability `p`. Rates
//! differ between customers as Gamma(`r`, rate `alpha`), drop-out probabilities as Beta(`a`, `b`), independently.
//!
//! Three relatives change one assumption each:
//! * **MBG/NBD** (Batislam, Denizel & Filiztekin 2007): the first order may be the last, so one-time buyers
//!   are not all alive. Here `m = 1`; in BG/NBD `m = 0`.
//! * **BG/CNBD-k** and **MBG/CNBD-k** (Platzer 2016; Reutterer, Platzer & Schröder 2021, "Leveraging purchase regularity
//!   for predicting customer behavior the easy way"): orders come more regularly than Poisson's. The time between
//!   two is Erlang-`k`: the `k`-th of hidden events at rate `lambda`.
//!
//! **Likelihood**, per customer, with `x`, `t_x` and `T` (here [`History::age`]) and `R = r + k x`:
//!
//! `L = G(R) alpha^r / (G(r) G(k)^x) * B(a, b+x+m) / B(a, b) * [ (alpha+T)^-R Q + 1{x+m>0} a/(b+x+m-1) (alpha+t_x)^-R ]`
//!
//! `Q = sum over j < k of (R)_j / j! ((T-t_x)/(alpha+T))^j`
//!
//! where `j` counts the hidden events since the last order; for `k = 1`, `Q = 1` and this is equation 6 of the paper. For
//! `k > 1` a factor (product of the gaps between orders)^(k-1) belongs to it, which no parameter changes; [`BetaGeometric::fit`]
//! takes the sum of their logs so that likelihoods of different `k` can be compared.
//!
//! **P(alive)** is the first term's share of the bracket. In BG/NBD a customer without a repeat order has had no chance
//! to drop out, so P(alive) = 1: the model knows no better, and says more than it knows.
//!
//! **The future** of a living customer is that of a new one (who is past the first order) with `r + k x + j, alpha + T, a, b+x+m`,
//! mixed over `j`. For `k = 1`, with `z = t/(alpha+t)`:
//!
//! * E[X(t)] (equation 9): the published form divides by `a - 1` and subtracts nearly equal numbers. Euler's transformation of
//!   its hypergeometric function takes the factor out: with `c = a+b-1`,
//!   `E = c * [ -expm1((a-1) ln(1-z)) / (a-1) - (1-z)^(a-1) S ]`,
//!   `S = sum over n >= 1 of (c-r)_n (a)_(n-1) / ((c)_n n!) z^n`, smooth at `a = 1`. Where the series is slow, or cancels,
//!   `E` is an integral over the drop-out probability, all of it positive:
//!   `E = integral of p^(a-2) (1-p)^(b-1) / B(a, b) * [1 - (1 + p t/alpha)^-r] dp`.
//! * P(alive at t) = `2F1(r, a; a+b; -t/alpha)`, the Laplace transform of `lambda p` over both.
//! * P(X(t) = n) (equation 8): alive with `n` orders, or dead at the `n`-th.
//! * Discounted orders for ever: E[lambda / (lambda p + delta)], a double sum over nodes of both distributions.
//!
//! For `k > 1` the same sums run over hidden events, `floor((N + j)/k)` orders after `N` of them; where they are many, a filter
//! by the `k`-th roots of unity sums them in closed form.

use serde::{Deserialize, Serialize};
use statrs::function::beta::ln_beta;
use statrs::function::gamma::{digamma, ln_gamma};

use super::History;
use super::future::Future;
use super::likelihood::{Fit, Likelihood, Terms, fit};
use super::special::{
    LogitIntegrand, beta_nodes, expm1_over, gamma_nodes, ln_1p_exp, ln_gauss_2f1, negative_binomial,
};
use crate::MineError;

/// Parameters of the family, all above zero. `alpha` is in the model's time unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BetaGeometric {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate parameter of the purchase rates: `r / alpha` is the mean rate of (hidden) events.
    pub alpha: f64,
    /// First parameter of the drop-out probabilities.
    pub a: f64,
    /// Second: `a / (a + b)` is the mean drop-out probability.
    pub b: f64,
    /// Hidden events to an order: 1 for Poisson buying, more for regular buying. From 1 to 12.
    pub k: u32,
    /// Whether the first order may already be the last (the M of MBG).
    pub drop_at_once: bool,
}

/// The most hidden events to an order.
pub const MOST_REGULAR: u32 = 12;

impl BetaGeometric {
    /// BG/NBD with these parameters.
    pub fn bg_nbd(r: f64, alpha: f64, a: f64, b: f64) -> BetaGeometric {
        BetaGeometric { r, alpha, a, b, k: 1, drop_at_once: false }
    }

    /// MBG/NBD with these parameters.
    pub fn mbg_nbd(r: f64, alpha: f64, a: f64, b: f64) -> BetaGeometric {
        BetaGeometric { drop_at_once: true, ..BetaGeometric::bg_nbd(r, alpha, a, b) }
    }

    /// Fits by maximum likelihood. `k` is from 1 to [`MOST_REGULAR`]; `sum_ln_gaps` is the sum over all customers of the
    /// logarithms of the times between their orders, in the histories' unit, and only counts for `k > 1`.
    ///
    /// # Errors
    /// If `k` is out of range, a history is impossible, there are no repeat orders, or the fit does not
    /// converge.
    pub fn fit(
        histories: &[History],
        k: u32,
        drop_at_once: bool,
        sum_ln_gaps: f64,
    ) -> Result<(BetaGeometric, Fit), MineError> {
        if !(1..=MOST_REGULAR).contains(&k) {
            return Err(MineError::parameter("k", format!("within 1 to {MOST_REGULAR}"), k));
        }
        let template = BetaGeometric { r: 1.0, alpha: 1.0, a: 1.0, b: 1.0, k, drop_at_once };
        let (model, mut report) = fit(&template, histories)?;
        report.shift(model.regularity_constant(sum_ln_gaps));
        Ok((model, report))
    }

    /// Fits the `k` of greatest likelihood: `k` grows while the likelihood does.
    ///
    /// # Errors
    /// As [`BetaGeometric::fit`].
    pub fn fit_regularity(
        histories: &[History],
        drop_at_once: bool,
        sum_ln_gaps: f64,
    ) -> Result<(BetaGeometric, Fit), MineError> {
        let mut best = BetaGeometric::fit(histories, 1, drop_at_once, sum_ln_gaps)?;
        for k in 2..=MOST_REGULAR {
            match BetaGeometric::fit(histories, k, drop_at_once, sum_ln_gaps) {
                Ok(next) if next.1.log_likelihood > best.1.log_likelihood => best = next,
                _ => break,
            }
        }
        // The regularity was fitted too.
        best.1.aic += 2.0;
        best.1.bic += (best.1.customers as f64).ln();
        Ok(best)
    }

    /// What the gaps between orders add to a log-likelihood.
    pub(super) fn regularity_constant(&self, sum_ln_gaps: f64) -> f64 {
        if self.k == 1 { 0.0 } else { (f64::from(self.k) - 1.0) * sum_ln_gaps }
    }

    /// The log-likelihood of a customer, without `-ln x!` and the gaps' constant.
    pub fn log_likelihood(&self, h: History) -> f64 {
        self.log_likelihood_of(h)
    }

    fn m(&self) -> f64 {
        f64::from(u8::from(self.drop_at_once))
    }

    /// `R = r + k x`.
    fn shape(&self, x: f64) -> f64 {
        self.r + f64::from(self.k) * x
    }

    /// Logarithm of the dead part of the bracket over `(alpha+T)^-R`.
    fn ln_dead(&self, h: History) -> f64 {
        let survived = h.x + self.m();
        if survived == 0.0 {
            return f64::NEG_INFINITY;
        }
        self.a.ln() - (self.b + survived - 1.0).ln()
            + self.shape(h.x) * ((h.age - h.t_x) / (self.alpha + h.t_x)).ln_1p()
    }

    /// The terms of `Q`, by hidden events since the last order.
    fn phases(&self, h: History) -> [f64; MOST_REGULAR as usize] {
        let mut terms = [0.0; MOST_REGULAR as usize];
        let (shape, z) = (self.shape(h.x), (h.age - h.t_x) / (self.alpha + h.age));
        let mut term = 1.0;
        for (j, t) in terms.iter_mut().enumerate().take(self.k as usize) {
            *t = term;
            term *= (shape + j as f64) / (j as f64 + 1.0) * z;
        }
        terms
    }

    /// The probability that a customer is still alive at the end of observation.
    pub fn p_alive(&self, h: History) -> f64 {
        let ln_q = if self.k == 1 { 0.0 } else { self.phases(h).iter().sum::<f64>().ln() };
        (-ln_1p_exp(self.ln_dead(h) - ln_q)).exp()
    }

    /// The future of a customer who is alive.
    pub fn future(&self, h: History) -> GeometricFuture {
        let mut phases = self.phases(h);
        let q: f64 = phases.iter().sum();
        phases.iter_mut().for_each(|p| *p /= q);
        GeometricFuture {
            shape: self.shape(h.x),
            rate: self.alpha + h.age,
            a: self.a,
            b: self.b + h.x + self.m(),
            k: self.k as usize,
            phases,
        }
    }
}

impl Likelihood for BetaGeometric {
    const NAMES: &'static [&'static str] = &["r", "alpha", "a", "b"];
    /// `R`, `b + x + m - 1`, and `ln` of the drop-out's odds without the silence.
    type PerX = [f64; 3];
    /// `alpha + t`, its logarithm and its inverse.
    type PerTime = [f64; 3];

    fn events(&self) -> f64 {
        f64::from(self.k)
    }

    fn name(&self) -> &'static str {
        match (self.k, self.drop_at_once) {
            (1, false) => "BG/NBD",
            (1, true) => "MBG/NBD",
            (_, false) => "BG/CNBD-k",
            (_, true) => "MBG/CNBD-k",
        }
    }

    fn at(&self, logs: &[f64]) -> Self {
        BetaGeometric { r: logs[0].exp(), alpha: logs[1].exp(), a: logs[2].exp(), b: logs[3].exp(), ..*self }
    }

    fn values(&self) -> Vec<f64> {
        vec![self.r, self.alpha, self.a, self.b]
    }

    fn with_time_times(&self, factor: f64) -> Self {
        BetaGeometric { alpha: self.alpha * factor, ..*self }
    }

    fn starts(&self) -> Vec<Vec<f64>> {
        // Hidden events are k times as frequent.
        let k = f64::from(self.k).ln();
        [[0.0, 0.0, 0.0, 0.0], [-1.0, 0.5, -0.5, 1.0], [1.0, 2.0, -2.0, 1.0], [-1.0, -2.0, 1.0, 3.0]]
            .map(|[r, alpha, a, b]| vec![r, alpha - k, a, b])
            .to_vec()
    }

    fn per_x(&self, x: f64) -> ([f64; 3], Terms) {
        let BetaGeometric { r, alpha, a, b, .. } = *self;
        let (shape, bx) = (self.shape(x), b + x + self.m());
        let value = ln_gamma(shape) - ln_gamma(r) + r * alpha.ln() + ln_beta(a, bx)
            - ln_beta(a, b)
            - x * ln_gamma(f64::from(self.k));
        let (psi_ab, psi_abx) = (digamma(a + b), digamma(a + bx));
        let terms = [
            value,
            r * (digamma(shape) - digamma(r) + alpha.ln()),
            r,
            // The digamma(a) of ln B(a, b+x) and of ln B(a, b) cancel.
            a * (psi_ab - psi_abx),
            b * (digamma(bx) - psi_abx - digamma(b) + psi_ab),
            0.0,
            0.0,
            0.0,
        ];
        let survived = x + self.m();
        // Without a chance to drop out nobody has.
        let (left, ln_odds) = if survived > 0.0 {
            (b + survived - 1.0, (a / (b + survived - 1.0)).ln())
        } else {
            (b, f64::NEG_INFINITY)
        };
        ([shape, left, ln_odds], terms)
    }

    fn per_time(&self, t: f64) -> [f64; 3] {
        let at = self.alpha + t;
        [at, at.ln(), 1.0 / at]
    }

    fn row(&self, per_x: &[f64; 3], [at_last, at_end]: [&[f64; 3]; 2], h: History) -> Terms {
        let BetaGeometric { r, alpha, b, .. } = *self;
        let [shape, left, ln_odds] = *per_x;
        let ([_, ln_last, inv_last], [_, ln_end, inv_end]) = (*at_last, *at_end);
        // ln Q, and the derivatives of Q divided by it.
        let (mut ln_q, mut q_r, mut q_alpha) = (0.0, 0.0, 0.0);
        if self.k > 1 {
            let z = (h.age - h.t_x) * inv_end;
            let (mut q, mut term, mut harmonic) = (1.0, 1.0, 0.0);
            for j in 1..self.k {
                let j = f64::from(j);
                harmonic += 1.0 / (shape + j - 1.0);
                term *= (shape + j - 1.0) / j * z;
                q += term;
                q_r += term * harmonic;
                q_alpha -= term * j * inv_end;
            }
            (ln_q, q_r, q_alpha) = (f64::ln(q), q_r / q, q_alpha / q);
        }
        let ln_ratio = ln_end - ln_last;
        // P(dead) and ln(1 + its odds) from one exponential.
        let v = ln_odds + shape * ln_ratio - ln_q;
        let e = (-v.abs()).exp();
        let dead = if v > 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
        [
            -shape * ln_end + ln_q + v.max(0.0) + (1.0 + e).ln(),
            r * (q_r - ln_end + dead * (ln_ratio - q_r)),
            alpha * (q_alpha - shape * inv_end + dead * (shape * (inv_end - inv_last) - q_alpha)),
            dead,
            -dead * b / left,
            0.0,
            0.0,
            0.0,
        ]
    }
}

/// The future of a living customer: (hidden) events at a Gamma(`shape`, `rate`) rate, drop-out Beta(`a`, `b`) after orders.
#[derive(Clone, Copy, Debug)]
pub struct GeometricFuture {
    shape: f64,
    rate: f64,
    a: f64,
    b: f64,
    k: usize,
    /// Probabilities of the hidden events since the last order.
    phases: [f64; MOST_REGULAR as usize],
}

/// Above so many hidden events to sum over, the roots of unity take over.
const MOST_EVENTS: f64 = 3000.0;

impl GeometricFuture {
    /// The phases with their weights; event `j` ago shifts the rate's shape.
    fn weighted_phases(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.phases.iter().copied().enumerate().take(self.k).filter(|(_, w)| *w > 0.0)
    }

    /// A number of hidden events within `t` that is hardly ever exceeded.
    fn many_events(&self, t: f64) -> f64 {
        let (shape, q) = (self.shape + self.k as f64, t / self.rate);
        (shape * q + 12.0 * (shape * q * (1.0 + q)).sqrt() + 36.0 * (1.0 + q)).ceil()
    }

    /// E[X(t)] for `k = 1`.
    fn expected_poisson(&self, t: f64) -> f64 {
        let (a, c) = (self.a, self.a + self.b - 1.0);
        let z = t / (self.rate + t);
        let p = c - self.shape;
        // The series is of one sign for p >= 0, and short unless z is near one.
        if z <= 0.9
            && p > -1.0
            && c > 0.0
            && let Some(sum) = series(p, a, c, z)
        {
            let ln_1mz = (-z).ln_1p();
            let head = -expm1_over(a - 1.0, ln_1mz);
            let value = c * (head - ((a - 1.0) * ln_1mz).exp() * sum);
            // What is left after cancellation must still carry digits.
            if value.is_finite() && value > 1e-4 * c * head.abs() {
                return value;
            }
        }
        self.expected_by_integral(t)
    }

    /// E[X(t)] for `k = 1`, as an integral over the drop-out probability.
    pub(super) fn expected_by_integral(&self, t: f64) -> f64 {
        let (a, b, shape) = (self.a, self.b, self.shape);
        let rate = t / self.rate;
        let ln_norm = ln_beta(a, b);
        // ln of 1 - (1 + u t/rate)^-shape, which is linear in u where u is tiny.
        let ln_buys = |ln_u: f64| {
            let u = ln_u.exp();
            if u * rate * (shape + 1.0) < 1e-12 {
                (shape * rate).ln() + ln_u
            } else {
                (-(-shape * (u * rate).ln_1p()).exp_m1()).ln()
            }
        };
        LogitIntegrand {
            ln_f: |ln_u: f64, ln_v: f64| (a - 1.0) * ln_u + b * ln_v - ln_norm + ln_buys(ln_u),
            peak: (a / b).ln(),
            width: (1.0 / a + 1.0 / b).sqrt(),
            left: (-40.0 - (rate * (shape + 1.0)).ln_1p(), a),
            right: (40.0, b),
        }
        .integrate()
    }

    /// Sums over hidden events: `f(orders, P(events bring exactly these), P(at least these))`, for each number of orders.
    fn over_orders(&self, t: f64, most_orders: usize, mut f: impl FnMut(usize, f64, f64)) {
        let most = (most_orders + 1) * self.k;
        for (j, weight) in self.weighted_phases() {
            let p = negative_binomial(self.shape + j as f64, self.rate, t, most);
            let mut before: f64 = 0.0;
            for n in 0..=most_orders {
                // n orders: from n k - j to (n+1) k - j - 1 events.
                let from = (n * self.k).saturating_sub(j);
                let exactly: f64 = p[from..(n + 1) * self.k - j].iter().sum();
                f(n, weight * exactly, weight * (1.0 - before).max(0.0));
                before += exactly;
            }
        }
    }

    /// E[X(t)] for `k > 1`: sum over n of P(alive after n-1 orders) P(enough events for n).
    pub(super) fn expected_regular(&self, t: f64) -> f64 {
        let most = self.many_events(t);
        if most > MOST_EVENTS {
            return self.by_roots(t, |phase, roots, q| phase.expected(roots, q));
        }
        let (k, most) = (self.k, most as usize);
        let mut expected = 0.0;
        for (j, weight) in self.weighted_phases() {
            let p = negative_binomial(self.shape + j as f64, self.rate, t, most);
            // Tails, from the end, so that small ones keep their digits.
            let mut tails = p;
            for i in (0..most).rev() {
                tails[i] += tails[i + 1];
            }
            let mut survives = 1.0;
            let mut n = 1;
            while n * k - j <= most && survives > 0.0 {
                expected += weight * survives * tails[n * k - j];
                survives *= (self.b + n as f64 - 1.0) / (self.a + self.b + n as f64 - 1.0);
                n += 1;
            }
        }
        expected
    }

    /// Expected orders and P(alive), by the roots of unity whatever the number of events.
    #[cfg(test)]
    pub(super) fn by_roots_for_tests(&self, t: f64) -> (f64, f64) {
        (
            self.by_roots(t, |phase, roots, q| phase.expected(roots, q)),
            self.by_roots(t, |phase, roots, q| phase.p_alive(roots, q)),
        )
    }

    pub(super) fn p_alive_regular(&self, t: f64) -> f64 {
        let most = self.many_events(t);
        if most > MOST_EVENTS {
            return self.by_roots(t, |phase, roots, q| phase.p_alive(roots, q)).min(1.0);
        }
        let most_orders = most as usize / self.k + 1;
        let mut survives = vec![1.0; most_orders + 1];
        for n in 1..=most_orders {
            let i = n as f64 - 1.0;
            survives[n] = survives[n - 1] * (self.b + i) / (self.a + self.b + i);
        }
        let mut alive = 0.0;
        self.over_orders(t, most_orders, |n, exactly, _| alive += exactly * survives[n]);
        alive.min(1.0)
    }

    /// The mean over the drop-out probability of a sum over hidden events in closed form.
    fn by_roots(&self, t: f64, f: impl Fn(&Phase, &Roots, f64) -> f64) -> f64 {
        let (a, b) = (self.a, self.b);
        let ln_norm = ln_beta(a, b);
        self.weighted_phases()
            .map(|(j, weight)| {
                let phase = Phase { j, shape: self.shape + j as f64, tau: t / self.rate };
                let reach = (phase.tau * (phase.shape + 1.0)).ln_1p();
                weight
                    * LogitIntegrand {
                        ln_f: |ln_p: f64, ln_q: f64| {
                            let value = f(&phase, &Roots::new(self.k, ln_q), ln_q.exp());
                            a * ln_p + b * ln_q - ln_norm + value.max(1e-300).ln()
                        },
                        peak: (a / b).ln(),
                        width: (1.0 / a + 1.0 / b).sqrt().min(0.8),
                        left: (-40.0 - reach, a),
                        right: (40.0, b),
                    }
                    .integrate()
            })
            .sum()
    }
}

/// One number of hidden events since the last order: Gamma(`shape`) rates, `tau` of their scale ahead.
struct Phase {
    j: usize,
    shape: f64,
    tau: f64,
}

/// `s w` for the `k`-th roots of unity `w`, with `s^k = q`, and `1 - s w`, exactly where `s` is near one.
struct Roots {
    k: usize,
    ln_s: f64,
}

impl Roots {
    fn new(k: usize, ln_q: f64) -> Roots {
        Roots { k, ln_s: ln_q / k as f64 }
    }

    /// For each root: its angle, and the real and imaginary part of `1 - s w`.
    fn each(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let s = self.ln_s.exp();
        (0..self.k).map(move |i| {
            let angle = std::f64::consts::TAU * i as f64 / self.k as f64;
            let half = (0.5 * angle).sin();
            // 1 - s cos(angle) = (1 - s) + 2 s sin^2(angle / 2)
            (angle, -self.ln_s.exp_m1() + 2.0 * s * half * half, -s * angle.sin())
        })
    }
}

impl Phase {
    /// `(1 + tau (re + i im))^-shape` as logarithm of its size and angle.
    fn power(&self, re: f64, im: f64) -> (f64, f64) {
        let (x, y) = (self.tau * re, self.tau * im);
        // ln |1 + x + iy| without losing a small x.
        let ln_size = 0.5 * (x * (2.0 + x) + y * y).ln_1p();
        (-self.shape * ln_size, -self.shape * y.atan2(1.0 + x))
    }

    /// `sum over n >= 1 of q^(n-1) P(N >= n k - j)`
    /// `= s^(j+1-k) / k sum over roots of w^(j+1) (1 - (1 + tau (1 - s w))^-shape) / (1 - s w)`.
    fn expected(&self, roots: &Roots, q: f64) -> f64 {
        if q < 1e-4 {
            // The roots' terms would cancel; the sum itself is short.
            let p = negative_binomial(self.shape, 1.0, self.tau, 4 * roots.k);
            let at_least = |m: usize| 1.0 - p[..m].iter().sum::<f64>();
            return (1..=4).map(|n| q.powi(n as i32 - 1) * at_least(n * roots.k - self.j)).sum();
        }
        let sum: f64 = roots
            .each()
            .map(|(angle, re, im)| {
                let (ln_size, turn) = self.power(re, im);
                let (num_re, num_im) = if im == 0.0 {
                    (-ln_size.exp_m1(), 0.0)
                } else {
                    (1.0 - ln_size.exp() * turn.cos(), -ln_size.exp() * turn.sin())
                };
                if im == 0.0 && re * self.tau * self.shape < 1e-13 {
                    // 1 - (1 + tau d)^-shape is shape tau d there.
                    return self.shape * self.tau;
                }
                let size = re * re + im * im;
                let (div_re, div_im) =
                    ((num_re * re + num_im * im) / size, (num_im * re - num_re * im) / size);
                let (sin, cos) = (angle * (self.j as f64 + 1.0)).sin_cos();
                div_re * cos - div_im * sin
            })
            .sum();
        let factor = (roots.ln_s * (self.j as f64 + 1.0 - roots.k as f64)).exp() / roots.k as f64;
        (factor * sum).max(0.0)
    }

    /// `E[q^floor((N + j)/k)] = (1/k) sum over roots of (s w)^j (1 + tau (1 - s w))^-shape sum over i < k of (s w)^-i`.
    fn p_alive(&self, roots: &Roots, q: f64) -> f64 {
        if q < 1e-4 {
            let p = negative_binomial(self.shape, 1.0, self.tau, 4 * roots.k);
            let share = |n: usize| p[(n * roots.k).saturating_sub(self.j)..(n + 1) * roots.k - self.j].iter();
            return (0..4).map(|n| q.powi(n as i32) * share(n).sum::<f64>()).sum();
        }
        let sum: f64 = roots
            .each()
            .map(|(angle, re, im)| {
                let (ln_size, turn) = self.power(re, im);
                (0..roots.k)
                    .map(|i| {
                        let power = self.j as f64 - i as f64;
                        (ln_size + roots.ln_s * power).exp() * (turn + angle * power).cos()
                    })
                    .sum::<f64>()
            })
            .sum();
        (sum / roots.k as f64).clamp(0.0, 1.0)
    }
}

impl Future for GeometricFuture {
    fn expected_orders(&self, t: f64) -> f64 {
        match self.k {
            _ if t <= 0.0 => 0.0,
            1 => self.expected_poisson(t),
            _ => self.expected_regular(t),
        }
    }

    fn p_alive(&self, t: f64) -> f64 {
        match self.k {
            _ if t <= 0.0 => 1.0,
            1 => ln_gauss_2f1(self.shape, self.a, self.a + self.b, -t / self.rate).exp().min(1.0),
            _ => self.p_alive_regular(t),
        }
    }

    fn distribution(&self, t: f64, most: usize) -> Vec<f64> {
        let mut p = vec![0.0; most + 1];
        // The probability to survive n orders, and to die with the n-th.
        let (mut survives, mut dies) = (vec![1.0; most + 1], vec![0.0; most + 1]);
        for n in 1..=most {
            let i = n as f64 - 1.0;
            survives[n] = survives[n - 1] * (self.b + i) / (self.a + self.b + i);
            dies[n] = survives[n - 1] * self.a / (self.a + self.b + i);
        }
        self.over_orders(t.max(0.0), most, |n, exactly, at_least| {
            p[n] += survives[n] * exactly + dies[n] * at_least;
        });
        p
    }

    fn p_no_order(&self, t: f64) -> f64 {
        if self.k == 1 {
            return (-self.shape * (t.max(0.0) / self.rate).ln_1p()).exp();
        }
        self.distribution(t, 0)[0]
    }

    fn residual_orders(&self, delta: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        if delta <= 0.0 {
            // Orders until the drop-out: E[1/p].
            return if a > 1.0 { (a + b - 1.0) / (a - 1.0) } else { f64::INFINITY };
        }
        let w = delta * self.rate;
        let k = self.k as f64;
        self.weighted_phases()
            .map(|(j, weight)| {
                let rates = gamma_nodes(self.shape + j as f64, w);
                let highest = rates.last().map_or(1.0, |n| n.0);
                let drops = beta_nodes(a, b, (k * w / highest).min(1.0));
                let sum: f64 = rates
                    .iter()
                    .map(|(theta, wr)| {
                        // The discount until the next hidden event is phi = theta / (theta + w).
                        let ln_phi = -(w / theta).ln_1p();
                        let (to_order, lost) = ((ln_phi * k).exp(), -(ln_phi * k).exp_m1());
                        let inner: f64 = drops.iter().map(|(p, wp)| wp / (lost + p * to_order)).sum();
                        wr * (ln_phi * (k - j as f64)).exp() * inner
                    })
                    .sum();
                weight * sum
            })
            .sum()
    }

    fn time_scale(&self) -> f64 {
        // The buying rate's own, or the time to the order that is the last.
        self.rate / (1.0 + self.shape / self.k as f64 * self.a / (self.a + self.b))
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
