//! Pareto/NBD and GGompertz/NBD: buying while alive, dropping out at any time.
//!
//! **Story** (Schmittlein, Morrison & Colombo 1987, "Counting your customers: who are they and what will they do next?",
//! Management Science 33). While alive, a customer orders at a Poisson rate `lambda`, Gamma(`r`, rate `alpha`) over customers.
//! Unseen, the customer drops out after a lifetime that does not depend on the orders:
//! * **Pareto/NBD**: exponential with rate `mu`, Gamma(`s`, rate `beta`) over customers; over all, `S(t) = (beta / (beta+t))^s`.
//! * **GGompertz/NBD** (Bemmaor & Glady 2012, "Modeling purchasing behavior with sudden 'death'", Management Science 58):
//!   Gompertz with hazard `eta b e^(b t)`, `eta` Gamma(`s`, rate `beta`); over all, `S(t) = (beta / (beta + e^(b t) - 1))^s`. As `b`
//!   and `beta` go to zero together it becomes Pareto/NBD with the rate `beta/b`, and where the data want that, it lies on a
//!   flat ridge: only the likelihood and the predictions are determined, and the report says so.
//!
//! Both are one model here. With the clock `w(t) = (e^(b t) - 1)/b` (for Pareto/NBD `w(t) = t`) and `B = beta/b` (`beta`), lifetimes are
//! Pareto on the clock: `S(t) = (B / (B + w(t)))^s`.
//!
//! **Likelihood**, per customer (Fader & Hardie 2005, "A note on deriving the Pareto/NBD model", equation 40 before the integral is
//! turned into hypergeometric functions):
//!
//! `L = G(r+x) alpha^r / G(r) * [ (alpha+T)^-(r+x) S(T) + integral over t_x..T of (alpha+u)^-(r+x) (-dS(u)) ]`
//!
//! The published form subtracts two hypergeometric functions, which overflow or cancel for frequent buyers and change form
//! where `alpha = beta`. The integral itself is positive and smooth: panels of ten Gauss-Legendre nodes, as long as its
//! scales allow (one or two for most customers), give it and its derivatives to ten digits.
//!
//! **P(alive)** is the first term's share. **The future** of a living customer is that of a new one with `r+x, alpha+T, s` and
//! `B + w(T)` (on the clock set back to zero):
//!
//! * E[X(t)] = `r / alpha * integral of S`; for Pareto/NBD `beta ((1 + t/beta)^(1-s) - 1) / (1-s)`, smooth at `s = 1`.
//! * P(X(t) = n): the count's negative binomial at `t`, alive, and at the time of death, integrated.
//! * Discounted orders: `r / alpha * integral of e^(-delta t) S(t)`; for ever (DERT) with Pareto/NBD, `r / alpha * E[1 / (mu + delta)]`.

use serde::{Deserialize, Serialize};

use super::History;
use super::future::Future;
use super::likelihood::{Fit, Likelihood, Terms, fit};
use super::nbd::counting_terms;
use super::special::{GAUSS_LEGENDRE_10, expm1_over, gamma_nodes, negative_binomial};
use crate::MineError;

/// Parameters of Pareto/NBD, all above zero; `alpha` and `beta` are in the model's time unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParetoNbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate parameter of the purchase rates.
    pub alpha: f64,
    /// Shape of the drop-out rates.
    pub s: f64,
    /// Rate parameter of the drop-out rates.
    pub beta: f64,
}

/// Parameters of GGompertz/NBD, all above zero; `alpha` and `1/b` are in the model's time unit, `beta` has none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GGompertzNbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Rate parameter of the purchase rates.
    pub alpha: f64,
    /// How fast a customer's hazard grows.
    pub b: f64,
    /// Shape of the hazards' levels.
    pub s: f64,
    /// Rate parameter of the hazards' levels.
    pub beta: f64,
}

/// Lifetimes over customers: Pareto of shape `s` and scale `scale` on the clock that `b` bends.
#[derive(Clone, Copy, Debug)]
struct Life {
    s: f64,
    scale: f64,
    b: f64,
}

