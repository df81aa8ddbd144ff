//! `[drift]`.

use serde::Serialize;
use tillwise_core::schema::{Kind, SUMMARY};
use tillwise_core::{settings, settings_table};

use crate::PipelineError;
use crate::config::{check_features, range};

settings! {
    /// The settings of `[drift]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// Columns of the customer table that are watched.
        pub columns: Vec<String> = [
            "days_since_last", "orders", "net_revenue", "avg_order_value", "mean_gap_days", "tenure_days", "distinct_products",
        ].map(str::to_owned).to_vec(),
        /// Bins of a column, at most.
        pub bins: usize = 10,
        /// Days after which today's customers become the reference.
        pub reference_days: i32 = 30,
        /// Alarms where nothing changed, as a share of all runs.
        pub false_alarms: f64 = 0.01,
        /// Distance below which a change is no alarm, however certain it is.
        pub least_distance: f64 = 0.05,
    }
}
settings_table!(Settings);

/// Whether a column of the customer table holds numbers.
fn is_number(name: &str) -> bool {
    SUMMARY.iter().any(|c| c.name == name && matches!(c.kind, Kind::Int32 | Kind::Int64 | Kind::Float))
}

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        check_features("[drift] columns", &self.columns, is_number)?;
        let text = |v: f64| v.to_string();
        range("[drift] bins", (2..=100).contains(&self.bins), "within 2 to 100", self.bins.to_string())?;
        let days = self.reference_days;
        range("[drift] reference_days", (1..=3650).contains(&days), "within 1 to 3650", days.to_string())?;
        let rate = self.false_alarms;
        range("[drift] false_alarms", rate > 0.0 && rate < 1.0, "within 0 to 1", text(rate))?;
        let least = self.least_distance;
        range("[drift] least_distance", (0.0..=1.0).contains(&least), "within 0 to 1", text(least))
    }
}
