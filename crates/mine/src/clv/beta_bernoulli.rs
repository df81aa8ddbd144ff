//! BG/BB: buying or not at each of a number of occasions.
//!
//! **Story** (Fader, Hardie & Shang 2010, "Customer-base analysis in a discrete-time noncontractual setting", Marketing Science
//! 29). Time is a row of occasions: years of a charity, months, sailings. At each, a living customer buys with
//! probability `p`, Beta(`alpha`, `beta`) over customers; before each, the customer drops out with probability `theta`,
//! Beta(`gamma`, `delta`).
//!
//! **Histories** are counted in occasions: `x` of them with an order, the last one at `t_x`, of `age` = n in all (the
//! first order is not an occasion). `0 <= x <= t_x <= n`, all whole.
//!
//! **Likelihood** (equation 5):
//!
//! `L = B(alpha+x, beta+n-x) B(gamma, delta+n) / (B(alpha, beta) B(gamma, delta))`
//! `  + sum over i < n-t_x of B(alpha+x, beta+t_x-x+i) B(gamma+1, delta+t_x+i) / (B(alpha, beta) B(gamma, delta))`
//!
//! **P(alive at n)** is the first term's share (equation 11 has the survival of occasion n+1 in it, as [`BetaBernoulli::p_alive_next`]).
//! **The future** of a living customer is that of a new one with `alpha+x, beta+n-x, gamma, delta+n`:
//!
//! * E[X(n)] (equation 8): `alpha / (alpha+beta) * sum over t of B(gamma, delta+t) / B(gamma, delta)`.
//! * P(X(n) = x) (equation 7).
//! * Discounted orders for ever (equation 14): `E[p] E[(1-theta) / (d + theta)]`, `d` the discount an occasion.

use serde::{Deserialize, Serialize};
use statrs::function::beta::ln_beta;
use statrs::function::gamma::digamma;

use super::History;
use super::future::Future;
use super::likelihood::{Fit, Likelihood, Terms, fit};
use super::special::{beta_nodes, ln_add_exp};
use crate::MineError;

/// Parameters of BG/BB, all above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BetaBernoulli {
    /// First parameter of the buying probabilities.
    pub alpha: f64,
    /// Second: `alpha / (alpha + beta)` is the mean probability of buying at an occasion.
    pub beta: f64,
    /// First parameter of the drop-out probabilities.
    pub gamma: f64,
    /// Second: `gamma / (gamma + delta)` is the mean probability of dropping out before an occasion.
    pub delta: f64,
}

impl BetaBernoulli {
    /// Fits by maximum likelihood.
    ///
    /// # Errors
    /// If a history is not in whole occasions with `x <= t_x <= age`, nobody bought again, or the fit does not
    /// converge.
    pub fn fit(histories: &[History]) -> Result<(BetaBernoulli, Fit), MineError> {
        let wrong = |h: &&History| h.t_x.fract() != 0.0 || h.age.fract() != 0.0 || h.x > h.t_x;
        if let Some(h) = histories.iter().find(wrong) {
            return Err(MineError::defect(
                "BG/BB needs histories in whole occasions, x <= t_x <= age",
                format!("a customer has {h:?}"),
            ));
        }
        let repeaters = histories.iter().filter(|h| h.x > 0.0).count();
        if repeaters < 3 {
            return Err(MineError::data(
                "BG/BB needs at least 3 customers with an order in a whole occasion after the first",
                format!("{repeaters} of {} have any; shorter occasions may help", histories.len()),
            ));
        }
        let template = BetaBernoulli { alpha: 1.0, beta: 1.0, gamma: 1.0, delta: 1.0 };
        fit(&template, histories)
    }

    /// The log-likelihood of a customer's string of occasions.
    pub fn log_likelihood(&self, h: History) -> f64 {
        self.terms::<false>(h).ln
    }

    /// The probability that a customer is alive at the last occasion seen.
    pub fn p_alive(&self, h: History) -> f64 {
        self.terms::<false>(h).alive
    }

    /// The probability that a customer survives to the next occasion: what the paper calls P(alive at n+1).
    pub fn p_alive_next(&self, h: History) -> f64 {
        self.p_alive(h) * self.future(h).p_alive(1.0)
    }