/// The clock at a moment `u`, in a form that does not overflow: `ln(B + w(u))`, and its derivative `q = e^(b u) / (B + w(u))`.
struct Moment {
    ln_clock: f64,
    q: f64,
    /// `B e^(-b u) + (1 - e^(-b u))/b`: the scale of the lifetimes to come. `1/q`.
    scale: f64,
}

impl Life {
    fn moment(&self, u: f64) -> Moment {
        if self.b == 0.0 {
            let scale = self.scale + u;
            return Moment { ln_clock: scale.ln(), q: 1.0 / scale, scale };
        }
        let bu = self.b * u;
        let scale = self.scale * (-bu).exp() + expm1_over(-self.b, u);
        Moment { ln_clock: bu + scale.ln(), q: 1.0 / scale, scale }
    }

    /// `ln S(t)`.
    fn ln_survival(&self, t: f64) -> f64 {
        if self.b == 0.0 {
            return -self.s * (t / self.scale).ln_1p();
        }
        // ln(1 + w/B), which must be exact where w is small.
        let w = if self.b * t < 30.0 { expm1_over(self.b, t) / self.scale } else { f64::INFINITY };
        let ln = if w < 1.0 { w.ln_1p() } else { self.moment(t).ln_clock - self.scale.ln() };
        -self.s * ln
    }

    /// By `B`, and by `b` at fixed `B`: derivatives of `ln(B + w(u))`.
    fn clock_derivatives(&self, u: f64, m: &Moment) -> (f64, f64) {
        if self.b == 0.0 {
            return (m.q, 0.0);
        }
        let bu = self.b * u;
        let fade = (-bu).exp();
        let by_b = if bu < 1e-3 {
            u * u * (0.5 + bu / 3.0 + bu * bu / 8.0) * fade * m.q
        } else {
            (u * m.q - 1.0 + self.scale * fade * m.q) / self.b
        };
        (fade * m.q, by_b)
    }

    /// The lifetimes that remain to those alive at `t`.
    fn after(&self, t: f64) -> Life {
        Life { scale: self.moment(t).scale, ..*self }
    }

    /// Walks `[from, to]` in panels over which `(alpha+u)^-shape e^(-delta u) (B+w)^-(s+1) e^(b u)` is smooth, and hands `f` each
    /// node, its weight and the clock there. `f` says whether what is left may be forgotten.
    fn walk(
        &self,
        shape: f64,
        alpha: f64,
        delta: f64,
        (from, to): (f64, f64),
        mut f: impl FnMut(f64, f64, &Moment) -> bool,
    ) {
        let mut u = from;
        for _ in 0..100_000 {
            if u >= to {
                return;
            }
            let m = self.moment(u);
            // The integrand's logarithmic slope, and the distance to its nearest singularity.
            let slope = shape / (alpha + u) + delta + ((self.s + 1.0) * m.q - self.b).abs();
            let mut length = (2.0 * (alpha + u)).min(5.0 / slope);
            if self.b == 0.0 {
                length = length.min(2.0 * (self.scale + u));
            } else if self.b * u < 40.0 + (1.0 + self.b * self.scale).ln() {
                let fade = (-self.b * u).exp() * (1.0 - self.b * self.scale).abs();
                length = length.min(2.0 * m.scale / fade).min(1.5 / self.b);
            }
            length = length.max(1e-12 * (to - from));
            let end = if u + 1.1 * length >= to { to } else { u + length };
            let width = end - u;
            let mut forget = true;
            for (x, w) in GAUSS_LEGENDRE_10 {
                let at = u + width * x;
                forget &= f(at, width * w, &self.moment(at));
            }
            let falls = self.b == 0.0 || self.b * u > (1.0 + self.b * self.scale).ln();
            if forget && falls {
                return;
            }
            u = end;
        }
    }

    /// The integral of `e^(-delta t) S(t)` over `[0, end]`.
    fn discounted_time(&self, end: f64, delta: f64) -> f64 {
        if self.b == 0.0 && delta == 0.0 {
            return self.scale * expm1_over(1.0 - self.s, (end / self.scale).ln_1p());
        }
        let ln_scale = self.scale.ln();
        let mut sum = 0.0;
        self.walk(0.0, f64::INFINITY, delta, (0.0, end), |t, width, m| {
            let value = (-delta * t - self.s * (m.ln_clock - ln_scale)).exp();
            sum += width * value;
            value * (end - t) < 1e-17 * sum
        });
        sum
    }
}

