//! What lies ahead of a customer who is alive today.
//!
//! Every model here has the same shape: a customer's history changes what is believed of the buying rate and of the
//! drop-out, and then the future of a customer who is still alive is that of a new customer with those
//! beliefs. So each model says how alive a customer is, and hands out a [`Future`]; every question about the
//! future is P(alive) times the answer given here.

use super::special::GAUSS_LEGENDRE_8;

/// The buying to come of a customer who is alive at time zero. Times are in the model's unit, `t >= 0`.
pub trait Future {
    /// Expected orders within `t`.
    fn expected_orders(&self, t: f64) -> f64;

    /// The probability of still being alive at `t`.
    fn p_alive(&self, t: f64) -> f64;

    /// Probabilities of `0, 1, ..., most` orders within `t`.
    fn distribution(&self, t: f64, most: usize) -> Vec<f64>;

    /// The probability of no order within `t`.
    fn p_no_order(&self, t: f64) -> f64;

    /// Expected orders for ever, discounted continuously at `delta`; infinite where they do not converge.
    fn residual_orders(&self, delta: f64) -> f64;

    /// About the time in which expectations bend.
    fn time_scale(&self) -> f64;

    /// Expected orders within `horizon`, discounted continuously at `delta`:
    /// `e^(-delta h) E(h) + delta * integral of e^(-delta t) E(t) dt`, by parts.
    fn discounted_orders(&self, horizon: f64, delta: f64) -> f64 {
        let at_end = self.expected_orders(horizon);
        if delta == 0.0 {
            return at_end;
        }
        let inner =
            over_panels(self.time_scale(), horizon, delta, |t| (-delta * t).exp() * self.expected_orders(t));
        (-delta * horizon).exp() * at_end + delta * inner
    }

    /// Expected time alive for ever, discounted continuously at `delta`; infinite where it does not converge.
    fn residual_time(&self, delta: f64) -> f64 {
        if delta > 0.0 { self.discounted_time(45.0 / delta, delta) } else { f64::INFINITY }
    }

    /// Expected time alive within `horizon`, discounted continuously at `delta`.
    fn discounted_time(&self, horizon: f64, delta: f64) -> f64 {
        over_panels(self.time_scale(), horizon, delta, |t| (-delta * t).exp() * self.p_alive(t))
    }
}

/// The integral of `f` over `[0, end]`: eight Gauss-Legendre nodes to a panel, panels that grow with distance.
fn over_panels(scale: f64, end: f64, delta: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut from, mut sum) = (0.0, 0.0);
    let longest = if delta > 0.0 { 4.0 / delta } else { f64::INFINITY };
    // A scale far below the horizon needs no resolving: nothing happens there that counts.
    let scale = scale.max(1e-9 * end);
    while from < end {
        let length = (3.0 * (scale + from)).min(longest);
        // The last panel takes a small rest along.
        let to = if from + 1.2 * length >= end { end } else { from + length };
        let width = to - from;
        sum += width * GAUSS_LEGENDRE_8.iter().map(|(u, w)| w * f(from + u * width)).sum::<f64>();
        from = to;
    }
    sum
}