    /// The future of a customer who is alive.
    pub fn future(&self, h: History) -> BernoulliFuture {
        BernoulliFuture {
            alpha: self.alpha + h.x,
            beta: self.beta + h.age - h.x,
            gamma: self.gamma,
            delta: self.delta + h.age,
        }
    }

    fn terms<const GRADIENT: bool>(&self, h: History) -> StringTerms {
        let BetaBernoulli { alpha, beta, gamma, delta } = *self;
        let (x, n, t_x) = (h.x, h.age, h.t_x);
        // Terms relative to the one that is alive throughout.
        let silent = (n - t_x) as usize;
        let ln_alive = ln_beta(alpha + x, beta + n - x) + ln_beta(gamma, delta + n);
        let mut logs = vec![0.0; silent + 1];
        for (i, l) in logs.iter_mut().enumerate().take(silent) {
            let i = i as f64;
            *l = ln_beta(alpha + x, beta + t_x - x + i) + ln_beta(gamma + 1.0, delta + t_x + i) - ln_alive;
        }
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|l| (l - top).exp()).sum();
        let ln_norm = ln_beta(alpha, beta) + ln_beta(gamma, delta);
        let mut by = [0.0; 4];
        if GRADIENT {
            let mut add = |weight: f64, misses: f64, dies: f64, survives: f64| {
                let buys = digamma(alpha + beta + x + misses);
                let drops = digamma(gamma + delta + dies + survives);
                by[0] += weight * (digamma(alpha + x) - buys);
                by[1] += weight * (digamma(beta + misses) - buys);
                by[2] += weight * (digamma(gamma + dies) - drops);
                by[3] += weight * (digamma(delta + survives) - drops);
            };
            for (i, l) in logs.iter().enumerate() {
                let weight = (l - top).exp() / sum;
                if i == silent {
                    add(weight, n - x, 0.0, n);
                } else {
                    add(weight, t_x - x + i as f64, 1.0, t_x + i as f64);
                }
            }
            let (buys, drops) = (digamma(alpha + beta), digamma(gamma + delta));
            by[0] -= digamma(alpha) - buys;
            by[1] -= digamma(beta) - buys;
            by[2] -= digamma(gamma) - drops;
            by[3] -= digamma(delta) - drops;
        }
        StringTerms { ln: ln_alive + top + sum.ln() - ln_norm, alive: (-top).exp() / sum, by }
    }
}

struct StringTerms {
    ln: f64,
    alive: f64,
    by: [f64; 4],
}

impl Likelihood for BetaBernoulli {
    const OCCASIONS: bool = true;
    const NAMES: &'static [&'static str] = &["alpha", "beta", "gamma", "delta"];
    type PerX = ();
    type PerTime = ();

    fn name(&self) -> &'static str {
        "BG/BB"
    }

    fn at(&self, logs: &[f64]) -> Self {
        BetaBernoulli {
            alpha: logs[0].exp(),
            beta: logs[1].exp(),
            gamma: logs[2].exp(),
            delta: logs[3].exp(),
        }
    }

    fn values(&self) -> Vec<f64> {
        vec![self.alpha, self.beta, self.gamma, self.delta]
    }

    fn with_time_times(&self, _: f64) -> Self {
        *self
    }

    fn starts(&self) -> Vec<Vec<f64>> {
        [[0.0, 0.0, -0.5, 1.0], [1.0, 2.0, -1.0, 2.0], [-1.0, -1.0, 0.0, 0.0]].map(|s| s.to_vec()).to_vec()
    }

    fn per_x(&self, _: f64) -> ((), Terms) {
        ((), [0.0; 8])
    }

    fn per_time(&self, _: f64) {}

    fn row(&self, (): &(), _: [&(); 2], h: History) -> Terms {
        let t = self.terms::<true>(h);
        [
            t.ln,
            self.alpha * t.by[0],
            self.beta * t.by[1],
            self.gamma * t.by[2],
            self.delta * t.by[3],
            0.0,
            0.0,
            0.0,
        ]
    }
}

/// The future of a living customer, in occasions. Expectations take a part of an occasion for that part of its orders; probabilities
/// are of the nearest whole number of occasions.
#[derive(Clone, Copy, Debug)]
pub struct BernoulliFuture {
    alpha: f64,
    beta: f64,
    gamma: f64,
    delta: f64,
}

