//! `[value]`.

use serde::Serialize;
use tillwise_core::{Day, settings, settings_table};
use tillwise_mine::cohort::Length;

use crate::PipelineError;
use crate::config::{range, wrong};

settings! {
    /// The settings of `[value]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// Key customers that are listed.
        pub key_customers: usize = 20,
        /// The length of the periods that concentration is followed over.
        pub over: Length = Length::Quarter,
        /// The month that years and quarters begin with.
        pub fiscal_start_month: u8 = 1,
        /// Days of each of the two periods of the revenue bridge, the later one ending on the day of the picture.
        pub bridge_days: i32 = 365,
        /// First and last day of the earlier period, in place of that.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub bridge_before: Option<[Day; 2]> = None,
        /// First and last day of the later period.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub bridge_after: Option<[Day; 2]> = None,
    }
}
settings_table!(Settings);

impl Settings {
    /// The two periods of the bridge, as of a day.
    pub(crate) fn periods(&self, as_of: Day) -> [(Day, Day); 2] {
        match (self.bridge_before, self.bridge_after) {
            (Some(before), Some(after)) => [(before[0], before[1]), (after[0], after[1])],
            _ => {
                let days = self.bridge_days;
                let middle = as_of - days;
                [(middle - days + 1, middle), (middle + 1, as_of)]
            }
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let month = self.fiscal_start_month;
        range("[value] fiscal_start_month", (1..=12).contains(&month), "within 1 to 12", month.to_string())?;
        let days = self.bridge_days;
        range("[value] bridge_days", (1..=36_500).contains(&days), "within 1 to 36500", days.to_string())?;
        let keys = self.key_customers;
        range("[value] key_customers", keys <= 100_000, "at most 100000", keys.to_string())?;
        match (self.bridge_before, self.bridge_after) {
            (None, None) => Ok(()),
            (Some(before), Some(after)) => {
                let ordered = before[0] <= before[1] && before[1] < after[0] && after[0] <= after[1];
                let got = format!("{} to {} and {} to {}", before[0], before[1], after[0], after[1]);
                range(
                    "[value] bridge_before",
                    ordered,
                    "a period before bridge_after, each first day first",
                    got,
                )
            }
            _ => {
                Err(wrong("[value] bridge_before", "needs bridge_after, and the other way round".to_owned()))
            }
        }
    }
}