/// The bracket of the likelihood and the means of its logarithm's derivatives over it.
#[derive(Default)]
struct Bracket {
    /// `ln` of the bracket.
    ln: f64,
    /// The alive term's share.
    alive: f64,
    /// By `shape`, `alpha`, `s`, `B`, and `b` at fixed `B`.
    by: [f64; 5],
}

/// A time as the bracket sees it: `ln(alpha + t)`, and the clock.
pub(super) struct Mark {
    ln_at: f64,
    moment: Moment,
}

impl Mark {
    fn new(life: &Life, alpha: f64, t: f64) -> Mark {
        Mark { ln_at: (alpha + t).ln(), moment: life.moment(t) }
    }
}

/// `GRADIENT` costs about as much again.
fn bracket<const GRADIENT: bool>(
    life: &Life,
    shape: f64,
    alpha: f64,
    h: History,
    [last, end]: [&Mark; 2],
) -> Bracket {
    let (ln_last, s) = (last.ln_at, life.s);
    let (start, end_at) = (&last.moment, end.ln_at);
    let end = &end.moment;
    // Everything relative to (alpha+t_x)^-shape (B+w(t_x))^-s.
    let alive = (-shape * (end_at - ln_last) - s * (end.ln_clock - start.ln_clock)).exp();
    let mut dead = 0.0;
    let mut by = [0.0; 5];
    let ln_s = s.ln();
    life.walk(shape, alpha, 0.0, (h.t_x, h.age), |u, width, m| {
        let at = alpha + u;
        let ln_at = at.ln();
        // ln of s q e^..., the density of death on the clock times the silence until then.
        let ln = ln_s - shape * (ln_at - ln_last) - s * (m.ln_clock - start.ln_clock);
        let value = width * m.q * ln.exp();
        dead += value;
        if GRADIENT {
            let (clock_b, clock_bend) = life.clock_derivatives(u, m);
            by[0] -= value * ln_at;
            by[1] -= value * shape / at;
            by[2] += value * (1.0 / s - m.ln_clock);
            by[3] -= value * (s + 1.0) * clock_b;
            by[4] += value * (u - (s + 1.0) * clock_bend);
        }
        value * (h.age - u) < 1e-18 * (dead + alive) * width
    });
    let total = alive + dead;
    if GRADIENT {
        let (clock_b, clock_bend) = life.clock_derivatives(h.age, end);
        by[0] -= alive * end_at;
        by[1] -= alive * shape / (alpha + h.age);
        by[2] -= alive * end.ln_clock;
        by[3] -= alive * s * clock_b;
        by[4] -= alive * s * clock_bend;
        by.iter_mut().for_each(|d| *d /= total);
        // S has B^s in it.
        by[2] += life.scale.ln();
        by[3] += s / life.scale;
    }
    Bracket {
        ln: total.ln() - shape * ln_last - s * (start.ln_clock - life.scale.ln()),
        alive: if total > 0.0 { alive / total } else { 0.0 },
        by,
    }
}

/// Methods that both models have.
macro_rules! lifetime_model {
    ($model:ident) => {
        impl $model {
            /// Fits by maximum likelihood.
            ///
            /// # Errors
            /// If a history is impossible, there are no repeat orders, or the fit does not converge.
            pub fn fit(histories: &[History]) -> Result<($model, Fit), MineError> {
                fit(&$model::at(&[0.0; 5]), histories)
            }

            /// The log-likelihood of a customer, without `-ln x!`.
            pub fn log_likelihood(&self, h: History) -> f64 {
                self.log_likelihood_of(h)
            }

            /// The probability that a customer is still alive at the end of observation.
            pub fn p_alive(&self, h: History) -> f64 {
                let (life, alpha) = (self.life(), self.alpha);
                let marks = [h.t_x, h.age].map(|t| Mark::new(&life, alpha, t));
                bracket::<false>(&life, self.r + h.x, alpha, h, [&marks[0], &marks[1]]).alive
            }

            /// The future of a customer who is alive.
            pub fn future(&self, h: History) -> LifetimeFuture {
                LifetimeFuture {
                    shape: self.r + h.x,
                    rate: self.alpha + h.age,
                    life: self.life().after(h.age),
                }
            }
        }
    };
}
lifetime_model!(ParetoNbd);
lifetime_model!(GGompertzNbd);

