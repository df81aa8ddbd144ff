//! `[example]`.

use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::config::range;

/// The settings of `[example]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Days back to the picture that orders are compared with.
    pub days_back: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { days_back: 30 }
    }
}

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
