//! NBD: buying at steady rates, with no drop-out.
//!
//! **Story** (Ehrenberg 1959, "The pattern of consumer purchases"). Every customer orders at a Poisson rate of its own, Gamma(`r`, rate
//! `alpha`) over customers, for ever. As a model of customers who leave it is wrong; it is the yardstick that the others must
//! beat, and right for a short window or a steady trade.
//!
//! **Likelihood**: `L = G(r+x) / G(r) * alpha^r / (alpha+T)^(r+x)`. **The future** of a customer is that of a new one with
//! `r+x, alpha+T`: `E[X(t)] = r t / alpha`, counts are negative binomial, and P(alive) is always one.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};

use super::History;
use super::future::Future;
use super::likelihood::{Fit, Likelihood, Terms, fit};
use super::special::{expm1_over, negative_binomial};
use crate::MineError;

/// Parameters of NBD, above zero; `alpha` is in the model's time unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate parameter of the purchase rates.
    pub alpha: f64,
}

impl Nbd {
    /// Fits by maximum likelihood.
    ///
    /// # Errors
    /// If a history is impossible, there are no repeat orders, or the fit does not converge.
    pub fn fit(histories: &[History]) -> Result<(Nbd, Fit), MineError> {
        fit(&Nbd { r: 1.0, alpha: 1.0 }, histories)
    }

    /// The log-likelihood of a customer, without `-ln x!`.
    pub fn log_likelihood(&self, h: History) -> f64 {
        self.log_likelihood_of(h)
    }

    /// The future of a customer.
    pub fn future(&self, h: History) -> NbdFuture {
        NbdFuture { shape: self.r + h.x, rate: self.alpha + h.age }
    }
}

impl Likelihood for Nbd {
    const NAMES: &'static [&'static str] = &["r", "alpha"];
    type PerX = ();
    type PerTime = ();

    fn name(&self) -> &'static str {
        "NBD"
    }

    fn at(&self, logs: &[f64]) -> Self {
        Nbd { r: logs[0].exp(), alpha: logs[1].exp() }
    }

    fn values(&self) -> Vec<f64> {
        vec![self.r, self.alpha]
    }

    fn with_time_times(&self, factor: f64) -> Self {
        Nbd { alpha: self.alpha * factor, ..*self }
    }

    fn starts(&self) -> Vec<Vec<f64>> {
        vec![vec![-0.5, 1.0], vec![1.0, 2.0]]
    }

    fn per_x(&self, x: f64) -> ((), Terms) {
        ((), counting_terms(self.r, self.alpha, x))
    }

    fn per_time(&self, _: f64) {}

    fn row(&self, (): &(), _: [&(); 2], h: History) -> Terms {
        let (shape, at_end) = (self.r + h.x, self.alpha + h.age);
        let ln_end = at_end.ln();
        [-shape * ln_end, -self.r * ln_end, -self.alpha * shape / at_end, 0.0, 0.0, 0.0, 0.0, 0.0]
    }
}

/// What of Gamma-Poisson buying depends on `x` alone, and its derivatives by the logs of `r` and `alpha`.
pub(super) fn counting_terms(r: f64, alpha: f64, x: f64) -> Terms {
    let value = ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln();
    let by_r = r * (digamma(r + x) - digamma(r) + alpha.ln());
    [value, by_r, r, 0.0, 0.0, 0.0, 0.0, 0.0]
}

/// The future of a customer who never leaves: orders at a Gamma(`shape`, `rate`) rate.
#[derive(Clone, Copy, Debug)]
pub struct NbdFuture {
    shape: f64,
    rate: f64,
}

impl Future for NbdFuture {
    fn expected_orders(&self, t: f64) -> f64 {
        self.shape / self.rate * t.max(0.0)
    }

    fn p_alive(&self, _: f64) -> f64 {
        1.0
    }

    fn distribution(&self, t: f64, most: usize) -> Vec<f64> {
        negative_binomial(self.shape, self.rate, t.max(0.0), most)
    }

    fn p_no_order(&self, t: f64) -> f64 {
        (-self.shape * (t.max(0.0) / self.rate).ln_1p()).exp()
    }

    fn residual_orders(&self, delta: f64) -> f64 {
        // Without a discount: for ever.
        self.shape / self.rate / delta.max(0.0)
    }

    fn residual_time(&self, delta: f64) -> f64 {
        1.0 / delta.max(0.0)
    }

    fn time_scale(&self) -> f64 {
        self.rate
    }

    fn discounted_orders(&self, horizon: f64, delta: f64) -> f64 {
        self.shape / self.rate * self.discounted_time(horizon, delta)
    }

    fn discounted_time(&self, horizon: f64, delta: f64) -> f64 {
        expm1_over(-delta, horizon)
    }
}
