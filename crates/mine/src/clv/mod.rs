//! Customer lifetime value: how many orders are still to come, and what they are worth.
//!
//! **Story.** Customers of a shop buy for a while and then, unseen, stop. [`bgnbd`] describes the buying
//! and the stopping from three numbers a customer ([`History`]); [`gamma_gamma`] describes what an order
//! day is worth. Together they give the discounted margin to expect within a horizon:
//!
//! `CLV = margin * E[spend] * DET`, `DET = integral over the horizon of e^(-delta t) dE[orders by t]`
//!
//! with `delta = ln(1 + annual rate)` per year, converted to the model's time unit in [`Value::new`] and
//! nowhere else. Integration by parts gives `DET = e^(-delta h) E(h) + delta * integral of e^(-delta t) E(t) dt`,
//! and the integral of that smooth function takes eight Gauss-Legendre nodes.
//!
//! **Units.** `t_x`, `age` and horizons are in the model's time unit ([`TimeUnit`]); only time is divided by
//! it, order days are never merged. `x` counts repeat order *days*. Money is in the export's currency.

pub mod bgnbd;
pub mod gamma_gamma;
mod optimize;
mod special;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use tillwise_core::Parameters;

use crate::MineError;
use crate::parallel;
pub use bgnbd::BgNbd;
pub use gamma_gamma::GammaGamma;

/// Days in a year, for discounting.
pub const DAYS_PER_YEAR: f64 = 365.25;

/// One customer's buying, in the model's time unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    /// Repeat order days.
    pub x: f64,
    /// From the first to the last order day, in `[0, age]`.
    pub t_x: f64,
    /// From the first order day to the end of observation: BTYD's `T`.
    pub age: f64,
}

/// What a model's time is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Days.
    Day,
    /// Weeks of seven days.
    #[default]
    Week,
}

impl TimeUnit {
    /// Days in one unit.
    pub fn days(self) -> f64 {
        match self {
            TimeUnit::Day => 1.0,
            TimeUnit::Week => 7.0,
        }
    }
}

/// The columns that CLV reads, one value a customer.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Repeat order days.
    pub x: &'a [f64],
    /// Days from the first to the last order day.
    pub t_x_days: &'a [f64],
    /// Days from the first order day to `as_of`.
    pub age_days: &'a [f64],
    /// Mean spend of an order day, the first excluded; NaN where there is none.
    pub mean_repeat_spend: &'a [f64],
}

impl Input<'_> {
    fn history(&self, i: usize, unit: TimeUnit) -> History {
        let d = unit.days();
        History { x: self.x[i], t_x: self.t_x_days[i] / d, age: self.age_days[i] / d }
    }
}

/// How future orders become money.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// How far CLV looks.
    pub horizon_days: f64,
    /// Margin per unit of revenue.
    pub margin: f64,
    /// Discount rate per year.
    pub annual_discount_rate: f64,
}

impl Value {
    /// Checks the numbers.
    ///
    /// # Errors
    /// If the horizon is not above zero, the margin not within `[-1, 1]`, or the rate not within `[0, 10]`.
    pub fn new(horizon_days: f64, margin: f64, annual_discount_rate: f64) -> Result<Value, MineError> {
        if !(horizon_days > 0.0 && horizon_days <= 36_525.0) {
            return Err(MineError::parameter("horizon_days", "above 0 and at most 36525", horizon_days));
        }
        if !(-1.0..=1.0).contains(&margin) {
            return Err(MineError::parameter("margin", "within -1 to 1", margin));
        }
        if !(0.0..=10.0).contains(&annual_discount_rate) {
            return Err(MineError::parameter(
                "annual_discount_rate",
                "within 0 to 10, as 0.1 for 10 %",
                annual_discount_rate,
            ));
        }
        Ok(Value { horizon_days, margin, annual_discount_rate })
    }

    /// The continuous rate per time unit: `ln(1 + annual rate)` spread over the units of a year.
    pub fn delta(&self, unit: TimeUnit) -> f64 {
        self.annual_discount_rate.ln_1p() * unit.days() / DAYS_PER_YEAR
    }
}

/// A fitted CLV model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clv {
    /// What the models' time is counted in.
    pub time_unit: TimeUnit,
    /// Orders.
    pub orders: BgNbd,
    /// Spend.
    pub spend: GammaGamma,
    /// Orders to money.
    pub value: Value,
}

impl Parameters for Clv {
    const KIND: &'static str = "clv";
    const VERSION: u32 = 1;