impl ParetoNbd {
    const NAMES: [&'static str; 4] = ["r", "alpha", "s", "beta"];

    fn at(logs: &[f64]) -> ParetoNbd {
        ParetoNbd { r: logs[0].exp(), alpha: logs[1].exp(), s: logs[2].exp(), beta: logs[3].exp() }
    }

    fn life(&self) -> Life {
        Life { s: self.s, scale: self.beta, b: 0.0 }
    }
}

impl GGompertzNbd {
    const NAMES: [&'static str; 5] = ["r", "alpha", "b", "s", "beta"];

    fn at(logs: &[f64]) -> GGompertzNbd {
        GGompertzNbd {
            r: logs[0].exp(),
            alpha: logs[1].exp(),
            b: logs[2].exp(),
            s: logs[3].exp(),
            beta: logs[4].exp(),
        }
    }

    fn life(&self) -> Life {
        Life { s: self.s, scale: self.beta / self.b, b: self.b }
    }
}

impl Likelihood for ParetoNbd {
    const NAMES: &'static [&'static str] = &ParetoNbd::NAMES;
    type PerX = ();
    type PerTime = Mark;

    fn name(&self) -> &'static str {
        "Pareto/NBD"
    }

    fn at(&self, logs: &[f64]) -> Self {
        ParetoNbd::at(logs)
    }

    fn values(&self) -> Vec<f64> {
        vec![self.r, self.alpha, self.s, self.beta]
    }

    fn with_time_times(&self, factor: f64) -> Self {
        ParetoNbd { alpha: self.alpha * factor, beta: self.beta * factor, ..*self }
    }

    fn starts(&self) -> Vec<Vec<f64>> {
        [[-0.6, 1.0, -0.6, 1.0], [0.5, 2.0, 0.5, 3.0], [-1.5, -1.0, -1.5, -1.0]].map(|s| s.to_vec()).to_vec()
    }

    fn per_x(&self, x: f64) -> ((), Terms) {
        ((), counting_terms(self.r, self.alpha, x))
    }

    fn per_time(&self, t: f64) -> Mark {
        Mark::new(&self.life(), self.alpha, t)
    }

    fn row(&self, (): &(), times: [&Mark; 2], h: History) -> Terms {
        let b = bracket::<true>(&self.life(), self.r + h.x, self.alpha, h, times);
        let [by_shape, by_alpha, by_s, by_scale, _] = b.by;
        [b.ln, self.r * by_shape, self.alpha * by_alpha, self.s * by_s, self.beta * by_scale, 0.0, 0.0, 0.0]
    }
}

impl Likelihood for GGompertzNbd {
    const NAMES: &'static [&'static str] = &GGompertzNbd::NAMES;
    type PerX = ();
    type PerTime = Mark;

    fn name(&self) -> &'static str {
        "GGompertz/NBD"
    }

    fn at(&self, logs: &[f64]) -> Self {
        GGompertzNbd::at(logs)
    }

    fn values(&self) -> Vec<f64> {
        vec![self.r, self.alpha, self.b, self.s, self.beta]
    }

    fn with_time_times(&self, factor: f64) -> Self {
        GGompertzNbd { alpha: self.alpha * factor, b: self.b / factor, ..*self }
    }

    fn starts(&self) -> Vec<Vec<f64>> {
        [[-0.6, 1.0, -2.0, -0.6, -1.0], [0.5, 2.0, -0.5, 0.5, 1.5], [-1.5, -1.0, 0.5, -1.0, 2.0]]
            .map(|s| s.to_vec())
            .to_vec()
    }

    fn per_x(&self, x: f64) -> ((), Terms) {
        ((), counting_terms(self.r, self.alpha, x))
    }

    fn per_time(&self, t: f64) -> Mark {
        Mark::new(&self.life(), self.alpha, t)
    }

    fn row(&self, (): &(), times: [&Mark; 2], h: History) -> Terms {
        let life = self.life();
        let b = bracket::<true>(&life, self.r + h.x, self.alpha, h, times);
        let [by_shape, by_alpha, by_s, by_scale, by_bend] = b.by;
        // B = beta / b.
        let by_ln_scale = life.scale * by_scale;
        [
            b.ln,
            self.r * by_shape,
            self.alpha * by_alpha,
            self.b * by_bend - by_ln_scale,
            self.s * by_s,
            by_ln_scale,
            0.0,
            0.0,
        ]
    }
}

