//! Who is new, active, lapsing or lost by their own buying rhythm, and who buys much.
//!
//! The same fifty days of silence are nothing to one who orders each quarter, and a farewell from one who orders each week. So silence is
//! measured in the customer's own gaps between order days; of few gaps, the typical gap of all customers counts as one more:
//! `g = (x mean_gap + typical_gap) / (x + 1)`.

use serde::{Deserialize, Serialize};
use tillwise_core::settings;

use super::Input;
use super::breaks::quantiles;
use crate::MineError;

/// Rhythm and volume classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rhythm {
    /// Median of the mean gaps of all customers who came again; `None` if nobody did.
    pub typical_gap_days: Option<f64>,
    /// Silence, in the customer's gaps, from which they are lapsing.
    pub lapsing_gaps: f64,
    /// Silence from which they are lost.
    pub lost_gaps: f64,
    /// The shares of customers that are to be heavy and medium buyers.
    pub shares: [f64; 2],
    /// Orders above which a buyer is medium, and heavy.
    pub orders_above: [f64; 2],
}

settings! {
    /// Settings of [`Rhythm`].
    #[derive(Clone, Copy, Debug, PartialEq, Serialize)]
    pub struct RhythmSettings {
        /// Silence, in the customer's own gaps, from which they are lapsing.
        pub lapsing_gaps: f64 = 1.5,
        /// Silence from which they are lost.
        pub lost_gaps: f64 = 3.0,
        /// The share of customers with the most orders that are heavy buyers.
        pub heavy_share: f64 = 0.2,
        /// The share after them that are medium buyers.
        pub medium_share: f64 = 0.3,
    }
}

impl RhythmSettings {
    /// Checks the ranges.
    ///
    /// # Errors
    /// If a number is out of its range.
    pub fn check(&self) -> Result<(), MineError> {
        if !(self.lapsing_gaps > 0.0 && self.lapsing_gaps <= self.lost_gaps && self.lost_gaps.is_finite()) {
            let got = format!("{} and {}", self.lapsing_gaps, self.lost_gaps);
            return Err(MineError::parameter(
                "lapsing_gaps, lost_gaps",
                "above 0, the second not below the first",
                got,
            ));
        }
        let (heavy, medium) = (self.heavy_share, self.medium_share);
        if !(heavy > 0.0 && medium >= 0.0 && heavy + medium < 1.0) {
            let got = format!("{heavy} and {medium}");
            return Err(MineError::parameter(
                "heavy_share, medium_share",
                "shares that leave some for light buyers",
                got,
            ));
        }
        Ok(())
    }
}

impl Rhythm {
    pub(super) fn fit(input: Input<'_>, settings: &RhythmSettings) -> Result<Rhythm, MineError> {
        settings.check()?;
        let finite = |values: &[f64]| values.iter().copied().filter(|v| v.is_finite()).collect::<Vec<f64>>();
        // Type-7 quantiles, so that customers with equal orders share a class.
        let shares = [1.0 - settings.heavy_share - settings.medium_share, 1.0 - settings.heavy_share];
        let (typical, orders_above) = rayon::join(
            || quantiles(&mut finite(input.mean_gap_days), &[0.5]).first().copied(),
            || quantiles(&mut finite(input.orders), &shares),
        );
        Ok(Rhythm {
            typical_gap_days: typical,
            lapsing_gaps: settings.lapsing_gaps,
            lost_gaps: settings.lost_gaps,
            shares: [settings.heavy_share, settings.medium_share],
            orders_above: std::array::from_fn(|i| orders_above.get(i).copied().unwrap_or(0.0)),
        })
    }

    /// Whether it was fitted by these settings.
    pub(super) fn suits(&self, s: &RhythmSettings) -> bool {
        (self.lapsing_gaps, self.lost_gaps, self.shares)
            == (s.lapsing_gaps, s.lost_gaps, [s.heavy_share, s.medium_share])
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let gaps = self.lapsing_gaps > 0.0 && self.lapsing_gaps <= self.lost_gaps;
        let typical = self.typical_gap_days.is_none_or(|g| g > 0.0);
        if !(gaps && typical && self.orders_above.is_sorted()) {
            return Err("its gaps and orders must be above 0 and ascending".to_owned());
        }
        Ok(())
    }

    /// `new` (one order day, and not silent for long), `active`, `lapsing` or `lost`; `None` where nobody ever came again.
    pub fn status(&self, x: f64, days_since_last: f64, mean_gap_days: f64) -> Option<&'static str> {
        let typical = self.typical_gap_days?;
        let own = if x > 0.0 && mean_gap_days.is_finite() {
            (x * mean_gap_days + typical) / (x + 1.0)
        } else {
            typical
        };
        let silence = days_since_last / own;
        Some(match silence {
            s if s > self.lost_gaps => "lost",
            s if s > self.lapsing_gaps => "lapsing",
            _ if x > 0.0 => "active",
            _ => "new",
        })
    }

    /// `heavy`, `medium` or `light`, by orders.
    pub fn buyer_class(&self, orders: f64) -> &'static str {
        let [medium, heavy] = self.orders_above;
        if orders > heavy {
            "heavy"
        } else if orders > medium {
            "medium"
        } else {
            "light"
        }
    }
}