    fn check(&self) -> Result<(), String> {
        let (o, s) = (self.orders, self.spend);
        let positive =
            [o.r, o.alpha, o.a, o.b, s.p, s.q - 1.0, s.v].iter().all(|v| *v > 0.0 && v.is_finite());
        if !positive {
            return Err("r, alpha, a, b, p and v must be above zero, and q above one".to_owned());
        }
        let v = self.value;
        Value::new(v.horizon_days, v.margin, v.annual_discount_rate).map(|_| ()).map_err(|e| e.to_string())
    }
}

/// What a reader wants to know of a fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Customers in the orders' fit.
    pub customers: usize,
    /// Log-likelihood of the orders' model.
    pub orders_log_likelihood: f64,
    /// Steps of its optimiser.
    pub orders_iterations: usize,
    /// Largest element of the mean log-likelihood's gradient at the optimum, by log parameters.
    pub orders_gradient: f64,
    /// Customers in the spend's fit: those with repeat spend above zero.
    pub spenders: usize,
    /// Log-likelihood of the spend's model.
    pub spend_log_likelihood: f64,
    /// Steps of its optimiser.
    pub spend_iterations: usize,
    /// Largest element of its gradient.
    pub spend_gradient: f64,
    /// Correlation of repeat order days and mean repeat spend. Gamma-Gamma takes it to be zero.
    pub spend_frequency_correlation: Option<f64>,
    /// What to bear in mind.
    pub warnings: Vec<String>,
}

/// A customer's scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Probability of still being a customer.
    pub p_alive: f64,
    /// Expected order days within the horizon.
    pub expected_orders: f64,
    /// Expected spend of an order day.
    pub expected_order_value: f64,
    /// Expected discounted margin within the horizon.
    pub clv: f64,
}

/// Above this the Gamma-Gamma assumption is called into question.
const CORRELATION_LIMIT: f64 = 0.3;

impl Clv {
    /// Fits both models by maximum likelihood.
    ///
    /// # Errors
    /// If there are too few customers or repeat buyers, or a fit does not converge.
    pub fn fit(input: Input<'_>, time_unit: TimeUnit, value: Value) -> Result<(Clv, Report), MineError> {
        let histories: Vec<History> = (0..input.x.len()).map(|i| input.history(i, time_unit)).collect();
        let repeat: Vec<(f64, f64)> = input
            .x
            .iter()
            .zip(input.mean_repeat_spend)
            .filter(|(x, m)| **x > 0.0 && **m > 0.0 && m.is_finite())
            .map(|(x, m)| (*x, *m))
            .collect();
        let (orders, spend) = rayon::join(|| BgNbd::fit(&histories), || GammaGamma::fit(&repeat));
        let ((orders, orders_fit), (spend, spend_fit)) = (orders?, spend?);
        let (xs, ms): (Vec<f64>, Vec<f64>) = repeat.iter().copied().unzip();
        let correlation = Some(crate::stats::correlation(&xs, &ms)).filter(|c| c.is_finite());
        let mut warnings = vec!["BG/NBD gives every customer without a repeat order P(alive) = 1".to_owned()];
        if let Some(c) = correlation.filter(|c| c.abs() > CORRELATION_LIMIT) {
            warnings.push(format!(
                "frequency and spend correlate ({c:.2}); Gamma-Gamma takes them to be independent, so CLV is biased for frequent buyers"
            ));
        }
        for (model, fit) in [("BG/NBD", &orders_fit), ("Gamma-Gamma", &spend_fit)] {
            if !fit.run_off.is_empty() {
                warnings.push(format!(
                    "{model}: {} - on the boundary, for the customers differ too little in what these describe",
                    fit.run_off.join(", ")
                ));
            }
        }
        let report = Report {
            customers: histories.len(),
            orders_log_likelihood: orders_fit.log_likelihood,
            orders_iterations: orders_fit.iterations,
            orders_gradient: orders_fit.gradient,
            spenders: repeat.len(),
            spend_log_likelihood: spend_fit.log_likelihood,
            spend_iterations: spend_fit.iterations,
            spend_gradient: spend_fit.gradient,
            spend_frequency_correlation: correlation,
            warnings,
        };
        Ok((Clv { time_unit, orders, spend, value }, report))
    }

    /// The scores of every customer.
    pub fn score(&self, input: Input<'_>) -> Vec<Score> {
        let horizon = self.value.horizon_days / self.time_unit.days();
        let delta = self.value.delta(self.time_unit);
        parallel::map(input.x.len(), |i| {
            let history = input.history(i, self.time_unit);
            let p_alive = self.orders.p_alive(history);
            let expected_orders = self.orders.expected_orders(history, horizon);
            let expected_order_value = self.spend.expected_spend(history.x, input.mean_repeat_spend[i]);
            let discounted = self.orders.discounted_orders(history, horizon, delta);
            Score {
                p_alive,
                expected_orders,
                expected_order_value,
                clv: self.value.margin * expected_order_value * discounted,
            }
        })
    }
}