impl BernoulliFuture {
    fn buys(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// P(alive at t) for `t = 1, 2, ...`.
    fn survival(&self) -> impl Iterator<Item = f64> + '_ {
        let mut alive = 1.0;
        let mut t = 0.0;
        std::iter::repeat_with(move || {
            alive *= (self.delta + t) / (self.gamma + self.delta + t);
            t += 1.0;
            alive
        })
    }

    /// P(no order at n occasions while alive).
    fn ln_silent(&self, n: f64) -> f64 {
        ln_beta(self.alpha, self.beta + n) - ln_beta(self.alpha, self.beta)
    }

    /// Sum over occasions up to `horizon` of P(alive), discounted at `delta` an occasion.
    fn occasions(&self, horizon: f64, delta: f64) -> f64 {
        let horizon = horizon.max(0.0);
        let discount = (-delta).exp();
        let mut factor = 1.0;
        let mut sum = 0.0;
        for (n, alive) in self.survival().enumerate() {
            // The occasion that the horizon cuts counts in part.
            let part = (horizon - n as f64).min(1.0);
            if part <= 0.0 {
                break;
            }
            factor *= discount;
            let term = factor * alive;
            sum += part * term;
            if term < 1e-18 * sum {
                break;
            }
        }
        sum
    }
}

impl Future for BernoulliFuture {
    fn expected_orders(&self, t: f64) -> f64 {
        self.buys() * self.occasions(t, 0.0)
    }

    fn p_alive(&self, t: f64) -> f64 {
        let t = t.max(0.0).round();
        (ln_beta(self.gamma, self.delta + t) - ln_beta(self.gamma, self.delta)).exp()
    }

    fn distribution(&self, t: f64, most: usize) -> Vec<f64> {
        let n = t.max(0.0).round() as usize;
        let mut p = vec![0.0; most + 1];
        let (ln_buys, ln_drops) = (ln_beta(self.alpha, self.beta), ln_beta(self.gamma, self.delta));
        // Alive for exactly `lived` occasions, and binomial buying over them.
        for lived in 0..=n {
            let l = lived as f64;
            let ln_lived = if lived == n {
                ln_beta(self.gamma, self.delta + l)
            } else {
                ln_beta(self.gamma + 1.0, self.delta + l)
            };
            let mut ln_choose = 0.0;
            for (x, p) in p.iter_mut().enumerate().take(lived + 1) {
                let k = x as f64;
                *p += (ln_lived - ln_drops + ln_choose + ln_beta(self.alpha + k, self.beta + l - k)
                    - ln_buys)
                    .exp();
                ln_choose += ((l - k) / (k + 1.0)).ln();
            }
        }
        p
    }

    fn p_no_order(&self, t: f64) -> f64 {
        let n = t.max(0.0).round();
        let ln_drops = ln_beta(self.gamma, self.delta);
        let mut ln = ln_beta(self.gamma, self.delta + n) - ln_drops + self.ln_silent(n);
        for lived in 0..n as usize {
            let l = lived as f64;
            ln = ln_add_exp(ln, ln_beta(self.gamma + 1.0, self.delta + l) - ln_drops + self.ln_silent(l));
        }
        ln.exp().min(1.0)
    }

    fn residual_orders(&self, delta: f64) -> f64 {
        let BernoulliFuture { gamma, delta: second, .. } = *self;
        if delta <= 0.0 {
            // E[(1-theta)/theta].
            return if gamma > 1.0 { self.buys() * second / (gamma - 1.0) } else { f64::INFINITY };
        }
        let d = delta.exp_m1();
        let nodes = beta_nodes(gamma, second, d.min(1.0));
        self.buys() * nodes.iter().map(|(theta, weight)| weight * (1.0 - theta) / (d + theta)).sum::<f64>()
    }

    fn residual_time(&self, delta: f64) -> f64 {
        self.residual_orders(delta) / self.buys()
    }

    fn time_scale(&self) -> f64 {
        1.0
    }

    fn discounted_orders(&self, horizon: f64, delta: f64) -> f64 {
        self.buys() * self.occasions(horizon, delta)
    }

    fn discounted_time(&self, horizon: f64, delta: f64) -> f64 {
        self.occasions(horizon, delta)
    }
}
