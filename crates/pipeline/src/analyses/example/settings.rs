//! `[example]`.

use serde::Serialize;
use tillwise_core::{settings, settings_table};

use crate::PipelineError;
use crate::config::range;

settings! {
    /// The settings of `[example]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// Days back to the picture that orders are compared with.
        pub days_back: i32 = 30,
    }
}
settings_table!(Settings);

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let days = self.days_back;
        range("[example] days_back", (1..=3650).contains(&days), "within 1 to 3650", days.to_string())
    }
}