/// The future of a living customer: orders at a Gamma(`shape`, `rate`) rate, for a lifetime.
#[derive(Clone, Copy, Debug)]
pub struct LifetimeFuture {
    shape: f64,
    rate: f64,
    life: Life,
}

impl Future for LifetimeFuture {
    fn expected_orders(&self, t: f64) -> f64 {
        if t <= 0.0 { 0.0 } else { self.shape / self.rate * self.life.discounted_time(t, 0.0) }
    }

    fn p_alive(&self, t: f64) -> f64 {
        self.life.ln_survival(t.max(0.0)).exp()
    }

    fn distribution(&self, t: f64, most: usize) -> Vec<f64> {
        let t = t.max(0.0);
        let alive = self.p_alive(t);
        let mut p: Vec<f64> =
            negative_binomial(self.shape, self.rate, t, most).into_iter().map(|p| p * alive).collect();
        let life = &self.life;
        let ln_scale = life.scale.ln();
        // Many orders come about within a narrow time: nodes as close as for that many events.
        life.walk(self.shape + most as f64, self.rate, 0.0, (0.0, t), |u, width, m| {
            let dies = width * life.s * m.q * (-life.s * (m.ln_clock - ln_scale)).exp();
            for (p, count) in p.iter_mut().zip(negative_binomial(self.shape, self.rate, u, most)) {
                *p += dies * count;
            }
            dies * (t - u) < 1e-17 * width
        });
        p
    }

    fn p_no_order(&self, t: f64) -> f64 {
        let silence = History { x: 0.0, t_x: 0.0, age: t.max(0.0) };
        let marks = [0.0, silence.age].map(|t| Mark::new(&self.life, self.rate, t));
        let bracket = bracket::<false>(&self.life, self.shape, self.rate, silence, [&marks[0], &marks[1]]);
        (bracket.ln + self.shape * self.rate.ln()).exp().min(1.0)
    }

    fn residual_orders(&self, delta: f64) -> f64 {
        let Life { s, scale, b } = self.life;
        let time = match (b > 0.0, delta > 0.0) {
            // E[1/mu].
            (false, false) if s > 1.0 => scale / (s - 1.0),
            (false, false) => f64::INFINITY,
            (false, true) => {
                let w = delta * scale;
                scale * gamma_nodes(s, w).iter().map(|(theta, weight)| weight / (theta + w)).sum::<f64>()
            }
            (true, _) => {
                // Beyond this either the discount or the survival, at least e^(-s b t) in the end, has faded.
                let end = (45.0 / (s * b) + (1.0 + scale * b).ln() / b).min(45.0 / delta.max(1e-300));
                self.life.discounted_time(end, delta)
            }
        };
        self.shape / self.rate * time
    }

    fn residual_time(&self, delta: f64) -> f64 {
        self.residual_orders(delta) * self.rate / self.shape
    }

    fn time_scale(&self) -> f64 {
        self.life.scale.min(self.rate)
    }

    fn discounted_orders(&self, horizon: f64, delta: f64) -> f64 {
        self.shape / self.rate * self.discounted_time(horizon, delta)
    }

    fn discounted_time(&self, horizon: f64, delta: f64) -> f64 {
        self.life.discounted_time(horizon, delta)
    }
}
