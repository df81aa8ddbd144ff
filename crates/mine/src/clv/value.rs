//! From orders to money: margin, costs, the time value of money, and what to do where spend says nothing.

use serde::{Deserialize, Serialize};
use tillwise_core::settings;

use crate::MineError;

/// Days in a year, for discounting.
pub const DAYS_PER_YEAR: f64 = 365.25;

/// Margin per unit of revenue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "the margin is a number from -1 to 1, or \"unit_cost\"")]
pub enum Margin {
    /// The same for everyone, from -1 to 1; at 1, CLV is revenue.
    Rate(f64),
    /// Each customer's own, from the unit costs of past orders; where there are none, everyone's.
    Named(MarginName),
}

/// The words that stand for a margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarginName {
    /// From unit costs.
    UnitCost,
}

impl Margin {
    /// From unit costs.
    #[allow(non_upper_case_globals)]
    pub const UnitCost: Margin = Margin::Named(MarginName::UnitCost);
}

/// What a customer whose net spend is zero or negative is expected to spend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NonPositiveSpend {
    /// As everyone does: nothing is known of a customer who returned it all.
    #[default]
    Population,
    /// Nothing.
    Zero,
    /// No statement: null.
    Null,
}

settings! {
    /// How future orders become money.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Value {
        /// How far CLV looks.
        pub horizon_days: f64 = 365.0,
        /// Margin per unit of revenue, or `"unit_cost"`; at 1, CLV is revenue.
        pub margin: Margin = Margin::Rate(1.0),
        /// Discount rate per year, 0.1 for 10 %.
        pub annual_discount_rate: f64 = 0.1,
        /// What it costs to serve an order.
        pub cost_per_order: f64 = 0.0,
        /// What it costs to keep a living customer for a year.
        pub cost_per_year: f64 = 0.0,
        /// What it cost to win the customer.
        pub acquisition_cost: f64 = 0.0,
        /// What customers whose net spend is not above zero are expected to spend.
        pub nonpositive_spend: NonPositiveSpend = NonPositiveSpend::Population,
        /// Coverage of the intervals, such as 0.95; at 0 there are none.
        pub interval: f64 = 0.95,
    }
}

impl Value {
    /// Whether CLV is revenue: no margin and no costs are taken off.
    pub fn is_revenue(&self) -> bool {
        self.margin == Margin::Rate(1.0) && self.cost_per_order == 0.0 && self.cost_per_year == 0.0
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// If the horizon is not above zero, the margin not within `[-1, 1]`, the rate not within `[0, 10]`, a cost
    /// negative, or the interval not within `[0, 1)`.
    pub fn check(&self) -> Result<(), MineError> {
        if !(self.horizon_days > 0.0 && self.horizon_days <= 36_525.0) {
            return Err(MineError::parameter("horizon_days", "above 0 and at most 36525", self.horizon_days));
        }
        if let Margin::Rate(rate) = self.margin
            && !(-1.0..=1.0).contains(&rate)
        {
            return Err(MineError::parameter("margin", "within -1 to 1, or \"unit_cost\"", rate));
        }
        if !(0.0..=10.0).contains(&self.annual_discount_rate) {
            return Err(MineError::parameter(
                "annual_discount_rate",
                "within 0 to 10, as 0.1 for 10 %",
                self.annual_discount_rate,
            ));
        }
        for (name, cost) in [
            ("cost_per_order", self.cost_per_order),
            ("cost_per_year", self.cost_per_year),
            ("acquisition_cost", self.acquisition_cost),
        ] {
            if !(cost >= 0.0 && cost.is_finite()) {
                return Err(MineError::parameter(name, "at least 0", cost));
            }
        }
        if !(0.0..1.0).contains(&self.interval) {
            return Err(MineError::parameter(
                "interval",
                "within 0 to 1, as 0.95, or 0 for none",
                self.interval,
            ));
        }
        Ok(())
    }

    /// The continuous rate per time unit of so many days: `ln(1 + annual rate)` spread over a year. Here and nowhere
    /// else an annual rate becomes one of the model's.
    pub fn delta(&self, unit_days: f64) -> f64 {
        self.annual_discount_rate.ln_1p() * unit_days / DAYS_PER_YEAR
    }

    /// Money from discounted orders and discounted time alive (in the model's unit).
    pub(super) fn of(&self, margin: f64, spend: f64, orders: f64, time: f64, unit_days: f64) -> f64 {
        orders * (margin * spend - self.cost_per_order)
            - self.cost_per_year * time * unit_days / DAYS_PER_YEAR
    }
}
