//! `[forecast]`.

use serde::Serialize;
use tillwise_core::{settings, settings_table};
use tillwise_mine::clv::Model;

use crate::PipelineError;
use crate::config::range;

/// Days from one origin to the next.
pub const STEP_DAYS: i32 = 30;

settings! {
    /// The settings of `[forecast]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// How far forecasts look: a multiple of 30 days.
        pub horizon_days: i32 = 90,
        /// How far back origins are looked for, 30 days apart.
        pub history_days: i32 = 1080,
        /// The model of orders that the forecasts begin with.
        pub model: Model = Model::BgNbd,
        /// The share of what comes that ranges are to hold.
        pub coverage: f64 = 0.9,
    }
}
settings_table!(Settings);

impl Settings {
    /// Steps that a forecast looks ahead.
    pub fn horizon(&self) -> usize {
        (self.horizon_days / STEP_DAYS) as usize
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let days = self.horizon_days;
        let multiple = (30..=360).contains(&days) && days % STEP_DAYS == 0;
        range("[forecast] horizon_days", multiple, "a multiple of 30 within 30 to 360", days.to_string())?;
        let history = self.history_days;
        let within = (STEP_DAYS..=3600).contains(&history);
        range("[forecast] history_days", within, "within 30 to 3600", history.to_string())?;
        let in_time = Model::IN_TIME.contains(&self.model);
        let names = Model::IN_TIME.map(Model::name).join(", ");
        range("[forecast] model", in_time, &format!("one of {names}"), self.model.name().to_owned())?;
        let coverage = self.coverage;
        range(
            "[forecast] coverage",
            (0.5..=0.99).contains(&coverage),
            "within 0.5 to 0.99",
            coverage.to_string(),
        )
    }
}
